/** Every output of a month some of whose bills are in another currency. */
import { beforeAll, describe, expect, test } from 'vitest';
import { formatMoney } from '../../../base/currency.js';
import { type Money, addMoney, parseMoney } from '../../../base/units.js';
import { linesToCsv, summaryToCsv } from '../../../billing/bills/bill-csv.js';
import { convertedTotals } from '../../../billing/bills/convert-bills.js';
import { generalJournalCsv } from '../../../billing/bills/general-journal/layouts.js';
import { generalJournals } from '../../../billing/bills/general-journal/postings.js';
import { manifestOf, verifyFiles } from '../../../billing/bills/manifest.js';
import { renderMonthXlsx } from '../../../billing/bills/xlsx/render-workbook.js';
import type { BilledMonth } from '../../../billing/bills/billed-month.js';
import { convertedMonth } from '../../support/converted-month.js';
import { csvRows } from '../../support/csv-rows.js';
import { drawnBill } from '../../support/drawn-bill.js';
import { readXlsx } from '../../support/xlsx-reader.js';

describe.each([
  ['EUR', '0.9213'],
  ['JPY', '149.505'],
  ['KWD', '0.30715'],
])('a month with bills in %s', (into, rate) => {
  let month: BilledMonth;
  let total: string;
  beforeAll(() => {
    month = convertedMonth({ into, rate, days: 3 });
    const [of] = convertedTotals(month.bills);
    total = formatMoney(of?.amount ?? (0n as Money), into);
  });
  const sum = (rows: readonly Readonly<Record<string, string>>[], column: string): string =>
    formatMoney(
      addMoney(...rows.map((row) => parseMoney(row[column] === '' ? '0' : (row[column] ?? '0')))),
      into,
    );

  test('as CSV: lines and kinds sum to it, with rate, source and day', () => {
    const lines = csvRows(linesToCsv(month, month.bills)).filter(({ line }) => line !== 'total');
    const summary = csvRows(summaryToCsv(month, month.bills)).filter(
      ({ charge }) => charge !== 'total',
    );
    for (const rows of [lines, summary]) {
      expect(sum(rows, 'converted_amount')).toBe(total);
      const converted = rows.filter((row) => row['converted_currency'] === into);
      expect(converted.length).toBeGreaterThan(10);
      for (const row of converted)
        expect(row).toMatchObject({
          exchange_source: 'ECB, 30 October 2026',
          exchange_day: '2026-10-01',
        });
    }
    const [, bill] = month.bills;
    const own = csvRows(linesToCsv(month, bill === undefined ? [] : [bill]));
    expect(own.at(-1)).toMatchObject({
      line: 'total',
      converted_amount: formatMoney(bill?.conversion?.amount ?? (0n as Money), into),
    });
  });

  test('as a journal: balanced by legal entity and currency, each under an id of its own', () => {
    const journals = generalJournals(month);
    expect(journals.map(({ currency }) => currency).sort()).toEqual([into, 'USD'].sort());
    expect(new Set(journals.map(({ externalId }) => externalId)).size).toBe(2);
    for (const layout of ['netsuite', 'sap'] as const) {
      const rows = csvRows(generalJournalCsv(month, { layout, isReversal: false }));
      const own = rows.filter((row) => row['Currency'] === into);
      expect(own.length).toBeGreaterThan(3);
      for (const row of own.filter(
        (each) => each['Bill'] !== '' && each['Journal Entry - Line: Bill'] !== '',
      ))
        expect(row).toMatchObject({ 'Invoice Currency': 'USD', 'Rate Day': '2026-10-01' });
    }
  });

  test('as a manifest: bills and their currency sum, and a changed amount is found', async () => {
    const text = JSON.stringify(manifestOf(month, []));
    expect(JSON.parse(text)).toMatchObject({
      convertedTotals: [{ currency: into, amount: total }],
    });
    const verify = (of: string): Promise<object> =>
      verifyFiles(of, () => Promise.resolve(undefined));
    expect(await verify(text)).toMatchObject({ kind: 'intact' });
    const wrong = text.replace(
      `[{"currency":"${into}","amount":"${total}"`,
      `[{"currency":"${into}","amount":"1"`,
    );
    expect(await verify(wrong)).toMatchObject({ kind: 'broken', place: 'convertedTotals' });
  });

  test('as PDF: owed in its currency, with what was invoiced, rate, source and day', () => {
    const [plain, bill] = month.bills;
    if (plain === undefined || bill === undefined || bill.conversion === null)
      throw new Error('the second bill is converted');
    const texts = drawnBill(month, bill)
      .filter(({ page }) => page === 0)
      .map(({ text }) => text);
    expect(texts).toEqual(
      expect.arrayContaining(['Conversion', '2026-10-01', 'ECB, 30 October 2026', rate]),
    );
    expect(texts.filter((text) => text.startsWith(`${into} `)).length).toBeGreaterThanOrEqual(2);
    expect(drawnBill(month, plain).map(({ text }) => text)).not.toContain('Conversion');
  });

  test('as XLSX: the converted amounts of every sheet come to it', async () => {
    const sheets = readXlsx(await renderMonthXlsx(month));
    for (const name of ['Summary', 'Charges', 'Detail']) {
      const rows = sheets.get(name) ?? [];
      const at = (rows[0] ?? []).findIndex((cell) => cell?.value === 'Converted amount');
      expect(at, name).toBeGreaterThan(0);
      const amounts = rows.slice(1).flatMap((row) => row[at]?.value ?? []);
      expect(formatMoney(addMoney(...amounts.map((each) => parseMoney(each))), into)).toBe(total);
    }
    const control = (sheets.get('Control') ?? []).find(
      (row) => row[0]?.value === `Amount, ${into}`,
    );
    expect(control?.[2]?.value).toMatch(/^converted from USD -?\d+\.\d\d$/);
  });
});
