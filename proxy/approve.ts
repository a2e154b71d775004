/**
 * Between reserve and admit, for statements that run only by somebody's word: what was granted before is used, else the
 * statement waits for it as long as its rule says. The hold is kept meanwhile, so that what is approved can be paid.
 */
import { declinedRefusal } from '#policies/rules/refusal-text.js';
import { placeOf } from '#billing/passes.js';
import { type Credits, maxAmount, minAmount, NO_CREDITS } from '#base/units.js';
import { attentionOf } from './admission/vigil.js';
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

/**
 * Refused: in the words of what refused it when nothing lifts that any more, TG2401 when nobody has approved it in
 * time, TG2402 as soon as somebody declined. Fault `ledgerUnavailable`.
 */
export async function approve(
  parts: Parts,
  statement: Reserved,
  approval: PendingApproval,
  entry: RequestEntry,
): Promise<ApproveOutcome> {
  const used = await usePass(parts, statement, approval);
  if (used !== undefined) return used;
  const needed = { kind: 'refused', refusal: approval.refusal } as const;
  if (approval.waitSeconds === 0) return needed;
  const { ticketId } = statement.call;
  const { passes, reason } = approval;
  await parts.approvals.ask({ ticketId, reason, passes, place: placeOf(statement.session) });
  entry.identity ??= statement.identity;
  const leave = parts.vigil.enter(entry, attentionOf(statement.query));
  try {
    const decided = await parts.vigil.decision(entry, approval.waitSeconds * 1000);
    // Its request stays open: what is granted later lets it run when it is sent again.
    if (decided === 'timeout') return needed;
    if (decided === 'left') {
      const left = entry.cancelled.reason as CancelReason;
      if (left === 'draining') return { kind: 'dropped' };
      await parts.approvals.withdraw(ticketId, GONE[left]);
      return left === 'cancelled' ? { kind: 'cancelled' } : needed;
    }
    if (decided.state === 'declined')
      return {
        kind: 'refused',
        refusal: declinedRefusal(decided, refusalContext(parts, statement)),
      };
    return (await usePass(parts, statement, approval)) ?? needed;
  } finally {
    leave();
  }
}

const GONE: Readonly<Record<Exclude<CancelReason, 'draining'>, string>> = {
  cancelled: 'the statement was cancelled while it waited',
  abandoned: 'nobody waited for the statement any more',
  expiring: 'the token of its session was about to end',
};

/** Undefined: nothing lets it pass. A run by an amount costs at most what it took of it. */
async function usePass(
  parts: Parts,
  statement: Reserved,
  { passes }: PendingApproval,
): Promise<ApproveOutcome | undefined> {
  const { hold, call, session } = statement;
  const used = await parts.approvals.use({
    ticketId: call.ticketId,
    passes,
    place: placeOf(session),
    holdCredits: hold.credits,
  });
  return used.kind === 'none' ? undefined : approved(parts, statement, used.ceilingCredits);
}

/** The ticket of a free statement was there to be asked for; it ends with the word, at nothing. */
async function approved(
  parts: Parts,
  statement: Reserved,
  grantedCredits: Credits | null,
): Promise<ApproveOutcome> {
  if (!statement.isFree)
    return {
      kind: 'approved',
      statement: grantedCredits === null ? statement : boundBy(statement, grantedCredits),
    };
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

function boundBy(statement: Reserved, grantedCredits: Credits): Reserved {
  const { ceilingCredits, backstopCredits, hold } = statement;
  return {
    ...statement,
    ceilingCredits: minAmount(ceilingCredits, grantedCredits),
    backstopCredits: maxAmount(minAmount(backstopCredits, grantedCredits), hold.credits),
  };
}
