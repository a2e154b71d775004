/** "Platform": whether Tollgate itself is well; from Prometheus. */
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { bars, buildBoard, CREDITS, figure, lines, table, type Tile } from './panels.js';
import { promQuery } from './queries.js';

export function platform(): dashboard.Dashboard {
  return buildBoard({
    uid: 'tollgate-platform',
    title: 'platform',
    description: 'Latency, queues, leases, limits, errors and the estimator, of all replicas.',
    from: 'now-6h',
    variables: [],
    rows: [
      { h: 4, tiles: headline() },
      { h: 9, tiles: latency() },
      { h: 9, tiles: traffic() },
      { h: 9, tiles: queues() },
      { h: 9, tiles: money() },
      { h: 9, tiles: ledger() },
      { h: 9, tiles: errors() },
      { h: 9, tiles: estimator() },
      { h: 9, tiles: limits() },
      { h: 9, tiles: usage() },
    ],
  });
}

function headline(): readonly Tile[] {
  const one = (
    title: string,
    description: string,
    unit: string,
    expr: string,
    decimals = 0,
  ): Tile =>
    figure(4, { title, description, unit, decimals }, promQuery(expr, title, { isInstant: true }));
  return [
    one(
      'Proxies',
      'Proxies that answered Prometheus.',
      'short',
      'sum(up{job="tollgate",role="proxy"})',
    ),
    one(
      'Statements a second',
      'Statements that rules allowed.',
      'short',
      'sum(rate(tollgate_statements_total[5m]))',
      2,
    ),
    one('Running', 'Priced statements upstream.', 'short', 'sum(tollgate_running_statements)'),
    one(
      'Waiting',
      'Statements in the queues of tiers.',
      'short',
      'sum(max by (tier) (tollgate_queue_waiting))',
    ),
    one('In doubt', 'Tickets whose end was not seen.', 'short', 'max(tollgate_tickets_in_doubt)'),
    one(
      'Broken invariants',
      'Rows of the ledger that should not be; anything but 0 is a bug.',
      'short',
      'sum(max by (invariant) (tollgate_invariant_broken_rows))',
    ),
  ];
}

function quantile(q: number, metric: string, by: string, filter = ''): string {
  return `histogram_quantile(${q}, sum by (le, ${by}) (rate(${metric}_bucket${filter}[5m])))`;
}

function latency(): readonly Tile[] {
  return [
    lines(
      12,
      {
        title: 'Time to the first byte upstream',
        description: 'Queueing and approval included.',
        unit: 's',
      },
      promQuery(
        quantile(0.5, 'tollgate_statement_phase_seconds', 'phase', '{phase="govern"}'),
        'p50 {{phase}}',
      ),
      promQuery(
        quantile(0.99, 'tollgate_statement_phase_seconds', 'phase', '{phase="govern"}'),
        'p99 {{phase}}',
        { refId: 'B' },
      ),
    ),
    lines(
      12,
      {
        title: 'Slowest one in a hundred, by step',
        description: 'approve, slow-down and admit are waiting on purpose.',
        unit: 's',
      },
      promQuery(quantile(0.99, 'tollgate_step_seconds', 'step'), '{{step}}'),
    ),
  ];
}

function traffic(): readonly Tile[] {
  return [
    bars(
      12,
      {
        title: 'Statements a second by tier',
        description: 'Allowed by rules, free ones included.',
        unit: 'short',
      },
      promQuery('sum by (tier) (rate(tollgate_statements_total[5m]))', '{{tier}}'),
    ),
    bars(
      12,
      {
        title: 'Refusals a second by code',
        description: 'TG1 callers, TG2 not run, TG5 upstream or ours.',
        unit: 'short',
      },
      promQuery('sum by (code) (rate(tollgate_refusals_total[5m]))', '{{code}}'),
    ),
  ];
}

function queues(): readonly Tile[] {
  return [
    lines(
      8,
      { title: 'Waiting by tier', description: 'In the whole deployment.', unit: 'short' },
      promQuery('max by (tier) (tollgate_queue_waiting)', '{{tier}}'),
    ),
    lines(
      8,
      { title: 'Oldest in the queue', description: 'How long it has waited.', unit: 's' },
      promQuery('max by (tier) (tollgate_queue_oldest_seconds)', '{{tier}}'),
    ),
    lines(
      8,
      { title: 'Running by tier', description: 'Permits in use, of all replicas.', unit: 'short' },
      promQuery('sum by (tier) (tollgate_lane_running)', '{{tier}}'),
    ),
  ];
}

function money(): readonly Tile[] {
  return [
    bars(
      8,
      {
        title: 'Credits used a minute by team',
        description: 'By the clock of the proxy.',
        unit: CREDITS,
      },
      promQuery('60 * sum by (team) (rate(tollgate_used_credits_total[5m]))', '{{team}}'),
    ),
    lines(
      8,
      {
        title: 'Fullest budgets',
        description: 'Spent and held, of the limit.',
        unit: 'percentunit',
      },
      promQuery(
        'topk(10, max by (budget) (tollgate_budget_spent_credits + tollgate_budget_held_credits) / max by (budget) (tollgate_budget_limit_credits > 0))',
        '{{budget}}',
      ),
    ),
    lines(
      8,
      {
        title: 'Open tickets',
        description: 'By state; those in doubt hold until evidence is there.',
        unit: 'short',
      },
      promQuery('max by (state) (tollgate_open_tickets)', '{{state}}'),
    ),
  ];
}

