/**
 * What each view of the surface shows and from where. Every source selects for one team, given as a bound value
 * inside the view, so that nothing a caller writes around it can reach another team's rows (I8).
 */
import type { TicketId } from '#base/ids.js';
import { formatInstant, type EpochMs } from '#base/time.js';
import { formatAmount, type Credits } from '#base/units.js';
import { columnType, type RowType } from '#base/wire/row-type.js';
import type { ToldWait } from '../admission/waits.js';
import { USED_LATERAL } from '#billing/passes.js';
import type { Price } from '#policies/prices/price-lookup.js';
import type { ViewName } from './query.js';

export interface ViewColumn {
  readonly name: string;
  readonly type: RowType;
  /** Postgres expression inside the view's source. */
  readonly sql: string;
}

/** What a running statement has used so far. */
export interface UsedSoFar {
  readonly ticketId: TicketId;
  readonly usedCredits: Credits;
}

/** Whose rows a view shows, and at which instant. */
export interface ViewScope {
  readonly teamId: string;
  /** Of a compute credit now; null: none is in force. */
  readonly price: Pick<Price, 'pricePerCredit' | 'currency'> | null;
  readonly at: EpochMs;
  /** The ticket asked about; null but for WHY. */
  readonly ticketId: TicketId | null;
  /** Of the team's statements that run on this replica. */
  readonly used: () => readonly UsedSoFar[];
  /** Of the team's statements that wait for a permit. */
  readonly waits: readonly ToldWait[];
}

/** Adds a bound value and returns its place (`$3`). */
export type BindValue = (value: string | number | boolean | null) => string;

export interface ViewDefinition {
  readonly columns: readonly ViewColumn[];
  /** `FROM … WHERE …` of the source. */
  from(scope: ViewScope, bind: BindValue): string;
}

const AMOUNT = { precision: 38, scale: 12 };

const text = (name: string, sql: string): ViewColumn => ({
  name,
  type: columnType(name, 'text'),
  // Snowflake compares text by its bytes.
  sql: `(${sql})::text COLLATE "C"`,
});
const amount = (name: string, sql: string): ViewColumn => ({
  name,
  type: columnType(name, 'fixed', AMOUNT),
  sql: `round_half_even(${sql})::numeric(38,12)`,
});
const whole = (name: string, sql: string): ViewColumn => ({
  name,
  type: columnType(name, 'fixed'),
  sql: `(${sql})::numeric(38,0)`,
});
const instant = (name: string, sql: string): ViewColumn => ({
  name,
  type: columnType(name, 'timestamp_ltz', { scale: 9 }),
  sql: `(${sql})::timestamptz`,
});
const real = (name: string, sql: string): ViewColumn => ({
  name,
  type: columnType(name, 'real'),
  sql: `(${sql})::double precision`,
});

const LIMIT = 'coalesce(p.limit_credits + p.granted_credits + p.carried_credits, b.limit_credits)';
const SPENT = 'coalesce(p.spent_credits, 0)';
// A forecast is up to a minute old: what is spent by now is the least that can come of it.
const FORECAST =
  'CASE WHEN o.expected_credits IS NOT NULL THEN greatest(o.expected_credits, p.spent_credits) END';
// What replicas have leased and no statement holds is there for everybody: whoever is short is given it.
const HELD = `coalesce(p.held_credits + p.leased_credits
  - (SELECT coalesce(sum(i.idle_credits), 0) FROM lease i WHERE i.budget_period_id = p.id), 0)`;

