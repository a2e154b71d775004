import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseMoney } from '../../../base/units.js';
import type { IdlePolicy, IdleRule } from '../../../billing/attribution/policies/idle-rule.js';
import { shareIdleTime } from '../../../billing/attribution/policies/share-idle-time.js';
import { readCost } from '../../../billing/attribution/read-cost.js';
import { createTestDatabase, expectInvariants } from '../../support/database.js';
import type { TestDatabase } from '../../support/database.js';

// Criteria 1, 3 and 14 of the billing domain, for the step that moves what nobody ran. Hours count from 2026-10-01 UTC.
const ACCOUNT = 'demo';
const OCTOBER = Date.UTC(2026, 9, 1);
const HOUR_MS = 3_600_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.db.query('DELETE FROM allocation_share');
  await database.db.query('DELETE FROM allocation_line');
  await database.db.query('DELETE FROM usage_warehouse_hour');
});

interface Line {
  readonly bucket: string;
  readonly credits: string;
  readonly team?: string;
  /** Of the statement that a line of nobody names. */
  readonly statementTeam?: string;
  readonly reason?: string;
  readonly queryId?: string;
}

/** An hour that is allocated, as `allocateStaleHours` leaves it. */
async function allocated(hour: number, lines: readonly Line[], warehouseId = '7'): Promise<void> {
  const startsAt = new Date(OCTOBER + hour * HOUR_MS);
  await database.db.query(
    `INSERT INTO usage_warehouse_hour (account, warehouse_id, starts_at, warehouse, metered_credits, cloud_services_credits,
       is_stale, allocated_at)
     SELECT $1, $2, $3, 'WH_' || $2, sum(credits), 0, false, now() FROM jsonb_to_recordset($4) AS r (credits numeric)`,
    [ACCOUNT, warehouseId, startsAt, JSON.stringify(lines)],
  );
  await database.db.query(
    `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, reason, query_id, team_id,
       statement_team_id, credits)
     SELECT $1, $2, $3, ordinality, bucket, reason, "queryId", team, coalesce("statementTeam", team), credits
     FROM ROWS FROM (jsonb_to_recordset($4) AS (bucket text, credits numeric, team text, "statementTeam" text, reason text,
       "queryId" text)) WITH ORDINALITY`,
    [ACCOUNT, warehouseId, startsAt, JSON.stringify(lines)],
  );
}

function rule(policy: IdlePolicy, more: Partial<IdleRule> = {}): IdleRule {
  return {
    from: OCTOBER,
    entry: `by-${policy}`,
    policy,
    idle: policy,
    resumeMinute: policy,
    shortQuery: policy,
    ownerTeam: 'platform',
    platformTeam: 'central',
    budgets: [
      { teamId: 'sales', weight: 3n },
      { teamId: 'growth', weight: 1n },
    ],
    ...more,
  };
}

function share(...rules: readonly IdleRule[]): Promise<{ readonly hours: number }> {
  return shareIdleTime(database.db, ACCOUNT, () => rules);
}

async function shares(): Promise<readonly string[]> {
  const { rows } = await database.db.query<Record<string, string | null>>(
    `SELECT (extract(epoch FROM s.starts_at) * 1000 - $1) / ${HOUR_MS} AS hour, s.ordinal, s.basis, s.team_id, s.query_id, s.credits
     FROM allocation_share s ORDER BY s.starts_at, s.warehouse_id, s.ordinal, s.team_id NULLS LAST`,
    [OCTOBER],
  );
  return rows.map((row) =>
    [
      Number(row['hour']),
      row['ordinal'],
      row['basis'],
      row['team_id'] ?? '-',
      row['query_id'] ?? '-',
      row['credits']?.replace(/0+$/, ''),
    ].join(' '),
  );
}

