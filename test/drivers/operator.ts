/** What the run asks a warehouse for as its administrator, for programs that cannot be asked to have such rights. */
import { RawClient } from '../warehouse/support/raw-client.js';

export interface Operator {
  /** Makes the session's tokens expire; with `master` it cannot renew them either. */
  expire(sessionId: string, master: boolean): Promise<void>;
  /** State of the newest statement whose text holds the marker, as the query history calls it; `NONE` before it came. */
  stateOf(marker: string): Promise<string>;
  /** Runs statements; throws what the warehouse says of one that fails. */
  run(statements: readonly string[]): Promise<void>;
}

const MARKER = /^[a-z0-9_]{8,64}$/i;

/** Signs in as the warehouse's service user; throws when it is not let in. */
export async function connectOperator(port: number, password: string): Promise<Operator> {
  const client = new RawClient(port);
  const { body } = await client.login('TOLLGATE_SERVICE', password, '&databaseName=ANALYTICS');
  if (!body.success) throw new Error(`the service user cannot sign in: ${body.message}`);
  const rows = async (text: string): Promise<readonly (readonly unknown[])[]> => {
    const reply = await client.run(text);
    if (!reply.body.success) throw new Error(`${text}: ${reply.body.message}`);
    const { rowset } = reply.body.data as { readonly rowset?: unknown };
    return Array.isArray(rowset) ? (rowset as unknown[][]) : [];
  };
  return {
    async expire(sessionId, master) {
      if (!/^\d{1,16}$/.test(sessionId)) throw new Error('a session id is a number');
      await rows(`CALL SYSTEM$FAULT('expire', ${sessionId}${master ? ", 'master'" : ''})`);
    },
    async stateOf(marker) {
      if (!MARKER.test(marker)) throw new Error('a marker is 8 to 64 letters, digits and _');
      const [row] = await rows(
        `SELECT EXECUTION_STATUS FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) WHERE QUERY_TEXT ILIKE '%${marker}%'
            AND QUERY_TEXT NOT ILIKE '%QUERY_HISTORY%' ORDER BY START_TIME DESC LIMIT 1`,
      );
      const state = row?.[0];
      return typeof state === 'string' ? state : 'NONE';
    },
    async run(statements) {
      for (const text of statements) await rows(text);
    },
  };
}
