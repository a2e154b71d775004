/** Steps 8 to 10: the hold is handed over, the bytes go upstream, and from then on the settler owns the hold. */
import type { Waiting } from './attendance.js';
import { handOver, upstreamRequest } from './dispatch.js';
import { noteTransaction } from './own/transactions.js';
import type { Parts } from './parts.js';
import { relayStatement } from './relay-statement.js';
import { closedMeanwhile } from './repeat-refusals.js';
import type { RequestEnding, RequestEntry } from './requests.js';
import type { Admitted, Reserved } from './stages.js';
import { givenUp, refused } from './unsent.js';
import type { UpstreamRequest } from './upstream/engine.js';

/**
 * Sends an admitted statement and relays its reply; returns what repeats of it are told. One that was cancelled until
 * the moment it is sent is not sent; from that moment on only upstream can cancel it. Fault `ledgerUnavailable` when the
 * hand-over could not be written: nothing was sent.
 */
export async function forward(
  parts: Parts,
  statement: Admitted,
  entry: RequestEntry,
  waiting: Waiting,
): Promise<RequestEnding> {
  const lap = parts.events.stopwatch(statement.call);
  const wasSent = statement.hold.isSent();
  let isHandedOver = false;
  let request: UpstreamRequest;
  try {
    // Written first: whatever fails before the hand-over gives hold and permit back.
    request = await upstreamRequest(statement, parts.traces);
    await noteTransaction(parts, statement, 'whenSent');
    isHandedOver = await handOver(parts, statement, entry.attendance);
  } finally {
    if (!isHandedOver) await leave(statement);
  }
  if (!isHandedOver) return settledMeanwhile(parts, statement);
  if (entry.isCancelled) {
    if (!wasSent) {
      await takeBack(parts, statement);
      return givenUp(parts, statement, entry);
    }
    // The first sending may be running: the meter's next look cancels both upstream.
    const running = parts.running.get(statement.call.ticketId);
    if (running !== undefined && entry.ended === null) running.cancelledAtMs = -Infinity;
  }
  entry.isSent = true;
  lap('hand-over');
  const sentAtMs = performance.now();
  parts.events.phase('govern', (sentAtMs - statement.call.arrivedAtMs) / 1000);
  const ending = await relayStatement(parts, statement, request, waiting);
  parts.events.phase('relay', (performance.now() - sentAtMs) / 1000);
  lap('relay');
  return ending;
}

/** An admitted statement that is not sent gives its permit and its session's turn back. */
export async function leave({ permit, endTurn }: Admitted): Promise<void> {
  permit.release();
  await endTurn();
}

/** Handed over, and cancelled before a byte went upstream: hold, permit and turn go back. */
async function takeBack(parts: Parts, statement: Admitted): Promise<void> {
  const { ticketId } = statement.call;
  parts.running.end(ticketId, parts.clock.now());
  if (!statement.isFree) parts.doubts.neverRan(ticketId, 'cancelled before it was sent');
  await statement.endTurn();
}

/** A repeat whose first sending was ended by evidence, stopped, or taken over, before it came: the ticket tells. */
export function settledMeanwhile(parts: Parts, statement: Reserved): RequestEnding {
  // Nothing was sent and nothing can be said of it: a new request finds out.
  if (statement.isFree) return refused(parts, statement, closedMeanwhile());
  return { kind: 'elsewhere', ticketId: statement.call.ticketId, statement };
}
