/**
 * The event log: JSON lines in `<data dir>/events/events-yyyy-mm.jsonl`, appended and never rewritten. Writers wait
 * for one shared sync (group commit). A line that a crash tore off is cut at the next opening; what the crash left
 * open is closed there too, at the time of the last event.
 *
 * All of it is on disk; in memory are the events of warehouses, statements that have not ended, and of the others the
 * latest, up to a cap in bytes. Who derives something from the log follows it: by `since` while what is new is in
 * memory, by `history` otherwise.
 */
import { mkdir, open, readdir, rename, rm, truncate } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { EpochMs, Period } from '#base/time.js';
import {
  fileOfMonth,
  headOf,
  monthOfFile,
  parseEvent,
  readLines,
  withReadableTexts,
} from './event-files.js';
import { idOfName } from '../fleet/warehouse-id.js';
import { incidentEnd } from './events.js';
import type { EventRecord, LoggedStatement, WarehouseEvent } from './events.js';
import { RecentEvents } from './recent-events.js';

const KEPT_TEXT_LENGTH = 100_000;
/** Of the latest events in memory, as {@link RecentEvents} estimates them: some 80,000 statements of usual length. */
const DEFAULT_KEPT_BYTES = 128 * 1024 * 1024;
const DAY_MS = 86_400_000;
/** How far back statements are in memory after a restart: what INFORMATION_SCHEMA.QUERY_HISTORY reaches. */
const KEPT_DAYS = 7;
const IMPORT_LINES = 1000;

interface Waiting {
  readonly record: EventRecord;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;
}

/** What of the log is on disk at one instant. */
export interface Written {
  /** Events up to here are in the files. */
  readonly sequence: number;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

export class EventLog {
  readonly #dir: string;
  readonly #recent: RecentEvents;
  readonly #warehouseEvents: WarehouseEvent[] = [];
  readonly #files = new Map<string, FileHandle>();
  readonly #bytes = new Map<string, number>();
  readonly #importing = new Set<string>();
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #written = 0;
  #lastAt: EpochMs = 0;
  #isClosed = false;

  private constructor(dir: string, keptBytes: number) {
    this.#dir = dir;
    this.#recent = new RecentEvents(keptBytes);
  }

  /**
   * Reads what is there, repairs the tail and closes what a crash left open.
   *
   * @param keptBytes how many bytes of events may stay in memory, by estimate.
   */
  static async open(dataDir: string, keptBytes: number = DEFAULT_KEPT_BYTES): Promise<EventLog> {
    const dir = join(dataDir, 'events');
    await mkdir(dir, { recursive: true });
    const log = new EventLog(dir, keptBytes);
    const names = await readdir(dir);
    for (const name of names) if (name.endsWith('.part')) await rm(join(dir, name));
    const months = names.flatMap((name) => monthOfFile(name) ?? []).sort();
    const keptFrom = Date.parse(`${months.at(-1) ?? '2000-01'}-01`) - KEPT_DAYS * DAY_MS;
    for (const month of months) await log.#load(month, keptFrom);
    log.#written = log.#recent.sequence;
    await log.#closeOpenEnds();
    return log;
  }

  /** Time of the newest event; 0 for an empty log. */
  get lastAt(): EpochMs {
    return this.#lastAt;
  }

  /** How many events have been appended; a place in the log. */
  get sequence(): number {
    return this.#recent.sequence;
  }

  /** The statements that are in memory, in the order in which they arrived. */
  statements(): Iterable<LoggedStatement> {
    return this.#recent.statements();
  }

  /** A statement that is in memory. */
  statement(id: string): LoggedStatement | undefined {
    return this.#recent.statement(id);
  }

  /** Every event of a warehouse, whatever month it is of, in the order in which they were written. */
  warehouseEvents(): readonly WarehouseEvent[] {
    return this.#warehouseEvents;
  }

