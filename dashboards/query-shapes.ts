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
import { shapeText, sqlQuery } from './queries.js';

const TEAMS = 'team_id IN (${team:sqlstring})';
const IN_TIME = `$__timeFilter(occurred_at) AND ${TEAMS}`;
const SECONDS = 'extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz)';
const SPENT = 'tollgate.dash_spend_hours($__timeFrom(), $__timeTo())';
const SHAPES = 'tollgate.dash_shapes($__timeFrom(), $__timeTo())';
/** As long as the chosen time, before it. */
const SHAPES_BEFORE = `tollgate.dash_shapes(
    $__timeFrom()::timestamptz - ($__timeTo()::timestamptz - $__timeFrom()::timestamptz),
    $__timeFrom()::timestamptz - interval '1 microsecond')`;

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
      `SELECT count(DISTINCT fingerprint)::float8 AS shapes FROM ${SHAPES} WHERE ${TEAMS}`,
    ),
    one(
      'Statements',
      'Charged statements.',
      'short',
      0,
      `SELECT coalesce(sum(statements), 0)::float8 AS statements FROM ${SPENT} WHERE ${TEAMS}`,
    ),
    one(
      'Thirty days at this pace',
      'What thirty days like the chosen time would take.',
      CREDITS,
      2,
      `SELECT (coalesce(sum(credits), 0) * 2592000 / ${SECONDS})::float8 AS credits FROM ${SPENT} WHERE ${TEAMS}`,
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
      `SELECT team_id AS team, ${shapeText('top')}, statements::float8 AS statements,
  (statements * 3600 / ${SECONDS})::float8 AS "runs an hour", (credits * 2592000 / ${SECONDS})::float8 AS "in thirty days",
  (amount * 2592000 / ${SECONDS})::float8 AS amount, currency, workload
FROM (
  SELECT team_id, fingerprint, currency, sum(statements) AS statements, sum(credits) AS credits, sum(amount) AS amount,
    min(workload) AS workload
  FROM ${SHAPES} WHERE ${TEAMS}
  GROUP BY team_id, fingerprint, currency HAVING sum(statements) > 1 ORDER BY sum(credits) DESC LIMIT 50
) AS top ORDER BY top.credits DESC`,
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
      `SELECT team_id AS team, ${shapeText('top')}, statements::float8 AS statements,
  most_credits::float8 AS "dearest run", (credits / nullif(statements, 0))::float8 AS "credits each",
  credits::float8 AS credits, final_credits::float8 AS "as metered", amount::float8 AS amount, currency, size
FROM (
  SELECT team_id, fingerprint, currency, sum(statements) AS statements, max(most_credits) AS most_credits,
    sum(credits) AS credits, sum(final_credits) AS final_credits, sum(amount) AS amount, min(warehouse_size) AS size
  FROM ${SHAPES} WHERE ${TEAMS}
  GROUP BY team_id, fingerprint, currency ORDER BY max(most_credits) DESC NULLS LAST LIMIT 50
) AS top ORDER BY top.most_credits DESC NULLS LAST`,
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
  SELECT team_id, fingerprint, sum(credits) / nullif(sum(statements), 0) AS each, sum(statements) AS runs
  FROM ${SHAPES_BEFORE} WHERE ${TEAMS} GROUP BY team_id, fingerprint
), later AS (
  SELECT team_id, fingerprint, sum(credits) / nullif(sum(statements), 0) AS each, sum(statements) AS runs
  FROM ${SHAPES} WHERE ${TEAMS} GROUP BY team_id, fingerprint
), dearer AS (
  SELECT team_id, fingerprint, earlier.runs AS runs_before, earlier.each AS each_before, later.runs AS runs_now,
    later.each AS each_now, (later.each - earlier.each) * later.runs AS came_to
  FROM later JOIN earlier USING (team_id, fingerprint)
  WHERE later.each > earlier.each ORDER BY (later.each - earlier.each) * later.runs DESC LIMIT 50
)
SELECT team_id AS team, ${shapeText('dearer')}, runs_before::float8 AS "runs before", each_before::float8 AS "each before",
  runs_now::float8 AS "runs now", each_now::float8 AS "each now", (each_now / nullif(each_before, 0))::float8 AS factor,
  came_to::float8 AS "came to"
FROM dearer ORDER BY dearer.came_to DESC`,
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
      `WITH known AS MATERIALIZED (
  SELECT DISTINCT fingerprint FROM ${SHAPES_BEFORE} WHERE ${TEAMS}
), fresh AS (
  SELECT team_id, fingerprint, min(first_at) AS since, sum(statements) AS statements, sum(credits) AS credits
  FROM ${SHAPES} AS charged WHERE ${TEAMS} AND fingerprint IS NOT NULL
    AND NOT EXISTS (SELECT FROM known WHERE known.fingerprint = charged.fingerprint)
  GROUP BY team_id, fingerprint ORDER BY sum(credits) DESC LIMIT 25
)
SELECT since, team_id AS team, ${shapeText('fresh', 200)}, statements::float8 AS statements, credits::float8 AS credits
FROM fresh ORDER BY fresh.credits DESC`,
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
      `SELECT team_id AS team, ending, ${shapeText('top', 200)}, statements::float8 AS statements, credits::float8 AS credits
FROM (
  SELECT team_id, ending, fingerprint, sum(statements) AS statements, sum(credits) AS credits
  FROM ${SHAPES} WHERE ${TEAMS} AND ending <> 'succeeded'
  GROUP BY team_id, ending, fingerprint ORDER BY sum(credits) DESC LIMIT 25
) AS top ORDER BY top.credits DESC`,
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
      `SELECT $__timeGroup(starts_at, '1h'), coalesce(statement_class, 'unknown') AS metric, sum(credits)::float8 AS credits
FROM tollgate.dash_user_hours($__timeFrom(), $__timeTo()) WHERE ${TEAMS} GROUP BY 1, statement_class ORDER BY 1, 2`,
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