/** The team's budgets and those of its principals, in the period that contains the instant. */
const MY_BUDGET: ViewDefinition = {
  columns: [
    text('BUDGET', 'b.id'),
    text('TEAM', 's.team_id'),
    instant('PERIOD_START', 'coalesce(p.starts_at, w.starts_at)'),
    instant('PERIOD_END', 'coalesce(p.ends_at, w.ends_at)'),
    amount('LIMIT_CREDITS', LIMIT),
    amount('SPENT_CREDITS', SPENT),
    amount('HELD_CREDITS', HELD),
    amount('AVAILABLE_CREDITS', `${LIMIT} - ${SPENT} - ${HELD}`),
    amount('LIMIT_AMOUNT', `(${LIMIT}) * r.price_per_credit`),
    amount('SPENT_AMOUNT', `${SPENT} * r.price_per_credit`),
    amount('AVAILABLE_AMOUNT', `(${LIMIT} - ${SPENT} - ${HELD}) * r.price_per_credit`),
    text('CURRENCY', 'r.currency'),
    { name: 'IS_HARD', type: columnType('IS_HARD', 'boolean'), sql: 'b.is_hard' },
    amount('GRANTED_CREDITS', 'coalesce(p.granted_credits, 0)'),
    amount('CARRIED_CREDITS', 'coalesce(p.carried_credits, 0)'),
    amount('FORECAST_CREDITS', FORECAST),
    amount('FORECAST_AMOUNT', `${FORECAST} * r.price_per_credit`),
    instant('EXHAUSTED_AT', 'o.exhausted_at'),
    amount('PASSED_CREDITS', `nullif(greatest(${SPENT} - (${LIMIT}), 0), 0)`),
    text(
      'NOTICE',
      `CASE WHEN ${SPENT} > ${LIMIT} AND b.is_hard THEN 'the limit is passed: nothing runs until it is raised or the period ends'
        WHEN ${SPENT} > ${LIMIT} THEN 'the limit is passed; it is soft, so statements still run'
        WHEN o.exhausted_at IS NOT NULL THEN 'the limit will be used up before the period ends'
        ELSE (SELECT max(n.threshold) || ' % of the limit is spent' FROM budget_notice n
          WHERE n.budget_period_id = p.id AND n.measure = 'use' AND n.rearmed_at IS NULL) END`,
    ),
    text('COUNTS', 'b.counts'),
    amount(
      'DIRECT_CREDITS',
      'coalesce(p.spent_credits - p.metered_credits - p.loading_credits - p.billed_credits, 0)',
    ),
    amount('METERED_CREDITS', 'coalesce(p.metered_credits, 0)'),
    amount('LOADING_CREDITS', 'coalesce(p.loading_credits + p.billed_credits, 0)'),
  ],
  from(scope, bind) {
    const team = bind(scope.teamId);
    const price = bind(scope.price === null ? null : formatAmount(scope.price.pricePerCredit));
    const currency = bind(scope.price?.currency ?? null);
    const at = `${bind(formatInstant(scope.at))}::timestamptz`;
    // A budget nobody has used in this period has no row yet: its bounds follow from its kind, in its time zone. Those of
    // fiscal and custom budgets are opened by the clock, and outside of its days a custom one is not shown.
    return `
FROM (SELECT ${team}::text AS team_id, ${at} AS at) s
JOIN budget b ON b.is_active
  AND (b.node_id = s.team_id OR b.node_id IN (SELECT id FROM principal WHERE team_id = s.team_id))
CROSS JOIN LATERAL (SELECT s.at AT TIME ZONE b.time_zone AS local, make_interval(days => b.week_starts_on - 1) AS shift) z
CROSS JOIN LATERAL (
  SELECT CASE WHEN b.period_kind = 'week' THEN date_trunc('week', z.local - z.shift) + z.shift
    WHEN b.period_kind IN ('day', 'month', 'quarter') THEN date_trunc(b.period_kind, z.local) END AS first
) f
CROSS JOIN LATERAL (
  SELECT f.first AT TIME ZONE b.time_zone AS starts_at,
    (f.first + CASE WHEN b.period_kind = 'quarter' THEN interval '3 months'
      WHEN b.period_kind IN ('day', 'week', 'month') THEN ('1 ' || b.period_kind)::interval END) AT TIME ZONE b.time_zone AS ends_at
) w
LEFT JOIN budget_period p ON p.budget_id = b.id AND p.starts_at <= s.at AND p.ends_at > s.at
LEFT JOIN budget_forecast o ON o.budget_period_id = p.id
CROSS JOIN (SELECT ${price}::numeric AS price_per_credit, ${currency}::text AS currency) r
WHERE b.period_kind <> 'custom' OR p.id IS NOT NULL`;
  },
};

