/** One statement that takes as long as it takes, on a connection of its own: no time-out of the pool ends it. */
import pg from 'pg';
import { connectionOf } from './session.js';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Runs `text` as a transaction of its own.
 * @returns its rows, with the driver's own types.
 * @throws what the driver does; nothing is run again.
 */
export async function runUnhurried<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
): Promise<readonly Row[]> {
  const client = new pg.Client({
    ...connectionOf(url, 'migration'),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'tollgate-start',
  });
  // The statement that is under way says what broke.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Row>(text);
    return rows;
  } finally {
    await client.end();
  }
}
