/**
 * "Money now": what teams have spent today, what is held, what remains, what runs and what was refused. "Today" is the
 * UTC day in which the chosen time range ends, because business time may run faster than the wall clock.
 */
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

const TEAMS = 'team_id IN (${team:sqlstring})';
/** Charges of the day, and those of the chosen time, by the hour where it is a full one. */
const SPENT_TODAY = `tollgate.dash_spend_hours(date_trunc('day', $__timeTo()::timestamptz, 'UTC'), $__timeTo())`;
const SPENT = 'tollgate.dash_spend_hours($__timeFrom(), $__timeTo())';
/** Of so many charges that sums of hours are read in their place. Both are constants to the planner, which drops the other half. */
const IS_LONG = `($__timeTo()::timestamptz - $__timeFrom()::timestamptz > interval '2 days')`;

export function moneyNow(): dashboard.Dashboard {
  return buildBoard({
    uid: 'tollgate-money-now',
    title: 'money now',
    description:
      'Spend, holds, budgets, running statements and refusals of every team, from the ledger.',
    from: 'now-24h',
    variables: [teamVariable(true)],
    rows: [
      { h: 4, tiles: headline() },
      { h: 10, tiles: [spendByTeam(), budgets()] },
      { h: 9, tiles: [chargesPerHour(), burn()] },
      { h: 9, tiles: [running()] },
      { h: 8, tiles: [refusalsByReason(), notices()] },
      { h: 8, tiles: [anomalies()] },
      { h: 9, tiles: [topShapes()] },
      { h: 8, tiles: [latestRefusals()] },
    ],
  });
}

function headline(): readonly Tile[] {
  return [...spent(), ...inFlight()];
}

function spent(): readonly Tile[] {
  return [
    figure(
      4,
      {
        title: 'Spent today',
        description: 'Charges of the day, in each billing currency.',
        unit: 'none',
        decimals: 2,
      },
      sqlQuery(
        'table',
        `SELECT currency, sum(amount)::float8 AS spent FROM ${SPENT_TODAY}
WHERE ${TEAMS} GROUP BY currency ORDER BY currency`,
      ),
    ),
    figure(
      4,
      {
        title: 'Credits today',
        description: 'The same charges in credits.',
        unit: CREDITS,
        decimals: 3,
      },
      sqlQuery(
        'table',
        `SELECT coalesce(sum(credits), 0)::float8 AS credits FROM ${SPENT_TODAY} WHERE ${TEAMS}`,
      ),
    ),
    figure(
      4,
      {
        title: 'Burn per minute',
        description: 'Credits charged in the last hour of the chosen time, divided by sixty.',
        unit: CREDITS,
        decimals: 4,
      },
      sqlQuery(
        'table',
        `SELECT (coalesce(sum(credits), 0) / 60)::float8 AS credits FROM tollgate.dash_charge
WHERE occurred_at > $__timeTo()::timestamptz - interval '1 hour' AND occurred_at <= $__timeTo() AND ${TEAMS}`,
      ),
    ),
  ];
}

function inFlight(): readonly Tile[] {
  return [
    figure(
      4,
      {
        title: 'Held now',
        description: 'What open tickets hold: the most that statements in flight may still cost.',
        unit: CREDITS,
        decimals: 3,
      },
      sqlQuery(
        'table',
        `SELECT coalesce(sum(hold_credits), 0)::float8 AS held FROM tollgate.dash_open_ticket WHERE ${TEAMS}`,
      ),
    ),
    figure(
      4,
      {
        title: 'Running now',
        description: 'Statements that Snowflake has, or may have.',
        unit: 'short',
      },
      sqlQuery(
        'table',
        `SELECT count(*)::float8 AS running FROM tollgate.dash_open_ticket WHERE state <> 'RESERVED' AND ${TEAMS}`,
      ),
    ),
    figure(
      4,
      {
        title: 'Refused',
        description: 'Statements not run in the chosen time; nothing was charged for them.',
        unit: 'short',
      },
      sqlQuery(
        'table',
        `SELECT count(*)::float8 AS refused FROM tollgate.dash_refusal WHERE $__timeFilter(occurred_at) AND ${TEAMS}`,
      ),
    ),
  ];
}

