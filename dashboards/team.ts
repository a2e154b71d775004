/** "Team": what one team spends, on what, what is left, and what was refused; for its lead. */
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import {
  bars,
  buildBoard,
  CREDITS,
  figure,
  ranking,
  table,
  teamVariable,
  type Tile,
} from './panels.js';
import { shapeText, sqlQuery } from './queries.js';

const TEAM = 'team_id IN (${team:sqlstring})';
/** Charges of the chosen time by hour, and by principal and workload. */
const SPENT = 'tollgate.dash_spend_hours($__timeFrom(), $__timeTo())';
const USERS = 'tollgate.dash_users($__timeFrom(), $__timeTo())';
const IN_TIME = `$__timeFilter(occurred_at) AND ${TEAM}`;

export function team(): dashboard.Dashboard {
  return buildBoard({
    uid: 'tollgate-team',
    title: 'team',
    description: 'Spend, budgets, drivers and refusals of one team, from the ledger.',
    from: 'now-7d',
    variables: [teamVariable(false)],
    rows: [
      { h: 4, tiles: headline() },
      { h: 8, tiles: [budgets()] },
      { h: 9, tiles: [spendByTier(), refusals()] },
      {
        h: 9,
        tiles: [
          drivers('principal', 'principal_id', USERS),
          drivers('workload', 'workload', USERS),
          drivers('warehouse', 'warehouse', SPENT),
        ],
      },
      { h: 9, tiles: [shapes()] },
      { h: 8, tiles: [open()] },
      { h: 8, tiles: [latestRefusals(), accuracy()] },
    ],
  });
}

function headline(): readonly Tile[] {
  return [
    figure(
      6,
      {
        title: 'Spent',
        description: 'Charges in the chosen time, in each billing currency.',
        unit: 'none',
        decimals: 2,
      },
      sqlQuery(
        'table',
        `SELECT currency, sum(amount)::float8 AS spent FROM ${SPENT} WHERE ${TEAM} GROUP BY currency ORDER BY 1`,
      ),
    ),
    figure(
      6,
      { title: 'Credits', description: 'The same charges in credits.', unit: CREDITS, decimals: 3 },
      sqlQuery(
        'table',
        `SELECT coalesce(sum(credits), 0)::float8 AS credits FROM ${SPENT} WHERE ${TEAM}`,
      ),
    ),
    figure(
      6,
      {
        title: 'Least remaining',
        description:
          'What is left in that budget of the team which has the least; negative while in debt.',
        unit: CREDITS,
        decimals: 3,
      },
      sqlQuery(
        'table',
        `SELECT min(remaining_credits)::float8 AS remaining FROM tollgate.dash_budget
WHERE starts_at <= $__timeTo() AND ends_at > $__timeTo() AND node_id IN (\${team:sqlstring})`,
      ),
    ),
    figure(
      6,
      { title: 'Refused', description: 'Statements not run in the chosen time.', unit: 'short' },
      sqlQuery(
        'table',
        `SELECT count(*)::float8 AS refused FROM tollgate.dash_refusal WHERE ${IN_TIME}`,
      ),
    ),
  ];
}

function budgets(): Tile {
  return table(
    24,
    {
      title: 'Budgets',
      description:
        'Open periods of the team, with what they will have spent at their end and when nothing is left.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT budget_id AS budget, period_kind AS period, starts_at AS starts, ends_at AS ends, tier, workload,
  CASE WHEN is_hard THEN 'hard' ELSE 'soft' END AS kind, limit_credits::float8 AS "limit",
  spent_credits::float8 AS spent, held_credits::float8 AS held, remaining_credits::float8 AS remaining,
  ((spent_credits + held_credits) / nullif(limit_credits, 0))::float8 AS used,
  forecast_credits::float8 AS forecast, exhausted_at AS exhausted
FROM tollgate.dash_budget
WHERE starts_at <= $__timeTo() AND ends_at > $__timeTo() AND node_id IN (\${team:sqlstring})
ORDER BY used DESC NULLS LAST, budget_id LIMIT 50`,
    ),
    {
      used: { isShare: true },
      starts: { unit: 'dateTimeAsIso' },
      ends: { unit: 'dateTimeAsIso' },
      exhausted: { unit: 'dateTimeAsIso' },
    },
  );
}

function spendByTier(): Tile {
  return bars(
    12,
    {
      title: 'Spend by tier',
      description: 'Credits charged an hour, stacked by tier.',
      unit: CREDITS,
    },
    sqlQuery(
      'time_series',
      `SELECT $__timeGroup(starts_at, '1h'), tier AS metric, sum(credits)::float8 AS credits
FROM ${SPENT} WHERE ${TEAM} GROUP BY 1, tier ORDER BY 1, tier`,
    ),
  );
}

function refusals(): Tile {
  return bars(
    12,
    {
      title: 'Refusals by reason',
      description: 'Statements not run, an hour.',
      unit: 'short',
      decimals: 0,
    },
    sqlQuery(
      'time_series',
      `SELECT $__timeGroup(occurred_at, '1h'), reason AS metric, count(*)::float8 AS refusals
FROM tollgate.dash_refusal WHERE ${IN_TIME} GROUP BY 1, reason ORDER BY 1, reason`,
    ),
  );
}

function drivers(what: string, column: string, source: string): Tile {
  return ranking(
    8,
    {
      title: `Spend by ${what}`,
      description: `The dearest in the chosen time, by ${what}.`,
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT coalesce(${column}, '(none)') AS ${what}, sum(credits)::float8 AS credits FROM ${source}
WHERE ${TEAM} GROUP BY ${column} ORDER BY 2 DESC LIMIT 20`,
    ),
  );
}

