import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minorDecimals } from '#base/currency.js';
import { type Money, NO_MONEY, addMoney, parseMoney, subtractMoney } from '#base/units.js';
import type { BilledMonth, Booking } from '#billing/bills/billed-month.js';
import { JOURNAL_LAYOUTS, generalJournalCsv } from '#billing/bills/general-journal/layouts.js';
import { generalJournals, notPosted } from '#billing/bills/general-journal/postings.js';
import { csvRows } from '../../support/csv-rows.js';
import { madeUpMonth } from '../../support/billed-month.js';
import { variedMonth } from '../../support/varied-month.js';

const NETSUITE = { layout: 'netsuite', isReversal: false } as const;
const LINE = 'Journal Entry - Line: ';

type Row = Readonly<Record<string, string>>;

function rowsOf(month: BilledMonth, request: Parameters<typeof generalJournalCsv>[1] = NETSUITE) {
  return csvRows(generalJournalCsv(month, request));
}

function sum(rows: readonly Row[], column: string): Money {
  return addMoney(...rows.map((row) => parseMoney(row[column] === '' ? '0' : (row[column] ?? ''))));
}

/** The month with bookings drawn over two entities and both modes, and one bill below zero. */
function booked(seed: number, currency: string): BilledMonth {
  const month = variedMonth({ seed, currency });
  const bills = month.bills.map((bill, index) => {
    const isOdd = ((seed >> index) & 1) === 1;
    const booking: Booking = {
      ...bill.booking,
      legalEntity: isOdd ? 'Acme Ltd' : 'Acme  Ltd',
      mode: ((seed >> (index + 4)) & 3) === 0 ? 'showback' : 'chargeback',
    };
    const totalAmount = index === 1 ? subtractMoney(NO_MONEY, bill.totalAmount) : bill.totalAmount;
    return { ...bill, booking, totalAmount };
  });
  return { ...month, bills };
}

describe('journals', () => {
  test('criterion 22: are balanced by entity, and with what is not posted they are the bills', () => {
    let journals = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1 << 20 }),
        fc.constantFrom('USD', 'JPY', 'KWD'),
        (seed, currency) => {
          const month = booked(seed, currency);
          const rows = rowsOf(month);
          for (const id of new Set(rows.map((row) => row['External ID']))) {
            const own = rows.filter((row) => row['External ID'] === id);
            journals += 1;
            expect(sum(own, `${LINE}Debit`)).toBe(sum(own, `${LINE}Credit`));
            expect(new Set(own.map((row) => row['Subsidiary'])).size).toBe(1);
          }
          const teams = rows.filter((row) => row[`${LINE}Department`] !== '');
          const posted = subtractMoney(sum(teams, `${LINE}Debit`), sum(teams, `${LINE}Credit`));
          const owed = addMoney(...month.bills.map(({ totalAmount }) => totalAmount));
          expect(addMoney(posted, notPosted(month))).toBe(owed);
        },
      ),
      { numRuns: 50 },
    );
    expect(journals).toBeGreaterThan(50);
  });

  test('have amounts above zero on one side, in whole smallest units', () => {
    for (const currency of ['USD', 'JPY', 'KWD'])
      for (const row of rowsOf(booked(0b1010, currency))) {
        const amounts = [row[`${LINE}Debit`] ?? '', row[`${LINE}Credit`] ?? ''].filter(Boolean);
        expect(amounts).toHaveLength(1);
        expect(amounts[0]?.startsWith('-')).toBe(false);
        expect(amounts[0]?.split('.')[1]?.length ?? 0).toBe(minorDecimals(currency));
      }
  });

  test('have the bill of a credit on the other side', () => {
    const month = booked(0b11_0000_0000 + 0b1111 * 16, 'USD');
    const [, below] = month.bills;
    const row = rowsOf(month).find((each) => each[`${LINE}Bill`] === below?.id);
    expect(row?.[`${LINE}Debit`]).toBe('');
    expect(row?.[`${LINE}Credit`]).not.toBe('');
  });

  test('leave showback teams out', () => {
    const month = madeUpMonth();
    const told = month.bills.filter(({ booking }) => booking.mode === 'showback');
    expect(told.length).toBeGreaterThan(1);
    const bills = rowsOf(month).map((row) => row[`${LINE}Bill`]);
    expect(told.filter(({ id }) => bills.includes(id))).toEqual([]);
    expect(bills.filter((id) => id !== '')).toHaveLength(month.bills.length - told.length);
  });
});

