/** What outputs of a bill look like: nothing runs, nothing is cut, nothing lies, and the same month gives the same bytes. */
import { describe, expect, test } from 'vitest';
import type { BilledMonth, TeamBill } from '../../../billing/bills/billed-month.js';
import { linesToCsv } from '../../../billing/bills/bill-csv.js';
import { billToJson } from '../../../billing/bills/bill-json.js';
import { moneyWithCurrency, printed, timeText } from '../../../billing/bills/pdf/figures.js';
import { openFonts } from '../../../billing/bills/pdf/fonts.js';
import { renderBillPdf } from '../../../billing/bills/pdf/render-bill.js';
import { PAGE } from '../../../billing/bills/pdf/paper.js';
import { renderBillXlsx, renderMonthXlsx } from '../../../billing/bills/xlsx/render-workbook.js';
import { NO_CREDITS, NO_MONEY, parseMoney } from '../../../base/units.js';
import { madeUpMonth } from '../../support/billed-month.js';
import { csvRecords } from '../../support/csv-reader.js';
import { drawnBill } from '../../support/drawn-bill.js';
import { readXlsx } from '../../support/xlsx-reader.js';

const closed = madeUpMonth({ days: 4 });
const [first] = closed.bills as [TeamBill];

function textsOf(month: BilledMonth, bill: TeamBill): readonly string[] {
  return drawnBill(month, bill).map(({ text }) => text);
}

const emptied: TeamBill = {
  ...first,
  lines: [],
  drivers: [],
  totalCredits: NO_CREDITS,
  totalAmount: NO_MONEY,
  comparison: { budgetMoney: null, previousMoney: null, trailingMoney: null, forecastMoney: null },
};

describe('PDF', () => {
  test('the same bill gives the same bytes, another one others', async () => {
    const bytes = Buffer.from(await renderBillPdf(closed, first));
    expect(bytes.subarray(0, 5).toString()).toBe('%PDF-');
    expect(bytes.equals(await renderBillPdf(closed, first))).toBe(true);
    const other = { ...first, teamName: 'Other' };
    expect(bytes.equals(await renderBillPdf(closed, other))).toBe(false);
  });

  test('a month that is not closed says so on every page', () => {
    const open = madeUpMonth({ days: 4, state: 'open' });
    const drawn = drawnBill(open, open.bills[0]!);
    const pages = new Set(drawn.map(({ page }) => page));
    expect(pages.size).toBeGreaterThan(1);
    for (const page of pages)
      expect(drawn.some((each) => each.page === page && /PROVISIONAL/.test(each.text))).toBe(true);
    expect(textsOf(closed, first).some((text) => /provisional/i.test(text))).toBe(false);
  });

  test('a bill of nothing, a credit, and amounts of thirty digits have their pages', async () => {
    expect(textsOf(closed, emptied)).toContain('Nothing was charged');
    const credited = { ...first, totalAmount: parseMoney('-12.5') };
    expect(textsOf(closed, credited)).toContain('Credited');
    expect(textsOf(closed, credited)).toContain('USD −12.50');
    const vast = { ...first, totalAmount: parseMoney('99999999999999999999999999.99') };
    for (const bill of [emptied, credited, vast])
      expect((await renderBillPdf(closed, bill)).length).toBeGreaterThan(5_000);
  });

  test('everything stands on its page, with more groups than one has room for', () => {
    const lines = Array.from({ length: 400 }, (_, index) => ({
      ...first.lines[index % first.lines.length]!,
      id: `line-${index}`,
      resource: `WAREHOUSE_${String(index).padStart(3, '0')}`,
    }));
    const drawn = drawnBill(closed, { ...first, lines });
    expect(Math.max(...drawn.map(({ page }) => page))).toBeGreaterThan(10);
    for (const { text, x, y } of drawn) {
      expect(x, text).toBeLessThanOrEqual(PAGE.width);
      expect(y, text).toBeLessThanOrEqual(PAGE.height);
    }
    expect(drawn.filter(({ text }) => text.startsWith('Page ')).length).toBe(
      new Set(drawn.map(({ page }) => page)).size,
    );
  });

  test('names in Latin, Polish and Japanese have glyphs of an embedded face; what has none is one box', async () => {
    const fonts = await openFonts();
    for (const text of ['Zażółć gęślą jaźń Łódź ä', 'ΑΒΓ Москва', '日本チーム']) {
      const runs = fonts.runs(text, 'semibold');
      expect(runs.map((run) => run.text).join('')).toBe(text);
      for (const { face, text: part } of runs)
        for (const character of part)
          expect(face.font.hasGlyphForCodePoint(character.codePointAt(0)!), character).toBe(true);
    }
    expect(fonts.runs('\u{1F600}', 'regular')).toHaveLength(1);
  });

  test('a team reads differences of the month, never sums of the organisation', async () => {
    const vast = parseMoney('987654321.12');
    const others = {
      ...closed,
      totalAmount: vast,
      reconciliation: { ...closed.reconciliation, invoicedMoney: vast, computedMoney: vast },
    };
    const sheets = readXlsx(await renderBillXlsx(others, first));
    const cells = [...sheets.values()].flat(2).map((cell) => cell?.value ?? '');
    const texts = [
      ...textsOf(others, first),
      ...cells,
      JSON.stringify(billToJson(others, first)),
      linesToCsv(others, [first]),
    ];
    expect(texts.length).toBeGreaterThan(100);
    expect(texts.filter((text) => /987,?654,?321/.test(text))).toEqual([]);
  });
});

