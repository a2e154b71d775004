/**
 * "Money now": what teams have spent today, what is held, what remains, what was refused and why. Every number is
 * one view of the reporting schema; "today" is the UTC day in which the chosen time range ends, because business
 * time may run faster than the wall clock.
 */
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as grid from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { DATASOURCE, POSTGRES_TYPE, sqlQuery } from './postgres-query.js';

const CREDITS = 'suffix: credits';
const TEAMS = 'team_id IN (${team:sqlstring})';
const TODAY = "($__timeTo()::timestamptz AT TIME ZONE 'UTC')::date";

/** The dashboard in Grafana's classic model. */
export function moneyNow(): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder('Tollgate: money now')
    .uid('tollgate-money-now')
    .description('Spend, holds, budgets and refusals of every team, from the ledger.')
    .tags(['tollgate'])
    .timezone('utc')
    .readonly()
    .refresh('30s')
    .time({ from: 'now-24h', to: 'now' })
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource').label('Ledger').type(POSTGRES_TYPE),
    )
    .withVariable(teamVariable());
  const panels = [
    ...headline(),
    spendByTeam(),
    budgets(),
    chargesPerHour(),
    refusalsByReason(),
    topShapes(),
    latestRefusals(),
  ];
  panels.forEach((panel, index) => builder.withPanel(panel.id(index + 1).datasource(DATASOURCE)));
  return builder.build();
}

function teamVariable(): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder('team')
    .label('Team')
    .datasource(DATASOURCE)
    .query("SELECT id FROM tollgate.org_node WHERE kind = 'team' ORDER BY id")
    .refresh(dashboard.VariableRefresh.OnDashboardLoad)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function at(x: number, y: number, w: number, h: number): dashboard.GridPos {
  return { x, y, w, h };
}

function headline(): stat.PanelBuilder[] {
  const panel = (
    x: number,
    title: string,
    description: string,
    unit: string,
    sql: string,
  ): stat.PanelBuilder =>
    new stat.PanelBuilder()
      .title(title)
      .description(description)
      .gridPos(at(x, 0, 6, 4))
      .unit(unit)
      .noValue('0')
      .graphMode(common.BigValueGraphMode.None)
      .reduceOptions(new common.ReduceDataOptionsBuilder().values(true).calcs(['lastNotNull']))
      .withTarget(sqlQuery('table', sql));
  return [
    panel(
      0,
      'Spent today',
      'Charges of the day, in each billing currency.',
      'none',
      `SELECT currency, sum(money)::float8 AS spent FROM tollgate.daily_charge
WHERE day = ${TODAY} AND ${TEAMS} GROUP BY currency ORDER BY currency`,
    ).decimals(2),
    panel(
      6,
      'Credits today',
      'The same charges in credits.',
      CREDITS,
      `SELECT coalesce(sum(credits), 0)::float8 AS credits FROM tollgate.daily_charge
WHERE day = ${TODAY} AND ${TEAMS}`,
    ).decimals(3),
    panel(
      12,
      'Held now',
      'What open tickets hold: the most that statements in flight may still cost.',
      CREDITS,
      `SELECT coalesce(sum(hold_credits), 0)::float8 AS held FROM tollgate.ticket
WHERE state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT') AND ${TEAMS}`,
    ).decimals(3),
    panel(
      18,
      'Refused',
      'Statements not run in the chosen time; nothing was charged for them.',
      'short',
      `SELECT count(*)::float8 AS refused FROM tollgate.refusals
WHERE $__timeFilter(occurred_at) AND ${TEAMS}`,
    ).decimals(0),
  ];
}

function spendByTeam(): bargauge.PanelBuilder {
  return new bargauge.PanelBuilder()
    .title('Spend by team today')
    .description('Charged credits of the day.')
    .gridPos(at(0, 4, 8, 10))
    .unit(CREDITS)
    .decimals(3)
    .min(0)
    .orientation(common.VizOrientation.Horizontal)
    .reduceOptions(new common.ReduceDataOptionsBuilder().values(true).limit(50))
    .withTarget(
      sqlQuery(
        'table',
        `SELECT team_id AS team, sum(credits)::float8 AS credits FROM tollgate.daily_charge
WHERE day = ${TODAY} AND ${TEAMS} GROUP BY team_id ORDER BY 2 DESC LIMIT 50`,
      ),
    );
}

