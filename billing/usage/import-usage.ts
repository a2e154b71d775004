/**
 * Imports the views of an account, each from where it was read to, window by window: what a window has and the mark behind
 * it are written in one transaction, so that an import that breaks goes on where it stopped, and one that runs twice
 * changes nothing. Rows come late: each import reads again what may still come, and once a day three days.
 */
import type { Log } from '#base/log.js';
import type { Database, Queryable } from '#base/postgres/pool.js';
import type { ServiceConnection } from '#base/snowflake/service-connection.js';
import { toError } from '#base/errors.js';
import type { EpochMs } from '#base/time.js';
import { lockUsage } from './import-lock.js';
import { clearViewProblem, noteViewProblem } from './import-problems.js';
import { USAGE_VIEWS, VIEWS, readView } from './read-views.js';
import { isOfDays } from './view-reading.js';
import type { UsageView } from './read-views.js';
import { storeUsage } from './store-usage.js';

const DAY_MS = 86_400_000;
/** Rows have been seen as late as that, beyond what is documented. */
const READ_AGAIN_MS = 3 * DAY_MS;
/** Of a window: an hour of a busy account is an answer that fits, and days are whole, as some views have only days. */
const WINDOW_MIN_MS = 3_600_000;
const WINDOW_MAX_MS = 64 * DAY_MS;
const ROWS_FEW = 5_000;
const ROWS_MANY = 20_000;
/** Of one window; Snowflake itself would let a view that is too slow run for two days, and no other would be read meanwhile. */
const VIEW_SECONDS_MAX = 1_800;
/** Without a mark: the current month and the one before it. */
const FIRST_IMPORT_MS = 62 * DAY_MS;

export interface ImportedView {
  readonly view: UsageView;
  readonly rows: number;
  /** New, or saying something else than before. */
  readonly written: number;
  /** Why it was not read to the end; null: it was. */
  readonly problem: string | null;
}

export interface ImportOptions {
  readonly account: string;
  readonly now: EpochMs;
  /** Reads everything from then on again; absent: from where it was read to. */
  readonly from?: EpochMs;
  /** Who asked for it; absent: the schedule. */
  readonly askedBy?: string;
  readonly log: Log;
}

/**
 * Imports every view up to `now`. One that cannot be read, for want of a privilege or for a row that nobody understands,
 * says so and stops no other; what was imported of it before that stays.
 * @throws Fault `upstreamUnreachable` when the account does not answer at all.
 */
export async function importUsage(
  db: Database,
  connection: ServiceConnection,
  options: ImportOptions,
): Promise<readonly ImportedView[]> {
  await connection.query("ALTER SESSION SET TIMEZONE = 'UTC'");
  await connection.query(`ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = ${VIEW_SECONDS_MAX}`);
  const imported: ImportedView[] = [];
  for (const view of USAGE_VIEWS) imported.push(await importOrTell(db, connection, view, options));
  return imported;
}

async function importOrTell(
  db: Database,
  connection: ServiceConnection,
  view: UsageView,
  options: ImportOptions,
): Promise<ImportedView> {
  const counts = { rows: 0, written: 0 };
  const { account, now, log } = options;
  try {
    await importView(db, connection, view, options, counts);
    await clearViewProblem(db, account, view);
    return { view, ...counts, problem: null };
  } catch (thrown) {
    const err = toError(thrown);
    log.warn({ err, account, view }, 'a view could not be imported');
    const problem = await noteViewProblem(db, { account, view, cause: err, now });
    return { view, ...counts, problem };
  }
}

async function importView(
  db: Database,
  connection: ServiceConnection,
  view: UsageView,
  options: ImportOptions,
  counts: { rows: number; written: number },
): Promise<void> {
  const { account, now, log } = options;
  const mark = await readMark(db, account, view);
  const readsAgain = mark === undefined || now - mark.readAgainAt >= DAY_MS;
  const startsAt = options.from ?? startOf(view, mark, now, readsAgain);
  // A day has few rows of what it is the grain of; an hour may have as many as an account has statements.
  let lengthMs = isOfDays(VIEWS[view]) ? WINDOW_MAX_MS : WINDOW_MIN_MS;
  const lacking = new Set<string>();
  for (let at = startsAt; at < now;) {
    const window = { startsAt: at, endsAt: Math.min(now, nextMultiple(at, lengthMs)) };
    const read = await readView(connection, view, account, window, lacking);
    at = window.endsAt;
    lengthMs = nextLength(lengthMs, read.length);
    counts.rows += read.length;
    await db.transaction(async (tx) => {
      await lockUsage(tx, account);
      counts.written += await storeUsage(tx, account, view, read, options.askedBy ?? null);
      await tx.query(MARK, [
        account,
        view,
        new Date(window.endsAt),
        new Date(readsAgain ? now : (mark?.readAgainAt ?? now)),
      ]);
    });
    if (counts.rows > 0 && window.endsAt < now)
      log.debug(
        { account, view, readTo: new Date(window.endsAt).toISOString(), rows: counts.rows },
        'usage is imported',
      );
  }
  if (lacking.size > 0)
    log.warn({ account, view, columns: [...lacking] }, 'the view lacks columns; it says less');
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
  if (rows < ROWS_FEW) return Math.min(WINDOW_MAX_MS, lengthMs * 4);
  return rows > ROWS_MANY ? Math.max(WINDOW_MIN_MS, lengthMs / 2) : lengthMs;
}

function nextMultiple(at: EpochMs, lengthMs: number): EpochMs {
  return Math.floor(at / lengthMs) * lengthMs + lengthMs;
}
