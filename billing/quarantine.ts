/**
 * Settlements that cannot be true, by what a warehouse can use at most. They charge nobody: their tickets are in doubt,
 * hold what they held, and are settled by better evidence or by an administrator's word.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { TicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, compareAmounts, formatAmount, parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Settlement } from './ledger.js';
import { ledgerCall } from './postgres/availability.js';
import { jsonFor } from './postgres/ticket-row.js';

/** Seven days, the longest that Snowflake lets a statement run (STATEMENT_TIMEOUT_IN_SECONDS), twice. */
const MS_MAX = 2 * 7 * 86_400_000;
/** Of such a statement on the dearest warehouse there is (6X-Large, 768 credits an hour), rounded up. */
const BELIEVABLE_CREDITS_MAX: Credits = parseCredits('200000');

/** What cannot be true of a settlement, in words; null: nothing. */
export function absurdityOf(settlement: Settlement): string | null {
  const { usedCredits, warehouseMs, startedAt, endedAt } = settlement;
  if (compareAmounts(usedCredits, NO_CREDITS) < 0) return 'it used less than nothing';
  if (compareAmounts(usedCredits, BELIEVABLE_CREDITS_MAX) > 0)
    return `it used ${formatAmount(usedCredits)} credits, more than any statement can`;
  if (!Number.isFinite(warehouseMs) || warehouseMs < 0)
    return `it ran for ${String(warehouseMs)} ms`;
  if (!Number.isFinite(startedAt) || !Number.isFinite(endedAt)) return 'it has no time';
  if (endedAt < startedAt) return 'it ended before it began';
  return warehouseMs > MS_MAX ? `it ran for ${warehouseMs} ms, longer than any can` : null;
}

const QUARANTINE = `/* prepared: billing.quarantine */
WITH doubted AS (
  UPDATE ticket SET state = 'IN_DOUBT' WHERE id = $1 AND state IN ('SENT', 'RUNNING')
)
INSERT INTO settlement_quarantine (ticket_id, replica, reason, settlement, quarantined_at)
SELECT id, replica, $2, $3::jsonb, $4 FROM ticket WHERE id = $1
ON CONFLICT DO NOTHING`;

/** Puts the settlement aside; its ticket is in doubt. Repeating it changes nothing. Fault `ledgerUnavailable`. */
export function quarantine(
  db: Queryable,
  settlement: Settlement,
  reason: string,
  at: EpochMs,
): Promise<void> {
  return ledgerCall(async () => {
    await db.query(QUARANTINE, [
      settlement.ticketId,
      reason,
      jsonFor({
        ...settlement,
        usedCredits: formatAmount(settlement.usedCredits),
        // JSON has neither.
        warehouseMs: String(settlement.warehouseMs),
      }),
      new Date(at),
    ]);
  });
}

export interface Quarantined {
  readonly ticketId: TicketId;
  readonly teamId: string;
  readonly reason: string;
  readonly snowflakeQueryId: string | null;
  /** As the settlement said. */
  readonly usedCredits: string;
  readonly holdCredits: Credits;
  readonly quarantinedAt: EpochMs;
  readonly occurredAt: EpochMs;
}

const OPEN = `/* prepared: billing.quarantined */
SELECT q.ticket_id, t.team_id, q.reason, q.settlement ->> 'usedCredits' AS used, t.hold_credits, q.quarantined_at,
  t.occurred_at, coalesce(q.settlement ->> 'snowflakeQueryId', t.snowflake_query_id) AS query_id
FROM settlement_quarantine q JOIN ticket t ON t.id = q.ticket_id
WHERE q.decided_at IS NULL AND t.state NOT IN ('SETTLED', 'VOID') AND ($1::uuid IS NULL OR q.ticket_id > $1)
ORDER BY q.ticket_id LIMIT $2`;

interface OpenRow {
  readonly ticket_id: TicketId;
  readonly team_id: string;
  readonly reason: string;
  readonly used: string;
  readonly hold_credits: string;
  readonly quarantined_at: Date;
  readonly occurred_at: Date;
  readonly query_id: string | null;
}

/** Those that nobody has decided and no evidence has settled, by ticket. Fault `ledgerUnavailable`. */
export function openQuarantine(
  db: Queryable,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly Quarantined[]> {
  return ledgerCall(async () => {
    const { rows } = await db.query<OpenRow>(OPEN, [after, limit]);
    return rows.map((row) => ({
      ticketId: row.ticket_id,
      teamId: row.team_id,
      reason: row.reason,
      snowflakeQueryId: row.query_id,
      usedCredits: row.used,
      holdCredits: parseCredits(row.hold_credits),
      quarantinedAt: row.quarantined_at.getTime(),
      occurredAt: row.occurred_at.getTime(),
    }));
  });
}

const DECIDED = `/* prepared: billing.quarantine_decided */
UPDATE settlement_quarantine SET decided_at = $2, decided_by = $3 WHERE ticket_id = $1 AND decided_at IS NULL`;

/** Somebody has said what is charged. Fault `ledgerUnavailable`. */
export function decidedQuarantine(
  db: Queryable,
  ticketId: TicketId,
  by: { readonly author: string; readonly at: EpochMs },
): Promise<void> {
  return ledgerCall(async () => {
    await db.query(DECIDED, [ticketId, new Date(by.at), by.author]);
  });
}
