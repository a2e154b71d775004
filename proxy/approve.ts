/**
 * Between reserve and admit, for statements that run only by somebody's word: what was granted before is used, else the
 * statement waits for it as long as its rule says. The hold is kept meanwhile, so that what is approved can be paid.
 */
import { approvalRefusal, declinedRefusal } from '#policies/rules/refusal-text.js';
import { NO_CREDITS } from '#base/units.js';
import { freeHold } from './hold.js';
import type { Parts } from './parts.js';
import { refusalContext } from './refuse.js';
import type { CancelReason, RequestEntry } from './requests.js';
import type { PendingApproval, Reserved } from './stages.js';
import type { Refusal } from './wire/refusal.js';

export type ApproveOutcome =
  | { readonly kind: 'approved'; readonly statement: Reserved }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'dropped' };

/** Refused: nobody has approved it (TG2401), or somebody declined (TG2402). Fault `ledgerUnavailable`. */
export async function approve(
  parts: Parts,
  statement: Reserved,
  approval: PendingApproval,
  entry: RequestEntry,
): Promise<ApproveOutcome> {
  const { ticketId } = statement.call;
  const context = refusalContext(parts, statement);
  if (await parts.approvals.use(ticketId)) return approved(parts, statement);
  const needed = { kind: 'refused', refusal: approvalRefusal(approval.cause, context) } as const;
  if (approval.waitSeconds === 0) return needed;
  await parts.approvals.ask(ticketId, reasonOf(approval));
  const leave = parts.vigil.enter(entry);
  try {
    const decided = await parts.vigil.decision(entry, approval.waitSeconds * 1000);
    if (decided === 'timeout') return needed;
    if (decided === 'left') {
      const reason = entry.cancelled.reason as CancelReason;
      if (reason === 'draining') return { kind: 'dropped' };
      return reason === 'cancelled' ? { kind: 'cancelled' } : needed;
    }
    if (decided.state === 'declined')
      return { kind: 'refused', refusal: declinedRefusal(decided, context) };
    return (await parts.approvals.use(ticketId)) ? await approved(parts, statement) : needed;
  } finally {
    leave();
  }
}

/** The ticket of a free statement was there to be asked for; it ends with the word, at nothing. */
async function approved(parts: Parts, statement: Reserved): Promise<ApproveOutcome> {
  if (!statement.isFree) return { kind: 'approved', statement };
  const { ticketId } = statement.call;
  const now = parts.clock.now();
  await parts.ledger.settle({
    ticketId,
    ending: 'succeeded',
    endCode: null,
    snowflakeQueryId: null,
    usedCredits: NO_CREDITS,
    warehouseMs: 0,
    bytesScanned: null,
    rowsProduced: null,
    startedAt: now,
    endedAt: now,
  });
  return { kind: 'approved', statement: { ...statement, hold: freeHold(ticketId) } };
}

function reasonOf({ cause }: PendingApproval): string {
  return cause.kind === 'rule'
    ? `rule ${cause.ruleId}: ${cause.message}`
    : 'what the statement does cannot be seen from its text';
}
