/** What Postgres keeps of waits: one row a statement that asked for a permit, for five weeks. */
import type { Database } from '#base/postgres/pool.js';
import { formatInstant, type EpochMs } from '#base/time.js';
import { jsonFor } from '#billing/postgres/ticket-row.js';

export const WAIT_OUTCOMES = ['admitted', 'full', 'timeout', 'lost', 'cancelled'] as const;
export type WaitOutcome = (typeof WAIT_OUTCOMES)[number];

/** One statement that asked for a permit. Milliseconds are of business time. */
export interface WaitEvent {
  readonly ticketId: string;
  /** Whose lane it waited in. */
  readonly tier: string;
  readonly teamId: string;
  /** When it came into the queue. */
  readonly at: EpochMs;
  /** Whole milliseconds. */
  readonly waitedMs: number;
  readonly outcome: WaitOutcome;
  /** What its tier promises; null: nothing. */
  readonly targetMs: number | null;
}

export const WAITS_KEPT_DAYS = 35;

const INSERT = `/* prepared: proxy.wait_insert */
INSERT INTO lane_event (ticket_id, tier, team_id, at, waited_ms, outcome, target_ms)
SELECT w."ticketId", w.tier, w."teamId", w.at, w."waitedMs", w.outcome, w."targetMs"
FROM jsonb_to_recordset($1::jsonb) AS w ("ticketId" uuid, tier text, "teamId" text, at timestamptz,
  "waitedMs" double precision, outcome text, "targetMs" double precision)`;

export async function insertWaits(db: Database, events: readonly WaitEvent[]): Promise<void> {
  await db.query(INSERT, [
    jsonFor(events.map((event) => ({ ...event, at: formatInstant(event.at) }))),
  ]);
}

export async function forgetWaits(db: Database, at: EpochMs): Promise<void> {
  await db.query('DELETE FROM lane_event WHERE at < $1::timestamptz - make_interval(days => $2)', [
    formatInstant(at),
    WAITS_KEPT_DAYS,
  ]);
}
