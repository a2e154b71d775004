/**
 * What people did that ends statements of this replica: a kill, the revocation of a session, the suspension of a
 * principal, a cancel that reached another replica. Looked at when it is notified and with every round of ends, so that a lost notification costs seconds.
 */
import { toError } from '#base/errors.js';
import { endedWhileWaiting } from '#policies/rules/guard-text.js';
import type { Parts } from '../parts.js';
import type { SessionKey } from '../identity/sessions.js';
import type { RequestEntry } from '../requests.js';
import type { RunningStatement } from './running.js';
import { cancelRunning, stopStatement } from './stop.js';

/** How late an intervention is seen whose notification was lost. */
const ROUND_MS = 1000;

/** Looks when something is notified, and once a second. */
export function watchInterventions(parts: Parts): { stop(): void } {
  let isBusy = false;
  let isAskedAgain = false;
  const round = (): void => {
    isAskedAgain = isBusy;
    if (isBusy) return;
    isBusy = true;
    void lookForInterventions(parts).finally(() => {
      isBusy = false;
      // What was notified meanwhile may have come after it had looked.
      if (isAskedAgain) round();
    });
  };
  const timer = setInterval(round, ROUND_MS);
  timer.unref();
  parts.interventions.listen(round);
  return { stop: () => clearInterval(timer) };
}

/** Looks once. Never rejects. */
export async function lookForInterventions(parts: Parts): Promise<void> {
  if (parts.running.size === 0 && parts.vigil.waiting().length === 0) return;
  endSuspended(parts);
  try {
    await endKilled(parts);
    await endCancelled(parts);
    await endRevoked(parts);
  } catch (thrown) {
    parts.log.warn(
      { err: toError(thrown) },
      'what people ended could not be read; the next round will',
    );
  }
}

async function endKilled(parts: Parts): Promise<void> {
  const { kills } = parts.interventions;
  for (const { ticketId, askedBy, reason } of await kills.asked()) {
    const why = `${askedBy}: ${reason}`;
    const running = parts.running.get(ticketId);
    const entry = parts.requests.ofTicket(ticketId);
    if (running !== undefined) void stop(parts, running, why);
    else if (entry !== undefined && !entry.isEnded) endWaiting(entry, why);
    // Between its place in the queue and its running set: found by the next round.
    else if (parts.inHand.has(ticketId)) continue;
    await kills.taken(ticketId);
  }
}

/** Cancelled by its client through another replica while it waited on this one; it may have been sent since. */
async function endCancelled(parts: Parts): Promise<void> {
  for (const ticketId of await parts.ledger.cancelsAsked(parts.replica)) {
    const running = parts.running.get(ticketId);
    if (running === undefined) parts.requests.ofTicket(ticketId)?.cancelUnsent();
    // The meter goes on from there.
    else if (running.cancelledAtMs === null) void cancelRunning(parts, running);
  }
}

async function endRevoked(parts: Parts): Promise<void> {
  const running = parts.running.list();
  const waiting = parts.vigil.waiting();
  const keys = [
    ...running.map(({ upstream, sessionId }) => ({ account: upstream.account, sessionId })),
    ...waiting.map(({ key: { account, sessionId } }) => ({ account, sessionId })),
  ];
  const revoked = new Set((await parts.sessions.revokedOf(keys)).map(textOf));
  if (revoked.size === 0) return;
  for (const statement of running) {
    const { upstream, sessionId } = statement;
    if (revoked.has(textOf({ account: upstream.account, sessionId })))
      void stop(parts, statement, REVOKED);
  }
  for (const entry of waiting) if (revoked.has(textOf(entry.key))) endWaiting(entry, REVOKED);
}

const REVOKED = 'the administrators of Tollgate: its session was revoked';
const SUSPENDED = 'the administrators of Tollgate: its principal is suspended';

function endSuspended(parts: Parts): void {
  const snapshot = parts.control.current();
  if (snapshot === undefined) return;
  const isSuspended = (id: string | null): boolean =>
    id !== null && snapshot.principal(id)?.status === 'suspended';
  for (const statement of parts.running.list())
    if (isSuspended(statement.principalId) || isSuspended(statement.owner.viaPrincipalId))
      void stop(parts, statement, SUSPENDED);
}

function stop(parts: Parts, statement: RunningStatement, why: string): Promise<void> {
  return stopStatement(parts, statement, {
    code: 'killed',
    source: why,
    limitCredits: statement.holdCredits,
  });
}

/** A statement that waits for its turn, or for somebody's word, gives its place up and is told why. */
function endWaiting(entry: RequestEntry, why: string): void {
  entry.ended ??= endedWhileWaiting(why, entry.owner.ticketId);
  entry.cancel('cancelled');
}

function textOf({ account, sessionId }: SessionKey): string {
  return `${account}\n${sessionId}`;
}
