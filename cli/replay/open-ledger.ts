/**
 * `--ledger`: a span of days as a history, from the Postgres that the configuration names, with what the ledger knew beside
 * the control document: prices of rate sheets, and what was frozen.
 */
import { openDatabase } from '../../base/postgres/pool.js';
import { type Freeze, freezesBetween } from '../../billing/freezes.js';
import { readPricesInForce } from '../../billing/prices/read-prices.js';
import type { ImportedPrice } from '../../policies/prices/price-lookup.js';
import { narrowestFirst } from '../../proxy/freezes.js';
import { configuration } from '../configuration.js';
import { VerbError } from '../verb-error.js';
import type { HistorySource } from './history-source.js';
import { readLedger } from './read-ledger.js';

/** Sorting the tickets of a year takes as long. */
const STATEMENT_TIMEOUT_MS = 600_000;

export interface LedgerHistory {
  readonly source: HistorySource;
  readonly imported: readonly ImportedPrice[];
  readonly freezes: readonly Freeze[];
}
const DAY = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/;

/**
 * @param span `2026-10-01..2026-11-01`, in UTC, the end not included.
 * @throws VerbError (usage) for another text, or where no database is configured; what the database throws.
 */
export async function openLedger(span: string): Promise<LedgerHistory> {
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
    return {
      source: { ...source, close: () => database.stop() },
      imported: await readPricesInForce(database),
      freezes: narrowestFirst(await freezesBetween(database, { startsAt, endsAt })),
    };
  } catch (thrown) {
    await database.stop();
    throw thrown;
  }
}
