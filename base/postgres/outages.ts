/**
 * An outage of Postgres, told once: many loops and every request fail of it at the same time, and an operator is to read
 * one line when it begins, one when it is over, and between them only what has another cause.
 */
import { toError } from '../errors.js';
import type { Log } from '../log.js';
import { isReadOnly, sqlStateOf, type Database, type Queryable, type Transaction } from './pool.js';

/** An outage is over when nothing has failed of it for so long. */
const QUIET_MS = 5_000;

/** Postgres, "Error Codes": classes of a connection that fails or is not let in, of exhausted resources, of a server that ends, of its disk. */
const AWAY_CLASSES: ReadonlySet<string> = new Set(['08', '28', '3D', '53', '57', '58']);
/** query_canceled. */
const CANCELED = '57014';
/** disk_full, io_error: it answers, and holds nothing. */
const DISK = new Set(['53100', '58030']);
const AWAY_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);
/** The pool and the client report a wait that was too long and a broken connection by their text alone. */
const AWAY_TEXT = /timeout exceeded|query read timeout|connection terminated|connection error/i;

/**
 * Whether what was thrown says that Postgres could not do it now: not reached, not let in, no memory, disk or connection
 * left, ending, taking no writes, or too slow. False for what is wrong with the statement.
 */
export function isDatabaseAway(thrown: unknown): boolean {
  const sqlState = sqlStateOf(thrown);
  if (sqlState !== undefined) return AWAY_CLASSES.has(sqlState.slice(0, 2)) || isReadOnly(thrown);
  const { code, message } = toError(thrown) as NodeJS.ErrnoException;
  return AWAY_CODES.has(code ?? '') || AWAY_TEXT.test(message);
}

export interface Outages {
  /**
   * The log for everybody else: what failed of an outage that is told already (`err`, or what caused it, came out of
   * {@link watch}) goes to the level `debug` and is counted; everything else is told as ever.
   */
  readonly log: Log;
  /** The same database, whose failures begin outages and whose answers end them. */
  watch(db: Database): Database;
  /** A connection that nobody used broke; a server that ends breaks all of them at once. */
  connectionBroke(cause: Error): void;
  /** What Postgres says of its disk in an outage that is not over: it answers whoever only asks. Null: nothing. */
  diskProblem(): string | null;
}

/**
 * Follows one database of a process.
 * @param log where the beginning (`warn`) and the end (`info`, with its length and what was not told meanwhile) are told.
 * @param realNow real milliseconds, monotonic.
 */
export function followOutages(log: Log, realNow: () => number): Outages {
  const account = new OutageAccount(log, realNow);
  return {
    log: quietIn(account, log),
    watch: (db) => watched(db, account),
    connectionBroke: (cause) => account.broke(cause),
    diskProblem: () => account.diskProblem,
  };
}

class OutageAccount {
  readonly #log: Log;
  readonly #realNow: () => number;
  /** What came of an outage; weak, as errors belong to who caught them. */
  readonly #ofOutages = new WeakSet<object>();
  #startedAtMs: number | null = null;
  #failedAtMs = 0;
  /** The first answer after the latest failure. */
  #answeredAtMs: number | null = null;
  #brokenAtMs = -Infinity;
  /** What an outage looks like: each is told, as when a server that was not there comes up and takes no writes. */
  #kinds = new Set<string>();
  #untold = new Map<string, number>();
  diskProblem: string | null = null;

  constructor(log: Log, realNow: () => number) {
    this.#log = log;
    this.#realNow = realNow;
  }

  failed(thrown: unknown): void {
    // One statement that took too long says nothing of others.
    if (!isDatabaseAway(thrown) || sqlStateOf(thrown) === CANCELED) return;
    const err = toError(thrown);
    this.#ofOutages.add(err);
    this.#failedAtMs = this.#realNow();
    this.#answeredAtMs = null;
    this.#startedAtMs ??= this.#failedAtMs;
    const kind = kindOf(thrown);
    if (DISK.has(kind)) this.diskProblem = err.message;
    if (this.#kinds.has(kind)) return;
    this.#kinds.add(kind);
    // Not the error itself: the driver hangs its whole client on it.
    const { message: why } = err;
    this.#log.warn(
      { why, code: (err as NodeJS.ErrnoException).code },
      'Postgres cannot be used; what fails of that is counted until it can',
    );
  }

