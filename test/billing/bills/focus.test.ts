/** What a file in the FOCUS format looks like, and the rules of FOCUS that one row can be held against. */
import { describe, expect, test } from 'vitest';
import { UNALLOCATED } from '#billing/bills/billed-month.js';
import { COLUMNS, columnsOf } from '#billing/bills/focus/columns.js';
import { focusCsv } from '#billing/bills/focus/export.js';
import { FOCUS_VERSIONS } from '#billing/bills/focus/versions.js';
import { csvRows } from '../../support/csv-rows.js';
import { variedMonth } from '../../support/varied-month.js';

const month = variedMonth({ prepaid: 'some' });

function rowsOf(version: (typeof FOCUS_VERSIONS)[number] = '1.4', of = month) {
  return csvRows([...focusCsv(of, { version, teamId: null })].join(''));
}

/** What FOCUS asks for in every file of a version. Source: its tables of columns. */
const MANDATORY =
  `BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart
  ChargeCategory ChargeClass ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost
  InvoiceIssuerName ListCost PricingQuantity PricingUnit ServiceCategory ServiceName`.split(/\s+/);
const BY_VERSION = {
  '1.2': ['ProviderName', 'PublisherName'],
  '1.3': ['ProviderName', 'PublisherName', 'HostProviderName', 'ServiceProviderName'],
  '1.4': ['HostProviderName', 'ServiceProviderName'],
} as const;

describe('columns', () => {
  test.each(FOCUS_VERSIONS)(
    'criterion 21: %s has what FOCUS asks for, and not what is of another version',
    (version) => {
      const mandatory = columnsOf(version)
        .filter(({ feature }) => feature === 'Mandatory')
        .map(({ name }) => name);
      expect(mandatory.sort()).toEqual([...MANDATORY, ...BY_VERSION[version]].sort());
      const names = columnsOf(version).map(({ name }) => name);
      expect(names.includes('AllocatedMethodId')).toBe(version !== '1.2');
      expect(names.includes('InvoiceDetailId')).toBe(version === '1.4');
    },
  );

  test('criterion 21: are named once, in PascalCase, ours behind those of FOCUS and with x_', () => {
    const names = COLUMNS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const firstOfOurs = names.findIndex((name) => name.startsWith('x_'));
    expect(names.slice(firstOfOurs).every((name) => /^x_([A-Z][a-z]+)+$/.test(name))).toBe(true);
    expect(names.slice(0, firstOfOurs).every((name) => /^([A-Z][a-z]+)+$/.test(name))).toBe(true);
    expect(names.slice(0, firstOfOurs)).toEqual(names.slice(0, firstOfOurs).toSorted());
  });

  test.each(FOCUS_VERSIONS)(
    'criterion 21: %s: no value is empty that may not be, and each has its type',
    (version) => {
      const columns = columnsOf(version);
      let looked = 0;
      for (const row of rowsOf(version))
        for (const { name, type, isNullable } of columns) {
          const value = row[name] ?? '';
          looked += 1;
          if (value === '') expect(isNullable, name).toBe(true);
          else expect(value, name).toMatch(TYPES[type]);
        }
      expect(looked).toBeGreaterThan(2_000);
    },
  );
});

const TYPES = {
  Decimal: /^-?\d+(\.\d+)?$/,
  DateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  JSON: /^\{".*\}$/,
  String: /^[^\r\n]+$/,
} as const;

describe('rows', () => {
  test('of usage are metered and priced; others are not, and consumed quantities stand in no other row', () => {
    const seen = new Map<string, number>();
    for (const row of rowsOf()) {
      const category = row['ChargeCategory'] ?? '';
      seen.set(category, (seen.get(category) ?? 0) + 1);
      expect(row['ConsumedQuantity'] !== '').toBe(category === 'Usage');
      expect(row['ConsumedUnit'] !== '').toBe(category === 'Usage');
      expect(row['PricingCategory']).toBe(category === 'Usage' ? 'Standard' : '');
      expect(row['PricingUnit'] === '').toBe(row['PricingQuantity'] === '');
      if (category !== 'Usage' || row['ChargeClass'] === 'Correction') continue;
      for (const name of [
        'PricingQuantity',
        'ListUnitPrice',
        'ContractedUnitPrice',
        'SkuId',
        'SkuPriceId',
      ])
        expect(row[name], name).not.toBe('');
    }
    expect([...seen.keys()].sort()).toEqual(['Adjustment', 'Credit', 'Usage']);
  });

  test('that mend a closed month are corrections with their first charge period, billed in this one', () => {
    const corrections = rowsOf().filter((row) => row['ChargeClass'] === 'Correction');
    expect(corrections.length).toBe(3 * month.bills.length);
    for (const row of corrections) {
      expect(row['ChargePeriodStart']).toMatch(/^2026-09-/);
      expect(row['BillingPeriodStart']).toBe('2026-10-01T00:00:00Z');
      expect(row['x_CorrectsMonth']).toBe('2026-09');
      expect(row['AllocatedMethodId']).toBe('');
    }
  });

  test('of nobody have no resource that they are allocated to', () => {
    const unallocated = rowsOf().filter((row) => row['x_TeamId'] === UNALLOCATED);
    expect(unallocated.length).toBeGreaterThan(10);
    for (const row of unallocated) {
      expect(row['AllocatedResourceId']).toBe('');
      expect(row['AllocatedTags']).toBe('');
    }
    expect(unallocated.some((row) => row['AllocatedMethodId'] !== '')).toBe(true);
  });

  test('take in the adjustment of cloud services where they can, and have it as a credit where not', () => {
    const rows = rowsOf();
    const services = rows.filter((row) => row['x_BucketKind'] === 'cloudServices');
    expect(services.length).toBe(month.bills.length);
    for (const row of services) {
      expect(row['x_AdjustmentLineId']).not.toBe('');
      expect(Number(row['PricingQuantity'])).toBeLessThan(Number(row['ConsumedQuantity']));
    }
    const alone = rows.filter((row) => row['x_BucketKind'] === 'cloudServicesAdjustment');
    expect(alone.map((row) => row['ChargeCategory'])).toEqual(services.map(() => 'Credit'));
  });

  test('are every line of every bill once', () => {
    const written = rowsOf().flatMap((row) =>
      [row['x_LineId'] ?? '', row['x_AdjustmentLineId'] ?? ''].filter((id) => id !== ''),
    );
    const lines = month.bills.flatMap((bill) => bill.lines.map(({ id }) => id));
    expect(written.length).toBe(lines.length);
    expect(new Set(written)).toEqual(new Set(lines));
  });

  test('of an open month belong to no invoice', () => {
    const open = rowsOf('1.4', variedMonth({ state: 'open' }));
    expect(open.every((row) => row['InvoiceId'] === '' && row['InvoiceDetailId'] === '')).toBe(
      true,
    );
    expect(open.every((row) => row['x_BillState'] === 'open')).toBe(true);
  });

  test('that begin like a formula do not run in a spreadsheet', () => {
    const notes = rowsOf().filter((row) => row['x_BucketKind'] === 'adjustment');
    expect(notes.length).toBe(month.bills.length);
    for (const row of notes) expect(row['x_Note']).toMatch(/^'=HYPERLINK/);
  });
});
