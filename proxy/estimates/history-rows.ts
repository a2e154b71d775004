/** The history of estimates in Postgres: rows of `estimate_history` and `estimate_calibration`, read and written. */
import type { Queryable } from '#base/postgres/pool.js';
import type { Average } from '#policies/estimate/average.js';
import type { HistoryRow } from '#policies/estimate/history-store.js';
import { HISTORY_KINDS, type HistoryEntry, type HistoryKind } from '#policies/estimate/history.js';

export interface KeyedEntry {
  readonly kind: HistoryKind;
  readonly key: string;
  readonly entry: HistoryEntry;
}

export interface LevelCalibration {
  readonly level: string;
  readonly tier: string;
  readonly quantile: number;
  readonly count: number;
}

/** Days after which a key that nobody used is forgotten. */
const KEPT_DAYS = 90;

const READ = `SELECT kind, key, samples, work, elapsed, log_variance, above, below, updated_at::text AS at
  FROM estimate_history`;

/** The newest `rowsMax` rows, oldest first, and every calibration. */
export async function readAll(db: Queryable, rowsMax: number): Promise<readonly HistoryRow[]> {
  const { rows } = await db.query<EntryRow>(
    `SELECT * FROM (${READ} ORDER BY updated_at DESC LIMIT $1) newest ORDER BY at`,
    [rowsMax],
  );
  return [...rows.flatMap(toRow), ...(await readCalibrations(db))];
}

export interface Changes {
  readonly rows: readonly HistoryRow[];
  /** The database's time of the newest of them; what the next call is given. */
  readonly until: string;
}

/**
 * Rows that others than `replica` wrote after `since` (the database's own time), oldest first: at most `rowsMax`, and all
 * of the batch that the last of them belongs to, which has one instant.
 */
export async function readChanges(
  db: Queryable,
  replica: string,
  since: string,
  rowsMax: number,
): Promise<Changes> {
  const { rows } = await db.query<EntryRow>(
    `${READ} WHERE updated_at > $1::timestamptz AND replica <> $2 ORDER BY updated_at FETCH FIRST $3 ROWS WITH TIES`,
    [since, replica, rowsMax],
  );
  return {
    rows: [...rows.flatMap(toRow), ...(rows.length === 0 ? [] : await readCalibrations(db))],
    until: rows.at(-1)?.at ?? since,
  };
}

/** The database's time. */
export async function databaseNow(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ at: string }>('SELECT now()::text AS at');
  return rows[0]?.at ?? 'epoch';
}

export async function writeEntries(
  db: Queryable,
  replica: string,
  entries: readonly KeyedEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const columns = entries.map(({ kind, key, entry }) => ({
    kind,
    key,
    samples: entry.count,
    work: figuresOf(entry.work),
    elapsed: figuresOf(entry.elapsed),
    log_variance: entry.logVariance,
    above: entry.above,
    below: entry.below,
  }));
  await db.query(
    `INSERT INTO estimate_history (kind, key, samples, work, elapsed, log_variance, above, below, replica, updated_at)
     SELECT g.*, $2, now() FROM jsonb_to_recordset($1::jsonb) AS g (kind text, key text, samples bigint,
       work float8[], elapsed float8[], log_variance float8, above float8, below float8)
      ORDER BY g.kind, g.key
     ON CONFLICT (kind, key) DO UPDATE SET samples = excluded.samples, work = excluded.work,
       elapsed = excluded.elapsed, log_variance = excluded.log_variance, above = excluded.above,
       below = excluded.below, replica = excluded.replica, updated_at = excluded.updated_at`,
    [JSON.stringify(columns), replica],
  );
}

export async function writeCalibrations(
  db: Queryable,
  replica: string,
  calibrations: readonly LevelCalibration[],
): Promise<void> {
  if (calibrations.length === 0) return;
  await db.query(
    `INSERT INTO estimate_calibration (level, tier, quantile, outcomes, replica, updated_at)
     SELECT g.level, g.tier, g.quantile, g.count, $2, now()
       FROM jsonb_to_recordset($1::jsonb) AS g (level text, tier text, quantile float8, count bigint)
      ORDER BY g.level, g.tier
     ON CONFLICT (level, tier) DO UPDATE SET quantile = excluded.quantile, outcomes = excluded.outcomes,
       replica = excluded.replica, updated_at = excluded.updated_at`,
    [JSON.stringify(calibrations), replica],
  );
}

/** Forgets keys that no replica has used for {@link KEPT_DAYS}. */
export async function forgetUnused(db: Queryable): Promise<void> {
  await db.query(
    `DELETE FROM estimate_history WHERE updated_at < now() - make_interval(days => $1)`,
    [KEPT_DAYS],
  );
}

interface EntryRow extends Record<string, unknown> {
  readonly kind: string;
  readonly key: string;
  readonly samples: string;
  readonly work: readonly number[];
  readonly elapsed: readonly number[];
  readonly log_variance: number;
  readonly above: number;
  readonly below: number;
  readonly at: string;
}

function toRow(row: EntryRow): HistoryRow[] {
  const kind = HISTORY_KINDS.find((candidate) => candidate === row.kind);
  const [work, elapsed] = [averageOf(row.work), averageOf(row.elapsed)];
  if (kind === undefined || work === undefined || elapsed === undefined) return [];
  const { key, above, below } = row;
  const count = Number(row.samples);
  return [{ kind, key, count, work, elapsed, logVariance: row.log_variance, above, below }];
}

async function readCalibrations(db: Queryable): Promise<HistoryRow[]> {
  const { rows } = await db.query<{
    level: string;
    tier: string;
    quantile: number;
    outcomes: string;
  }>('SELECT level, tier, quantile, outcomes FROM estimate_calibration');
  return rows.map(({ level, tier, quantile, outcomes }) => ({
    kind: 'quantile',
    key: `${level}:${tier}`,
    quantile,
    count: Number(outcomes),
  }));
}

const figuresOf = ({ means, errors }: Average): readonly number[] => [...means, ...errors];

function averageOf(figures: readonly number[]): Average | undefined {
  const [a, b, c, d, e, f] = figures;
  if (a === undefined || b === undefined || c === undefined) return undefined;
  if (d === undefined || e === undefined || f === undefined) return undefined;
  return { means: [a, b, c], errors: [d, e, f] };
}
