/** "Query shapes": which statements repeat, what a month of them comes to, and which got dearer. */
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import {
  bars,
  buildBoard,
  CREDITS,
  figure,
  table,
  teamVariable,
  type Column,
  type Tile,
} from './panels.js';
import { sqlQuery } from './queries.js';

const TEAMS = 'team_id IN (${team:sqlstring})';
const IN_TIME = `$__timeFilter(occurred_at) AND ${TEAMS}`;
const SECONDS = 'extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz)';
/** As long as the chosen time, before it. */
const BEFORE = `occurred_at >= $__timeFrom()::timestamptz - ($__timeTo()::timestamptz - $__timeFrom()::timestamptz)
  AND occurred_at < $__timeFrom() AND ${TEAMS}`;

const COUNT: Column = { unit: 'short', decimals: 0 };
const COLUMNS: Readonly<Record<string, Column>> = {
  statements: COUNT,
  amount: { unit: 'none', decimals: 2 },
  shape: { width: 600 },
};

export function queryShapes(): dashboard.Dashboard {
  return buildBoard({
    uid: 'tollgate-query-shapes',
    title: 'query shapes',
    description:
      'Statements that differ only in their literals: how often they run, what they cost, what has changed.',
    from: 'now-24h',
    variables: [teamVariable(true)],
    rows: [
      { h: 4, tiles: headline() },
      { h: 10, tiles: [runRate()] },
      { h: 10, tiles: [dearest()] },
      { h: 10, tiles: [regressions()] },
      { h: 9, tiles: [fresh(), failing()] },
      { h: 9, tiles: [byClass(), refusedShapes()] },
    ],
  });
}

function headline(): readonly Tile[] {
  const one = (title: string, description: string, unit: string, decimals: number, sql: string) =>
    figure(8, { title, description, unit, decimals }, sqlQuery('table', sql));
  return [
    one(
      'Shapes',
      'Different statements that were charged in the chosen time.',
      'short',
      0,
      `SELECT count(DISTINCT fingerprint)::float8 AS shapes FROM tollgate.dash_charge WHERE ${IN_TIME}`,
    ),
    one(
      'Statements',
      'Charged statements.',
      'short',
      0,
      `SELECT count(*)::float8 AS statements FROM tollgate.dash_charge WHERE ${IN_TIME}`,
    ),
    one(
      'Thirty days at this pace',
      'What thirty days like the chosen time would take.',
      CREDITS,
      2,
      `SELECT (coalesce(sum(credits), 0) * 2592000 / ${SECONDS})::float8 AS credits FROM tollgate.dash_charge WHERE ${IN_TIME}`,
    ),
  ];
}

function runRate(): Tile {
  return table(
    24,
    {
      title: 'Run rate',
      description: 'What thirty days of each shape would take at the pace of the chosen time.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT team_id AS team, left(min(statement_shape), 300) AS shape, count(*)::float8 AS statements,
  (count(*) * 3600 / ${SECONDS})::float8 AS "runs an hour", (sum(credits) * 2592000 / ${SECONDS})::float8 AS "in thirty days",
  (sum(amount) * 2592000 / ${SECONDS})::float8 AS amount, currency, min(workload) AS workload
FROM tollgate.dash_charge WHERE ${IN_TIME}
GROUP BY team_id, fingerprint, currency HAVING count(*) > 1 ORDER BY sum(credits) DESC LIMIT 50`,
    ),
    { ...COLUMNS, 'runs an hour': { unit: 'short', decimals: 2 } },
  );
}

function dearest(): Tile {
  return table(
    24,
    {
      title: 'Dearest runs',
      description: 'Shapes by what a single run of them cost at most.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT team_id AS team, left(min(statement_shape), 300) AS shape, count(*)::float8 AS statements,
  max(credits)::float8 AS "dearest run", (sum(credits) / count(*))::float8 AS "credits each",
  sum(credits)::float8 AS credits, sum(amount)::float8 AS amount, currency, min(warehouse_size) AS size
FROM tollgate.dash_charge WHERE ${IN_TIME}
GROUP BY team_id, fingerprint, currency ORDER BY max(credits) DESC LIMIT 50`,
    ),
    COLUMNS,
  );
}

