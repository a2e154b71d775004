/** Gives back what statements hold that did not run. */
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import type { ReleaseOutcome, ReleaseReason, TicketState } from '../ledger.js';
import { jsonFor, storable } from './ticket-row.js';

// What is held is taken from the locked rows, and rows are looked up by one array of ids, as in settle.ts.
const RELEASE = `/* prepared: billing.release_batch */
WITH m AS MATERIALIZED (
  SELECT r.* FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, states text[], reason text, ending text, refusal_code text,
    refusal_message text, refusal_detail jsonb)
), k AS MATERIALIZED (
  SELECT id, replica, hold_credits, state FROM ticket WHERE id = ANY(ARRAY(SELECT id FROM m))
  ORDER BY id FOR NO KEY UPDATE
), t AS MATERIALIZED (
  SELECT k.id, k.replica, k.hold_credits, m.reason, m.ending, m.refusal_code, m.refusal_message, m.refusal_detail
  FROM k JOIN m ON m.id = k.id
  WHERE k.state = ANY(m.states)
), ended AS (
  UPDATE ticket SET state = 'VOID', ended_at = $2, ending = t.ending, refusal_code = t.refusal_code,
    refusal_message = t.refusal_message, refusal_detail = t.refusal_detail,
    stands_for_request = ticket.stands_for_request AND (t.ending IS NOT NULL OR t.refusal_code IS NOT NULL)
  FROM t WHERE ticket.id = t.id
), closed AS (
  DELETE FROM open_ticket WHERE ticket_id = ANY(ARRAY(SELECT id FROM t))
), h AS MATERIALIZED (
  SELECT ticket_id, budget_period_id, lease_id FROM hold WHERE ticket_id = ANY(ARRAY(SELECT id FROM t))
), part AS MATERIALIZED (
  SELECT t.id AS ticket_id, h.budget_period_id, h.lease_id IS NOT NULL AS is_leased, t.hold_credits AS held
  FROM t JOIN h ON h.ticket_id = t.id
), locked AS MATERIALIZED (
  SELECT p.id, p.held_credits, p.leased_credits
  FROM (SELECT DISTINCT budget_period_id FROM part) w JOIN budget_period p ON p.id = w.budget_period_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), lowered AS (
  UPDATE budget_period p SET held_credits = l.held_credits - s.held, leased_credits = l.leased_credits - s.leased
  FROM locked l JOIN (
    SELECT budget_period_id, coalesce(sum(held) FILTER (WHERE NOT is_leased), 0) AS held,
      coalesce(sum(held) FILTER (WHERE is_leased), 0) AS leased
    FROM part GROUP BY budget_period_id
  ) s ON s.budget_period_id = l.id
  WHERE p.id = l.id
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'release', id, 'release:' || id, replica, reason, $2 FROM t
  RETURNING id, ticket_id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (PARTITION BY j.id), s.budget_period_id, x.account, x.credits
  FROM journalled j JOIN part s ON s.ticket_id = j.ticket_id,
    LATERAL (VALUES (CASE WHEN s.is_leased THEN 'leased' ELSE 'held' END, -s.held), ('available', s.held))
      AS x (account, credits)
  WHERE s.held > 0
)
SELECT id AS ticket_id, hold_credits FROM t`;

const STATES = `/* prepared: billing.ticket_states */
SELECT id AS ticket_id, state FROM ticket WHERE id = ANY($1::uuid[])`;

const NEVER_SENT = ['RESERVED'] as const;
const IN_FLIGHT = ['RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT'] as const;
const IN_DOUBT = ['IN_DOUBT'] as const;
const REASON_CHARACTERS_MAX = 2_000;

/** One hold to give back, from the states in which that is right. */
export interface Release {
  readonly ticketId: TicketId;
  readonly states: readonly TicketState[];
  readonly reason: ReleaseReason;
}

/** RESERVED → VOID. `sent` when only a settlement or evidence may close it (I5). */
export function unsentRelease(ticketId: TicketId, reason: ReleaseReason): Release {
  return { ticketId, states: NEVER_SENT, reason };
}

/**
 * Any open ticket → VOID, on evidence that it did not run; the evidence is the reason in the journal. Its request may
 * come again as a new statement. With `onlyInDoubt` one that was sent again meanwhile stays as it is.
 */
export function evidentRelease(
  ticketId: TicketId,
  evidence: string,
  onlyInDoubt: boolean,
): Release {
  const states = onlyInDoubt ? IN_DOUBT : IN_FLIGHT;
  return { ticketId, states, reason: { kind: 'failed', reason: evidence } };
}

/**
 * Gives back the holds of many tickets, none twice, in one transaction.
 * @returns in order; undefined where there is no such ticket.
 */
export async function releaseBatch(
  db: Queryable,
  releases: readonly Release[],
  at: EpochMs,
): Promise<readonly (ReleaseOutcome | undefined)[]> {
  const { rows } = await db.query<{ ticket_id: TicketId; hold_credits: string }>(RELEASE, [
    jsonFor(releases.map(recordOf)),
    new Date(at),
  ]);
  const released = new Map(rows.map((row) => [row.ticket_id, row.hold_credits]));
  const rest = releases.map(({ ticketId }) => ticketId).filter((id) => !released.has(id));
  const states = rest.length === 0 ? [] : await statesOf(db, rest);
  return releases.map(({ ticketId }) => {
    const credits = released.get(ticketId);
    if (credits !== undefined) return { kind: 'released', releasedCredits: parseCredits(credits) };
    const state = states.find((row) => row.ticket_id === ticketId)?.state;
    if (state === undefined) return undefined;
    return { kind: state === 'VOID' || state === 'SETTLED' ? 'alreadyClosed' : 'sent', state };
  });
}

async function statesOf(
  db: Queryable,
  ids: readonly TicketId[],
): Promise<readonly { readonly ticket_id: TicketId; readonly state: TicketState }[]> {
  return (await db.query<{ ticket_id: TicketId; state: TicketState }>(STATES, [ids])).rows;
}

function recordOf({ ticketId, states, reason }: Release): Readonly<Record<string, unknown>> {
  const refusal = reason.kind === 'refused' ? reason.refusal : null;
  const text = reason.kind === 'refused' ? reason.refusal.message : reason.reason;
  return {
    id: ticketId,
    states,
    reason: storable(text.slice(0, REASON_CHARACTERS_MAX)),
    ending: reason.kind === 'cancelled' ? 'cancelled' : null,
    refusal_code: refusal?.code ?? null,
    refusal_message: refusal?.message ?? null,
    refusal_detail: refusal?.detail ?? null,
  };
}
