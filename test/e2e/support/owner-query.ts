/** Runs SQL as the owner of the schema: tests watch tables in ways the application must not. */
import pg from 'pg';
import type { TestDatabase } from '../../support/database.js';

export async function ownerQuery<Row extends pg.QueryResultRow>(
  database: TestDatabase,
  text: string,
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    const result = await client.query<Row>(
      text.startsWith('SELECT') ? `SET search_path = tollgate; ${text}` : text,
    );
    const last = Array.isArray(result) ? (result as pg.QueryResult<Row>[]).at(-1) : result;
    return last?.rows ?? [];
  } finally {
    await client.end();
  }
}
