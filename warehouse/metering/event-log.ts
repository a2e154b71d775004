/**
 * The event log: JSON lines in `<data dir>/events/events-yyyy-mm.jsonl`, appended and never rewritten. Writers wait
 * for one shared sync (group commit). A line that a crash tore off is cut at the next opening; what the crash left
 * open is closed there too, at the time of the last event.
 */
import { mkdir, open, readFile, readdir, truncate } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { EpochMs } from '#base/time.js';
import { incidentEnd } from './events.js';
import type { EventRecord, LoggedStatement, WarehouseEvent } from './events.js';
import { wellFormed } from '../well-formed.js';

const FILE_NAME = /^events-\d{4}-\d{2}\.jsonl$/;
const KEPT_TEXT_LENGTH = 100_000;

interface Waiting {
  readonly record: EventRecord;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;
}

export class EventLog {
  readonly #dir: string;
  readonly #statements = new Map<string, LoggedStatement>();
  readonly #warehouseEvents: WarehouseEvent[] = [];
  readonly #files = new Map<string, FileHandle>();
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #lastAt: EpochMs = 0;
  #isClosed = false;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Reads what is there, repairs the tail and closes what a crash left open. */
  static async open(dataDir: string): Promise<EventLog> {
    const dir = join(dataDir, 'events');
    await mkdir(dir, { recursive: true });
    const log = new EventLog(dir);
    const names = (await readdir(dir)).filter((name) => FILE_NAME.test(name)).sort();
    for (const name of names) await log.#load(join(dir, name));
    await log.#closeOpenEnds();
    return log;
  }

  /** Time of the newest event; 0 for an empty log. */
  get lastAt(): EpochMs {
    return this.#lastAt;
  }

  /** Statements in the order in which they arrived. */
  statements(): Iterable<LoggedStatement> {
    return this.#statements.values();
  }

  statement(id: string): LoggedStatement | undefined {
    return this.#statements.get(id);
  }

  warehouseEvents(): readonly WarehouseEvent[] {
    return this.#warehouseEvents;
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

  /** Writes what is queued and closes the files. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flushing;
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  #take(record: EventRecord): void {
    this.#lastAt = Math.max(this.#lastAt, record.at);
    switch (record.type) {
      case 'warehouse':
        this.#warehouseEvents.push(record);
        return;
      case 'started':
        this.#statements.set(record.id, { started: record, ended: undefined });
        return;
      case 'ended': {
        const known = this.#statements.get(record.id);
        if (known !== undefined)
          this.#statements.set(record.id, { started: known.started, ended: record });
        return;
      }
    }
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
    }
    this.#flushing = undefined;
  }

  async #write(records: readonly EventRecord[]): Promise<void> {
    const byMonth = new Map<string, string>();
    for (const record of records) {
      const month = new Date(record.at).toISOString().slice(0, 7);
      byMonth.set(month, `${byMonth.get(month) ?? ''}${JSON.stringify(record)}\n`);
    }
    for (const [month, lines] of byMonth) {
      const file = await this.#file(month);
      await file.appendFile(lines);
      await file.datasync();
    }
  }

  async #file(month: string): Promise<FileHandle> {
    const known = this.#files.get(month);
    if (known !== undefined) return known;
    const file = await open(join(this.#dir, `events-${month}.jsonl`), 'a');
    this.#files.set(month, file);
    return file;
  }

  async #load(path: string): Promise<void> {
    const bytes = await readFile(path);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) await truncate(path, end);
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      if (line !== '') this.#take(withReadableTexts(parseLine(line, path)));
    }
  }

  async #closeOpenEnds(): Promise<void> {
    const endings: Promise<void>[] = [];
    for (const { started, ended } of this.#statements.values()) {
      if (ended === undefined) endings.push(this.append(incidentEnd(started, this.#lastAt)));
    }
    const running = new Map<string, WarehouseEvent>();
    for (const event of [...this.#warehouseEvents].sort((one, other) => one.at - other.at)) {
      const key = `${event.warehouse}/${event.cluster}`;
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

/** The record with every text that a client chose, or that quotes one, made well-formed: the views are made of them. */
function withReadableTexts(record: EventRecord): EventRecord {
  switch (record.type) {
    case 'warehouse':
      return record;
    case 'started':
      return { ...record, text: wellFormed(record.text), tag: wellFormed(record.tag) };
    case 'ended':
      return record.errorMessage === null
        ? record
        : { ...record, errorMessage: wellFormed(record.errorMessage) };
  }
}

/** The text a record keeps, as QUERY_HISTORY cuts it. */
export function keptText(sql: string): string {
  return sql.length > KEPT_TEXT_LENGTH ? sql.slice(0, KEPT_TEXT_LENGTH) : sql;
}

const RECORD_TYPES: ReadonlySet<string> = new Set(['warehouse', 'started', 'ended']);

function parseLine(line: string, path: string): EventRecord {
  const record = JSON.parse(line) as EventRecord;
  assert(
    RECORD_TYPES.has(record.type) && Number.isSafeInteger(record.at),
    `a line of ${path} is not an event`,
  );
  return record;
}