/**
 * What a ticket `t` with its charge `c` has used: the charge once there is one; while it runs, what the replica that runs
 * it knows (`u`), or said a moment ago (`running_use`); in doubt, what was last said. Of one that began just now elsewhere, or whose charge is on its
 * way, nobody here knows the shares of its past: an equal share of the time since it was sent, among what runs on its
 * warehouse now. `s.at`: now.
 */
const USED = `CASE WHEN c.ticket_id IS NOT NULL THEN c.credits WHEN t.state IN ('SENT', 'RUNNING', 'IN_DOUBT') THEN coalesce(u.credits,
  (SELECT w.used_credits FROM running_use w WHERE w.ticket_id = t.id),
  CASE WHEN t.state <> 'IN_DOUBT' THEN greatest(0, extract(epoch FROM s.at - coalesce(t.first_sent_at, t.sent_at))) END * t.expected_credits / nullif(t.expected_seconds, 0)::numeric / (
    SELECT greatest(count(*), 1) FROM open_ticket f JOIN ticket o ON o.id = f.ticket_id
    WHERE o.state IN ('SENT', 'RUNNING') AND o.account = t.account AND o.warehouse = t.warehouse)) END`;

const usedSource = (scope: ViewScope, bind: BindValue): string => {
  const used = scope.used().map(({ ticketId, usedCredits }) => ({
    ticket: ticketId,
    credits: formatAmount(usedCredits),
  }));
  return `CROSS JOIN (SELECT ${bind(formatInstant(scope.at))}::timestamptz AS at) s
LEFT JOIN jsonb_to_recordset(${bind(JSON.stringify(used))}::jsonb) AS u (ticket uuid, credits numeric) ON u.ticket = t.id`;
};

/** What keeps a ticket `t` that waits: what its lane says (`q`), that nobody has approved it yet, or the hour. */
const LIMITED_BY = `CASE WHEN t.state = 'RESERVED' THEN coalesce(q.limited_by, (
  SELECT 'approval' FROM approval_request a WHERE a.ticket_id = t.id AND a.state = 'waiting'),
  CASE WHEN t.runs_at > s.at THEN 'off-peak' END) END`;

/** How long a ticket `t` waits: what its lane says (`q`), or until its hour. */
const WAIT_SECONDS = `CASE WHEN t.state = 'RESERVED' THEN coalesce(q.seconds,
  nullif(greatest(0, extract(epoch FROM t.runs_at - s.at)), 0)::double precision) END`;

const waitSource = (scope: ViewScope, bind: BindValue): string => {
  const waits = scope.waits.map(({ ticketId, position, limitedBy, expectedWaitMs }) => ({
    ticket: ticketId,
    position,
    limited_by: limitedBy,
    seconds: expectedWaitMs / 1000,
  }));
  return `LEFT JOIN jsonb_to_recordset(${bind(JSON.stringify(waits))}::jsonb)
  AS q (ticket uuid, position integer, limited_by text, seconds double precision) ON q.ticket = t.id`;
};

