/** Step 7: a permit of the tier's queue. Free statements pass at once: a `SHOW` does not wait behind a report. */
import type { Tier } from '#policies/control/snapshot.js';
import type { Permit, TierLimits } from './admission/gate.js';
import type { Parts } from './parts.js';
import type { CancelReason, RequestEntry } from './requests.js';
import type { Admitted, Reserved } from './stages.js';
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
  if (statement.isFree || statement.breakGlass !== undefined)
    return { kind: 'admitted', statement: { ...statement, permit: NO_PERMIT } };
  const limits = tierLimits(statement.placement.tier);
  const leave = parts.vigil.enter(entry);
  try {
    const outcome = await parts.gate.admit(limits, statement.team.id, entry.cancelled);
    switch (outcome.kind) {
      case 'admitted':
        return { kind: 'admitted', statement: { ...statement, permit: outcome.permit } };
      case 'cancelled': {
        const reason = entry.cancelled.reason as CancelReason;
        if (reason === 'cancelled') return { kind: 'cancelled' };
        if (reason === 'draining') return { kind: 'dropped' };
        return refused(parts, statement, { kind: 'lost' });
      }
      case 'queueFull': {
        const { queueMax } = outcome;
        return refused(parts, statement, { kind: 'full', waiting: queueMax, queueMax });
      }
      case 'timeout':
        return refused(parts, statement, {
          kind: 'timeout',
          waitedMs: outcome.waitedMs,
          timeoutMs: limits.queueTimeoutMs,
        });
    }
  } finally {
    leave();
  }
}

/** What the gate has to know of a tier. */
export function tierLimits(tier: Tier): TierLimits {
  return {
    tier: tier.id,
    concurrencyMax: tier.concurrencyMax,
    queueMax: tier.queueMax,
    queueTimeoutMs: tier.queueTimeoutSeconds * 1000,
  };
}

function refused(parts: Parts, statement: Reserved, cause: QueueCause): AdmitOutcome {
  return { kind: 'refused', refusal: queueRefusal(cause, refusalContext(parts, statement)) };
}