function budgets(): grid.PanelBuilder {
  return new grid.PanelBuilder()
    .title('Remaining against budget')
    .description(
      'Periods that are open at the end of the chosen time. Remaining is negative while in debt.',
    )
    .gridPos(at(8, 4, 16, 10))
    .unit(CREDITS)
    .decimals(3)
    .overrideByName('used', [
      { id: 'unit', value: 'percentunit' },
      { id: 'decimals', value: 1 },
      { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic' } },
      { id: 'min', value: 0 },
      { id: 'max', value: 1 },
      {
        id: 'thresholds',
        value: {
          mode: 'absolute',
          steps: [
            { color: 'green', value: null },
            { color: 'orange', value: 0.8 },
            { color: 'red', value: 1 },
          ],
        },
      },
    ])
    .overrideByName('ends', [{ id: 'unit', value: 'dateTimeAsIso' }])
    .withTarget(
      sqlQuery(
        'table',
        `SELECT node_name AS "budget of", period_kind AS period, ends_at AS ends,
  CASE WHEN is_hard THEN 'hard' ELSE 'soft' END AS kind,
  (limit_credits + granted_credits + carried_credits)::float8 AS "limit", spent_credits::float8 AS spent,
  held_credits::float8 AS held, available_credits::float8 AS remaining,
  ((spent_credits + held_credits) / nullif(limit_credits + granted_credits + carried_credits, 0))::float8 AS used
FROM tollgate.my_budget
WHERE starts_at <= $__timeTo() AND ends_at > $__timeTo()
  AND (node_kind <> 'team' OR node_id IN (\${team:sqlstring}))
ORDER BY used DESC NULLS LAST, node_name, period_kind LIMIT 200`,
      ),
    );
}

function chargesPerHour(): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .title('Charges per hour')
    .description(
      'Credits charged, by the hour in which the statement was accepted, stacked by team.',
    )
    .gridPos(at(0, 14, 12, 9))
    .unit(CREDITS)
    .min(0)
    .drawStyle(common.GraphDrawStyle.Bars)
    .fillOpacity(80)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'))
    .withTarget(
      sqlQuery(
        'time_series',
        `SELECT $__timeGroup(occurred_at, '1h'), team_id AS metric, sum(credits)::float8 AS credits
FROM tollgate.charge WHERE $__timeFilter(occurred_at) AND ${TEAMS}
GROUP BY 1, team_id ORDER BY 1, team_id`,
      ),
    );
}

function refusalsByReason(): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .title('Refusals by reason')
    .description(
      'TG20 budget, TG21 rule, TG22 ceiling, TG23 queue, TG24 approval, TG25 ledger unavailable.',
    )
    .gridPos(at(12, 14, 12, 9))
    .unit('short')
    .decimals(0)
    .min(0)
    .drawStyle(common.GraphDrawStyle.Bars)
    .fillOpacity(80)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'))
    .withTarget(
      sqlQuery(
        'time_series',
        `SELECT $__timeGroup(occurred_at, '1h'), refusal_code AS metric, count(*)::float8 AS refusals
FROM tollgate.refusals WHERE $__timeFilter(occurred_at) AND ${TEAMS}
GROUP BY 1, refusal_code ORDER BY 1, refusal_code`,
      ),
    );
}

function topShapes(): grid.PanelBuilder {
  return new grid.PanelBuilder()
    .title('Top shapes')
    .description(
      'Statements that differ only in their literals, by what they cost in the chosen time.',
    )
    .gridPos(at(0, 23, 24, 9))
    .unit(CREDITS)
    .decimals(4)
    .overrideByName('statements', [
      { id: 'unit', value: 'short' },
      { id: 'decimals', value: 0 },
    ])
    .overrideByName('amount', [
      { id: 'unit', value: 'none' },
      { id: 'decimals', value: 2 },
    ])
    .overrideByName('shape', [{ id: 'custom.width', value: 700 }])
    .withTarget(
      sqlQuery(
        'table',
        `SELECT team_id AS team, left(min(statement_shape), 300) AS shape, count(*)::float8 AS statements,
  sum(charged_credits)::float8 AS credits, (sum(charged_credits) / count(*))::float8 AS "credits each",
  sum(charged_amount)::float8 AS amount, currency, fingerprint
FROM tollgate.my_queries
WHERE $__timeFilter(occurred_at) AND charged_credits IS NOT NULL AND ${TEAMS}
GROUP BY team_id, fingerprint, currency ORDER BY sum(charged_credits) DESC LIMIT 25`,
      ),
    );
}

function latestRefusals(): grid.PanelBuilder {
  return new grid.PanelBuilder()
    .title('Latest refusals')
    .description('What the caller was told.')
    .gridPos(at(0, 32, 24, 8))
    .unit(CREDITS)
    .decimals(4)
    .overrideByName('at', [{ id: 'unit', value: 'dateTimeAsIso' }])
    .overrideByName('message', [{ id: 'custom.width', value: 700 }])
    .withTarget(
      sqlQuery(
        'table',
        `SELECT occurred_at AS at, team_id AS team, principal_id AS principal, refusal_code AS code,
  refusal_message AS message, expected_credits::float8 AS expected, high_credits::float8 AS "at most"
FROM tollgate.refusals WHERE $__timeFilter(occurred_at) AND ${TEAMS}
ORDER BY occurred_at DESC LIMIT 50`,
      ),
    );
}