test('a kind of charge that is all one driver’s has the share of that driver, in PDF and XLSX', async () => {
  const [line] = first.lines;
  const [driver] = first.drivers;
  if (line === undefined || driver === undefined) throw new Error('made up with both');
  const lineOf = (kind: 'direct' | 'idle', exact: string, owed: string): typeof line => ({
    ...line,
    kind,
    effectiveMoney: parseMoney(exact),
    amount: parseMoney(owed),
  });
  // By what is owed the first would be 33.3 %.
  const bill: TeamBill = {
    ...first,
    lines: [lineOf('direct', '0.014', '0.01'), lineOf('idle', '0.016', '0.02')],
    totalAmount: parseMoney('0.03'),
    drivers: [{ ...driver, effectiveMoney: parseMoney('0.014') }],
  };
  const onFirstPage = drawnBill(closed, bill).filter(({ page }) => page === 0);
  const shares = onFirstPage.filter(({ text }) => /^[0-9.]+ %$/.test(text));
  expect(shares.map(({ text }) => text)).toEqual(['46.7 %', '53.3 %', '100.0 %', '46.7 %']);
  const sheets = readXlsx(await renderBillXlsx(closed, bill));
  const last = (sheet: string): unknown => sheets.get(sheet)?.[1]?.at(-1)?.value;
  expect(sheets.get('Drivers')?.[1]?.map((cell) => cell?.value)).toContain('Dashboard');
  expect([last('Charges'), last('Drivers')]).toEqual(['46.7', '46.7']);
});

describe('XLSX', () => {
  test('no cell is a formula, whatever a name begins with', async () => {
    const month = madeUpMonth({ days: 1, teamName: '=HYPERLINK("http://x","y")' });
    const sheets = readXlsx(await renderMonthXlsx(month));
    expect([...sheets.keys()]).toEqual([
      'Summary',
      'Charges',
      'Detail',
      'Drivers',
      'Reconciliation',
      'Control',
    ]);
    const cells = [...sheets.values()].flat(2).filter((cell) => cell !== null);
    expect(cells.length).toBeGreaterThan(1_000);
    expect(cells.filter(({ type }) => type === 'f')).toEqual([]);
    expect(cells).toContainEqual({ type: 's', value: '=HYPERLINK("http://x","y")' });
  });

  test('the same month gives the same bytes, on another day too', async () => {
    const bytes = Buffer.from(await renderMonthXlsx(closed));
    expect(bytes.equals(await renderMonthXlsx(closed))).toBe(true);
  });

  test('an amount of more than fifteen digits is text, to the last one', async () => {
    const amount = parseMoney('12345678901234.56');
    const line = { ...first.lines[0]!, amount };
    const sheets = readXlsx(
      await renderBillXlsx(closed, { ...first, lines: [line], totalAmount: amount }),
    );
    const cells = [...(sheets.get('Detail') ?? [])].flat();
    expect(cells).toContainEqual({ type: 's', value: '12345678901234.560000000000' });
  });
});

