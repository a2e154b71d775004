/**
 * `allocate`: how long it takes to share out the idle time of a month anew after its policy is switched. The month is made
 * in SQL on a Postgres of its own: `rows` lines of statements over eight warehouses and thirty days, and forty lines of
 * nobody an hour. What is compared with what it was before: the totals, and what every team ran; and every invariant.
 */
import type { Database } from '../base/postgres/pool.js';
import type { IdlePolicy, IdleRule } from '../billing/attribution/policies/idle-rule.js';
import { shareIdleTime } from '../billing/attribution/policies/share-idle-time.js';
import { openOwn, withOwnLedger } from './own-ledger.js';
import { othersBusyMs, voidForOthers } from './processes.js';

export const ALLOCATE_BAR_SECONDS = 300;
const WAREHOUSES = 8;
const HOURS = 720;
const TEAMS = 15;
const SWITCHES = ['tailOwner', 'budgetShare', 'proRata'] as const;
const ACCOUNT = 'bench';
/** Of one statement of ours, as in production; making the month may take longer. */
const STATEMENT_MS = 30_000;
const MAKING_MS = 3_600_000;

export interface AllocateOptions {
  readonly rows: number;
  readonly log: (line: string) => void;
}

export interface AllocateReport {
  readonly statements: number;
  readonly movedLines: number;
  readonly hours: number;
  readonly switches: readonly {
    readonly from: string;
    readonly to: string;
    readonly seconds: number;
    readonly shares: number;
  }[];
  readonly repeatSeconds: number;
  /** What is not as it was, or an invariant that does not hold; empty: nothing. */
  readonly failures: readonly string[];
  readonly voidReasons: readonly string[];
}

export async function runAllocate({ rows, log }: AllocateOptions): Promise<AllocateReport> {
  return withOwnLedger({ isDurable: true }, async (urls) => {
    const maker = openOwn(urls.ownerUrl, 2, MAKING_MS);
    const db = openOwn(urls.appUrl, 2, STATEMENT_MS);
    try {
      log(`making a month of ${rows} statements`);
      await makeMonth(maker, rows);
      return await measure(db, maker, rows, log);
    } finally {
      await db.stop();
      await maker.stop();
    }
  });
}

async function measure(
  db: Database,
  maker: Database,
  rows: number,
  log: AllocateOptions['log'],
): Promise<AllocateReport> {
  const failures: string[] = [];
  const before = await totals(maker);
  await timed(db, 'proRata');
  const busy = othersBusyMs();
  const startedAt = performance.now();
  const switches: AllocateReport['switches'][number][] = [];
  let from: IdlePolicy = 'proRata';
  for (const to of SWITCHES) {
    const { seconds, hours } = await timed(db, to);
    const shares = await count(maker, 'allocation_share');
    switches.push({ from, to, seconds, shares });
    log(`${from} → ${to}: ${seconds.toFixed(1)} s, ${shares} shares`);
    if (hours !== WAREHOUSES * HOURS) failures.push(`${to}: ${hours} hours were shared`);
    if ((await totals(maker)) !== before) failures.push(`${to}: totals are not what they were`);
    from = to;
  }
  const others = (othersBusyMs() - busy) / (performance.now() - startedAt);
  const again = await timed(db, from);
  if (again.hours !== 0) failures.push(`${again.hours} hours were shared again for nothing`);
  for (const view of ['share', 'allocation', 'allocation_day', 'allocation_month', 'team_hour']) {
    const wrong = await count(maker, `invariant_${view}`);
    if (wrong > 0) failures.push(`invariant_${view} has ${wrong} rows`);
  }
  const statements = await count(maker, "allocation_line WHERE bucket IN ('direct', 'bypass')");
  if (statements !== rows) failures.push(`${statements} statements were made`);
  return {
    statements,
    movedLines: (await count(maker, 'allocation_line')) - statements,
    hours: WAREHOUSES * HOURS,
    switches,
    repeatSeconds: again.seconds,
    failures,
    voidReasons: voidForOthers(others),
  };
}

