/** What rules said, as rows: one transaction a batch, and what is too old goes. */
import type { Database } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { RuleMode } from '#policies/control/choices.js';
import type { Reason } from '#policies/rules/decision.js';
import type { PastContext } from '#policies/rules/past-record.js';

export interface FactsRow {
  readonly key: string;
  /** JSON. */
  readonly record: string;
  readonly used_on: string;
}

export interface TicketRow {
  readonly ticket_id: string;
  readonly facts_key: string | null;
  readonly context: PastContext | null;
  readonly warnings: readonly Reason[] | null;
  readonly occurred_at: string;
}

export interface HitRow {
  readonly day: string;
  readonly rule_id: string;
  readonly team_id: string;
  readonly mode: RuleMode;
  readonly hits: number;
  readonly expected_credits: string;
}

export interface JudgementBatch {
  readonly facts: readonly FactsRow[];
  readonly tickets: readonly TicketRow[];
  readonly hits: readonly HitRow[];
}

/** Longer than a plan looks back, by some days. */
const KEPT_DAYS = 35;
const HITS_KEPT_DAYS = 400;
/** Records of shapes; with more, new ones are not kept, and a plan says what it could not judge. */
const FACTS_ROWS_MAX = 500_000;
/** Rows that go at once. */
const FORGET_MAX = 20_000;
const DAY_MS = 86_400_000;

// Rows in the order of their keys: replicas that write at once wait for each other, and never in a circle.
const FACTS = `INSERT INTO judged_facts AS f (key, record, used_on)
SELECT r.key, r.record::jsonb, r.used_on FROM jsonb_to_recordset($1::jsonb) AS r (key text, record text, used_on date)
WHERE (SELECT reltuples FROM pg_class WHERE oid = 'judged_facts'::regclass) < ${FACTS_ROWS_MAX}
ORDER BY r.key
ON CONFLICT (key) DO UPDATE SET used_on = excluded.used_on WHERE f.used_on < excluded.used_on`;
const TICKETS = `INSERT INTO ticket_judgement (ticket_id, facts_key, context, warnings, occurred_at)
SELECT r.ticket_id, r.facts_key, r.context, r.warnings, r.occurred_at FROM jsonb_to_recordset($1::jsonb)
  AS r (ticket_id uuid, facts_key text, context jsonb, warnings jsonb, occurred_at timestamptz)
ON CONFLICT (ticket_id) DO NOTHING`;
const HITS = `INSERT INTO rule_hit AS h (day, rule_id, team_id, mode, hits, expected_credits)
SELECT r.day, r.rule_id, r.team_id, r.mode, r.hits, r.expected_credits FROM jsonb_to_recordset($1::jsonb)
  AS r (day date, rule_id text, team_id text, mode text, hits bigint, expected_credits numeric)
ORDER BY r.day, r.rule_id, r.team_id, r.mode
ON CONFLICT (day, rule_id, team_id, mode) DO UPDATE
SET hits = h.hits + excluded.hits, expected_credits = h.expected_credits + excluded.expected_credits`;

/** Writes a batch, all or nothing. A commit whose answer is lost is written again: its hits then count twice. */
export async function writeJudgements(db: Database, batch: JudgementBatch): Promise<void> {
  await db.transaction(async (tx) => {
    if (batch.facts.length > 0) await tx.query(FACTS, [JSON.stringify(batch.facts)]);
    if (batch.tickets.length > 0) await tx.query(TICKETS, [JSON.stringify(batch.tickets)]);
    if (batch.hits.length > 0) await tx.query(HITS, [JSON.stringify(batch.hits)]);
  });
}

/** Deletes what no plan looks at any more, some at a time. */
export async function forgetOld(db: Database, at: EpochMs): Promise<void> {
  const [kept, hitsKept] = [KEPT_DAYS, HITS_KEPT_DAYS].map((days) => new Date(at - days * DAY_MS));
  await db.query(
    `DELETE FROM ticket_judgement WHERE ticket_id IN (
      SELECT ticket_id FROM ticket_judgement WHERE occurred_at < $1 LIMIT ${FORGET_MAX})`,
    [kept],
  );
  await db.query(
    `DELETE FROM judged_facts WHERE key IN (SELECT key FROM judged_facts WHERE used_on < $1::date LIMIT ${FORGET_MAX})`,
    [kept],
  );
  await db.query('DELETE FROM rule_hit WHERE day < $1::date', [hitsKept]);
}