/** One of each kind of line: a resume minute, waiting before and after, a stretch between, short statements. */
const EVERY_KIND: readonly Line[] = [
  { bucket: 'direct', credits: '2', team: 'sales', queryId: 'a' },
  { bucket: 'bypass', credits: '1', team: 'growth', queryId: 'b' },
  { bucket: 'shortQuery', credits: '0.3' },
  { bucket: 'resumeMinute', credits: '0.03', statementTeam: 'sales', queryId: 'a' },
  { bucket: 'idle', credits: '0.06', reason: 'beforeFirst', statementTeam: 'sales', queryId: 'a' },
  { bucket: 'idle', credits: '0.6', reason: 'suspendTail', statementTeam: 'growth', queryId: 'b' },
  { bucket: 'idle', credits: '0.09', reason: 'unused' },
  { bucket: 'unexplained', credits: '0.5' },
];

describe('who bears what nobody ran', () => {
  beforeEach(() => allocated(0, EVERY_KIND));
  const PRO_RATA = (ordinal: number, sales: string, growth: string): string[] => [
    `0 ${ordinal} hour growth - ${growth}`,
    `0 ${ordinal} hour sales - ${sales}`,
  ];

  test('proRata: by what teams ran in that hour', async () => {
    expect(await share(rule('proRata'))).toEqual({ hours: 1 });
    expect(await shares()).toEqual([
      ...PRO_RATA(3, '0.2', '0.1'),
      ...PRO_RATA(4, '0.02', '0.01'),
      ...PRO_RATA(5, '0.04', '0.02'),
      ...PRO_RATA(6, '0.4', '0.2'),
      ...PRO_RATA(7, '0.06', '0.03'),
    ]);
    await expectInvariants(database.db);
  });

  test('causer: who woke the warehouse bears its first minute and the wait; the rest goes by what ran', async () => {
    await share(rule('causer'));
    expect(await shares()).toEqual([
      ...PRO_RATA(3, '0.2', '0.1'),
      '0 4 statement sales a 0.03',
      '0 5 statement sales a 0.06',
      ...PRO_RATA(6, '0.4', '0.2'),
      ...PRO_RATA(7, '0.06', '0.03'),
    ]);
  });

  test('tailOwner: whose statement was the last bears what stood idle after it', async () => {
    await share(rule('tailOwner'));
    expect(await shares()).toEqual([
      ...PRO_RATA(3, '0.2', '0.1'),
      '0 4 statement sales a 0.03',
      ...PRO_RATA(5, '0.04', '0.02'),
      '0 6 statement growth b 0.6',
      ...PRO_RATA(7, '0.06', '0.03'),
    ]);
  });

  test('budgetShare: every team by its limit, owner and platform: one team, and parts may differ', async () => {
    await share(
      rule('platform', { shortQuery: 'budgetShare', resumeMinute: 'owner', idle: 'platform' }),
    );
    expect(await shares()).toEqual([
      '0 3 budgets growth - 0.075',
      '0 3 budgets sales - 0.225',
      '0 4 owner platform - 0.03',
      '0 5 platform central - 0.06',
      '0 6 platform central - 0.6',
      '0 7 platform central - 0.09',
    ]);
    await expectInvariants(database.db);
  });

  test('criterion 3: a warehouse without an owner, and a budget share without budgets, leave the line visible', async () => {
    await share(rule('budgetShare', { budgets: [], ownerTeam: null }));
    expect((await shares())[0]).toBe('0 3 nobody - - 0.3');
    await expectInvariants(database.db);
  });

  test('criterion 14: switching moves the same lines otherwise; totals, direct and bypass stay; again changes nothing', async () => {
    const totals = async (): Promise<unknown> => {
      const { rows } = await database.db.query(
        `SELECT sum(credits) AS all, sum(credits) FILTER (WHERE bucket = 'direct' AND team_id = 'sales') AS direct,
           sum(credits) FILTER (WHERE bucket = 'bypass') AS bypass FROM allocation_borne`,
      );
      return rows;
    };
    const before = await totals();
    const seen: (readonly string[])[] = [];
    for (const policy of ['proRata', 'causer', 'tailOwner', 'budgetShare', 'platform'] as const) {
      expect(await share(rule(policy))).toEqual({ hours: 1 });
      seen.push(await shares());
      expect(await totals()).toEqual(before);
      await expectInvariants(database.db);
      // Criterion 14.
      expect(await share(rule(policy))).toEqual({ hours: 0 });
      expect(await shares()).toEqual(seen.at(-1));
    }
    expect(new Set(seen.map((each) => each.join())).size).toBe(seen.length);
    await share(rule('proRata'));
    expect(await shares()).toEqual(seen[0]);
    expect(await shareIdleTime(database.db, ACCOUNT, () => [])).toEqual({ hours: 1 });
    expect(await shares()).toEqual([]);
    expect(await totals()).toEqual(before);
  });
});

