/**
 * Imports the views of an account, each from where it was read to, window by window: what a window has and the mark behind
 * it are written in one transaction, so that an import that breaks goes on where it stopped, and one that runs twice
 * changes nothing. Rows come late: each import reads again what may still come, and once a day three days.
 */
import type { Log } from '#base/log.js';
import type { Database, Queryable } from '#base/postgres/pool.js';
import type { ServiceConnection } from '#base/snowflake/service-connection.js';
import type { EpochMs } from '#base/time.js';
import { VIEWS, readView } from './read-views.js';
import type { UsageView } from './read-views.js';
import { storeUsage } from './store-usage.js';

const DAY_MS = 86_400_000;
/** Rows have been seen as late as that, beyond what is documented. */
const READ_AGAIN_MS = 3 * DAY_MS;
/** Of a window: an hour of a busy account is an answer that fits, and days are whole, as some views have only days. */
const WINDOW_MIN_MS = 3_600_000;
const WINDOW_MAX_MS = 32 * DAY_MS;
const ROWS_FEW = 5_000;
const ROWS_MANY = 20_000;
/** Without a mark: the current month and the one before it. */
const FIRST_IMPORT_MS = 62 * DAY_MS;

export interface ImportedView {
  readonly view: UsageView;
  readonly readTo: EpochMs;
  readonly rows: number;
  /** New, or saying something else than before. */
  readonly written: number;
}

export interface ImportOptions {
  readonly account: string;
  readonly now: EpochMs;
  /** Reads everything from then on again; absent: from where it was read to. */
  readonly from?: EpochMs;
  readonly log: Log;
}

/**
 * Imports every view up to `now`. What was imported before a fault stays.
 * @throws Fault `upstreamUnreachable` when the account does not answer, `upstreamProtocol` for a row that cannot be read,
 *   both naming the view.
 */
export async function importUsage(
  db: Database,
  connection: ServiceConnection,
  options: ImportOptions,
): Promise<readonly ImportedView[]> {
  await connection.query("ALTER SESSION SET TIMEZONE = 'UTC'");
  const imported: ImportedView[] = [];
  for (const view of Object.keys(VIEWS) as UsageView[])
    imported.push(await importView(db, connection, view, options));
  return imported;
}

async function importView(
  db: Database,
  connection: ServiceConnection,
  view: UsageView,
  options: ImportOptions,
): Promise<ImportedView> {
  const { account, now, log } = options;
  const mark = await readMark(db, account, view);
  const readsAgain = mark === undefined || now - mark.readAgainAt >= DAY_MS;
  const startsAt = options.from ?? startOf(view, mark, now, readsAgain);
  let rows = 0;
  let written = 0;
  let lengthMs = WINDOW_MIN_MS;
  for (let at = startsAt; at < now;) {
    const window = { startsAt: at, endsAt: Math.min(now, nextMultiple(at, lengthMs)) };
    const read = await readView(connection, view, window);
    at = window.endsAt;
    lengthMs = nextLength(lengthMs, read.length);
    rows += read.length;
    await db.transaction(async (tx) => {
      written += await storeUsage(tx, account, view, read);
      await tx.query(MARK, [
        account,
        view,
        new Date(window.endsAt),
        new Date(readsAgain ? now : (mark?.readAgainAt ?? now)),
      ]);
    });
    if (rows > 0 && window.endsAt < now)
      log.debug(
        { account, view, readTo: new Date(window.endsAt).toISOString(), rows },
        'usage is imported',
      );
  }
  return { view, readTo: now, rows, written };
}

// A mark never goes back: reading an earlier time again says nothing of a later one.
const MARK = `/* prepared: billing.mark_usage */
INSERT INTO usage_import AS i (account, view_name, read_to, read_again_at, imported_at) VALUES ($1, $2, $3, $4, now())
ON CONFLICT (account, view_name) DO UPDATE SET read_to = greatest(i.read_to, excluded.read_to),
  read_again_at = greatest(i.read_again_at, excluded.read_again_at), imported_at = excluded.imported_at`;

interface Mark {
  readonly readTo: EpochMs;
  readonly readAgainAt: EpochMs;
}

function startOf(
  view: UsageView,
  mark: Mark | undefined,
  now: EpochMs,
  readsAgain: boolean,
): EpochMs {
  if (mark === undefined) return Math.floor((now - FIRST_IMPORT_MS) / DAY_MS) * DAY_MS;
  return mark.readTo - Math.max(VIEWS[view].lateMs, readsAgain ? READ_AGAIN_MS : 0);
}

async function readMark(
  db: Queryable,
  account: string,
  view: UsageView,
): Promise<Mark | undefined> {
  const { rows } = await db.query<{ read_to: Date; read_again_at: Date }>(
    'SELECT read_to, read_again_at FROM usage_import WHERE account = $1 AND view_name = $2',
    [account, view],
  );
  const [row] = rows;
  return row && { readTo: row.read_to.getTime(), readAgainAt: row.read_again_at.getTime() };
}

/** Longer windows while few rows come, shorter ones when many do, so that neither answers nor their number grow. */
function nextLength(lengthMs: number, rows: number): number {
  if (rows < ROWS_FEW) return Math.min(WINDOW_MAX_MS, lengthMs * 2);
  return rows > ROWS_MANY ? Math.max(WINDOW_MIN_MS, lengthMs / 2) : lengthMs;
}

function nextMultiple(at: EpochMs, lengthMs: number): EpochMs {
  return Math.floor(at / lengthMs) * lengthMs + lengthMs;
}
