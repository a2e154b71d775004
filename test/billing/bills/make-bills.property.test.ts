/** From exact lines to the invoice: what is owed sums at every level, by lines, bills, legal entities and in all. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundToMinor } from '../../../base/currency.js';
import { type Money, NO_CREDITS, NO_MONEY, addMoney } from '../../../base/units.js';
import { serviceGroup } from '../../../billing/bills/invoice.js';
import { makeBills } from '../../../billing/bills/make-bills.js';
import type { ExactLine } from '../../../billing/bills/month-lines.js';
import { team, terms } from '../../support/metered-month.js';

const SERVICES = ['WAREHOUSE_METERING', 'STORAGE', 'AUTO_CLUSTERING'] as const;
const exact = fc
  .oneof(
    // A team, or a whole service, of which every line weighs nothing.
    fc.constant(0n),
    fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
    fc.bigInt({ min: -9n, max: 9n }).map((halves) => halves * 5_000_000_000n),
  )
  .map((amount) => amount as Money);
const drafts = fc.record({
  currency: fc.constantFrom('JPY', 'USD', 'KWD'),
  lines: fc.array(
    fc.record({
      teamId: fc.constantFrom('marketing', 'platform', 'sales', 'unallocated'),
      serviceType: fc.constantFrom(...SERVICES),
      effectiveMoney: exact,
    }),
    { maxLength: 30 },
  ),
  invoiced: fc.option(fc.dictionary(fc.constantFrom(...SERVICES), exact), { nil: null }),
  variance: exact,
});

function lineOf(
  of: Pick<ExactLine, 'teamId' | 'serviceType' | 'effectiveMoney'>,
  index: number,
): ExactLine {
  return {
    ...of,
    id: `line-${index}`,
    kind: 'service',
    account: 'demo',
    resource: null,
    chargeDay: '2026-10-05',
    usedMs: 0,
    statements: 0,
    credits: NO_CREDITS,
    measured: null,
    listPrice: NO_MONEY,
    contractedPrice: NO_MONEY,
    effectivePrice: NO_MONEY,
    prepaidMoney: NO_MONEY,
    method: 'services/1',
    note: '',
    corrects: null,
  };
}

const BOOKING = { costCentre: '', glAccount: '', mode: 'chargeback' } as const;
const TEAMS = ['marketing', 'platform', 'sales'].map((id) =>
  team(id, { booking: { ...BOOKING, legalEntity: id === 'sales' ? 'Acme KK' : 'Acme Ltd' } }),
);

test('criterion 19: lines sum to bills, bills to legal entities, entities to the invoice, in 0, 2 and 3 decimals and below zero', () => {
  let [invoices, belowZero] = [0, 0];
  fc.assert(
    fc.property(drafts, ({ currency, lines, invoiced, variance }) => {
      const made = lines.map(lineOf);
      const group = serviceGroup('demo', 'STORAGE');
      const bills = makeBills(
        {
          month: '2026-10',
          version: 1,
          lastDay: '2026-10-31',
          lines: made,
          invoice:
            invoiced === null
              ? null
              : {
                  byGroup: new Map(
                    Object.entries(invoiced).map(([of, money]) => [
                      serviceGroup('demo', of),
                      money,
                    ]),
                  ),
                  accounts: new Set(['demo']),
                },
          variances: [{ group, day: '2026-10-05', cause: 'lateData', difference: variance }],
          comparisons: new Map(),
          drivers: new Map(),
        },
        { ...terms({ currency }), teams: TEAMS },
      );
      for (const { lines: own, totalAmount } of bills) {
        expect(addMoney(...own.map(({ amount }) => amount))).toBe(totalAmount);
        for (const { amount } of own) expect(roundToMinor(amount, currency)).toBe(amount);
        if (totalAmount < 0n) belowZero += 1;
      }
      const total = addMoney(...bills.map(({ totalAmount }) => totalAmount));
      const entities = new Set(bills.map(({ booking }) => booking.legalEntity));
      const byEntity = [...entities].map((entity) =>
        addMoney(
          ...bills
            .filter(({ booking }) => booking.legalEntity === entity)
            .flatMap(({ lines: own }) => own.map(({ amount }) => amount)),
        ),
      );
      expect(addMoney(...byEntity)).toBe(total);
      // Without an invoice what the lines come to, else what it says.
      const whole =
        invoiced === null ? made.map((line) => line.effectiveMoney) : Object.values(invoiced);
      if (invoiced !== null) invoices += 1;
      expect(total).toBe(roundToMinor(addMoney(...whole), currency));
    }),
    { numRuns: 300 },
  );
  expect(Math.min(invoices, belowZero)).toBeGreaterThan(50);
});