test('what each team ran in an hour is kept beside its lines, whoever writes or takes them; a wrong sum is named', async () => {
  const { db } = database;
  const sums = async (): Promise<unknown> => {
    const { rows } = await db.query(
      `SELECT warehouse_id || ' ' || coalesce(team_id, '-') || ' ' || lines || ' ' || trim_scale(credits) AS sum
       FROM allocation_team_hour ORDER BY warehouse_id, team_id NULLS LAST`,
    );
    return rows.map((row) => row['sum']);
  };
  const stranger: Line = { bucket: 'bypass', credits: '0.5', queryId: 'c' };
  await allocated(0, [...EVERY_KIND, { ...stranger, queryId: 'd' }, stranger]);
  await allocated(0, EVERY_KIND, '8');
  expect(await sums()).toEqual([
    '7 growth 1 1',
    '7 sales 1 2',
    '7 - 2 1',
    '8 growth 1 1',
    '8 sales 1 2',
  ]);
  await db.query("DELETE FROM allocation_line WHERE query_id IN ('c', 'a')");
  await db.query(
    "UPDATE allocation_line SET team_id = 'ml' WHERE warehouse_id = '8' AND team_id = 'growth'",
  );
  expect(await sums()).toEqual(['7 growth 1 1', '7 - 1 0.5', '8 ml 1 1']);
  expect((await db.query('SELECT * FROM invariant_team_hour')).rows).toEqual([]);
  await db.query("UPDATE allocation_team_hour SET credits = credits + 1 WHERE team_id = 'ml'");
  const { rows } = await db.query(
    'SELECT warehouse_id, team_id, credits - line_credits AS wrong FROM invariant_team_hour',
  );
  expect(rows).toEqual([{ warehouse_id: '8', team_id: 'ml', wrong: '1.000000000000' }]);
  await db.query("UPDATE allocation_team_hour SET credits = credits - 1 WHERE team_id = 'ml'");
});

test('a policy holds from its hour on, and only hours of another rule are shared again', async () => {
  const lines: readonly Line[] = [
    { bucket: 'direct', credits: '1', team: 'sales' },
    { bucket: 'idle', credits: '1', reason: 'unused' },
  ];
  for (const hour of [0, 1, 2]) await allocated(hour, lines);
  const later = rule('platform', { from: OCTOBER + 2 * HOUR_MS });
  expect(await share(rule('proRata', { from: OCTOBER + HOUR_MS }), later)).toEqual({ hours: 3 });
  expect(await shares()).toEqual(['1 2 hour sales - 1.', '2 2 platform central - 1.']);
  expect(
    await share(rule('proRata', { from: OCTOBER + HOUR_MS }), { ...later, platformTeam: 'it' }),
  ).toEqual({ hours: 1 });
  expect(await shares()).toEqual(['1 2 hour sales - 1.', '2 2 platform it - 1.']);
});

