/**
 * "Finance month": what Snowflake metered against what was allocated and charged, to the last unit. Amounts that must be
 * exact are text, because a browser's numbers are not.
 */
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { bars, buildBoard, CREDITS, figure, ranking, table, type Tile } from './panels.js';
import { sqlQuery } from './queries.js';

const HOURS = '$__timeFilter(starts_at)';

export function financeMonth(): dashboard.Dashboard {
  return buildBoard({
    uid: 'tollgate-finance-month',
    title: 'finance month',
    description:
      'Metered against allocated and charged credits, idle time, bypass, and what does not agree. Choose "this month" or "previous month".',
    from: 'now/M',
    variables: [],
    rows: [
      { h: 4, tiles: headline() },
      { h: 9, tiles: [buckets(), byTeam()] },
      { h: 9, tiles: [overTime(), idleByWarehouse()] },
      { h: 10, tiles: [reconciliation()] },
      { h: 9, tiles: [billLines(), services()] },
      { h: 8, tiles: [bypass(), unallocated()] },
    ],
  });
}

function headline(): readonly Tile[] {
  const one = (title: string, description: string, unit: string, decimals: number, sql: string) =>
    figure(4, { title, description, unit, decimals }, sqlQuery('table', sql));
  const share = (bucket: string): string =>
    `SELECT (sum(${bucket}_credits) / nullif(sum(metered_credits), 0))::float8 AS share
FROM tollgate.dash_metered_hour WHERE ${HOURS}`;
  return [
    one(
      'Metered',
      'Compute credits that Snowflake metered on warehouses.',
      CREDITS,
      3,
      `SELECT coalesce(sum(metered_credits), 0)::float8 AS credits FROM tollgate.dash_metered_hour WHERE ${HOURS}`,
    ),
    one(
      'Allocated',
      'Metered credits of which it is known where they went.',
      CREDITS,
      3,
      `SELECT coalesce(sum(allocated_credits), 0)::float8 AS credits FROM tollgate.dash_metered_hour WHERE ${HOURS}`,
    ),
    one(
      'Not yet allocated',
      'The difference; hours that wait or cannot be allocated are listed below.',
      CREDITS,
      12,
      `SELECT coalesce(sum(difference_credits), 0)::float8 AS credits FROM tollgate.dash_metered_hour WHERE ${HOURS}`,
    ),
    one(
      'Charged',
      'Provisional charges of statements accepted in the hours that begin in the chosen time.',
      'none',
      2,
      `SELECT currency, sum(amount)::float8 AS charged FROM tollgate.dash_charge_hour WHERE $__timeFilter(hour_at)
GROUP BY currency ORDER BY currency`,
    ),
    one(
      'Idle',
      'Share of metered credits for which no statement ran.',
      'percentunit',
      1,
      share('idle'),
    ),
    one(
      'Bypass',
      'Share of metered credits of statements that did not come through Tollgate.',
      'percentunit',
      1,
      share('bypass'),
    ),
  ];
}

function buckets(): Tile {
  return table(
    8,
    {
      title: 'Where metered credits went',
      description:
        'Every part of every metered warehouse-hour; the total is what Snowflake metered.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT coalesce(bucket, 'total') AS bucket, sum(credits)::float8 AS credits,
  trim_scale(sum(credits))::text AS "exact credits", (sum(credits) / nullif(max(total), 0))::float8 AS share
FROM (
  SELECT bucket, credits, sum(credits) OVER () AS total FROM (
    SELECT bucket, sum(credits) AS credits FROM tollgate.dash_allocation_hour WHERE ${HOURS} GROUP BY bucket
  ) AS by_bucket
) AS shares
GROUP BY ROLLUP (bucket) ORDER BY grouping(bucket), 2 DESC`,
    ),
    { share: { unit: 'percentunit', decimals: 1 } },
  );
}

function byTeam(): Tile {
  return table(
    16,
    {
      title: 'Credits by team and where they went',
      description: 'The team that bears them; nobody, where no rule says who does.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT coalesce(paying_team_id, '(nobody)') AS team,
  coalesce(sum(credits) FILTER (WHERE bucket = 'direct'), 0)::float8 AS direct,
  coalesce(sum(credits) FILTER (WHERE bucket = 'shortQuery'), 0)::float8 AS "short queries",
  coalesce(sum(credits) FILTER (WHERE bucket = 'resumeMinute'), 0)::float8 AS "resume minutes",
  coalesce(sum(credits) FILTER (WHERE bucket = 'idle'), 0)::float8 AS idle,
  coalesce(sum(credits) FILTER (WHERE bucket = 'bypass'), 0)::float8 AS bypass,
  coalesce(sum(credits) FILTER (WHERE bucket = 'unexplained'), 0)::float8 AS unexplained,
  trim_scale(sum(credits))::text AS "exact credits"
FROM tollgate.dash_allocation_hour WHERE ${HOURS} GROUP BY paying_team_id ORDER BY sum(credits) DESC LIMIT 200`,
    ),
  );
}