function shapes(): Tile {
  return table(
    24,
    {
      title: 'Dearest shapes',
      description: 'Statements that differ only in their literals.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT ${shapeText('top')}, statements::float8 AS statements, credits::float8 AS credits,
  final_credits::float8 AS "as metered", (credits / nullif(statements, 0))::float8 AS "credits each",
  amount::float8 AS amount, currency, workload
FROM (
  SELECT team_id, fingerprint, currency, sum(statements) AS statements, sum(credits) AS credits,
    sum(final_credits) AS final_credits, sum(amount) AS amount, min(workload) AS workload
  FROM tollgate.dash_shapes($__timeFrom(), $__timeTo()) WHERE ${TEAM}
  GROUP BY team_id, fingerprint, currency ORDER BY sum(credits) DESC LIMIT 25
) AS top ORDER BY top.credits DESC`,
    ),
    {
      statements: { unit: 'short', decimals: 0 },
      amount: { unit: 'none', decimals: 2 },
      shape: { width: 700 },
    },
  );
}

function open(): Tile {
  return table(
    24,
    {
      title: 'Open statements',
      description: 'What waits and what runs, the oldest first.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT occurred_at AS since, principal_id AS principal, tier, warehouse, state, used_credits::float8 AS used,
  hold_credits::float8 AS held, (used_credits / nullif(hold_credits, 0))::float8 AS "of its hold",
  left(statement_shape, 200) AS shape
FROM tollgate.dash_open_ticket WHERE ${TEAM} ORDER BY occurred_at LIMIT 50`,
    ),
    { since: { unit: 'dateTimeAsIso' }, 'of its hold': { isShare: true }, shape: { width: 500 } },
  );
}

function latestRefusals(): Tile {
  return table(
    16,
    {
      title: 'Latest refusals',
      description: 'What the caller was told.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT occurred_at AS at, principal_id AS principal, refusal_code AS code, refusal_message AS message,
  expected_credits::float8 AS expected
FROM tollgate.dash_refusal WHERE ${IN_TIME} ORDER BY occurred_at DESC LIMIT 50`,
    ),
    { at: { unit: 'dateTimeAsIso' }, message: { width: 600 } },
  );
}

function accuracy(): Tile {
  return table(
    8,
    {
      title: 'How good estimates were',
      description:
        'Factor between expected and charged, whichever way, to within 2 %, and how often the 90 % amount was enough.',
      unit: 'none',
      decimals: 2,
    },
    sqlQuery(
      'table',
      `SELECT basis, max(total)::float8 AS statements, min(q_error) FILTER (WHERE so_far >= 0.5 * total) AS "error p50",
  min(q_error) FILTER (WHERE so_far >= 0.9 * total) AS "error p90", (sum(covered) / sum(statements))::float8 AS covered
FROM (
  SELECT basis, q_error, sum(statements) AS statements, sum(covered) AS covered,
    sum(sum(statements)) OVER (PARTITION BY basis ORDER BY q_error) AS so_far,
    sum(sum(statements)) OVER (PARTITION BY basis) AS total
  FROM tollgate.dash_estimates($__timeFrom(), $__timeTo()) WHERE ${TEAM} GROUP BY basis, q_error
) AS step GROUP BY basis ORDER BY basis`,
    ),
    { statements: { unit: 'short', decimals: 0 }, covered: { unit: 'percentunit', decimals: 1 } },
  );
}
