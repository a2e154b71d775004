/**
 * Between approve and admit: a statement whose caller chose the off-peak hours waits for them, under its hold. Who waits
 * for its answer polls meanwhile; of an asynchronous one nobody has to. Either is refused when its session's token ends
 * first, because it is sent by that token.
 */
import { toError } from '#base/errors.js';
import { asksForOffPeak, OFF_PEAK_COMMENT } from '#policies/off-peak.js';
import { queueRefusal } from '#policies/rules/refusal-text.js';
import { attentionOf, TOKEN_MARGIN_MS } from './admission/vigil.js';
import type { ApproveOutcome } from './approve.js';
import type { Parts } from './parts.js';
import { refusalContext } from './refuse.js';
import type { CancelReason, RequestEntry } from './requests.js';
import { rest, slowDown } from './run-rate.js';
import type { Estimated, Reserved } from './stages.js';
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

/** What is told where a statement chose hours that its tier does not have. */
export function offPeakRefusal(tier: string): Refusal {
  const words = `Not run, nothing charged: tier ${tier} has no off-peak hours to wait for. Send it without ${OFF_PEAK_COMMENT}.`;
  return callerRefusal('offPeakOnly', words);
}

/** Whether the caller has asked that the statement waits for the off-peak hours. */
export function isOffPeak({ query, session, isFree }: Estimated): boolean {
  return !isFree && asksForOffPeak(query.sqlText, query.clientTag ?? session.queryTag);
}

/** What keeps a statement back before it asks for a permit: the pace of its shape, then the hours that were chosen. */
export async function keepBack(
  parts: Parts,
  statement: Reserved,
  entry: RequestEntry,
): Promise<ApproveOutcome> {
  const paced = await slowDown(parts, statement, entry);
  return paced.kind === 'approved' ? waitForHours(parts, paced.statement, entry) : paced;
}

async function waitForHours(
  parts: Parts,
  statement: Reserved,
  entry: RequestEntry,
): Promise<ApproveOutcome> {
  const { runsAt, identity, query, call } = statement;
  const { clock } = parts;
  const waitMs = runsAt === undefined ? 0 : (runsAt - clock.now()) / clock.scale;
  if (waitMs <= 0 || runsAt === undefined) return { kind: 'approved', statement };
  const endsAtMs = identity.tokenEndsAtMs ?? Infinity;
  // Its driver polls by a token that it renews, but nobody can tell that it will.
  if (!query.isAsync && Date.now() + waitMs > endsAtMs - TOKEN_MARGIN_MS)
    return { kind: 'refused', refusal: expiring(parts, statement, endsAtMs) };
  try {
    await parts.runsAt(call.ticketId, runsAt);
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown) }, 'when a statement runs could not be written');
  }
  entry.identity ??= identity;
  const leave = parts.vigil.enter(entry, attentionOf(query));
  try {
    await rest(waitMs, entry.cancelled);
    if (!entry.cancelled.aborted) return { kind: 'approved', statement };
    const reason = entry.cancelled.reason as CancelReason;
    if (reason === 'draining') return { kind: 'dropped' };
    if (reason === 'cancelled') return { kind: 'cancelled' };
    return { kind: 'refused', refusal: lostRefusal(parts, statement, reason, entry) };
  } finally {
    leave();
  }
}

/** Why a statement that waited does not any more, as its client is told. */
export function lostRefusal(
  parts: Parts,
  statement: Reserved,
  reason: Extract<CancelReason, 'abandoned' | 'expiring'>,
  entry: RequestEntry,
): Refusal {
  const endsAtMs = entry.identity?.tokenEndsAtMs ?? statement.identity.tokenEndsAtMs ?? 0;
  if (reason === 'expiring') return expiring(parts, statement, endsAtMs);
  const context = { ...refusalContext(parts, statement), tier: statement.lane.tier };
  return queueRefusal({ kind: 'lost' }, context);
}

function expiring(parts: Parts, statement: Reserved, endsAtMs: number): Refusal {
  const context = { ...refusalContext(parts, statement), tier: statement.lane.tier };
  const leftMs = Math.max(0, endsAtMs - Date.now());
  return queueRefusal({ kind: 'expiring', leftMs, runsAt: statement.runsAt ?? null }, context);
}
