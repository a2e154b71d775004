/** `--ledger`: a span of days as a history, from the Postgres that the configuration names. */
import { openDatabase } from '../../base/postgres/pool.js';
import { configuration } from '../configuration.js';
import { VerbError } from '../verb-error.js';
import type { HistorySource } from './history-source.js';
import { readLedger } from './read-ledger.js';

/** Sorting the tickets of a year takes as long. */
const STATEMENT_TIMEOUT_MS = 600_000;
const DAY = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/;

/**
 * @param span `2026-10-01..2026-11-01`, in UTC, the end not included.
 * @throws VerbError (usage) for another text, or where no database is configured; what the database throws.
 */
export async function openLedger(span: string): Promise<HistorySource> {
  const [, from = '', to = ''] = DAY.exec(span) ?? [];
  const [startsAt, endsAt] = [Date.parse(`${from}T00:00:00Z`), Date.parse(`${to}T00:00:00Z`)];
  if (Number.isNaN(startsAt) || Number.isNaN(endsAt) || startsAt >= endsAt)
    throw new VerbError(
      `--ledger: "${span.slice(0, 60)}" is no span of days; write 2026-10-01..2026-11-01.`,
      2,
    );
  const { config, secrets } = configuration();
  if (secrets.databaseUrl === null)
    throw new VerbError(
      '--ledger: no database is named; set TOLLGATE_DATABASE_URL to the Postgres of the running Tollgate.',
      2,
    );
  const database = openDatabase(
    {
      url: secrets.databaseUrl,
      connectionsMax: 2,
      connectTimeoutMs: config.databaseConnectTimeoutMs,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      applicationName: 'tollgate replay',
    },
    () => undefined,
  );
  try {
    const source = await readLedger(database, { startsAt, endsAt });
    return { ...source, close: () => database.stop() };
  } catch (thrown) {
    await database.stop();
    throw thrown;
  }
}
