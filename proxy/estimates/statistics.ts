/**
 * Table statistics and column lists of the fronted accounts, as imported by the worker; read from Postgres into
 * memory and replaced as a whole, so that a statement never sees half an import.
 */
import type { Occupancy } from '#base/metrics.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import type { Catalogue } from '#policies/sql/facts.js';
import type { StatisticsView, TableStatistics } from '#policies/estimate/table-statistics.js';

const TABLES_MAX = 100_000;

interface StatisticsRow {
  account: string;
  table_name: string;
  bytes: string;
  rows: string;
  partitions: string | null;
  clustering_column: string | null;
  clustering_low: string | null;
  clustering_high: string | null;
  columns: Record<string, number | null>;
}

interface AccountStatistics {
  readonly tables: Map<string, TableStatistics>;
  readonly view: StatisticsView;
  readonly catalogue: Catalogue;
}

export class StatisticsCache {
  readonly #db: Database;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #accounts: ReadonlyMap<string, AccountStatistics> = new Map();
  #loads = 0;
  #importedAt = '';

  constructor(db: Database, log: Log, pollIntervalMs: number) {
    this.#db = db;
    this.#log = log;
    this.#timer = setInterval(() => void this.refresh(), pollIntervalMs);
    this.#timer.unref();
  }

  statisticsOf(account: string): StatisticsView {
    return this.#accounts.get(account)?.view ?? NOTHING.view;
  }

  catalogueOf(account: string): Catalogue {
    return this.#accounts.get(account)?.catalogue ?? NOTHING.catalogue;
  }

  /** Tables whose statistics are in memory, for the metric. */
  get occupancy(): Occupancy {
    let used = 0;
    for (const { tables } of this.#accounts.values()) used += tables.size;
    return { used, max: TABLES_MAX };
  }

  /** Reads everything again when an import happened since. Failures leave what is known in force. */
  async refresh(): Promise<void> {
    try {
      const newest = await this.#db.query<{ at: string | null }>(
        'SELECT max(imported_at)::text AS at FROM table_statistics',
      );
      const at = newest.rows[0]?.at ?? '';
      if (at === this.#importedAt) return;
      const { rows } = await this.#db.query<StatisticsRow & Record<string, unknown>>(
        `SELECT account, table_name, bytes, rows, partitions, clustering_column, clustering_low, clustering_high, columns
           FROM table_statistics ORDER BY account, table_name LIMIT $1`,
        [TABLES_MAX],
      );
      this.#loads += 1;
      this.#accounts = groupByAccount(rows, String(this.#loads));
      this.#importedAt = at;
    } catch (thrown) {
      this.#log.warn(
        { err: toError(thrown) },
        'table statistics could not be read; the last ones stay',
      );
    }
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}

const NOTHING: AccountStatistics = accountStatistics('0');

function accountStatistics(version: string): AccountStatistics {
  const tables = new Map<string, TableStatistics>();
  const columns = new Map<TableStatistics, readonly string[]>();
  return {
    tables,
    view: { table: (name) => tables.get(name) },
    catalogue: {
      version,
      columnsOf(table) {
        const known = tables.get(table);
        if (known === undefined) return undefined;
        let names = columns.get(known);
        if (names === undefined) {
          names = Object.keys(known.columns);
          columns.set(known, names);
        }
        return names;
      },
    },
  };
}

function groupByAccount(
  rows: readonly StatisticsRow[],
  version: string,
): ReadonlyMap<string, AccountStatistics> {
  const accounts = new Map<string, AccountStatistics>();
  for (const row of rows) {
    let account = accounts.get(row.account);
    if (account === undefined) {
      account = accountStatistics(version);
      accounts.set(row.account, account);
    }
    account.tables.set(row.table_name, {
      bytes: Number(row.bytes),
      rows: Number(row.rows),
      partitions: Number(row.partitions ?? '1'),
      clusteringColumn: row.clustering_column,
      low: row.clustering_low,
      high: row.clustering_high,
      columns: Object.fromEntries(
        Object.entries(row.columns).map(([name, share]) => [name, share ?? undefined]),
      ),
    });
  }
  return accounts;
}