function ledger(): readonly Tile[] {
  return [
    lines(
      8,
      {
        title: 'Outcomes that the ledger does not have',
        description: 'In the journals of replicas.',
        unit: 'short',
      },
      promQuery('sum by (instance) (tollgate_settlement_backlog)', 'waiting {{instance}}'),
      promQuery('sum by (instance) (tollgate_journal_records)', 'on disk {{instance}}', {
        refId: 'B',
      }),
    ),
    lines(
      8,
      {
        title: 'Lag of the journal',
        description: 'How long the oldest outcome has waited.',
        unit: 's',
      },
      promQuery('max by (instance) (tollgate_journal_lag_seconds)', '{{instance}}'),
      promQuery('max by (instance) (tollgate_journal_sync_seconds)', 'sync {{instance}}', {
        refId: 'B',
      }),
    ),
    lines(
      8,
      {
        title: 'Leases',
        description: 'Budgets leased to replicas, and renewals that failed.',
        unit: 'short',
      },
      promQuery('sum by (instance) (tollgate_leases)', '{{instance}}'),
      promQuery(
        'sum by (instance) (rate(tollgate_lease_renewals_failed_total[5m]))',
        'failed {{instance}}',
        { refId: 'B' },
      ),
    ),
  ];
}

function errors(): readonly Tile[] {
  return [
    bars(
      8,
      {
        title: 'Faults a second',
        description: 'Requests that ended in a fault, by code.',
        unit: 'short',
      },
      promQuery('sum by (code) (rate(tollgate_faults_total[5m]))', '{{code}}'),
      promQuery('sum(rate(tollgate_settle_failures_total[5m]))', 'not settled at once', {
        refId: 'B',
      }),
    ),
    bars(
      8,
      {
        title: 'Upstream failures a second',
        description: 'Requests that Snowflake did not answer.',
        unit: 'short',
      },
      promQuery('sum by (kind) (rate(tollgate_upstream_failures_total[5m]))', '{{kind}}'),
    ),
    lines(
      8,
      { title: 'Lag of the event loop', description: 'Slowest one in a hundred turns.', unit: 's' },
      promQuery(
        'max by (instance) (nodejs_eventloop_lag_p99_seconds{job="tollgate"})',
        '{{instance}}',
      ),
    ),
  ];
}

function estimator(): readonly Tile[] {
  return [
    lines(
      8,
      {
        title: 'Error of estimates',
        description: 'Factor between expected and used, half of all.',
        unit: 'none',
        decimals: 2,
      },
      promQuery(quantile(0.5, 'tollgate_estimate_q_error', 'basis'), 'p50 {{basis}}'),
      promQuery(quantile(0.9, 'tollgate_estimate_q_error', 'basis'), 'p90 {{basis}}', {
        refId: 'B',
      }),
    ),
    lines(
      8,
      {
        title: 'Enough was held',
        description: 'Share of statements whose 90 % amount was enough; it should be 0.9.',
        unit: 'percentunit',
      },
      promQuery(
        'sum by (basis) (rate(tollgate_estimate_outcomes_total{covered="yes"}[1h])) / sum by (basis) (rate(tollgate_estimate_outcomes_total[1h]))',
        '{{basis}}',
      ),
    ),
    lines(
      8,
      {
        title: 'Held for each used credit',
        description: 'How much more than used the 90 % amounts come to.',
        unit: 'none',
        decimals: 2,
      },
      promQuery(
        'sum by (basis) (rate(tollgate_estimate_high_credits_total[1h])) / sum by (basis) (rate(tollgate_estimate_used_credits_total[1h]))',
        '{{basis}}',
      ),
    ),
  ];
}

/** What the alert of limits looks at: everything with a limit that is no cache. */
const QUEUES =
  'bearer-proofs-pending|connections|database-connections|journal|judgements|leases|ledger-.+|password-hashes|sql-parser|table-statistics|unheld-tickets|upstream-connections';

function limits(): readonly Tile[] {
  return [
    lines(
      8,
      {
        title: 'How full queues and pools are',
        description: 'The ten fullest of what makes somebody wait, or refuses, when it is full.',
        unit: 'percentunit',
      },
      promQuery(
        `topk(10, max by (resource) (tollgate_limit_used{resource=~"${QUEUES}"} / tollgate_limit_max))`,
        '{{resource}}',
      ),
    ),
    lines(
      8,
      {
        title: 'How full caches are',
        description: 'A full cache is as it should be; one that is far from full may be smaller.',
        unit: 'percentunit',
      },
      promQuery(
        `max by (resource) (tollgate_limit_used{resource!~"${QUEUES}"} / tollgate_limit_max)`,
        '{{resource}}',
      ),
    ),
    table(
      8,
      {
        title: 'Limits',
        description: 'The most that one process may have of each.',
        unit: 'short',
        decimals: 0,
      },
      promQuery('max by (resource, unit) (tollgate_limit_max)', '', { isInstant: true }),
    ),
  ];
}

function usage(): readonly Tile[] {
  return [
    lines(
      8,
      {
        title: 'Age of imports',
        description: "How long ago Snowflake's views were imported.",
        unit: 's',
      },
      promQuery(
        'max by (account, view) (tollgate_usage_import_age_seconds)',
        '{{account}} {{view}}',
      ),
    ),
    lines(
      8,
      { title: 'Metered credits of seven days', description: 'By where they went.', unit: CREDITS },
      promQuery('max by (bucket) (tollgate_metered_credits)', '{{bucket}}'),
    ),
    lines(
      8,
      {
        title: 'Replicas and their document',
        description: 'Replicas that differ for long have a problem.',
        unit: 'short',
      },
      promQuery('max by (state) (tollgate_replicas)', '{{state}}'),
      promQuery('max by (instance) (tollgate_control_version)', 'version {{instance}}', {
        refId: 'B',
      }),
    ),
  ];
}