const MY_QUERIES: ViewDefinition = {
  columns: [
    text('TICKET', 't.id'),
    instant('STARTED_AT', 'coalesce(t.started_at, t.occurred_at)'),
    instant('ENDED_AT', 't.ended_at'),
    text('TEAM', 't.team_id'),
    text('PRINCIPAL', 't.principal_id'),
    text('TIER', 't.tier'),
    text('WAREHOUSE', 't.warehouse'),
    text('STATE', 't.state'),
    text('QUERY_ID', 't.snowflake_query_id'),
    text('STATEMENT', 't.statement_shape'),
    text('BASIS', 't.basis'),
    whole('ESTIMATED_BYTES', 't.estimated_bytes'),
    whole('BYTES_SCANNED', 't.bytes_scanned'),
    amount('ESTIMATED_CREDITS', 't.expected_credits'),
    amount('HELD_CREDITS', 't.hold_credits'),
    amount('CREDITS', 'c.credits'),
    amount('ESTIMATED_AMOUNT', 't.expected_credits * t.price_per_credit'),
    amount('AMOUNT', 'c.money'),
    text('CURRENCY', 't.currency'),
    text('REFUSAL', 't.refusal_message'),
    text('WORKLOAD', 't.workload'),
    text('VIA', 't.via_principal_id'),
    amount('USED_CREDITS', USED),
    amount(
      'USED_AMOUNT',
      `CASE WHEN c.ticket_id IS NOT NULL THEN c.money ELSE (${USED}) * t.price_per_credit END`,
    ),
    text('BREAK_GLASS', '(SELECT reason FROM break_glass_use g WHERE g.ticket_id = t.id)'),
    whole('QUEUE_POSITION', 'q.position'),
    text('WAITS_FOR', LIMITED_BY),
    real('EXPECTED_WAIT_SECONDS', WAIT_SECONDS),
    text(
      'WARNINGS',
      `(SELECT string_agg(w ->> 'source' || ': ' || (w ->> 'message'), chr(10)) FROM ticket_judgement j,
        jsonb_array_elements(j.warnings) w WHERE j.ticket_id = t.id)`,
    ),
    text('REQUEST_STATE', 'r.state'),
    instant('PASS_UNTIL', 'p.expires_at'),
    amount('FINAL_CREDITS', 'c.final_credits'),
    amount('FINAL_AMOUNT', 'c.final_money'),
    text('STAGE', 'c.stage'),
    instant('RUNS_AT', `CASE WHEN t.state = 'RESERVED' THEN t.runs_at END`),
  ],
  from: (scope, bind) =>
    `FROM ticket t LEFT JOIN charge_final c ON c.ticket_id = t.id LEFT JOIN approval_request r ON r.ticket_id = t.id
  LEFT JOIN statement_pass p ON p.ticket_id = t.id AND p.revoked_at IS NULL ${usedSource(scope, bind)} ${waitSource(scope, bind)} WHERE t.team_id = ${bind(scope.teamId)}`,
};

const ESTIMATE_ACCURACY: ViewDefinition = {
  columns: [
    text('PRINCIPAL', 'e.principal_id'),
    text('BASIS', 'e.basis'),
    instant('DAY', "e.day::timestamp AT TIME ZONE 'UTC'"),
    whole('STATEMENTS', 'e.statements'),
    real('Q_ERROR_P50', 'e.q_error_p50'),
    real('Q_ERROR_P90', 'e.q_error_p90'),
    real('COVERAGE', 'e.coverage'),
  ],
  from: (scope, bind) => `FROM estimate_accuracy e WHERE e.team_id = ${bind(scope.teamId)}`,
};

/** An amount as people read it: at least two decimals, no trailing zeros beyond them. */
const plain = (sql: string): string =>
  `to_char(${sql}, 'FM999999999999999999999999990.009999999999')`;

/** `2026-11-23 07:12 UTC`. */
const minute = (sql: string): string =>
  `to_char(${sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')`;

