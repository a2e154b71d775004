/**
 * Stopping a running statement: why is kept for its client first, then it is cancelled upstream, and cancelled again
 * while it goes on, because a cancel may be lost or come before upstream knows the statement.
 */
import { tgLabel, toError } from '#base/errors.js';
import { within } from '#base/in-time.js';
import type { Parts } from '../parts.js';
import { TokenExpired } from '../upstream/query-facts.js';
import { renewToken } from './renew-token.js';
import type { RunningStatement, StopReason } from './running.js';
import { tellStop } from './tell-stop.js';

/** What stopping takes of a replica. */
export type StopParts = Pick<
  Parts,
  'clock' | 'doubts' | 'ids' | 'ledger' | 'log' | 'patience' | 'running' | 'sealer' | 'sessions'
>;

/** Real time after which a cancel that had no effect is sent again, and longest wait for its answer. */
const CANCEL_AGAIN_MS = 3000;
/** Longest wait until the reason is written; a poll on another replica is told less then. */
const TELL_MS = 1000;

/**
 * Stops a statement. Returns once the cancel was answered, refused or given up; never rejects. Does nothing for one
 * that is being stopped.
 */
export async function stopStatement(
  parts: StopParts,
  statement: RunningStatement,
  why: Pick<StopReason, 'code' | 'source' | 'limitCredits'>,
): Promise<void> {
  if (statement.stop !== null) return;
  const now = parts.clock.now();
  const stop: StopReason = {
    ...why,
    usedCredits: parts.running.usedCredits(statement, now),
    elapsedMs: now - statement.startedAt,
  };
  statement.stop = stop;
  statement.cancelledAtMs = performance.now();
  parts.log.info(
    { ticketId: statement.ticketId, code: tgLabel(why.code) },
    'a running statement is stopped',
  );
  try {
    await within(TELL_MS, tellStop(parts, statement, stop));
  } catch (thrown) {
    parts.log.warn(
      { err: toError(thrown), ticketId: statement.ticketId },
      'why a statement is stopped could not be written; a poll on another replica is told less',
    );
  }
  await cancelRunning(parts, statement);
}

/** Cancels a statement once more that was cancelled a while ago, by its client or by us, and still runs. Never rejects. */
export async function cancelAgain(parts: StopParts, statement: RunningStatement): Promise<void> {
  const { cancelledAtMs } = statement;
  if (cancelledAtMs === null || performance.now() - cancelledAtMs < CANCEL_AGAIN_MS) return;
  await cancelRunning(parts, statement);
}

/** Cancels a statement upstream, where its end then tells its client. Never rejects; the meter does it again while it runs. */
export async function cancelRunning(parts: StopParts, statement: RunningStatement): Promise<void> {
  statement.cancelledAtMs = performance.now();
  const { front, upstream, upstreamToken, ticketId } = statement;
  try {
    await within(
      CANCEL_AGAIN_MS,
      front.abort(upstream, upstreamToken, statement, parts.ids.ticket(Date.now())),
    );
  } catch (thrown) {
    if (thrown instanceof TokenExpired) {
      await renewToken(parts, statement);
      return;
    }
    parts.log.warn(
      { err: toError(thrown), ticketId },
      'a statement could not be cancelled yet; it is tried again',
    );
  }
}
