import type { Sessions } from '../identity/sessions.js';
import { parameterValue } from './parameters.js';
import type { Statements } from './statements.js';

/** How long a client may be silent before its statements count as detached (Snowflake, ABORT_DETACHED_QUERY). */
const DETACHED_AFTER_MS = 300_000;

/**
 * What is due from time to time: ends sessions that nobody used for the life of a master token, and cancels the
 * statements of clients that went away where ABORT_DETACHED_QUERY says so. Asynchronous statements go on: nobody is
 * expected to wait for them.
 */
export async function sweepSessions(
  sessions: Pick<Sessions, 'idle' | 'unseen' | 'close'>,
  statements: Pick<Statements, 'running' | 'abort' | 'closeSession'>,
): Promise<void> {
  for (const session of sessions.unseen(DETACHED_AFTER_MS)) {
    if (parameterValue(session.parameters, 'ABORT_DETACHED_QUERY') !== true) continue;
    for (const statement of statements.running(session.id))
      if (!statement.request.isAsync) statements.abort(statement);
  }
  for (const session of sessions.idle())
    await sessions.close(session, statements.closeSession(session));
}