/** A ledger that takes journals in: one whose id is there takes the place of the former as a whole. */
function imported(...files: readonly string[]): ReadonlyMap<string, readonly Row[]> {
  const ledger = new Map<string, readonly Row[]>();
  for (const file of files) {
    const rows = csvRows(file);
    for (const id of new Set(rows.map((row) => row['External ID'] ?? '')))
      ledger.set(
        id,
        rows.filter((row) => row['External ID'] === id),
      );
  }
  return ledger;
}

describe('importing again', () => {
  test('criterion 22: changes nothing: the same bytes, the same ids', () => {
    const file = generalJournalCsv(madeUpMonth(), NETSUITE);
    expect(generalJournalCsv(madeUpMonth(), NETSUITE)).toBe(file);
    expect(imported(file, file)).toEqual(imported(file));
  });

  test('of an accrual with other figures takes the place of the former one', () => {
    const early = madeUpMonth({ state: 'open', days: 10 });
    const late = madeUpMonth({ state: 'open', days: 20 });
    const [first, second] = [early, late].map((month) => generalJournalCsv(month, NETSUITE));
    expect(first).not.toBe(second);
    expect(imported(first ?? '', second ?? '')).toEqual(imported(second ?? ''));
  });

  test('of a version, its reversal and the next version leaves the next version', () => {
    const first = madeUpMonth();
    const next: BilledMonth = { ...madeUpMonth({ days: 20 }), version: 2 };
    const all = [
      ...generalJournals(first),
      ...generalJournals({ ...first, state: 'superseded' }, { isReversal: true }),
      ...generalJournals(next),
    ];
    expect(new Set(all.map(({ externalId }) => externalId)).size).toBe(all.length);
    const balances = (journals: typeof all): Record<string, Money> => {
      const sums: Record<string, Money> = {};
      for (const { postings } of journals)
        for (const { account, costCentre, side, amount } of postings) {
          const key = `${account}/${costCentre ?? ''}`;
          const move = side === 'debit' ? addMoney : subtractMoney;
          sums[key] = move(sums[key] ?? NO_MONEY, amount);
        }
      return sums;
    };
    expect(balances(all)).toEqual(balances([...generalJournals(next)]));
  });
});

test('an accrual reverses itself on the first day of the next month, a closed month stays', () => {
  const accrual = rowsOf(madeUpMonth({ state: 'inReview' }));
  expect(new Set(accrual.map((row) => row['Reversal Date']))).toEqual(new Set(['2026-11-01']));
  expect(accrual[0]?.['Memo']).toBe('Snowflake accrual 2026-10');
  const closed = rowsOf(madeUpMonth());
  expect(new Set(closed.map((row) => row['Reversal Date']))).toEqual(new Set(['']));
  expect(closed[0]?.['Posting Period']).toBe('Oct 2026');
  expect(closed[0]?.['Date']).toBe('2026-10-31');
});

test('what was not posted cannot be taken back', () => {
  const open = madeUpMonth({ state: 'open' });
  expect(() => generalJournals(open, { isReversal: true })).toThrow('only what was posted');
});

test('both layouts have the same postings', () => {
  const month = booked(0b0110_1010, 'KWD');
  const [netsuite, sap] = JOURNAL_LAYOUTS.map((layout) =>
    rowsOf(month, { layout, isReversal: false }),
  );
  expect(
    sap?.map((row) => [
      row['External ID'],
      row['Bill'],
      row['Debit/Credit Indicator'],
      row['Amount'],
    ]),
  ).toEqual(
    netsuite?.map((row) => {
      const isDebit = row[`${LINE}Debit`] !== '';
      return [
        row['External ID'],
        row[`${LINE}Bill`],
        isDebit ? 'S' : 'H',
        row[`${LINE}${isDebit ? 'Debit' : 'Credit'}`],
      ];
    }),
  );
  for (const row of sap ?? []) {
    expect(row['Reference']).toHaveLength(16);
    expect(row['Header Text']?.length).toBeLessThanOrEqual(25);
    expect(row['Text']?.length).toBeLessThanOrEqual(50);
  }
});

test('criterion 22: names that begin like a formula do not run in a spreadsheet', () => {
  const month = madeUpMonth();
  const bills = month.bills.map((bill) => ({
    ...bill,
    booking: { ...bill.booking, legalEntity: '=1+1' },
  }));
  expect(rowsOf({ ...month, bills })[0]?.['Subsidiary']).toBe("'=1+1");
});