function regressions(): Tile {
  return table(
    24,
    {
      title: 'Got dearer',
      description:
        'Shapes of which a run cost more than in the time of the same length before, by what the difference came to. A break in their history, or a larger warehouse, explains most.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `WITH earlier AS (
  SELECT team_id, fingerprint, avg(credits) AS each, count(*) AS runs FROM tollgate.dash_charge
  WHERE ${BEFORE} GROUP BY team_id, fingerprint
), later AS (
  SELECT team_id, fingerprint, min(statement_shape) AS shape, avg(credits) AS each, count(*) AS runs
  FROM tollgate.dash_charge WHERE ${IN_TIME} GROUP BY team_id, fingerprint
)
SELECT later.team_id AS team, left(later.shape, 300) AS shape, earlier.runs::float8 AS "runs before",
  earlier.each::float8 AS "each before", later.runs::float8 AS "runs now", later.each::float8 AS "each now",
  (later.each / nullif(earlier.each, 0))::float8 AS factor, ((later.each - earlier.each) * later.runs)::float8 AS "came to"
FROM later JOIN earlier USING (team_id, fingerprint)
WHERE later.each > earlier.each ORDER BY (later.each - earlier.each) * later.runs DESC LIMIT 50`,
    ),
    {
      shape: { width: 600 },
      'runs before': { unit: 'short', decimals: 0 },
      'runs now': { unit: 'short', decimals: 0 },
      factor: { unit: 'none', decimals: 2 },
    },
  );
}

function fresh(): Tile {
  return table(
    12,
    {
      title: 'New shapes',
      description: 'Charged in the chosen time, and not in the time of the same length before.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT min(occurred_at) AS since, team_id AS team, left(min(statement_shape), 200) AS shape,
  count(*)::float8 AS statements, sum(credits)::float8 AS credits
FROM tollgate.dash_charge WHERE ${IN_TIME} AND fingerprint NOT IN (
  SELECT fingerprint FROM tollgate.dash_charge WHERE ${BEFORE} AND fingerprint IS NOT NULL
) GROUP BY team_id, fingerprint ORDER BY sum(credits) DESC LIMIT 25`,
    ),
    { statements: COUNT, shape: { width: 350 }, since: { unit: 'dateTimeAsIso' } },
  );
}

function failing(): Tile {
  return table(
    12,
    {
      title: 'Paid for nothing',
      description: 'Charges of statements that failed, were cancelled or stopped.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT team_id AS team, ending, left(min(statement_shape), 200) AS shape, count(*)::float8 AS statements,
  sum(credits)::float8 AS credits
FROM tollgate.dash_charge WHERE ${IN_TIME} AND ending <> 'succeeded'
GROUP BY team_id, ending, fingerprint ORDER BY sum(credits) DESC LIMIT 25`,
    ),
    { statements: COUNT, shape: { width: 350 } },
  );
}

function byClass(): Tile {
  return bars(
    12,
    {
      title: 'Credits by class',
      description: 'Queries, changes of data, and what else is charged, an hour.',
      unit: CREDITS,
    },
    sqlQuery(
      'time_series',
      `SELECT $__timeGroup(occurred_at, '1h'), coalesce(statement_class, 'unknown') AS metric, sum(credits)::float8 AS credits
FROM tollgate.dash_charge WHERE ${IN_TIME} GROUP BY 1, statement_class ORDER BY 1, 2`,
    ),
  );
}

function refusedShapes(): Tile {
  return table(
    12,
    {
      title: 'Refused shapes',
      description: 'What is refused most, and what it would have cost at most.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT team_id AS team, refusal_code AS code, left(min(statement_shape), 200) AS shape, count(*)::float8 AS statements,
  sum(high_credits)::float8 AS "at most"
FROM tollgate.dash_refusal WHERE ${IN_TIME} GROUP BY team_id, refusal_code, fingerprint
ORDER BY count(*) DESC LIMIT 25`,
    ),
    { statements: COUNT, shape: { width: 350 } },
  );
}
