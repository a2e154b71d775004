/** Every output of a month says the same sums, in currencies of 0, 2 and 3 decimals. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesToCsv, summaryToCsv } from '../../../billing/bills/bill-csv.js';
import { billToJson } from '../../../billing/bills/bill-json.js';
import { moneyWithCurrency } from '../../../billing/bills/pdf/figures.js';
import { renderBillXlsx, renderMonthXlsx } from '../../../billing/bills/xlsx/render-workbook.js';
import { formatMoney } from '../../../base/currency.js';
import { addMoney, formatAmount, parseMoney } from '../../../base/units.js';
import { madeUpMonth } from '../../support/billed-month.js';
import { csvRecords } from '../../support/csv-reader.js';
import { drawnBill } from '../../support/drawn-bill.js';
import { factOf, readXlsx, totalOf } from '../../support/xlsx-reader.js';

const months = fc.record({
  currency: fc.constantFrom('USD', 'JPY', 'KWD'),
  days: fc.integer({ min: 1, max: 3 }),
  state: fc.constantFrom('open', 'inReview', 'closed'),
});

test('criterion 22: sums of PDF, XLSX, CSV and JSON are those of the bill', async () => {
  await fc.assert(
    fc.asyncProperty(months, fc.nat({ max: 15 }), async (asked, index) => {
      const month = madeUpMonth(asked);
      const bill = month.bills[index]!;
      const amount = formatMoney(bill.totalAmount, month.currency);
      const credits = formatAmount(bill.totalCredits);

      const [head, ...records] = csvRecords(linesToCsv(month, [bill]));
      const at = (name: string): number => head!.indexOf(name);
      const total = records.pop()!;
      expect(total[at('line')]).toBe('total');
      expect(total[at('amount')]).toBe(amount);
      expect(total[at('credits')]).toBe(credits);
      const summed = records.map((record) => parseMoney(record[at('amount')]!));
      expect(addMoney(...summed)).toBe(bill.totalAmount);

      const json = billToJson(month, bill) as {
        lines: { amount: string }[];
        totalAmount: string;
        controlTotals: { credits: string };
      };
      expect(json.totalAmount).toBe(amount);
      expect(json.controlTotals.credits).toBe(credits);
      expect(addMoney(...json.lines.map((line) => parseMoney(line.amount)))).toBe(bill.totalAmount);

      const texts = drawnBill(month, bill).map(({ text }) => text);
      const shown = moneyWithCurrency(bill.totalAmount, month.currency);
      expect(texts).toContain(shown);
      expect(texts.filter((text) => text.startsWith('Control totals:'))).not.toEqual([]);
      for (const text of texts.filter((each) => each.startsWith('Control totals:')))
        expect(text.endsWith(`credits, ${shown}`)).toBe(true);

      const sheets = readXlsx(await renderBillXlsx(month, bill));
      for (const sheet of ['Summary', 'Charges', 'Detail']) {
        const found = totalOf(sheets.get(sheet), `Amount, ${month.currency}`);
        expect(parseMoney(found!.value)).toBe(bill.totalAmount);
        expect(totalOf(sheets.get(sheet), 'Credits, exact')?.value).toBe(credits);
      }
      expect(factOf(sheets.get('Control'), 'Lines')?.value).toBe(String(bill.lines.length));
    }),
    { numRuns: 5 },
  );
});

test('criterion 19: sums of the whole month are those of its bills', async () => {
  for (const currency of ['USD', 'JPY', 'KWD']) {
    const month = madeUpMonth({ currency, days: 2 });
    const amount = formatMoney(month.totalAmount, currency);
    const summary = csvRecords(summaryToCsv(month, month.bills)).at(-1)!;
    expect(summary).toContain(amount);
    const sheets = readXlsx(await renderMonthXlsx(month));
    const total = totalOf(sheets.get('Summary'), `Amount, ${currency}`);
    expect(parseMoney(total!.value)).toBe(month.totalAmount);
    expect(factOf(sheets.get('Control'), 'Merkle root of the month')?.value).toBe(month.merkleRoot);
  }
});
