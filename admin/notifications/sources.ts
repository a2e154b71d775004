/**
 * Where notifications come from: rows that other parts have written, each with the key under which it is told once. `$1` is
 * now and `$2` since when is looked; what is found again was told already. No source reads the text of a statement.
 */
import type { Fact, NotificationKind, Severity } from './notification.js';
import { plainLine } from './notification.js';

/** What the SQL of a source yields. */
export interface FoundRow {
  readonly key: string;
  readonly team_id: string | null;
  readonly occurred_at: Date;
  /** Texts by name; amounts as decimals. */
  readonly told: Readonly<Record<string, string | null>>;
}

export interface Source {
  readonly kind: NotificationKind;
  readonly sql: string;
  /** What is said of one row. */
  readonly words: (told: FoundRow['told']) => {
    readonly severity: Severity;
    readonly title: string;
    readonly facts: readonly (readonly [name: string, value: string | null | undefined])[];
  };
  /** Administrators are told too, also where it is of a team. */
  readonly isForAdministrators?: boolean;
}

const WRITTEN_CHARACTERS_MAX = 200;
const written = (text: string | null | undefined): string =>
  plainLine(text ?? '', WRITTEN_CHARACTERS_MAX);

const CREDITS = (expression: string): string => `trim_scale(round(${expression}, 4))::text`;
const DAY = (expression: string): string =>
  `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
const MINUTE = (expression: string): string =>
  `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')`;

const BUDGET_THRESHOLD: Source = {
  kind: 'budget-threshold',
  sql: `SELECT 'budget-threshold/' || n.id AS key, coalesce(o.id, w.team_id) AS team_id, n.fired_at AS occurred_at,
      jsonb_build_object('budget', b.id, 'measure', n.measure, 'threshold', n.threshold::text,
        'limit', ${CREDITS('n.limit_credits')}, 'spent', ${CREDITS('n.spent_credits')},
        'forecast', ${CREDITS('n.forecast_credits')}, 'exhausted', ${MINUTE('n.exhausted_at')},
        'ends', ${MINUTE('p.ends_at')}) AS told
    FROM budget_notice n JOIN budget_period p ON p.id = n.budget_period_id JOIN budget b ON b.id = p.budget_id
    LEFT JOIN org_node o ON o.id = b.node_id AND o.kind = 'team'
    LEFT JOIN principal w ON w.id = b.node_id
    WHERE n.fired_at BETWEEN $2 AND $1`,
  words: (told) => ({
    severity:
      told['measure'] === 'use' && Number(told['threshold']) >= 100 ? 'critical' : 'warning',
    title:
      told['measure'] === 'use'
        ? `${told['budget']} has spent ${told['threshold']} % of its limit`
        : `${told['budget']} is on its way to ${told['threshold']} % of its limit`,
    facts: [
      ['Limit', inCredits(told['limit'])],
      ['Spent', inCredits(told['spent'])],
      ['Forecast', inCredits(told['forecast'])],
      ['Used up', told['exhausted']],
      ['Period ends', told['ends']],
    ],
  }),
};

const BUDGET_REFUSALS: Source = {
  kind: 'budget-refusals',
  sql: `SELECT 'budget-refusals/' || team_id || '/' || ${DAY('min(occurred_at)')} AS key, team_id,
      min(occurred_at) AS occurred_at, jsonb_build_object('day', ${DAY('min(occurred_at)')}) AS told
    FROM ticket WHERE refusal_code = 'TG2001' AND team_id IS NOT NULL AND occurred_at BETWEEN $2 AND $1
    GROUP BY team_id, (occurred_at AT TIME ZONE 'UTC')::date`,
  words: (told) => ({
    severity: 'warning',
    title: 'Statements are refused for their budget',
    facts: [
      ['Day', told['day']],
      ['See', 'SELECT * FROM TOLLGATE.MY_BUDGET'],
    ],
  }),
};

const REQUEST_WAITING: Source = {
  kind: 'request-waiting',
  sql: `SELECT 'request/' || r.ticket_id AS key, t.team_id, r.asked_at AS occurred_at,
      jsonb_build_object('ticket', r.ticket_id::text, 'principal', r.principal_id, 'reason', r.reason,
        'short', ${CREDITS('r.short_credits')}, 'lifts', array_to_string(r.passes, ', '),
        'asks', concat_ws(', ', ${CREDITS('r.asked_credits')} || ' credits', 'runs: ' || r.asked_runs,
          'hours: ' || r.asked_hours, CASE WHEN r.asked_shape THEN 'its shape' END),
        'expires', ${MINUTE('r.expires_at')}) AS told
    FROM approval_request r JOIN ticket t ON t.id = r.ticket_id
    WHERE r.state = 'waiting' AND r.asked_at BETWEEN $2 AND $1`,
  words: (told) => ({
    severity: 'info',
    title: `${told['principal']} waits for a decision`,
    facts: [
      ['Reason', written(told['reason'])],
      ['Lacks', inCredits(told['short'])],
      ['Would lift', told['lifts']],
      ['Asks for', told['asks']],
      ['Ends', told['expires']],
      ['Decide', `tollgate grant approve ${told['ticket']}`],
    ],
  }),
};

