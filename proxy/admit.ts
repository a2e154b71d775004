/** Step 7: a permit of the tier's queue. Free statements pass at once: a `SHOW` does not wait behind a report. */
import type { LaneMember } from '#base/kept-lanes.js';
import { toError } from '#base/errors.js';
import type { LaneLimits } from '#policies/lanes/lane.js';
import { isAdministrator } from '#policies/lanes/limits.js';
import type { AdmitOutcome as LaneOutcome, Permit } from './admission/lane.js';
import { attentionOf } from './admission/vigil.js';
import type { WaitOutcome } from './admission/wait-rows.js';
import { newestIdentity } from './identity/newest.js';
import type { SealedIdentity } from './identity/tokens.js';
import type { Parts } from './parts.js';
import type { CancelReason, RequestEntry } from './requests.js';
import type { Admitted, Estimated, Reserved } from './stages.js';
import type { Refusal } from './wire/refusal.js';
import { queueRefusal } from '#policies/rules/refusal-text.js';
import type { QueueCause } from '#policies/rules/refusal-text.js';
import { lostRefusal } from './off-peak.js';
import { refusalContext } from './refuse.js';

/** Nobody renews a session within so short a wait. */
const RENEWED_AFTER_MS = 30_000;
const NO_PERMIT: Permit = { release: () => undefined };
const NO_TURN: Pick<Admitted, 'endTurn'> = { endTurn: () => Promise.resolve() };

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
    return { kind: 'admitted', statement: { ...statement, ...NO_TURN, permit: NO_PERMIT } };
  const { lane, identity, query, offlinePermit } = statement;
  if (offlinePermit !== undefined)
    return { kind: 'admitted', statement: { ...statement, ...NO_TURN, permit: offlinePermit } };
  entry.identity ??= identity;
  const leave = parts.vigil.enter(entry, attentionOf(query));
  const note = noteWait(parts, statement);
  try {
    const outcome = await parts.gate.admit(lane, laneMember(statement, lane), entry.cancelled);
    note(outcome, entry);
    switch (outcome.kind) {
      case 'admitted':
        return {
          kind: 'admitted',
          statement: { ...statement, ...NO_TURN, permit: outcome.permit },
        };
      case 'cancelled': {
        const reason = entry.cancelled.reason as CancelReason;
        if (reason === 'cancelled') return { kind: 'cancelled' };
        if (reason === 'draining') return { kind: 'dropped' };
        return { kind: 'refused', refusal: lostRefusal(parts, statement, reason, entry) };
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

/** From now on a statement waits; what is returned notes what became of it. A replica that stops tells nobody anything. */
function noteWait(
  { waitLog, clock }: Parts,
  { call, lane, team, snapshot }: Reserved,
): (outcome: LaneOutcome, entry: RequestEntry) => void {
  const at = clock.now();
  const sinceMs = performance.now();
  return ({ kind }, entry) => {
    const outcome = waitOutcome(kind, entry);
    if (outcome === null) return;
    const waitedMs = Math.ceil((performance.now() - sinceMs) * clock.scale);
    const targetMs = snapshot.tier(lane.tier)?.waitTargetMs ?? null;
    const { ticketId } = call;
    waitLog.note({ ticketId, tier: lane.tier, teamId: team.id, at, waitedMs, outcome, targetMs });
  };
}

function waitOutcome(kind: LaneOutcome['kind'], entry: RequestEntry): WaitOutcome | null {
  if (kind === 'queueFull') return 'full';
  if (kind !== 'cancelled') return kind;
  const reason = entry.cancelled.reason as CancelReason;
  if (reason === 'draining') return null;
  // One that nobody waits for any more was given up by its client.
  return reason === 'expiring' ? 'lost' : 'cancelled';
}

/** What a lane has to know of a statement. */
export function laneMember(statement: Estimated, lane: LaneLimits): LaneMember {
  const { call, team, principal, session, estimate } = statement;
  return {
    ticketId: call.ticketId,
    teamId: team.id,
    principalId: principal.id,
    isAdministrator: isAdministrator(lane, principal.id, session.role),
    expectedCredits: estimate.expectedCredits,
    expectedMs: estimate.expectedElapsedSeconds * 1000,
  };
}

/**
 * As whom a statement is sent: by the token of the latest request about it. One that has waited for long may have been
 * polled at another replica, under a token that this one has not seen.
 */
export async function latestIdentity(
  parts: Parts,
  { call, identity }: Reserved,
  entry: RequestEntry,
): Promise<SealedIdentity> {
  const latest = entry.identity ?? identity;
  if (performance.now() - call.arrivedAtMs < RENEWED_AFTER_MS) return latest;
  try {
    return (await newestIdentity(parts, identity)) ?? latest;
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown) }, 'a newer token could not be read');
    return latest;
  }
}

function refused(parts: Parts, statement: Reserved, cause: QueueCause): AdmitOutcome {
  const context = { ...refusalContext(parts, statement), tier: statement.lane.tier };
  return { kind: 'refused', refusal: queueRefusal(cause, context) };
}
