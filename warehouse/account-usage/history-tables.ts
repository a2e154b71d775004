/** The tables of one row a statement: QUERY_HISTORY, QUERY_ATTRIBUTION_HISTORY, and what INFORMATION_SCHEMA shows. */
import { Fault } from '#base/errors.js';
import type { EpochMs } from '#base/time.js';
import type { Engine } from '../engine/engine.js';
import type { Attribution } from '../metering/attribution.js';
import type { EventLog } from '../metering/event-log.js';
import type { EventRecord, LoggedStatement, StatementStarted } from '../metering/events.js';
import { Follower } from './follower.js';
import { isVisible } from './latencies.js';
import type { Viewing } from './latencies.js';
import { attributionRow } from './metering-rows.js';
import { GrowingTable } from './provided-tables.js';
import type { TableName } from './provided-tables.js';
import type { QueryHashes } from './query-hash.js';
import { liveQueryRow, queryRow } from './query-rows.js';
import { UsageBook } from './usage-book.js';
import { ATTRIBUTION_VIEW, QUERY_HISTORY_VIEW } from './view-definitions.js';
import { instant } from './view-cells.js';
import type { ViewRow } from './view-cells.js';

const DAY_MS = 86_400_000;
const HISTORY_MS = 7 * DAY_MS;
/** No END_TIME reaches it, so that an amendment from here on takes only the rows of running statements. */
const END_OF_TIME = '99999999999';
type Hasher = (text: string) => QueryHashes;

/** Runs `fill` and once more, from the beginning, when the engine's table turned out to be lost. */
async function filled(follower: Follower, fill: () => Promise<boolean>): Promise<void> {
  try {
    if (await fill()) return;
    follower.forget();
    if (await fill()) return;
    throw new Fault('internal', 'the engine was lost while a view was filled');
  } catch (cause) {
    // How far it came is not known.
    follower.forget();
    throw cause;
  }
}

/** ACCOUNT_USAGE.QUERY_HISTORY: ended statements, each when its latency has passed. */
export class QueryHistoryTable {
  readonly #follower: Follower;
  readonly #table: GrowingTable;
  readonly #hashesOf: Hasher;
  readonly #open = new Map<string, StatementStarted>();
  #waiting: LoggedStatement[] = [];

  constructor(engine: Engine, events: EventLog, hashesOf: Hasher) {
    this.#follower = new Follower(events);
    this.#table = new GrowingTable(engine, QUERY_HISTORY_VIEW);
    this.#hashesOf = hashesOf;
  }

  /** Brings the table up to the log. */
  async refresh(viewing: Viewing): Promise<void> {
    await filled(this.#follower, () => this.#fill(viewing));
  }

  async #fill(viewing: Viewing): Promise<boolean> {
    let isWhole = true;
    let isNew = false;
    await this.#follower.pull(
      () => {
        isNew = true;
        this.#open.clear();
        this.#waiting = [];
      },
      async (records) => {
        for (const record of records) this.#add(record);
        if (isNew) await this.#table.clear();
        isNew = false;
        isWhole = isWhole && (await this.#show(viewing));
      },
    );
    if (isNew) await this.#table.clear();
    isWhole = isWhole && (await this.#show(viewing));
    return isWhole;
  }

  #add(record: EventRecord): void {
    if (record.type === 'started') this.#open.set(record.id, record);
    if (record.type !== 'ended') return;
    const started = this.#open.get(record.id);
    this.#open.delete(record.id);
    if (started !== undefined) this.#waiting.push({ started, ended: record });
  }

  async #show(viewing: Viewing): Promise<boolean> {
    const rows: ViewRow[] = [];
    const waiting: LoggedStatement[] = [];
    for (const statement of this.#waiting) {
      if (isVisible('QUERY_HISTORY', statement.ended?.at ?? Infinity, viewing))
        rows.push(queryRow(statement, this.#hashesOf));
      else waiting.push(statement);
    }
    this.#waiting = waiting;
    return await this.#table.append(rows);
  }
}

/** ACCOUNT_USAGE.QUERY_ATTRIBUTION_HISTORY, and the book of sums that is kept along with it. */
export class AttributionTable {
  readonly #follower: Follower;
  readonly #table: GrowingTable;
  readonly #hashesOf: Hasher;
  #book = new UsageBook();
  #waiting: Attribution[] = [];
  #finalRows = 0;
  #shownTo: EpochMs = -Infinity;

  constructor(engine: Engine, events: EventLog, hashesOf: Hasher) {
    this.#follower = new Follower(events);
    this.#table = new GrowingTable(engine, ATTRIBUTION_VIEW);
    this.#hashesOf = hashesOf;
  }

  /** The sums as of the last refresh. */
  get book(): UsageBook {
    return this.#book;
  }