test('where nothing ran in the hour it goes by the day, then by the month, then to the owner; each when that comes, anew', async () => {
  const idle: Line = { bucket: 'idle', credits: '1', reason: 'unused' };
  await allocated(0, [idle]);
  await share(rule('proRata'));
  expect(await shares()).toEqual(['0 1 owner platform - 1.']);
  await allocated(24, [{ bucket: 'direct', credits: '1', team: 'growth' }]);
  expect(await share(rule('proRata'))).toEqual({ hours: 2 });
  expect(await shares()).toEqual(['0 1 month growth - 1.']);
  await allocated(5, [{ bucket: 'direct', credits: '1', team: 'sales' }]);
  expect(await share(rule('proRata'))).toEqual({ hours: 2 });
  expect(await shares()).toEqual(['0 1 day sales - 1.']);
  // Another warehouse, and another month of this one, change nothing (A6).
  await allocated(0, [{ bucket: 'direct', credits: '9', team: 'growth' }], '8');
  await allocated(24 * 31, [{ bucket: 'direct', credits: '9', team: 'growth' }]);
  await share(rule('proRata'));
  expect(await shares()).toEqual(['0 1 day sales - 1.']);
});

test('what ran past Tollgate of nobody keeps its part of idle time of nobody, in sight', async () => {
  await allocated(0, [
    { bucket: 'direct', credits: '1', team: 'sales', queryId: 'a' },
    { bucket: 'bypass', credits: '3', queryId: 'z' },
    { bucket: 'idle', credits: '0.4', reason: 'suspendTail', queryId: 'z' },
  ]);
  await share(rule('proRata'));
  expect(await shares()).toEqual(['0 3 hour sales - 0.1', '0 3 hour - z 0.3']);
  await share(rule('tailOwner'));
  expect(await shares()).toEqual(['0 3 nobody - z 0.4']);
  await expectInvariants(database.db);
});

test('a line that does not divide is split to its last unit, ties by team', async () => {
  await allocated(0, [
    { bucket: 'direct', credits: '1', team: 'c' },
    { bucket: 'direct', credits: '1', team: 'a' },
    { bucket: 'direct', credits: '1', team: 'b' },
    { bucket: 'idle', credits: '0.000000000002', reason: 'unused' },
    { bucket: 'idle', credits: '1', reason: 'between' },
  ]);
  await share(rule('proRata'));
  expect(await shares()).toEqual([
    '0 4 hour a - 0.000000000001',
    '0 4 hour b - 0.000000000001',
    '0 5 hour a - 0.333333333334',
    '0 5 hour b - 0.333333333333',
    '0 5 hour c - 0.333333333333',
  ]);
  await expectInvariants(database.db);
});

test('a team sees of idle time that it bears its own statements only', async () => {
  await allocated(0, EVERY_KIND);
  for (const policy of ['proRata', 'causer', 'tailOwner', 'budgetShare'] as const) {
    await share(rule(policy));
    const { rows } = await readCost(database.db, {
      period: { startsAt: OCTOBER, endsAt: OCTOBER + HOUR_MS },
      by: 'query',
      teamId: 'growth',
      priceAt: () => parseMoney('3'),
      rowsMax: 100,
    });
    expect(rows.map(({ key }) => key)).toEqual(expect.arrayContaining(['b']));
    expect(rows.map(({ key }) => key)).not.toContain('a');
  }
});

test('criterion 3: a share that is dropped, changed or left behind breaks the invariant, so it looked', async () => {
  await allocated(0, EVERY_KIND);
  await share(rule('proRata'));
  const faults = [
    "DELETE FROM allocation_share WHERE ordinal = 6 AND team_id = 'sales'",
    'DELETE FROM allocation_share WHERE ordinal = 7',
    "UPDATE allocation_share SET credits = credits + 1 WHERE ordinal = 3 AND team_id = 'sales'",
    'UPDATE allocation_share SET ordinal = 99 WHERE ordinal = 5',
    'UPDATE allocation_share SET ordinal = 8 WHERE ordinal = 5',
  ];
  for (const fault of faults) {
    await database.db
      .transaction(async (tx) => {
        await tx.query(fault);
        const { rows } = await tx.query('SELECT * FROM invariant_share');
        expect([fault, rows.length]).toEqual([
          fault,
          expect.toSatisfy((count: number) => count > 0),
        ]);
        throw new Error('back');
      })
      .catch((thrown: unknown) => {
        if (!(thrown instanceof Error) || thrown.message !== 'back') throw thrown;
      });
  }
  await expectInvariants(database.db);
});
