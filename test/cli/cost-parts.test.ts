import { expect, test } from 'vitest';
import { layOutBypass, layOutHour, layOutServices } from '../../cli/verbs/cost-parts.js';
import type { BypassReply, HourReply, ServicesReply } from '../../cli/verbs/cost-parts.js';

const HOUR: HourReply = {
  warehouse: 'BATCH_WH',
  startsAt: '2026-11-02T09:00:00.000Z',
  meteredCredits: '2.500000000000',
  method: 'attributed',
  methodVersion: 1,
  isStale: false,
  problem: null,
  idlePolicy: { entry: 'by-use', policy: 'proRata', version: 1, reach: 'hour' },
  lines: [
    { bucket: 'direct', reason: null, queryId: '01b2', team: 'ml', credits: '2', shares: [] },
    {
      bucket: 'idle',
      reason: 'suspendTail',
      queryId: '01b2',
      team: null,
      credits: '0.5',
      shares: [
        { team: 'ml', basis: 'hour', queryId: null, credits: '0.4' },
        { team: null, basis: 'hour', queryId: null, credits: '0.1' },
      ],
    },
  ],
  others: { lines: 0, credits: '0' },
};

test('an hour is its lines, and below each who bears it', () => {
  expect(layOutHour(HOUR, 120)).toMatchInlineSnapshot(`
    "BATCH_WH, hour of 2026-11-02T09:00Z, 2.500000 credits metered; by attributed 1
    Idle time by proRata (by-use, version 1).

    line              statement  team      by     credits
    ────────────────  ─────────  ────────  ────  ────────
    direct            01b2       ml              2.000000
    idle suspendTail  01b2                       0.500000
      borne by                   ml        hour  0.400000
      borne by                   (nobody)  hour  0.100000"
  `);
});

test('an hour without a policy, of old figures, with a problem and with more lines says each', () => {
  const text = layOutHour(
    {
      ...HOUR,
      meteredCredits: null,
      method: null,
      methodVersion: null,
      idlePolicy: null,
      isStale: true,
      problem: 'No rate is known for STANDARD XLARGE.',
      lines: [],
      others: { lines: 7, credits: '0.25' },
    },
    120,
  );
  expect(text).toMatchInlineSnapshot(`
    "BATCH_WH, hour of 2026-11-02T09:00Z; by nothing yet
    Nothing is moved: no idle policy holds for it.
    Its figures have changed since; it is allocated anew with the next import.
    No rate is known for STANDARD XLARGE.

    line  statement  team  by  credits
    ────  ─────────  ────  ──  ───────
    7 more lines of 0.250000 credits."
  `);
});

const SERVICES: ServicesReply = {
  firstDay: '2026-10-01',
  lastDay: '2026-10-31',
  by: 'team',
  rows: [
    {
      service: 'WAREHOUSE_METERING',
      kind: 'cloudServices',
      key: 'sales',
      unit: 'credits',
      amount: '1.5',
    },
    { service: 'STORAGE', kind: 'storage', key: null, unit: 'bytes', amount: '1099511627776' },
  ],
  rowsLeftOut: 2,
  totalCredits: '1.5',
  reconciliation: {
    billedCredits: '10',
    allocatedCredits: '10',
    days: 31,
    staleDays: 0,
    variances: [
      { day: '2026-10-05', service: 'SNOWPIPE', part: 'hours', unit: 'credits', amount: '-0.25' },
    ],
  },
};

test('services are credits or byte-days, with what two figures of Snowflake differ by', () => {
  expect(layOutServices(SERVICES, 120)).toMatchInlineSnapshot(`
    "Services by team, 2026-10-01 to 2026-10-31 (UTC), beside the compute of warehouses

    service             kind           team       credits      byte-days
    ──────────────────  ─────────────  ────────  ────────  ─────────────
    WAREHOUSE_METERING  cloudServices  sales     1.500000
    STORAGE             storage        (nobody)            1099511627776
    2 more rows: ask with more --rows.

    Total 1.500000 credits.
    Reconciled: 31 days, 10.000000 credits billed with compute, difference 0.
      2026-10-05 SNOWPIPE: hours differs by -0.25 credits"
  `);
});

