/**
 * The rules of FOCUS that need sums, which the official validator does not run (it calls them dynamic), over made-up months
 * in currencies of two, no and three decimals.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Exact, NOTHING_EXACT, addExact, parseExact, toExact } from '#base/exact.js';
import { addMoney } from '#base/units.js';
import type { BilledMonth } from '#billing/bills/billed-month.js';
import { payable } from '#billing/bills/focus/charges.js';
import { focusCsv } from '#billing/bills/focus/export.js';
import { FOCUS_VERSIONS, type FocusVersion } from '#billing/bills/focus/versions.js';
import { csvRows } from '../../support/csv-rows.js';
import { variedMonth } from '../../support/varied-month.js';

type Row = Readonly<Record<string, string>>;

const drafts = fc.record({
  currency: fc.constantFrom('USD', 'JPY', 'KWD'),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  prepaid: fc.constantFrom('none', 'all', 'some'),
});

function rowsOf(month: BilledMonth, version: FocusVersion = '1.4'): readonly Row[] {
  return csvRows([...focusCsv(month, { version, teamId: null })].join(''));
}

function sum(rows: readonly Row[], column: string): Exact {
  return rows.reduce((total, row) => addExact(total, amount(row, column)), NOTHING_EXACT);
}

function amount(row: Row, column: string): Exact {
  return parseExact(row[column] ?? '');
}

function grouped(rows: readonly Row[], column: string): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = row[column] ?? '';
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

/** The product of two decimals as text, by integers of its own: not by what the export multiplies with. */
function product(a: string, b: string): string {
  const decimals = (text: string): number => text.split('.')[1]?.length ?? 0;
  const whole = (text: string): bigint => BigInt(text.replace('.', ''));
  const places = decimals(a) + decimals(b);
  const value = whole(a) * whole(b);
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0');
  const split = digits.length - places;
  const fraction = digits.slice(split).replace(/0+$/, '');
  const text = `${digits.slice(0, split)}.${fraction === '' ? '0' : fraction}`;
  return value < 0n ? `-${text}` : text;
}

describe('rules of sums, over months of USD, JPY and KWD', () => {
  test('criterion 21: unit price × quantity is the cost, exactly, on every priced row', () => {
    let priced = 0;
    fc.assert(
      fc.property(drafts, (draft) => {
        for (const row of rowsOf(variedMonth(draft))) {
          if (row['PricingQuantity'] === '') continue;
          priced += 1;
          const quantity = row['PricingQuantity'] ?? '';
          expect(row['ListCost']).toBe(product(row['ListUnitPrice'] ?? '', quantity));
          expect(row['ContractedCost']).toBe(product(row['ContractedUnitPrice'] ?? '', quantity));
        }
      }),
      { numRuns: 20 },
    );
    expect(priced).toBeGreaterThan(500);
  });

  test('criterion 21: costs sum to each bill, and billed cost to what is payable of the invoice', () => {
    fc.assert(
      fc.property(drafts, (draft) => {
        const { prepaid, currency } = draft;
        const month = variedMonth(draft);
        const rows = rowsOf(month);
        for (const bill of month.bills) {
          const own = rows.filter((row) => row['x_BillId'] === bill.id);
          expect(sum(own, 'EffectiveCost')).toBe(toExact(bill.totalAmount));
          expect(sum(own, 'x_AmountOwed')).toBe(toExact(bill.totalAmount));
        }
        expect([...grouped(rows, 'InvoiceId').keys()]).toEqual(['acme-2026-10']);
        const owed = month.bills.flatMap((bill) =>
          bill.lines.map((line) => payable(line, currency)),
        );
        expect(sum(rows, 'BilledCost')).toBe(toExact(addMoney(...owed)));
        expect(sum(rows, 'EffectiveCost')).toBe(toExact(month.totalAmount));
        if (prepaid === 'none') expect(sum(rows, 'BilledCost')).toBe(toExact(month.totalAmount));
        if (prepaid === 'all')
          for (const row of rows)
            if (row['ChargeCategory'] === 'Usage') expect(row['BilledCost']).toBe('0.0');
      }),
      { numRuns: 30 },
    );
  });

  test('criterion 21: shares of one origin: ratios sum to 1, quantities to its own, all else is alike', () => {
    let shared = 0;
    fc.assert(
      fc.property(drafts, (draft) => {
        const month = variedMonth(draft);
        for (const [origin, rows] of grouped(rowsOf(month), 'x_OriginChargeId')) {
          if (origin === '') continue;
          // Of money alone nothing was counted.
          if (rows[0]?.['PricingUnit'] === 'Units') continue;
          shared += 1;
          const ratios = rows.map(ratioOf);
          expect(ratios.reduce(addExact, NOTHING_EXACT)).toBe(parseExact('1'));
          const lines = rows.map((row) => lineOf(month, row['x_LineId'] ?? ''));
          const adjusted = rows.map((row) => lineOf(month, row['x_AdjustmentLineId'] ?? ''));
          const metered = [...lines, ...adjusted].map((line) =>
            toExact((line?.measured?.quantity ?? line?.credits ?? 0n) as never),
          );
          expect(sum(rows, 'PricingQuantity')).toBe(metered.reduce(addExact, NOTHING_EXACT));
          for (const column of ALIKE) expect(grouped(rows, column).size, column).toBe(1);
        }
      }),
      { numRuns: 20 },
    );
    expect(shared).toBeGreaterThan(100);
  });

  test('a file of one team is its rows of the file of all', () => {
    const month = variedMonth({ seed: 7 });
    const own = csvRows([...focusCsv(month, { version: '1.4', teamId: 'marketing' })].join(''));
    expect(own).toEqual(rowsOf(month).filter((row) => row['x_TeamId'] === 'marketing'));
    expect(own.length).toBeGreaterThan(10);
  });

  test.each(FOCUS_VERSIONS)('%s: the same month gives the same bytes', (version) => {
    const file = (): string => [...focusCsv(variedMonth(), { version, teamId: null })].join('');
    expect(file()).toBe(file());
  });
});

/** Everything that is no sum and no part of the split is alike in all shares of one origin. */
const ALIKE = [
  'BillingAccountId',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargePeriodStart',
  'ConsumedUnit',
  'ContractedUnitPrice',
  'HostProviderName',
  'ListUnitPrice',
  'PricingCategory',
  'PricingUnit',
  'RegionId',
  'ResourceId',
  'ResourceType',
  'ServiceName',
  'SkuId',
  'SkuPriceId',
  'SubAccountId',
];

/** Read from the text, as a double would lose digits. */
function ratioOf(row: Row): Exact {
  const match = /"AllocatedRatio":(-?[\d.]+),/.exec(row['AllocatedMethodDetails'] ?? '');
  return parseExact(match?.[1] ?? '');
}

function lineOf(
  month: BilledMonth,
  id: string,
): BilledMonth['bills'][number]['lines'][number] | undefined {
  return month.bills.flatMap(({ lines }) => lines).find((line) => line.id === id);
}