test('criterion 22: names with quotes, line ends and formulas come through the CSV of a bill, and run nowhere', () => {
  for (const teamName of [
    '=cmd|"calc", x',
    '+1',
    '@SUM(A1)',
    '-2+3',
    'a\r\nb',
    '"',
    'Zoë, 東京',
    ' =1',
    '\t=1',
  ]) {
    const month = madeUpMonth({ days: 1, teamName });
    const [head, record] = csvRecords(linesToCsv(month, month.bills.slice(0, 1)));
    const name = record?.[head!.indexOf('team_name')] ?? '';
    expect(name.replace(/^'/, '')).toBe(teamName);
    expect(name).not.toMatch(/^[\s]*[=+@-]/);
  }
});

test('methods are named once each, also of a line that several made', async () => {
  const [line, ...others] = first.lines;
  const lines = [{ ...line!, method: 'attributed/2, services/1' }, ...others];
  const control = readXlsx(await renderBillXlsx(closed, { ...first, lines })).get('Control')!;
  const named = control.find((row) => row[0]?.value === 'Methods and their versions')?.[1]?.value;
  const methods = (named ?? '').split(', ');
  expect(methods).toEqual(expect.arrayContaining(['attributed/2', 'proRata/1', 'services/1']));
  expect(new Set(methods).size).toBe(methods.length);
});

test('criterion 22: control totals, hash and root stand on every form of a bill, and are alike', async () => {
  const { hash, lines } = first;
  const proofs = [hash, closed.merkleRoot];
  const csv = csvRecords(linesToCsv(closed, [first]))
    .at(-1)!
    .join(' ');
  const pages = textsOf(closed, first).join(' ');
  const control = readXlsx(await renderBillXlsx(closed, first)).get('Control')!;
  const sheet = control.flat().map((cell) => cell?.value ?? '');
  for (const proof of proofs) {
    expect(csv).toContain(`=${proof}`);
    expect(pages).toContain(proof);
    expect(sheet).toContain(proof);
  }
  expect(csv).toContain(`lines=${lines.length}`);
  expect(pages).toContain(`Control totals: ${lines.length} lines`);
  expect(sheet).toContain(String(lines.length));
  expect(billToJson(closed, first)).toMatchObject({
    hash,
    merkleRoot: closed.merkleRoot,
    controlTotals: { lines: lines.length },
  });
});

test('CSV begins with a byte order mark where it is asked for, and quotes what people wrote', () => {
  const month = madeUpMonth({ days: 1, teamName: '=cmd|"calc", x' });
  const text = linesToCsv(month, month.bills.slice(0, 1), { hasByteOrderMark: true });
  expect(text.codePointAt(0)).toBe(0xfeff);
  const [head, record] = csvRecords(text.slice(1));
  expect(record?.[head!.indexOf('team_name')]).toBe('\'=cmd|"calc", x');
});

test('figures are grouped, exact, and signed only when they are something', () => {
  expect(printed('-1234567.80')).toBe('−1,234,567.80');
  expect(printed('-0.00')).toBe('0.00');
  expect(moneyWithCurrency(parseMoney('1234.5'), 'JPY')).toBe('JPY 1,234');
  expect(moneyWithCurrency(parseMoney('0.0005'), 'KWD')).toBe('KWD 0.000');
  expect(timeText(3_599_600)).toBe('1 h 00');
});
