/** FOCUS's Invoice Detail and Billing Period, held against Cost and Usage and what FOCUS asks of their columns. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOTHING_EXACT, addExact, parseExact } from '#base/exact.js';
import type { BilledMonth } from '#billing/bills/billed-month.js';
import { BILLING_PERIOD_COLUMNS } from '#billing/bills/focus/billing-period.js';
import { billingPeriodCsv, invoiceDetailCsv } from '#billing/bills/focus/datasets.js';
import { focusCsv } from '#billing/bills/focus/export.js';
import { INVOICE_DETAIL_COLUMNS } from '#billing/bills/focus/invoice-detail.js';
import { csvRows } from '../../support/csv-rows.js';
import { variedMonth } from '../../support/varied-month.js';

type Row = Readonly<Record<string, string>>;

function costs(month: BilledMonth): readonly Row[] {
  return csvRows([...focusCsv(month, { version: '1.4', teamId: null })].join(''));
}

function sumBy(rows: readonly Row[], column: string): Readonly<Record<string, bigint>> {
  const sums: Record<string, bigint> = {};
  for (const row of rows) {
    const key = row[column] ?? '';
    const before = (sums[key] ?? NOTHING_EXACT) as typeof NOTHING_EXACT;
    sums[key] = addExact(before, parseExact(row['BilledCost'] ?? ''));
  }
  return sums;
}

describe('Invoice Detail', () => {
  test('criterion 21: its records are the sums of the rows of Cost and Usage that name them, exactly', () => {
    let corrections = 0;
    fc.assert(
      fc.property(
        fc.record({
          currency: fc.constantFrom('USD', 'JPY', 'KWD'),
          seed: fc.integer({ min: 1, max: 1_000_000 }),
          prepaid: fc.constantFrom('none', 'all', 'some'),
        }),
        (draft) => {
          const month = variedMonth(draft);
          const details = csvRows(invoiceDetailCsv(month));
          const rows = costs(month);
          expect(sumBy(details, 'InvoiceDetailId')).toEqual(sumBy(rows, 'InvoiceDetailId'));
          expect(sumBy(details, 'InvoiceId')).toEqual(sumBy(rows, 'InvoiceId'));
          expect(new Set(details.map((row) => row['InvoiceDetailId'])).size).toBe(details.length);
          const counted = details.reduce((sum, row) => sum + Number(row['x_ChargeCount']), 0);
          expect(counted).toBe(rows.length);
          for (const detail of details) {
            const own = rows.filter((row) => row['InvoiceDetailId'] === detail['InvoiceDetailId']);
            const grain = JSON.parse(detail['InvoiceDetailGrain'] ?? '') as Row;
            const isMending = grain['x_CorrectsMonth'] !== undefined;
            corrections += isMending ? 1 : 0;
            for (const row of own) {
              expect(row).toMatchObject({
                SubAccountId: grain['SubAccountId'],
                ServiceName: grain['ServiceName'],
                ChargeCategory: detail['ChargeCategory'],
                ChargeClass: isMending ? 'Correction' : '',
              });
              if (isMending) expect(row['x_CorrectsMonth']).toBe(grain['x_CorrectsMonth']);
            }
            const mended = grain['x_CorrectsMonth'] ?? month.month;
            expect(detail['ReferenceInvoiceId']).toBe(`acme-${mended}`);
          }
        },
      ),
      { numRuns: 30 },
    );
    expect(corrections).toBeGreaterThan(0);
  });

  test('says how final it is: open, issued, voided', () => {
    const statuses = (['open', 'inReview', 'closed', 'superseded'] as const).map(
      (state) => csvRows(invoiceDetailCsv(variedMonth({ state })))[0]?.['InvoiceIssueStatus'],
    );
    expect(statuses).toEqual(['Open', 'Open', 'Issued', 'Voided']);
  });
});

describe('Billing Period', () => {
  test('is one record, closed once the month is, and joins with the others', () => {
    const month = variedMonth({});
    const [period, ...more] = csvRows(billingPeriodCsv(month));
    expect(more).toEqual([]);
    expect(period).toEqual({
      BillingPeriodCreated: '2026-10-01T00:00:00Z',
      BillingPeriodEnd: '2026-11-01T00:00:00Z',
      BillingPeriodLastUpdated: '2026-11-04T10:15:00Z',
      BillingPeriodStart: '2026-10-01T00:00:00Z',
      BillingPeriodStatus: 'Closed',
      InvoiceIssuerName: 'Snowflake',
    });
    const [open] = csvRows(billingPeriodCsv(variedMonth({ state: 'inReview' })));
    expect(open?.['BillingPeriodStatus']).toBe('Open');
    const keys = ['BillingPeriodStart', 'InvoiceIssuerName'] as const;
    for (const row of [...costs(month), ...csvRows(invoiceDetailCsv(month))])
      for (const key of keys) expect(row[key]).toBe(period?.[key]);
  });
});

test('every column that FOCUS wants is there, and is empty only where it may be', () => {
  const month = variedMonth({});
  for (const [columns, text] of [
    [INVOICE_DETAIL_COLUMNS, invoiceDetailCsv(month)],
    [BILLING_PERIOD_COLUMNS, billingPeriodCsv(month)],
  ] as const) {
    const rows = csvRows(text);
    expect(rows.length).toBeGreaterThan(0);
    for (const { name, type, isNullable } of columns)
      for (const row of rows) {
        const value = row[name] ?? '';
        if (value === '') expect(isNullable, name).toBe(true);
        else if (type === 'DateTime') expect(value).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        else if (type === 'Decimal') expect(value).toMatch(/^-?\d+(\.\d+)?$/);
      }
  }
  expect(INVOICE_DETAIL_COLUMNS.map(({ name }) => name)).toEqual(
    'BilledCost BillingAccountId BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory InvoiceDetailCreated InvoiceDetailDescription InvoiceDetailGrain InvoiceDetailId InvoiceDetailLastUpdated InvoiceId InvoiceIssueDate InvoiceIssueStatus InvoiceIssuerName PaymentCurrency PaymentDueDate PaymentTerms ReferenceInvoiceId x_ChargeCount'.split(
      ' ',
    ),
  );
});