test('services of which something is missing are not reconciled, and none is said', () => {
  const reconciliation = {
    billedCredits: '10',
    allocatedCredits: '9.5',
    days: 31,
    staleDays: 3,
    variances: [],
  };
  expect(layOutServices({ ...SERVICES, rows: [], rowsLeftOut: 0, reconciliation }, 120))
    .toMatchInlineSnapshot(`
    "Services by team, 2026-10-01 to 2026-10-31 (UTC), beside the compute of warehouses

    No service was metered, or nothing is imported yet.

    Total 1.500000 credits.
    Not reconciled: 31 days, 10.000000 credits billed, 9.500000 allocated; 3 days are not allocated by their newest figures."
  `);
  expect(layOutServices({ ...SERVICES, reconciliation: null }, 120)).not.toContain('econciled');
});

const BYPASS: BypassReply = {
  governedStatements: 90,
  bypassStatements: 10,
  coveragePercent: '97.50',
  coverage: [
    {
      warehouse: 'BATCH_WH',
      day: '2026-10-02',
      bypassStatements: 10,
      bypassCredits: '0.25',
      coveragePercent: '90.00',
    },
    {
      warehouse: 'BATCH_WH',
      day: '2026-10-03',
      bypassStatements: 0,
      bypassCredits: '0',
      coveragePercent: '100.00',
    },
  ],
  callers: [
    {
      application: null,
      snowflakeUser: 'EVE',
      role: 'SYSADMIN',
      team: null,
      statements: 9,
      credits: '0.2',
    },
    {
      application: 'SnowSQL',
      snowflakeUser: 'BOB',
      role: null,
      team: 'ml',
      statements: 1,
      credits: '0.05',
    },
  ],
  sql: ['ALTER USER "EVE" SET NETWORK_POLICY = TOLLGATE_ONLY;'],
};

test('what ran past Tollgate is days, callers and the SQL that closes the way', () => {
  expect(layOutBypass(BYPASS, 120)).toMatchInlineSnapshot(`
    "97.50 % of the credits on governed warehouses came through Tollgate: 90 statements did, 10 did not.

    warehouse  day         statements past   credits  coverage %
    ─────────  ──────────  ───────────────  ────────  ──────────
    BATCH_WH   2026-10-02               10  0.250000       90.00

    application  user  role      team      statements   credits
    ───────────  ────  ────────  ────────  ──────────  ────────
                 EVE   SYSADMIN  (nobody)           9  0.200000
    SnowSQL      BOB             ml                 1  0.050000

    This closes the way for these users; read it, and run it yourself:
    ALTER USER "EVE" SET NETWORK_POLICY = TOLLGATE_ONLY;"
  `);
});

test('what began before the period and ran past Tollgate in it is told; so are callers that are left out, and where an address is missing', () => {
  const [day] = BYPASS.coverage;
  const told = layOutBypass(
    {
      ...BYPASS,
      bypassStatements: 0,
      coverage: day === undefined ? [] : [{ ...day, bypassStatements: 0 }],
      callersLeftOut: 7,
      sql: ["CREATE OR ALTER NETWORK POLICY T ALLOWED_IP_LIST = ('<address of Tollgate>/32');"],
    },
    120,
  );
  expect(told).toMatch(/BATCH_WH +2026-10-02 +0 +0\.250000/);
  expect(told).toContain('7 more callers');
  expect(told).toContain('--address');
  expect(layOutBypass({ ...BYPASS, sql: [] }, 120)).not.toContain('closes the way');
});

test('nothing past Tollgate is one line, and so is nothing at all', () => {
  const none = {
    ...BYPASS,
    coverage: BYPASS.coverage.slice(1),
    coveragePercent: '100.00',
    bypassStatements: 0,
  };
  expect(layOutBypass(none, 120)).toBe(
    '100.00 % of the credits on governed warehouses came through Tollgate: 90 statements did, 0 did not.',
  );
  expect(layOutBypass({ ...none, coveragePercent: null }, 120)).toBe(
    'Nothing ran on governed warehouses, or nothing is imported yet.',
  );
});