const BREAK_GLASS: Source = {
  kind: 'break-glass',
  isForAdministrators: true,
  sql: `SELECT 'break-glass/' || b.principal_id || '/' || b.way_id || '/' || extract(epoch FROM b.opened_at)::text AS key,
      p.team_id, b.opened_at AS occurred_at, jsonb_build_object('principal', b.principal_id, 'way', b.way_id,
        'reason', b.reason, 'ends', ${MINUTE('b.ends_at')}) AS told
    FROM break_glass b LEFT JOIN principal p ON p.id = b.principal_id WHERE b.opened_at BETWEEN $2 AND $1`,
  words: (told) => ({
    severity: 'critical',
    title: `${told['principal']} passes budgets and rules by break-glass`,
    facts: [
      ['Reason', written(told['reason'])],
      ['Way', told['way']],
      ['Until', told['ends']],
    ],
  }),
};

const FREEZE: Source = {
  kind: 'freeze',
  isForAdministrators: true,
  sql: `SELECT 'freeze/' || f.id AS key,
      CASE f.scope WHEN 'team' THEN f.target WHEN 'principal' THEN p.team_id END AS team_id, f.frozen_at AS occurred_at,
      jsonb_build_object('scope', f.scope, 'target', f.target, 'by', f.frozen_by, 'reason', f.reason,
        'until', ${MINUTE('f.until_at')}) AS told
    FROM admission_freeze f LEFT JOIN principal p ON f.scope = 'principal' AND p.id = f.target
    WHERE f.frozen_at BETWEEN $2 AND $1`,
  words: (told) => ({
    severity: told['scope'] === 'everything' ? 'critical' : 'warning',
    title:
      told['scope'] === 'everything'
        ? 'Everything is frozen: nothing new is admitted'
        : `${told['scope']} ${told['target']} is frozen: nothing new of it is admitted`,
    facts: [
      ['Reason', written(told['reason'])],
      ['By', told['by']],
      ['Until', told['until'] ?? 'it is thawed'],
    ],
  }),
};

const QUARANTINE: Source = {
  kind: 'quarantine',
  sql: `SELECT 'quarantine/' || q.ticket_id AS key, NULL AS team_id, q.quarantined_at AS occurred_at,
      jsonb_build_object('ticket', q.ticket_id::text, 'team', t.team_id, 'reason', q.reason) AS told
    FROM settlement_quarantine q JOIN ticket t ON t.id = q.ticket_id
    WHERE q.decided_at IS NULL AND q.quarantined_at BETWEEN $2 AND $1`,
  words: (told) => ({
    severity: 'critical',
    title: 'A settlement that cannot be true waits for a decision',
    facts: [
      ['Ticket', told['ticket']],
      ['Team', told['team']],
      ['Why', written(told['reason'])],
    ],
  }),
};

const RUN_RATE_STOP: Source = {
  kind: 'run-rate-stop',
  sql: `SELECT 'run-rate-stop/' || team_id || '/' || fingerprint || '/' || ${DAY('min(occurred_at)')} AS key, team_id,
      min(occurred_at) AS occurred_at, jsonb_build_object('shape', left(fingerprint, 12), 'tier', min(tier),
        'workload', min(workload)) AS told
    FROM ticket WHERE refusal_code = 'TG2110' AND team_id IS NOT NULL AND fingerprint IS NOT NULL
      AND occurred_at BETWEEN $2 AND $1
    GROUP BY team_id, fingerprint, (occurred_at AT TIME ZONE 'UTC')::date`,
  words: (told) => ({
    severity: 'warning',
    title: 'A repeating statement is stopped: its month would take more than its run rate allows',
    facts: [
      ['Shape', told['shape']],
      ['Tier', told['tier']],
      ['Workload', told['workload']],
    ],
  }),
};