  answered(): void {
    if (this.#startedAtMs === null) return;
    const now = this.#realNow();
    this.#answeredAtMs ??= now;
    if (now - this.#failedAtMs < QUIET_MS) return;
    const outageMs = Math.round(this.#answeredAtMs - this.#startedAtMs);
    const untold = Object.fromEntries(this.#untold);
    this.#startedAtMs = null;
    this.diskProblem = null;
    this.#kinds = new Set();
    this.#untold = new Map();
    this.#log.info({ outageMs, untold }, 'Postgres can be used again');
  }

  broke(cause: Error): void {
    const isFirst = this.#realNow() - this.#brokenAtMs >= QUIET_MS;
    this.#brokenAtMs = this.#realNow();
    const fields = { why: cause.message };
    const message = 'a connection to Postgres broke';
    if (isFirst && this.#startedAtMs === null) this.#log.warn(fields, message);
    else this.#log.debug(fields, message);
  }

  /** Whether a line with these fields is one of the outage that is told already; it is counted then. */
  isTold(fields: object, message: string): boolean {
    if (this.#startedAtMs === null || !('err' in fields)) return false;
    if (!this.#isOfOutage(fields.err)) return false;
    this.#untold.set(message, (this.#untold.get(message) ?? 0) + 1);
    return true;
  }

  #isOfOutage(thrown: unknown): boolean {
    for (let error = thrown; error instanceof Error; error = error.cause)
      if (this.#ofOutages.has(error)) return true;
    return false;
  }
}

/** A server that is not there, ends or starts is one kind; what it says while it is there is another each. */
function kindOf(thrown: unknown): string {
  const sqlState = sqlStateOf(thrown);
  return sqlState === undefined || /^(?:08|57)/.test(sqlState) ? 'away' : sqlState;
}

function quietIn(account: OutageAccount, log: Log): Log {
  return {
    error(fields, message) {
      if (account.isTold(fields, message)) log.debug(fields, message);
      else log.error(fields, message);
    },
    warn(fields, message) {
      if (account.isTold(fields, message)) log.debug(fields, message);
      else log.warn(fields, message);
    },
    info: (fields, message) => log.info(fields, message),
    debug: (fields, message) => log.debug(fields, message),
    child: (fields) => quietIn(account, log.child(fields)),
  };
}

type Seen = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * The statements of a transaction, its begin and its end. What else its work throws is nothing of Postgres: work that is done
 * alone asks Snowflake too, whose refused connection looks alike.
 */
async function transactionSeen<T>(
  db: Database,
  work: (tx: Transaction) => Promise<T>,
  seen: Seen,
  account: OutageAccount,
): Promise<T> {
  let ofWork: unknown;
  try {
    return await db.transaction(async (tx) => {
      const seenOne: Queryable = { query: (text, values) => seen(() => tx.query(text, values)) };
      try {
        return await work(seenOne as Transaction);
      } catch (thrown) {
        ofWork = thrown;
        throw thrown;
      }
    });
  } catch (thrown) {
    if (thrown !== ofWork) account.failed(thrown);
    throw thrown;
  }
}

function watched(db: Database, account: OutageAccount): Database {
  const seen: Seen = async (work) => {
    try {
      const result = await work();
      account.answered();
      return result;
    } catch (thrown) {
      account.failed(thrown);
      throw thrown;
    }
  };
  return {
    query: (text, values) => seen(() => db.query(text, values)),
    transaction: <T>(work: (tx: Transaction) => Promise<T>) =>
      transactionSeen(db, work, seen, account),
    listen: (channels, onNotify, onLost) => seen(() => db.listen(channels, onNotify, onLost)),
    load: () => db.load(),
    stop: () => db.stop(),
  };
}