  /** The events appended after place `sequence`; undefined when some of them are on disk only: then {@link history} tells. */
  since(sequence: number): readonly EventRecord[] | undefined {
    return this.#recent.since(sequence);
  }

  /** What {@link history} would read now. */
  get written(): Written {
    const months = [...this.#bytes].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      sequence: this.#written,
      files: months.map(([month, bytes]) => ({ path: this.#path(month), bytes })),
    };
  }

  /** Everything that `written` covers, month by month, in pieces of some thousands of events. */
  async *history(written: Written): AsyncGenerator<readonly EventRecord[]> {
    for (const { path, bytes } of written.files) {
      for await (const { lines } of readLines(path, bytes))
        yield lines.map((line) => parseEvent(line, path));
    }
  }

  /** Visible in memory at once; the promise settles when the line is on disk. Rejects if it cannot be written or the log is closed. */
  append(record: EventRecord): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Fault('shuttingDown', 'the event log is closed'));
    const kept = withReadableTexts(record);
    this.#take(kept);
    return new Promise((resolve, reject) => {
      this.#queue.push({ record: kept, done: resolve, failed: reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Whether any event of the month `yyyy-mm` is in the log. */
  hasMonth(month: string): boolean {
    return this.#bytes.has(month);
  }

  /**
   * Writes a month that has no events yet, all or nothing: a crash before the end leaves no trace. Whoever follows the
   * log reads it anew afterwards.
   *
   * @param period the month's; every event must be inside, in order of time, every start with its end.
   * @returns how many events were written; a Fault when the month has events.
   */
  async importMonth(
    month: string,
    period: Period,
    records: Iterable<EventRecord>,
  ): Promise<number> {
    if (this.hasMonth(month) || this.#importing.has(month))
      throw new Fault('internal', `the month ${month} has events already`);
    this.#importing.add(month);
    try {
      return await this.#import(month, period, records);
    } finally {
      this.#importing.delete(month);
    }
  }

  async #import(month: string, period: Period, records: Iterable<EventRecord>): Promise<number> {
    const path = this.#path(month);
    const file = await open(`${path}.part`, 'w');
    const warehouseEvents: WarehouseEvent[] = [];
    let count = 0;
    let bytes = 0;
    try {
      for (const lines of checkedLines(period, records, warehouseEvents)) {
        const text = Buffer.from(lines.join(''));
        await file.appendFile(text);
        bytes += text.length;
        count += lines.length;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    if (count === 0) return 0;
    await rename(`${path}.part`, path);
    this.#bytes.set(month, bytes);
    for (const event of warehouseEvents) this.#warehouseEvents.push(event);
    // What follows the log has to read it anew: events came before some that it has seen.
    this.#recent.skip();
    this.#written += 1;
    return count;
  }

  /** Writes what is queued and closes the files. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flushing;
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  #take(record: EventRecord): void {
    this.#lastAt = Math.max(this.#lastAt, record.at);
    if (record.type === 'warehouse') this.#warehouseEvents.push(record);
    this.#recent.add(record);
  }

  async #flush(): Promise<void> {
    // One turn of the loop lets everything appended in this tick share the sync.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#write(batch.map((waiting) => waiting.record));
        for (const waiting of batch) waiting.done();
      } catch (cause) {
        for (const waiting of batch) waiting.failed(cause);
      }
      this.#written += batch.length;
    }
    this.#flushing = undefined;
  }

  async #write(records: readonly EventRecord[]): Promise<void> {
    const byMonth = new Map<string, string>();
    for (const record of records) {
      const month = new Date(record.at).toISOString().slice(0, 7);
      byMonth.set(month, `${byMonth.get(month) ?? ''}${JSON.stringify(record)}\n`);
    }
    const sizes: [month: string, bytes: number][] = [];
    for (const [month, lines] of byMonth) {
      const file = await this.#file(month);
      await file.appendFile(lines);
      await file.datasync();
      sizes.push([month, Buffer.byteLength(lines)]);
    }
    // All at once, so that nobody sees one month of a batch without the other.
    for (const [month, bytes] of sizes)
      this.#bytes.set(month, (this.#bytes.get(month) ?? 0) + bytes);
  }

  async #file(month: string): Promise<FileHandle> {
    const known = this.#files.get(month);
    if (known !== undefined) return known;
    const file = await open(this.#path(month), 'a');
    this.#files.set(month, file);
    return file;
  }

  #path(month: string): string {
    return join(this.#dir, fileOfMonth(month));
  }

  /** Takes in a month; of statements that ended before `keptFrom` nothing but that they are on disk. */
  async #load(month: string, keptFrom: EpochMs): Promise<void> {
    const path = this.#path(month);
    const open = new Map<string, Buffer>();
    let bytes = 0;
    for await (const { lines, endsAt } of readLines(path)) {
      bytes = endsAt;
      for (const line of lines) {
        const head = headOf(line);
        if (head === undefined || head.type === 'warehouse' || head.at >= keptFrom) {
          const start = head?.id === undefined ? undefined : open.get(head.id);
          if (head?.id !== undefined && start !== undefined) {
            open.delete(head.id);
            this.#take(parseEvent(start, path));
          }
          this.#take(parseEvent(line, path));
          continue;
        }
        this.#recent.skip();
        this.#lastAt = Math.max(this.#lastAt, head.at);
        if (head.id === undefined) continue;
        if (head.type === 'started') open.set(head.id, Buffer.from(line));
        else open.delete(head.id);
      }
    }
    for (const line of open.values()) this.#take(parseEvent(line, path));
    await truncate(path, bytes);
    if (bytes > 0) this.#bytes.set(month, bytes);
  }

  async #closeOpenEnds(): Promise<void> {
    const endings: Promise<void>[] = [];
    for (const { started, ended } of this.#recent.statements()) {
      if (ended === undefined) endings.push(this.append(incidentEnd(started, this.#lastAt)));
    }
    const running = new Map<string, WarehouseEvent>();
    for (const event of [...this.#warehouseEvents].sort((one, other) => one.at - other.at)) {
      const key = `${event.warehouseId ?? idOfName(event.warehouse)}/${event.cluster}`;
      if (event.event === 'SUSPENDED' || event.event === 'DROPPED') running.delete(key);
      else if (event.event === 'RESUMED' || running.has(key)) running.set(key, event);
    }
    for (const event of running.values())
      endings.push(
        this.append({ ...event, at: this.#lastAt, event: 'SUSPENDED', reason: 'RESTART' }),
      );
    await Promise.all(endings);
  }
}

/** Lines of a month in portions, with what the log relies on checked: times inside and in order, every start ended. */
function* checkedLines(
  { startsAt, endsAt }: Period,
  records: Iterable<EventRecord>,
  warehouseEvents: WarehouseEvent[],
): Generator<readonly string[]> {
  const open = new Set<string>();
  let lastAt = startsAt;
  let lines: string[] = [];
  for (const record of records) {
    assert(record.at >= lastAt && record.at < endsAt, 'an imported event is out of order');
    lastAt = record.at;
    if (record.type === 'started') open.add(record.id);
    if (record.type === 'ended') assert(open.delete(record.id), 'an imported end has no start');
    if (record.type === 'warehouse') warehouseEvents.push(record);
    lines.push(`${JSON.stringify(withReadableTexts(record))}\n`);
    if (lines.length < IMPORT_LINES) continue;
    yield lines;
    lines = [];
  }
  assert(open.size === 0, 'an imported statement has no end');
  yield lines;
}

/** The text a record keeps, as QUERY_HISTORY cuts it. */
export function keptText(sql: string): string {
  return sql.length > KEPT_TEXT_LENGTH ? sql.slice(0, KEPT_TEXT_LENGTH) : sql;
}
