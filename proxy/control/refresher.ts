/**
 * The control snapshot in force on this replica: the newest version that parsed. Changes arrive by notification and,
 * should one be lost, by a poll; an invalid or older version never replaces a good one. Statements under way keep
 * the snapshot they started with.
 */
import type { Log } from '#base/log.js';
import { toError } from '#base/errors.js';
import { CONTROL_CHANNEL } from '#base/postgres/channels.js';
import type { Database } from '#base/postgres/pool.js';
import { readPriceVersion, readPricesInForce } from '#billing/prices/read-prices.js';
import type { PriceInForce } from '#billing/prices/read-prices.js';
import { parseControlDocument } from '#policies/control/parse.js';
import type { ControlProblem } from '#policies/control/problem.js';
import { createSnapshot } from '#policies/control/snapshot.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';

const PROBLEMS_LOGGED_MAX = 20;

export interface ControlRefresher {
  /** The snapshot in force; undefined until the first one has been loaded. */
  current(): ControlSnapshot | undefined;
  /** The newest version that is not valid here and newer than the one in force; 0: there is none. */
  rejectedVersion(): number;
  /** Reads the newest version now. Faults are logged; the last good snapshot stays. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** What became of the newest version that was read. */
export interface ControlChange {
  /** In force; null before the first. */
  readonly version: number | null;
  /** Why a newer one is not; null: it is. */
  readonly problem: string | null;
}

export interface RefresherOptions {
  readonly db: Database;
  readonly log: Log;
  /** Bounds how long a version may be missed when its notification is lost. */
  readonly pollIntervalMs: number;
  /** Told of every version that was taken or turned down. */
  readonly onChange: (change: ControlChange) => void;
  /** Other channels heard on the same connection. */
  readonly onNotify?: Readonly<Record<string, (payload: string) => void>>;
  /** Told when notifications are no longer heard, and when they are again. */
  readonly onHearing?: (isHearing: boolean) => void;
}

/** Loads the newest snapshot and keeps it fresh. */
export async function startControlRefresher(options: RefresherOptions): Promise<ControlRefresher> {
  const refresher = new Refresher(options);
  await refresher.refresh();
  await refresher.listen();
  return refresher;
}

class Refresher implements ControlRefresher {
  readonly #db: Database;
  readonly #log: Log;
  readonly #pollIntervalMs: number;
  readonly #onChange: RefresherOptions['onChange'];
  readonly #onNotify: Readonly<Record<string, (payload: string) => void>>;
  readonly #onHearing: (isHearing: boolean) => void;
  readonly #timer: NodeJS.Timeout;
  #current: ControlSnapshot | undefined;
  #imported: readonly PriceInForce[] = [];
  #priceVersion = '0';
  #listening: { stop(): Promise<void> } | undefined;
  #isStopped = false;
  #rejectedVersion = 0;
  #reading: Promise<void> | undefined;
  #isReadAgain = false;
  /** An outage is told of when it begins, not at every look. */
  #isUnreadTold = false;
  #isUnheardTold = false;

  constructor(options: RefresherOptions) {
    this.#db = options.db;
    this.#log = options.log;
    this.#pollIntervalMs = options.pollIntervalMs;
    this.#onChange = options.onChange;
    this.#onNotify = options.onNotify ?? {};
    this.#onHearing = options.onHearing ?? (() => undefined);
    this.#timer = setInterval(() => void this.#tick(), this.#pollIntervalMs);
    this.#timer.unref();
  }

  current(): ControlSnapshot | undefined {
    return this.#current;
  }

  rejectedVersion(): number {
    return this.#rejectedVersion > (this.#current?.version ?? 0) ? this.#rejectedVersion : 0;
  }

  /** Reads at the same time are one; a call that comes while one is under way is answered by the next. */
  refresh(): Promise<void> {
    if (this.#reading !== undefined) {
      this.#isReadAgain = true;
      return this.#reading;
    }
    this.#reading = this.#readUntilQuiet().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readUntilQuiet(): Promise<void> {
    do {
      this.#isReadAgain = false;
      await this.#read();
    } while (this.#isReadAgain && !this.#isStopped);
  }

  async #read(): Promise<void> {
    try {
      const { rows } = await this.#db.query<{ version: string; document: unknown }>(
        'SELECT version, document FROM control_version WHERE version > $1 ORDER BY version DESC LIMIT 1',
        [Math.max(this.#current?.version ?? 0, this.#rejectedVersion)],
      );
      const row = rows[0];
      const priceVersion = await readPriceVersion(this.#db);
      if (priceVersion !== this.#priceVersion) {
        this.#imported = await readPricesInForce(this.#db);
        this.#priceVersion = priceVersion;
        this.#reprice();
      }
      if (row !== undefined) this.#accept(Number(row.version), row.document);
      this.#isUnreadTold = false;
    } catch (thrown) {
      if (!this.#isUnreadTold)
        this.#log.warn(
          { err: toError(thrown) },
          'control tables could not be read; the last good snapshot stays',
        );
      this.#isUnreadTold = true;
    }
  }

  async listen(): Promise<void> {
    if (this.#isStopped || this.#listening !== undefined) return;
    let isLost = false;
    try {
      const listening = await this.#db.listen(
        [CONTROL_CHANNEL, ...Object.keys(this.#onNotify)],
        (channel, payload) => {
          if (channel === CONTROL_CHANNEL) void this.refresh();
          else this.#onNotify[channel]?.(payload);
        },
        () => {
          isLost = true;
          this.#listening = undefined;
          this.#onHearing(false);
        },
      );
      // Stopped while the connection was being made: it must not outlive the pool.
      if (this.#isStopped) await listening.stop();
      else if (!isLost) {
        this.#listening = listening;
        this.#isUnheardTold = false;
        this.#onHearing(true);
      }
    } catch (thrown) {
      this.#onHearing(false);
      if (!this.#isUnheardTold)
        this.#log.warn(
          { err: toError(thrown) },
          'no notifications of control changes; polling until they are back',
        );
      this.#isUnheardTold = true;
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#listening?.stop();
  }

  async #tick(): Promise<void> {
    await this.listen();
    await this.refresh();
  }

  /** The same document with the prices that came. */
  #reprice(): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = createSnapshot(current.document, current.version, this.#imported);
    this.#log.info({ version: current.version }, 'imported prices in force');
  }

  #accept(version: number, document: unknown): void {
    const parsed = parseControlDocument(document);
    if (parsed.ok) {
      this.#current = createSnapshot(parsed.document, version, this.#imported);
      this.#log.info({ version }, 'control snapshot in force');
      this.#onChange({ version, problem: null });
      return;
    }
    this.#rejectedVersion = version;
    const inForce = this.#current?.version ?? null;
    this.#log.error(
      { version, inForce, problems: parsed.problems.slice(0, PROBLEMS_LOGGED_MAX) },
      'control version is invalid here; the last good one stays',
    );
    this.#onChange({ version: inForce, problem: problemText(version, parsed.problems) });
  }
}

/** One sentence: how many problems, and the first. */
function problemText(version: number, problems: readonly ControlProblem[]): string {
  const first = problems[0];
  const where = first === undefined ? '' : `: ${first.path} ${first.rule}`;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return `version ${version} is not valid to this replica${where}${more}`.slice(0, 500);
}