  /** Brings table and book up to the log. */
  async refresh(viewing: Viewing): Promise<void> {
    await filled(this.#follower, () => this.#fill(viewing));
  }

  async #fill(viewing: Viewing): Promise<boolean> {
    let isWhole = true;
    let isNew = false;
    const begin = async (): Promise<void> => {
      if (isNew) await this.#table.clear();
      isNew = false;
    };
    await this.#follower.pull(
      () => {
        isNew = true;
        this.#book = new UsageBook();
        this.#waiting = [];
        this.#finalRows = 0;
        this.#shownTo = -Infinity;
      },
      async (records) => {
        for (const record of records) this.#book.add(record);
        await begin();
        isWhole = isWhole && (await this.#showFinal(viewing, []));
      },
    );
    await begin();
    const { statements } = this.#book.provisional();
    // What is not final changes with every statement that turns out to have run beside it: only at scale 0.
    const tail = viewing.latencyScale === 0 ? statements : [];
    isWhole = isWhole && (await this.#showFinal(viewing, tail));
    return isWhole;
  }

  async #showFinal(viewing: Viewing, tail: readonly Attribution[]): Promise<boolean> {
    for (const attribution of this.#book.settle()) this.#waiting.push(attribution);
    const isReady = ({ ended }: Attribution): boolean =>
      isVisible('QUERY_ATTRIBUTION_HISTORY', ended.at, viewing);
    const ready = this.#waiting.filter(isReady);
    this.#waiting = this.#waiting.filter((one) => !isReady(one));
    const rows = [...ready, ...tail].map((attribution) =>
      attributionRow(attribution, this.#hashesOf(attribution.started.text)),
    );
    // Whatever ended after the last final row was provisional and comes again.
    const from =
      this.#shownTo === -Infinity
        ? { column: 'END_TIME', cell: '-1' }
        : { column: 'END_TIME', cell: instant(this.#shownTo + 1) ?? '' };
    const isFitting = await this.#table.append(rows, from, this.#finalRows);
    this.#finalRows += ready.length;
    if (viewing.latencyScale === 0) this.#shownTo = Math.max(this.#shownTo, this.#book.settledTo);
    else this.#shownTo = Math.max(this.#shownTo, ready.at(-1)?.ended.at ?? -Infinity);
    return isFitting;
  }
}

/** What TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(…)) reads: statements of the last days without delay, running ones too. */
export class LiveHistoryTable {
  readonly #events: EventLog;
  readonly #follower: Follower;
  readonly #table: GrowingTable;
  readonly #user: string | undefined;
  readonly #hashesOf: Hasher;
  #open = new Map<string, StatementStarted>();
  #rows = 0;
  #builtAt: EpochMs = -Infinity;

  /** @param user whose statements; everybody's when undefined. */
  constructor(
    engine: Engine,
    events: EventLog,
    table: TableName,
    user: string | undefined,
    hashesOf: Hasher,
  ) {
    this.#events = events;
    this.#follower = new Follower(events);
    this.#table = new GrowingTable(engine, table);
    this.#user = user;
    this.#hashesOf = hashesOf;
  }

  /** Brings the table up to the log at instant `now`. */
  async refresh(now: EpochMs): Promise<void> {
    // Once a day it is made anew, and what has become too old is left out.
    if (now - this.#builtAt > DAY_MS) this.#follower.forget();
    await filled(this.#follower, () => this.#fill(now));
  }

  async #fill(now: EpochMs): Promise<boolean> {
    const ended: LoggedStatement[] = [];
    let isNew = false;
    this.#follower.pullRecent(
      () => {
        isNew = true;
        this.#open = new Map();
        for (const statement of this.#events.statements()) {
          if (!this.#isShown(statement.started)) continue;
          if (statement.ended === undefined)
            this.#open.set(statement.started.id, statement.started);
          else if (statement.ended.at > now - HISTORY_MS) ended.push(statement);
        }
      },
      (records) => {
        for (const record of records) {
          if (record.type === 'started' && this.#isShown(record)) this.#open.set(record.id, record);
          if (record.type !== 'ended') continue;
          const started = this.#open.get(record.id);
          if (started !== undefined) ended.push({ started, ended: record });
          this.#open.delete(record.id);
        }
      },
    );
    if (isNew) {
      await this.#table.clear();
      this.#rows = 0;
      this.#builtAt = now;
    }
    const running = [...this.#open.values()].map((started) => ({ started, ended: undefined }));
    const rows = [...ended, ...running].map((one) => liveQueryRow(one, this.#hashesOf));
    const from = { column: 'END_TIME', cell: END_OF_TIME };
    const isFitting = await this.#table.append(rows, from, this.#rows);
    this.#rows += ended.length;
    return isFitting;
  }

  #isShown(started: StatementStarted): boolean {
    return this.#user === undefined || started.user === this.#user;
  }
}