const SPEND_ANOMALY: Source = {
  kind: 'spend-anomaly',
  sql: `SELECT 'spend-anomaly/' || a.id AS key, a.team_id, a.found_at AS occurred_at,
      jsonb_build_object('id', a.id::text, 'grain', a.grain, 'from', ${MINUTE('a.starts_at')}, 'owner', a.owner,
        'spent', ${CREDITS('a.spent_credits')}, 'usual', ${CREDITS('a.usual_credits')},
        'shape', left(a.shapes -> 0 ->> 'fingerprint', 12), 'workload', a.shapes -> 0 ->> 'workload',
        'share', a.shapes -> 0 ->> 'percent') AS told
    FROM spend_anomaly a WHERE a.acknowledged_at IS NULL AND a.found_at BETWEEN $2 AND $1`,
  words: (told) => ({
    severity: 'warning',
    title: `${told['spent']} credits in the ${told['grain']} of ${told['from']}, where ${told['usual']} are usual`,
    facts: [
      ['Owner', told['owner']],
      ['Dearest shape', told['shape']],
      ['Its workload', told['workload']],
      ['Its share', told['share'] === null ? null : `${told['share']} %`],
      ['Acknowledge', `POST /api/v1/anomalies/${told['id']}/acknowledge`],
    ],
  }),
};

/** From this hour of the day, UTC: by then the night's charges are in. */
const DIGEST_HOUR = 6;

const DIGEST: Source = {
  kind: 'digest',
  // Mondays tell the week, other days the day before. Hours of charges say less than a second of either.
  sql: `WITH span AS (
      SELECT day AS ends_at, CASE WHEN extract(isodow FROM day) = 1 THEN 7 ELSE 1 END AS days
      FROM (SELECT date_trunc('day', $1::timestamptz AT TIME ZONE 'UTC') AS day) d
      WHERE extract(hour FROM $1::timestamptz AT TIME ZONE 'UTC') >= ${DIGEST_HOUR} AND $2::timestamptz <= $1
    ), bounds AS (
      SELECT (ends_at - days * interval '1 day') AT TIME ZONE 'UTC' AS from_at, ends_at AT TIME ZONE 'UTC' AS to_at, days
      FROM span
    )
    SELECT 'digest/' || t.id || '/' || ${DAY('b.to_at')} AS key, t.id AS team_id, b.to_at AS occurred_at,
      jsonb_build_object('team', t.name, 'days', b.days::text, 'from', ${DAY('b.from_at')},
        'statements', s.statements::text, 'spent', ${CREDITS('s.credits')}, 'refusals', r.refusals::text,
        'left', (SELECT string_agg(g.budget_id || ' ' || ${CREDITS('g.remaining_credits')} || ' credits', '; '
            ORDER BY g.budget_id)
          FROM dash_budget g WHERE g.node_id = t.id AND g.starts_at <= $1 AND g.ends_at > $1)) AS told
    FROM bounds b CROSS JOIN org_node t
    CROSS JOIN LATERAL (SELECT coalesce(sum(h.statements), 0) AS statements, coalesce(sum(h.credits), 0) AS credits
      FROM charge_hour h WHERE h.team_id = t.id AND h.hour_at >= b.from_at AND h.hour_at < b.to_at) s
    CROSS JOIN LATERAL (SELECT count(*) AS refusals FROM ticket k
      WHERE k.team_id = t.id AND k.refusal_code IS NOT NULL AND k.occurred_at >= b.from_at AND k.occurred_at < b.to_at) r
    WHERE t.kind = 'team' AND t.is_active AND (s.statements > 0 OR r.refusals > 0)
      AND NOT EXISTS (SELECT FROM notification n WHERE n.key = 'digest/' || t.id || '/' || ${DAY('b.to_at')})`,
  words: (told) => ({
    severity: 'info',
    title:
      told['days'] === '1'
        ? `${told['team']} spent ${told['spent']} credits on ${told['from']}`
        : `${told['team']} spent ${told['spent']} credits in the week of ${told['from']}`,
    facts: [
      ['Statements', told['statements']],
      ['Refused', told['refusals']],
      ['Left', told['left']],
    ],
  }),
};

export const SOURCES: readonly Source[] = [
  BUDGET_THRESHOLD,
  BUDGET_REFUSALS,
  REQUEST_WAITING,
  BREAK_GLASS,
  FREEZE,
  QUARANTINE,
  RUN_RATE_STOP,
  SPEND_ANOMALY,
  DIGEST,
];

/** Facts that have a value. */
export function factsOf(
  facts: readonly (readonly [name: string, value: string | null | undefined])[],
): readonly Fact[] {
  return facts.flatMap(([name, value]): Fact[] =>
    value === null || value === undefined || value === '' ? [] : [[name, value]],
  );
}

function inCredits(amount: string | null | undefined): string | null {
  return amount === null || amount === undefined ? null : `${amount} credits`;
}
