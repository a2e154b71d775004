/**
 * Where the engine process keeps what does not fit into a reply: one folder a result, one gzip file a page. The
 * folder belongs to one process at a time and is emptied when that starts. Writing is synchronous on purpose: DuckDB
 * holds one of the few libuv threads for every running query, and a page must not wait for a query to end.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { StoredPage, StoredResult } from './stored-result.js';

/** How much of results is kept, and where. */
export interface ResultLimits {
  /** Most bytes of JSON text that come with the reply itself. */
  readonly inlineBytes: number;
  /** A page is closed when its JSON text has this many bytes. */
  readonly pageBytes: number;
  /** Most bytes of JSON text of one result; a larger one fails its statement. */
  readonly resultBytesMax: number;
  /** Most compressed bytes of all pages on disk; the oldest results make room. */
  readonly spoolBytesMax: number;
  /** How long pages are kept, in milliseconds of real time; Snowflake keeps results for 24 hours. */
  readonly keptMs: number;
}

export const DEFAULT_RESULT_LIMITS: ResultLimits = {
  inlineBytes: 384 * 1024,
  pageBytes: 2 * 1024 * 1024,
  resultBytesMax: 4 * 1024 ** 3,
  spoolBytesMax: 2 * 1024 ** 3,
  keptMs: 24 * 3_600_000,
};

/** What a finished writer hands over: the inline rows' texts, and what lies on disk. */
export interface WrittenResult {
  readonly rowTexts: readonly string[];
  readonly stored?: StoredResult;
}

interface Kept {
  bytes: number;
  isFinished: boolean;
  readonly startedAtMs: number;
}

export class ResultSpool {
  readonly limits: ResultLimits;
  readonly #directory: string;
  readonly #realNow: () => number;
  /** In order of age. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** Takes `directory` for itself and empties it. */
  constructor(directory: string, limits: ResultLimits, realNow: () => number) {
    this.#directory = directory;
    this.limits = limits;
    this.#realNow = realNow;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Compressed bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Begins a result. */
  begin(): ResultWriter {
    return new ResultWriter(this, randomUUID());
  }

  /** Deletes a result; one that is gone already is no fault. */
  drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    this.#bytes -= kept.bytes;
    rmSync(join(this.#directory, id), { recursive: true, force: true });
  }

  /** Deletes results that are older than they are kept. */
  sweep(): void {
    const oldestMs = this.#realNow() - this.limits.keptMs;
    for (const [id, kept] of this.#kept)
      if (kept.isFinished && kept.startedAtMs < oldestMs) this.drop(id);
  }

  /**
   * Writes page `index` of result `id`, after older results have made room for it.
   *
   * @returns undefined when there is no room even so.
   */
  write(id: string, index: number, rowTexts: readonly string[]): StoredPage | undefined {
    const text = Buffer.from(rowTexts.join(','), 'utf8');
    const compressed = gzipSync(text, { level: 1 });
    if (!this.#makeRoom(compressed.length)) return undefined;
    const folder = join(this.#directory, id);
    const kept = this.#kept.get(id) ?? this.#enter(id, folder);
    const path = join(folder, `${index}.gz`);
    writeFileSync(path, compressed, { mode: 0o600 });
    kept.bytes += compressed.length;
    this.#bytes += compressed.length;
    return {
      path,
      rowCount: rowTexts.length,
      uncompressedBytes: text.length,
      compressedBytes: compressed.length,
    };
  }

  /** From now on the result may be deleted to make room. */
  finish(id: string): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined) kept.isFinished = true;
  }

  #enter(id: string, folder: string): Kept {
    mkdirSync(folder, { mode: 0o700 });
    const kept: Kept = { bytes: 0, isFinished: false, startedAtMs: this.#realNow() };
    this.#kept.set(id, kept);
    return kept;
  }

  #makeRoom(bytes: number): boolean {
    this.sweep();
    const { spoolBytesMax } = this.limits;
    for (const [id, kept] of this.#kept) {
      if (this.#bytes + bytes <= spoolBytesMax) return true;
      if (kept.isFinished) this.drop(id);
    }
    return this.#bytes + bytes <= spoolBytesMax;
  }
}

/** Takes the rows of one result one by one. Ends with `finish` or `discard`. */
export class ResultWriter {
  readonly #spool: ResultSpool;
  readonly #id: string;
  readonly #inline: string[] = [];
  readonly #pages: StoredPage[] = [];
  #page: string[] = [];
  #pageBytes = 0;
  #bytes = 0;
  #isInline = true;
  #storedRows = 0;

  constructor(spool: ResultSpool, id: string) {
    this.#spool = spool;
    this.#id = id;
  }

  /**
   * Takes the next row, a JSON array of cells.
   *
   * @returns false when the result is larger than is kept; the caller then discards it.
   */
  add(rowText: string): boolean {
    const { inlineBytes, pageBytes, resultBytesMax } = this.#spool.limits;
    const bytes = Buffer.byteLength(rowText) + 1;
    this.#bytes += bytes;
    if (this.#bytes > resultBytesMax) return false;
    // The first row is always inline: whoever wants one value finds it there.
    this.#isInline &&= this.#inline.length === 0 || this.#bytes <= inlineBytes;
    if (this.#isInline) {
      this.#inline.push(rowText);
      return true;
    }
    this.#page.push(rowText);
    this.#pageBytes += bytes;
    return this.#pageBytes < pageBytes || this.#flush();
  }

  /** The whole result; undefined when its last page finds no room, and the caller then discards it. */
  finish(): WrittenResult | undefined {
    if (this.#page.length > 0 && !this.#flush()) return undefined;
    if (this.#pages.length === 0) return { rowTexts: this.#inline };
    this.#spool.finish(this.#id);
    const stored = { id: this.#id, rowCount: this.#storedRows, pages: this.#pages };
    return { rowTexts: this.#inline, stored };
  }

  /** Deletes what was written. */
  discard(): void {
    this.#spool.drop(this.#id);
  }

  #flush(): boolean {
    const page = this.#spool.write(this.#id, this.#pages.length, this.#page);
    if (page === undefined) return false;
    this.#storedRows += page.rowCount;
    this.#pages.push(page);
    this.#page = [];
    this.#pageBytes = 0;
    return true;
  }
}
