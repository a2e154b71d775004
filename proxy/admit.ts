/** Step 7: a permit of the tier's queue. Free statements pass at once: a `SHOW` does not wait behind a report. */
import type { LaneMember } from '#policies/lanes/lane.js';
import { isAdministrator } from '#policies/lanes/limits.js';
import type { Permit } from './admission/lane.js';
import type { Parts } from './parts.js';
import type { CancelReason, RequestEntry } from './requests.js';
import type { Admitted, Estimated, Reserved } from './stages.js';
import type { Refusal } from './wire/refusal.js';
import { queueRefusal } from '#policies/rules/refusal-text.js';
import type { QueueCause } from '#policies/rules/refusal-text.js';
import { refusalContext } from './refuse.js';

const NO_PERMIT: Permit = { release: () => undefined };

export type AdmitOutcome =
  | { readonly kind: 'admitted'; readonly statement: Admitted }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'dropped' };

/**
 * Waits for the team's turn in the tier, until the client cancels the statement or nobody waits for it any more.
 * Refused: the queue is full, its time is over, or it was abandoned. Dropped: this replica stops.
 */
export async function admit(
  parts: Parts,
  statement: Reserved,
  entry: RequestEntry,
): Promise<AdmitOutcome> {
  if (statement.isFree) return { kind: 'admitted', statement: { ...statement, permit: NO_PERMIT } };
  const { lane } = statement.placement.tier;
  const leave = parts.vigil.enter(entry);
  try {
    const outcome = await parts.gate.admit(lane, laneMember(statement), entry.cancelled);
    switch (outcome.kind) {
      case 'admitted':
        return { kind: 'admitted', statement: { ...statement, permit: outcome.permit } };
      case 'cancelled': {
        const reason = entry.cancelled.reason as CancelReason;
        if (reason === 'cancelled') return { kind: 'cancelled' };
        if (reason === 'draining') return { kind: 'dropped' };
        return refused(parts, statement, { kind: 'lost' });
      }
      case 'queueFull':
        return refused(parts, statement, { ...outcome, kind: 'full' });
      case 'timeout':
        return refused(parts, statement, outcome);
    }
  } finally {
    leave();
  }
}

/** What a lane has to know of a statement. */
export function laneMember({
  call,
  team,
  principal,
  session,
  placement,
  estimate,
}: Estimated): LaneMember {
  return {
    ticketId: call.ticketId,
    teamId: team.id,
    principalId: principal.id,
    isAdministrator: isAdministrator(placement.tier.lane, principal.id, session.role),
    expectedCredits: estimate.expectedCredits,
    expectedMs: estimate.expectedElapsedSeconds * 1000,
  };
}

function refused(parts: Parts, statement: Reserved, cause: QueueCause): AdmitOutcome {
  return { kind: 'refused', refusal: queueRefusal(cause, refusalContext(parts, statement)) };
}