function overTime(): Tile {
  return bars(
    14,
    { title: 'Metered credits a day', description: 'Stacked by where they went.', unit: CREDITS },
    sqlQuery(
      'time_series',
      `SELECT $__timeGroup(starts_at, '1d'), bucket AS metric, sum(credits)::float8 AS credits
FROM tollgate.dash_allocation_hour WHERE ${HOURS} GROUP BY 1, bucket ORDER BY 1, bucket`,
    ),
  );
}

function idleByWarehouse(): Tile {
  return ranking(
    10,
    {
      title: 'Idle by warehouse',
      description: 'Credits for which no statement ran.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT warehouse, sum(idle_credits)::float8 AS credits FROM tollgate.dash_metered_hour
WHERE ${HOURS} GROUP BY warehouse ORDER BY 2 DESC LIMIT 50`,
    ),
  );
}

function reconciliation(): Tile {
  return table(
    24,
    {
      title: 'Reconciliation by day',
      description:
        "Exact credits of Snowflake's daily view, of its hours, of what was allocated, of direct use, and of what the proxy charged. Differences should be 0 but the last, which is the error of the proxy's clock.",
      unit: 'none',
    },
    sqlQuery(
      'table',
      `SELECT day_at AS day, account, trim_scale(daily_credits)::text AS "daily view",
  trim_scale(metered_credits)::text AS "its hours", trim_scale(daily_difference_credits)::text AS "view − hours",
  trim_scale(allocated_credits)::text AS allocated,
  trim_scale(allocation_difference_credits)::text AS "hours − allocated",
  trim_scale(direct_credits)::text AS direct, trim_scale(charged_credits)::text AS charged,
  trim_scale(charge_difference_credits)::text AS "direct − charged",
  (abs(charge_difference_credits) / nullif(direct_credits, 0))::float8 AS variance
FROM tollgate.dash_reconciliation_day WHERE $__timeFilter(day_at) ORDER BY day_at DESC, account LIMIT 500`,
    ),
    { day: { unit: 'dateTimeAsIso' }, variance: { unit: 'percentunit', decimals: 2 } },
  );
}

function billLines(): Tile {
  return table(
    14,
    {
      title: 'Bills',
      description:
        'Of the months that begin in the chosen time: a frozen or closed one by kind of charge, as it is billed; another one as far as statements were charged, provisional.',
      unit: 'none',
    },
    sqlQuery(
      'table',
      `SELECT month_at AS month, team_id AS team, line, status, statements::float8 AS statements,
  trim_scale(credits)::text AS "exact credits", trim_scale(amount)::text AS "exact amount",
  amount::float8 AS amount, currency
FROM tollgate.dash_bill_line WHERE $__timeFilter(month_at) ORDER BY month_at DESC, amount DESC LIMIT 500`,
    ),
    {
      month: { unit: 'dateTimeAsIso' },
      statements: { unit: 'short', decimals: 0 },
      amount: { unit: 'none', decimals: 2 },
    },
  );
}

function services(): Tile {
  return table(
    10,
    {
      title: "Snowflake's services",
      description:
        "Snowflake's own daily figures, summed. Billed: after the daily adjustment of cloud services.",
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT service_type AS service, sum(compute_credits)::float8 AS compute,
  sum(cloud_services_credits)::float8 AS "cloud services", sum(adjustment_credits)::float8 AS adjustment,
  sum(billed_credits)::float8 AS billed, trim_scale(sum(billed_credits))::text AS "exact billed"
FROM tollgate.dash_service_day WHERE $__timeFilter(day_at) GROUP BY service_type ORDER BY 5 DESC LIMIT 100`,
    ),
  );
}

function bypass(): Tile {
  return table(
    12,
    {
      title: 'Around Tollgate',
      description:
        'Who used warehouses without coming through on the days that begin in the chosen time, as far as the mapping names them; statements count on the day on which they began.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT warehouse, coalesce(team_id, '(nobody)') AS team, coalesce(principal_id, '(nobody)') AS principal,
  sum(statements)::float8 AS statements, sum(credits)::float8 AS credits
FROM tollgate.dash_bypass_day WHERE $__timeFilter(day_at)
GROUP BY warehouse, team_id, principal_id ORDER BY sum(credits) DESC LIMIT 100`,
    ),
    { statements: { unit: 'short', decimals: 0 } },
  );
}

function unallocated(): Tile {
  return table(
    12,
    {
      title: 'Hours that do not add up yet',
      description:
        'Warehouse-hours that wait for figures of Snowflake, or cannot be allocated, and why.',
      unit: CREDITS,
    },
    sqlQuery(
      'table',
      `SELECT starts_at AS hour, account, warehouse, state, problem, metered_credits::float8 AS metered,
  trim_scale(difference_credits)::text AS "exact difference"
FROM tollgate.dash_metered_hour WHERE ${HOURS} AND (state <> 'allocated' OR difference_credits <> 0)
ORDER BY starts_at DESC LIMIT 200`,
    ),
    { hour: { unit: 'dateTimeAsIso' }, problem: { width: 300 } },
  );
}
