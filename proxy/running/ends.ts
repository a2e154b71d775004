/**
 * Ends of running statements that no reply tells: of those that nobody waits for any more, and of those that nobody
 * polls for, which are asked about by their query id. Apart from the meter, so that an upstream that is slow to answer
 * holds up no look at money.
 */
import { toError } from '#base/errors.js';
import { sideBySide } from '#base/side-by-side.js';
import type { Parts } from '../parts.js';
import { finishStatement } from '../settlement/finish.js';
import { TokenExpired } from '../upstream/query-facts.js';
import { renewToken } from './renew-token.js';
import type { RunningStatement } from './running.js';
import { stopStatement } from './stop.js';

const ASKED_AT_ONCE = 16;

/** Looks at every running statement once. Never rejects. */
export function lookForEnds(parts: Parts): Promise<void> {
  return sideBySide(
    parts.running.list(),
    ASKED_AT_ONCE,
    async (statement) => {
      await endAbandoned(parts, statement);
      await followDetached(parts, statement);
    },
    (thrown, statement) => {
      if (thrown instanceof TokenExpired) void renewToken(parts, statement);
      else
        parts.log.warn(
          { err: toError(thrown), ticketId: statement.ticketId },
          'a running statement could not be asked about',
        );
      return false;
    },
  );
}

/** A statement whose client went away, in a tier that does not run on for clients that did. */
async function endAbandoned(parts: Parts, statement: RunningStatement): Promise<void> {
  if (statement.clientGone === 'keep' || statement.isAsync || statement.stop !== null) return;
  const { goneAfterMs } = parts.patience;
  if (statement.attendance.idleMs() < goneAfterMs) return;
  // Its polls may reach other replicas.
  const seenAgoMs = (await parts.ledger.ticket(statement.ticketId))?.seenAgoMs ?? Infinity;
  if (seenAgoMs < goneAfterMs) return;
  await stopStatement(parts, statement, {
    code: 'clientGone',
    source: 'client',
    limitCredits: statement.holdCredits,
  });
}

/** Asynchronous and long statements: their end may never be polled for. */
async function followDetached(parts: Parts, statement: RunningStatement): Promise<void> {
  if (statement.queryId === null) return;
  const facts = await statement.front.facts(
    statement.upstream,
    statement.upstreamToken,
    statement.queryId,
  );
  if (facts === undefined || facts.isRunning) return;
  finishStatement(parts, statement.ticketId, {
    isSuccess: facts.isSuccess,
    code: facts.errorCode,
    sqlState: null,
    queryId: statement.queryId,
    childQueryIds: [],
    rows: null,
  });
}
