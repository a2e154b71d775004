/**
 * What a file tells twice must be the same both times: two exports that were put together, one of them older, would else be
 * imported as whichever row came last. Rows that were seen are kept in a table of the transaction, so that the memory that a
 * file takes does not grow with it.
 */
import { createHash } from 'node:crypto';
import type { Transaction } from '#base/postgres/pool.js';
import type { UsageView } from './read-views.js';
import { UsageFileError } from './usage-files.js';
import type { UsageRow } from './view-reading.js';

/** By what a row is known; as the primary keys of the tables. Prices that contradict each other are held (prices.md). */
const KEYS: Readonly<Partial<Record<UsageView, readonly string[]>>> = {
  QUERY_HISTORY: ['query_id'],
  QUERY_ATTRIBUTION_HISTORY: ['query_id'],
  QUERY_METERING_HISTORY: ['query_id', 'starts_at'],
  WAREHOUSE_METERING_HISTORY: ['warehouse_id', 'starts_at'],
  METERING_HISTORY: ['service_type', 'entity_id', 'starts_at'],
  METERING_DAILY_HISTORY: ['service_type', 'day'],
  STORAGE_USAGE: ['day', 'entity_id'],
  DATABASE_STORAGE_USAGE_HISTORY: ['day', 'entity_id'],
  STAGE_STORAGE_USAGE_HISTORY: ['day', 'entity_id'],
};

export interface ToldOnce {
  /** Looks at row `number` of the file. Throws UsageFileError where a row of the same batch says something else. */
  take(row: UsageRow, number: number): void;
  /** Compares what was taken with the batches before. Throws UsageFileError for the first row that says something else. */
  check(): Promise<void>;
}

interface Told {
  readonly told: string;
  readonly number: number;
}

/** Keeps what the rows of one file of `view` told, until `tx` ends. */
export async function toldOnce(tx: Transaction, view: UsageView): Promise<ToldOnce> {
  const keys = KEYS[view];
  if (keys === undefined) return { take: () => undefined, check: () => Promise.resolve() };
  await tx.query(
    'CREATE TEMPORARY TABLE usage_file_row (key text PRIMARY KEY, told text) ON COMMIT DROP',
  );
  let batch = new Map<string, Told>();
  return {
    take(row, number) {
      const key = keys.map((column) => String(row[column])).join(' ');
      // Rows of one view have their columns in one order, so that equal ones have equal texts.
      const told = createHash('sha256').update(JSON.stringify(row)).digest('base64');
      const known = batch.get(key);
      if (known !== undefined && known.told !== told) throw contradiction(key, number);
      if (known === undefined) batch.set(key, { told, number });
    },
    async check() {
      const rows = [...batch].map(([key, { told, number }]) => ({ key, told, number }));
      batch = new Map();
      const { rows: others } = await tx.query<{ key: string; number: number }>(CHECK, [
        JSON.stringify(rows),
      ]);
      const [first] = others;
      if (first !== undefined) throw contradiction(first.key, first.number);
    },
  };
}

const CHECK = `WITH given AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (key text, told text, number integer)
), kept AS (
  INSERT INTO usage_file_row SELECT key, told FROM given ON CONFLICT (key) DO NOTHING
)
SELECT g.key, g.number FROM given g JOIN usage_file_row t USING (key) WHERE t.told <> g.told ORDER BY g.number LIMIT 1`;

function contradiction(key: string, number: number): UsageFileError {
  return new UsageFileError(
    number,
    `says something else of ${key} than a row before it; export it anew, in one piece`,
  );
}