/** One line an aspect; an aspect that has nothing to say has no line. */
const WHY: ViewDefinition = {
  columns: [
    { name: 'LINE', type: columnType('LINE', 'fixed'), sql: 'l.line::numeric(38,0)' },
    text('ASPECT', 'l.aspect'),
    text('DETAIL', 'l.detail'),
  ],
  from(scope, bind) {
    const team = bind(scope.teamId);
    const ticket = bind(scope.ticketId);
    return `
FROM ticket t
LEFT JOIN charge_final c ON c.ticket_id = t.id
${usedSource(scope, bind)}
${waitSource(scope, bind)}
LEFT JOIN approval_request r ON r.ticket_id = t.id
LEFT JOIN statement_pass p ON p.ticket_id = t.id
${USED_LATERAL}
CROSS JOIN LATERAL (
  SELECT row_number() OVER (ORDER BY o.ordinal, o.detail) AS line, o.aspect, o.detail FROM (
    SELECT * FROM (VALUES
      (1, 'state', t.state || coalesce(' (' || t.ending || coalesce(', ' || t.end_code, '') || ')', '')),
      (2, 'refusal', t.refusal_message),
      (3, 'request', r.state || ': asked by ' || r.principal_id || ' at ' || ${minute('r.asked_at')} || ': ' || r.reason
        || coalesce(' (asks for ' || nullif(concat_ws(', ', ${plain('r.asked_credits')} || ' credits', 'runs: ' || r.asked_runs,
          'hours: ' || r.asked_hours, CASE WHEN r.asked_shape THEN 'its shape' END), '') || ')', '')),
      (4, 'decision', r.state || ' by ' || r.decided_by || ' at ' || ${minute('r.decided_at')}
        || coalesce(', ' || ${plain('r.granted_credits')} || ' credits on ' || r.budget_id, '') || ': ' || r.decision_reason),
      (4, 'pass', CASE WHEN p.fingerprint IS NULL THEN 'this text' ELSE 'its shape' END || ' by '
        || coalesce(p.principal_id, 'the team') || ', past ' || array_to_string(p.passes, ', ')
        || coalesce(', ' || used.runs || ' of ' || p.runs_max || ' runs used', '')
        || coalesce(', ' || ${plain('used.credits')} || ' of ' || ${plain('p.amount_credits')} || ' credits used', '')
        || ', until ' || ${minute('p.expires_at')} || coalesce(', revoked: ' || p.revoke_reason, '')),
      (5, 'who', t.principal_id || ' of team ' || t.team_id || ', Snowflake user ' || t.snowflake_user
        || coalesce(', role ' || t.role_name, '') || coalesce(', workload ' || t.workload, '')
        || coalesce(', on behalf of it by ' || t.via_principal_id, '')),
      (6, 'where', 'tier ' || t.tier || coalesce(', warehouse ' || t.warehouse, '')
        || coalesce(' (' || t.warehouse_size || ')', '')),
      (7, 'estimate', 'expected ' || ${plain('t.expected_credits')} || ' credits, range '
        || ${plain('t.low_credits')} || ' to ' || ${plain('t.high_credits')} || ', basis ' || t.basis),
      (8, 'price', ${plain('t.price_per_credit')} || ' ' || t.currency || ' a credit'),
      (8, 'waits', CASE WHEN t.state = 'RESERVED' THEN 'number ' || q.position || ' in its queue, for the ' || q.limited_by
        || '; about ' || round(q.seconds::numeric) || ' s' END),
      (8, 'waits', CASE WHEN t.state = 'RESERVED' AND t.runs_at > s.at THEN 'for the off-peak hours, until ' || ${minute('t.runs_at')} END),
      (9, 'hold', CASE WHEN t.hold_credits > 0 THEN ${plain('t.hold_credits')} || ' credits' END),
      (11, 'used so far', CASE WHEN c.ticket_id IS NULL THEN ${plain(USED)} || ' credits' END),
      (12, 'charge', ${plain('c.credits')} || ' credits, ' || ${plain('c.money')} || ' ' || c.currency
        || ', ' || c.warehouse_ms || ' warehouse milliseconds'),
      (12, 'metered', CASE WHEN c.stage <> 'provisional' THEN ${plain('c.final_credits')} || ' credits, '
        || ${plain('c.final_money')} || ' ' || c.currency || ' (' || c.stage || ')' END),
      (13, 'overrun', CASE WHEN c.credits > t.hold_credits
        THEN ${plain('c.credits - t.hold_credits')} || ' credits above the hold' END),
      (18, 'break-glass', (SELECT g.way_id || ': ' || g.reason FROM break_glass_use g WHERE g.ticket_id = t.id)),
      (14, 'query id', t.snowflake_query_id),
      (15, 'statement', t.statement_shape),
      (16, 'fingerprint', t.fingerprint),
      (17, 'control version', t.control_version::text)
    ) AS v (ordinal, aspect, detail)
    UNION ALL
    SELECT 10, 'held on', p.budget_id || ': ' || ${plain('h.credits')} || ' credits, period from '
      || ${minute('p.starts_at')}
    FROM hold h JOIN budget_period p ON p.id = h.budget_period_id WHERE h.ticket_id = t.id
    UNION ALL
    SELECT 18, 'warning', w ->> 'source' || ': ' || (w ->> 'message')
    FROM ticket_judgement j, jsonb_array_elements(j.warnings) w WHERE j.ticket_id = t.id
  ) o WHERE o.detail IS NOT NULL
) l
WHERE t.team_id = ${team} AND t.id = ${ticket}::uuid`;
  },
};

export const VIEWS: Readonly<Record<ViewName, ViewDefinition>> = {
  MY_BUDGET,
  MY_QUERIES,
  ESTIMATE_ACCURACY,
  WHY,
};