function spendByTeam(): Tile {
  return ranking(
    8,
    { title: 'Spend by team today', description: 'Charged credits of the day.', unit: CREDITS },
    sqlQuery(
      'table',
      `SELECT team_id AS team, sum(credits)::float8 AS credits FROM ${SPENT_TODAY}
WHERE ${TEAMS} GROUP BY team_id ORDER BY 2 DESC LIMIT 50`,
    ),
  );
}

function budgets(): Tile {
  return table(
    16,
    {
      title: 'Remaining against budget',
      description:
        'Periods that are open at the end of the chosen time, with what they will have spent at their end. Remaining is negative while in debt.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT node_name AS "budget of", period_kind AS period, ends_at AS ends,
  CASE WHEN is_hard THEN 'hard' ELSE 'soft' END AS kind, limit_credits::float8 AS "limit",
  spent_credits::float8 AS spent, held_credits::float8 AS held, remaining_credits::float8 AS remaining,
  ((spent_credits + held_credits) / nullif(limit_credits, 0))::float8 AS used,
  forecast_credits::float8 AS forecast, exhausted_at AS exhausted
FROM tollgate.dash_budget
WHERE starts_at <= $__timeTo() AND ends_at > $__timeTo()
  AND (node_kind <> 'team' OR node_id IN (\${team:sqlstring}))
ORDER BY used DESC NULLS LAST, node_name, period_kind LIMIT 200`,
    ),
    {
      used: { isShare: true },
      ends: { unit: 'dateTimeAsIso' },
      exhausted: { unit: 'dateTimeAsIso' },
    },
  );
}

function chargesPerHour(): Tile {
  return bars(
    12,
    {
      title: 'Charges per hour',
      description:
        'Credits charged, by the hour in which the statement was accepted, stacked by team.',
      unit: CREDITS,
    },
    sqlQuery(
      'time_series',
      `SELECT $__timeGroup(starts_at, '1h'), team_id AS metric, sum(credits)::float8 AS credits
FROM ${SPENT} WHERE ${TEAMS}
GROUP BY 1, team_id ORDER BY 1, team_id`,
    ),
  );
}

function burn(): Tile {
  return bars(
    12,
    {
      title: 'Burn per minute by tier',
      description:
        'Credits charged in ten minutes, divided by ten; of more than two days, in an hour, divided by sixty.',
      unit: CREDITS,
    },
    sqlQuery(
      'time_series',
      `SELECT $__timeGroup(occurred_at, '10m'), tier AS metric, (sum(credits) / 10)::float8 AS credits
FROM tollgate.dash_charge WHERE $__timeFilter(occurred_at) AND ${TEAMS} AND NOT ${IS_LONG}
GROUP BY 1, tier
UNION ALL
SELECT $__timeGroup(starts_at, '1h'), tier, (sum(credits) / 60)::float8
FROM ${SPENT} WHERE ${TEAMS} AND ${IS_LONG}
GROUP BY 1, tier ORDER BY 1, 2`,
    ),
  );
}

function running(): Tile {
  return table(
    24,
    {
      title: 'Dearest running statements',
      description:
        'What they have used so far as their replica said last, what is held for them, and the most that they may cost.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT occurred_at AS since, team_id AS team, principal_id AS principal, tier, warehouse, state,
  used_credits::float8 AS used, hold_credits::float8 AS held, ceiling_credits::float8 AS ceiling,
  (used_credits / nullif(hold_credits, 0))::float8 AS "of its hold",
  (hold_credits * price_per_credit)::float8 AS "held amount", currency, left(statement_shape, 200) AS shape
FROM tollgate.dash_open_ticket WHERE ${TEAMS} ORDER BY coalesce(used_credits, hold_credits) DESC LIMIT 25`,
    ),
    {
      since: { unit: 'dateTimeAsIso' },
      'of its hold': { isShare: true },
      'held amount': { unit: 'none', decimals: 2 },
      shape: { width: 500 },
    },
  );
}

