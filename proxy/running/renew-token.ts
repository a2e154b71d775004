import { toError } from '#base/errors.js';
import type { Parts } from '../parts.js';
import type { RunningStatement } from './running.js';

/**
 * Takes the token of the session's latest renewal. Without one nobody can ask about the statement any more but the
 * service user: it is in doubt, and evidence ends it. Never rejects.
 */
export async function renewToken(
  parts: Pick<Parts, 'clock' | 'doubts' | 'log' | 'patience' | 'running' | 'sealer' | 'sessions'>,
  statement: RunningStatement,
): Promise<void> {
  const { ticketId, upstream, sessionId } = statement;
  try {
    const sealed = await parts.sessions.newestToken({ account: upstream.account, sessionId });
    const token = sealed === undefined ? undefined : parts.sealer.open(sealed, 'session');
    if (token !== undefined && token.upstreamToken !== statement.upstreamToken) {
      statement.upstreamToken = token.upstreamToken;
      return;
    }
    // While somebody waits here its reply, or the next poll with a newer token, will tell.
    if (statement.attendance.idleMs() < parts.patience.abandonedAfterMs) return;
    parts.running.end(ticketId, parts.clock.now());
    await parts.doubts.add(ticketId);
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown), ticketId }, 'a newer token could not be read');
  }
}