async function timed(
  db: Database,
  policy: IdlePolicy,
): Promise<{ readonly seconds: number; readonly hours: number }> {
  const rule: IdleRule = {
    from: 0,
    entry: policy,
    policy,
    idle: policy,
    resumeMinute: policy,
    shortQuery: policy,
    ownerTeam: 'team-0',
    platformTeam: 'team-1',
    budgets: Array.from({ length: TEAMS }, (_, team) => ({
      teamId: `team-${team}`,
      weight: BigInt(team + 1),
    })),
  };
  const startedAt = performance.now();
  const { hours } = await shareIdleTime(db, ACCOUNT, () => [rule]);
  return { seconds: (performance.now() - startedAt) / 1000, hours };
}

async function count(db: Database, what: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(`SELECT count(*) AS count FROM ${what}`);
  return Number(rows[0]?.count ?? NaN);
}

/** All that was metered, and what every team ran, as one text. */
async function totals(db: Database): Promise<string> {
  const { rows } = await db.query(
    `SELECT sum(credits) AS all, md5(string_agg(team || ' ' || ran, ',' ORDER BY team)) AS ran FROM (
       SELECT coalesce(team_id, '') AS team, sum(credits) AS credits,
         sum(credits) FILTER (WHERE bucket IN ('direct', 'bypass')) AS ran
       FROM allocation_borne GROUP BY 1) t`,
  );
  return JSON.stringify(rows);
}

async function makeMonth(db: Database, rows: number): Promise<void> {
  const each = Math.ceil(rows / (WAREHOUSES * HOURS));
  const month = "'2026-10-01T00:00:00Z'::timestamptz";
  await db.query(
    `INSERT INTO usage_warehouse_hour (account, warehouse_id, starts_at, warehouse, metered_credits, cloud_services_credits)
     SELECT $1, w::text, ${month} + h * interval '1 hour', 'WH_' || w, 0, 0
     FROM generate_series(1, ${WAREHOUSES}) w, generate_series(0, ${HOURS - 1}) h`,
    [ACCOUNT],
  );
  // Credits and teams that look drawn, the same in every run. A warehouse at a time: triggers hold what a statement wrote.
  for (let warehouse = 1; warehouse <= WAREHOUSES; warehouse += 1)
    await db.query(
      `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, reason, query_id, team_id, statement_team_id, credits)
       SELECT $1, w::text, ${month} + h * interval '1 hour', n, CASE WHEN drawn % 20 = 0 THEN 'bypass' ELSE 'direct' END, NULL,
         md5(w || ' ' || h || ' ' || n), team, team, (drawn % 999983 + 1) * 0.000000007
       FROM (SELECT $3::integer AS w) w, generate_series(0, ${HOURS - 1}) h, generate_series(1, ${each}) n,
         LATERAL (SELECT hashint8(w * 7919::bigint + h * 104729::bigint + n * 1299709::bigint)::bigint + 2147483648 AS drawn) d,
         LATERAL (SELECT CASE WHEN drawn % 400 <> 0 THEN 'team-' || drawn % ${TEAMS} END AS team) t
       WHERE ((w - 1) * ${HOURS} + h)::bigint * ${each} + n <= $2::bigint`,
      [ACCOUNT, rows, warehouse],
    );
  await db.query(
    `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, reason, query_id, statement_team_id, credits)
     SELECT $1, w::text, ${month} + h * interval '1 hour', 1000000 + n,
       CASE WHEN n <= 4 THEN 'resumeMinute' WHEN n <= 5 THEN 'shortQuery' ELSE 'idle' END,
       CASE WHEN n > 24 THEN 'between' WHEN n > 9 THEN 'suspendTail' WHEN n > 5 THEN 'beforeFirst' END,
       CASE WHEN n <> 5 THEN md5(w || ' ' || h || ' ' || n) END,
       CASE WHEN n <> 5 THEN 'team-' || (w + h + n) % ${TEAMS} END, 0.001000000007 * n
     FROM generate_series(1, ${WAREHOUSES}) w, generate_series(0, ${HOURS - 1}) h, generate_series(1, 40) n`,
    [ACCOUNT],
  );
  await db.query(
    `UPDATE usage_warehouse_hour h SET metered_credits = l.credits, is_stale = false, allocated_at = now()
     FROM (SELECT account, warehouse_id, starts_at, sum(credits) AS credits FROM allocation_line GROUP BY 1, 2, 3) l
     WHERE (h.account, h.warehouse_id, h.starts_at) = (l.account, l.warehouse_id, l.starts_at)`,
  );
  await db.query('VACUUM ANALYZE');
}
