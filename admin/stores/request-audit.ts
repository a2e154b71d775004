/**
 * Events of requests that did not come through the API: asked for in SQL or by a statement that waits, closed by the
 * proxy, ended by time. They enter the audit log a moment later, and before the event of a decision in any case.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { Actor } from '../actor.js';
import { appendAudit } from './audit-store.js';

const AT_ONCE_MAX = 100;

interface Untold {
  readonly ticket_id: string;
  readonly state: string;
  readonly audited_state: string | null;
  readonly team_id: string;
  readonly principal_id: string;
  readonly asked_by: string | null;
  readonly reason: string;
  readonly passes: readonly string[];
  readonly budget_id: string | null;
  readonly asked_at: Date;
  readonly decided_at: Date | null;
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
}

const UNTOLD = `SELECT r.ticket_id, r.state, r.audited_state, t.team_id, r.principal_id, r.asked_by, r.reason, r.passes,
  r.budget_id, r.asked_at, r.decided_at, r.decided_by, r.decision_reason
FROM approval_request r JOIN ticket t ON t.id = r.ticket_id
WHERE r.audited_state IS DISTINCT FROM r.state AND ($1::uuid IS NULL OR r.ticket_id = $1)
ORDER BY r.ticket_id LIMIT ${AT_ONCE_MAX} FOR NO KEY UPDATE OF r SKIP LOCKED`;

const TOLD = `UPDATE approval_request SET audited_state = state
WHERE ticket_id = ANY($1::uuid[]) AND audited_state IS DISTINCT FROM state`;

/** Writes what the log does not tell yet of any request, at most 100; returns how many. */
export function auditRequests(db: Database): Promise<number> {
  return db.transaction((tx) => tell(tx, null, undefined));
}

/** Writes what the log does not tell yet of one request, as of this transaction; its asking is by `asker` if named. */
export async function auditRequest(
  tx: Transaction,
  ticketId: string,
  asker?: Pick<Actor, 'id' | 'role'>,
): Promise<void> {
  await tell(tx, ticketId, asker);
}

async function tell(
  tx: Transaction,
  ticketId: string | null,
  asker: Pick<Actor, 'id' | 'role'> | undefined,
): Promise<number> {
  const { rows } = await tx.query<Untold>(UNTOLD, [ticketId]);
  for (const row of rows) {
    if (row.audited_state === null) await tellAsked(tx, row, asker);
    if (row.state === 'withdrawn' || row.state === 'expired') await tellEnded(tx, row);
  }
  if (rows.length > 0) await tx.query(TOLD, [rows.map((row) => row.ticket_id)]);
  return rows.length;
}

async function tellAsked(
  tx: Transaction,
  row: Untold,
  asker: Pick<Actor, 'id' | 'role'> | undefined,
): Promise<void> {
  const { team_id: team, principal_id: principal, passes, budget_id: budgetId } = row;
  await appendAudit(tx, {
    actor: asker ?? { id: row.asked_by ?? principal, role: 'analyst' },
    action: 'request.ask',
    subject: `request/${row.ticket_id}`,
    reason: row.reason,
    before: null,
    after: { state: 'waiting', team, principal, passes, budgetId },
    at: row.asked_at.getTime(),
  });
}

async function tellEnded(tx: Transaction, row: Untold): Promise<void> {
  const isExpired = row.state === 'expired';
  await appendAudit(tx, {
    actor: { id: row.decided_by ?? '', role: isExpired ? 'platform' : 'analyst' },
    action: isExpired ? 'request.expire' : 'request.withdraw',
    subject: `request/${row.ticket_id}`,
    reason: row.decision_reason,
    before: { state: 'waiting' },
    after: { state: row.state, team: row.team_id },
    at: row.decided_at?.getTime() ?? row.asked_at.getTime(),
  });
}