function refusalsByReason(): Tile {
  return bars(
    12,
    {
      title: 'Refusals by reason',
      description: 'Budget, rule, ceiling, queue, approval, ledger unavailable.',
      unit: 'short',
      decimals: 0,
    },
    sqlQuery(
      'time_series',
      `SELECT $__timeGroup(occurred_at, '1h'), refusal_code || ' ' || reason AS metric, count(*)::float8 AS refusals
FROM tollgate.dash_refusal WHERE $__timeFilter(occurred_at) AND ${TEAMS}
GROUP BY 1, refusal_code, reason ORDER BY 1, 2`,
    ),
  );
}

function notices(): Tile {
  return table(
    12,
    {
      title: 'Thresholds passed',
      description: 'Budgets whose spending, or forecast, has passed a percentage of the limit.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT fired_at AS at, budget_id AS budget, measure, threshold::float8 AS threshold,
  spent_credits::float8 AS spent, limit_credits::float8 AS "limit", exhausted_at AS exhausted
FROM tollgate.dash_budget_notice WHERE $__timeFilter(fired_at) ORDER BY fired_at DESC LIMIT 50`,
    ),
    {
      at: { unit: 'dateTimeAsIso' },
      exhausted: { unit: 'dateTimeAsIso' },
      threshold: { unit: 'percent', decimals: 0 },
    },
  );
}

function anomalies(): Tile {
  return table(
    24,
    {
      title: 'Unusual spending',
      description:
        'Hours and days far above what the team usually spends then; `tollgate anomalies --acknowledge` says what one was.',
      unit: CREDITS,
      decimals: 3,
    },
    sqlQuery(
      'table',
      `SELECT starts_at AS at, grain, team_id AS team, spent_credits::float8 AS spent, usual_credits::float8 AS usual,
  limit_credits::float8 AS "unusual above", owner, acknowledged_by AS "acknowledged by", note
FROM tollgate.dash_spend_anomaly WHERE $__timeFilter(starts_at) AND ${TEAMS}
ORDER BY acknowledged_at IS NOT NULL, starts_at DESC LIMIT 50`,
    ),
    { at: { unit: 'dateTimeAsIso' }, note: { width: 500 } },
  );
}

function topShapes(): Tile {
  return table(
    24,
    {
      title: 'Top shapes',
      description:
        'Statements that differ only in their literals, by what they cost in the chosen time.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT team_id AS team, ${shapeText('top')}, statements::float8 AS statements, credits::float8 AS credits,
  final_credits::float8 AS "as metered", (credits / nullif(statements, 0))::float8 AS "credits each",
  amount::float8 AS amount, currency, fingerprint
FROM (
  SELECT team_id, fingerprint, currency, sum(statements) AS statements, sum(credits) AS credits,
    sum(final_credits) AS final_credits, sum(amount) AS amount
  FROM tollgate.dash_shapes($__timeFrom(), $__timeTo()) WHERE ${TEAMS}
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

function latestRefusals(): Tile {
  return table(
    24,
    {
      title: 'Latest refusals',
      description: 'What the caller was told.',
      unit: CREDITS,
      decimals: 4,
    },
    sqlQuery(
      'table',
      `SELECT occurred_at AS at, team_id AS team, principal_id AS principal, refusal_code AS code,
  refusal_message AS message, expected_credits::float8 AS expected, high_credits::float8 AS "at most"
FROM tollgate.dash_refusal WHERE $__timeFilter(occurred_at) AND ${TEAMS}
ORDER BY occurred_at DESC LIMIT 50`,
    ),
    { at: { unit: 'dateTimeAsIso' }, message: { width: 700 } },
  );
}
