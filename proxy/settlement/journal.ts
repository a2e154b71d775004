/**
 * The local write-ahead journal between the outcome of a statement and the ledger: what was appended survives the
 * process, and is replayed until the row it produced is visible on the primary (I5). It keeps bytes, not meaning.
 */
import type { Occupancy } from '#base/metrics.js';
import { appendFile, mkdir, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, must } from '#base/assert.js';
import { Fault, toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import { lockDirectory, type DirectoryLock } from '#base/postgres/directory-lock.js';
import { readSegments, sidecarOf, type Segment } from './journal-recovery.js';
import {
  decodePayload,
  encodeAcknowledgements,
  encodeHeader,
  encodeRecord,
  OpenSequences,
  RECORD_BYTES_MAX,
  RECORD_OVERHEAD_BYTES,
  scanSegment,
  SEGMENT_HEADER_BYTES,
  type JournalRecord,
} from './journal-segment.js';

export interface JournalOptions {
  readonly directory: string;
  /** Cap on the bytes of all segments; an append beyond it is rejected. */
  readonly bytesMax: number;
  readonly log: Log;
}

/** A record that was not acknowledged when the journal was opened. */
export interface ReplayedRecord {
  readonly sequence: bigint;
  readonly record: JournalRecord;
}

/** Largest write between two syncs; further records wait for the next one. */
const COMMIT_BYTES_MAX = 65_536;
const SEGMENT_BYTES_MAX = 16_777_216;
const ACKNOWLEDGE_DELAY_MS = 50;
/** After a failed write: how often a new segment is tried while nobody appends. */
const TRY_AGAIN_MS = 1000;

interface Pending {
  readonly sequence: bigint;
  readonly frame: Buffer;
  readonly resolve: (sequence: bigint) => void;
  readonly reject: (cause: Fault) => void;
}

/**
 * Opens or creates the journal of `directory`: takes the directory's lock, reads every segment, cuts a torn tail,
 * sets damaged stretches aside in `*.damaged` files, and starts a new segment. Throws an Error when another live
 * process, or an earlier open in this one, holds the directory.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  await mkdir(options.directory, { recursive: true });
  const outcome = lockDirectory(options.directory, 'lock');
  if (outcome.kind === 'taken') {
    throw new Error(
      `the journal directory ${options.directory} is in use by process ${outcome.pid}; give each replica its own data directory`,
    );
  }
  const { lock } = outcome;
  try {
    const segments = await readSegments(options.directory, options.log);
    const journal = new Journal(options, lock, segments.segments, segments.nextSequence);
    await journal.start();
    return journal;
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #lock: DirectoryLock;
  readonly #segmentBytesMax: number;
  /** Oldest first; the last one is written to. */
  #segments: Segment[];
  readonly #replayable: readonly Segment[];
  #file: FileHandle | undefined;
  #nextSequence: bigint;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #committing: Promise<void> | undefined;
  /** Sidecar writes and removals, one after the other. */
  #upkeep: Promise<void> = Promise.resolve();
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  #tryAgainTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  #lastSyncMs = 0;
  #failure: Error | undefined;

  constructor(
    options: JournalOptions,
    lock: DirectoryLock,
    segments: readonly Segment[],
    nextSequence: bigint,
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#segments = [...segments];
    this.#replayable = [...segments];
    this.#nextSequence = nextSequence;
    this.#segmentBytesMax = Math.min(SEGMENT_BYTES_MAX, Math.ceil(options.bytesMax / 8));
  }

  /** Starts the segment to write to, then removes old ones that hold nothing open. Called once, by `openJournal`. */
  async start(): Promise<void> {
    await this.#rotate();
  }

  /** Bytes of all segments and of the records waiting to be written. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, this.#pendingBytes);
  }

  /** Bytes of the journal, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.bytes, max: this.#options.bytesMax };
  }

  /** Records on disk that are not acknowledged. */
  get recordsUnacknowledged(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.open.count, 0);
  }

  /** How long the latest write and sync took, in milliseconds. */
  get lastSyncMs(): number {
    return this.#lastSyncMs;
  }

  /**
   * Why the latest write failed; undefined once one has succeeded again. Readiness looks at it, so that nobody may come
   * to a replica whose journal failed: it tries by itself.
   */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Writes a record of at most {@link RECORD_BYTES_MAX} bytes and resolves with its sequence when it is on disk
   * (fdatasync). Appends of the same moment, and all that arrive during a sync, share the next one. Rejects with
   * Fault `ledgerUnavailable` when the byte cap is reached, the disk fails or the journal is stopped; the record may
   * then still be replayed after a restart.
   */
  append(record: JournalRecord): Promise<bigint> {
    if (this.#stopped !== undefined) return Promise.reject(unavailable('the journal is stopped'));
    const frame = encodeRecord(this.#nextSequence, record);
    assert(
      frame.length <= RECORD_BYTES_MAX + RECORD_OVERHEAD_BYTES,
      'a journal record is too large',
    );
    if (this.bytes + frame.length > this.#options.bytesMax) {
      return Promise.reject(unavailable('the journal is full'));
    }
    const sequence = this.#nextSequence;
    this.#nextSequence += 1n;
    this.#pendingBytes += frame.length;
    return new Promise((resolve, reject) => {
      this.#pending.push({ sequence, frame, resolve, reject });
      this.#committing ??= this.#commitAll();
    });
  }

  /**
   * Marks a record as safe elsewhere: it is not replayed again, and its segment is removed once everything in it is
   * marked. A sequence that is unknown or marked already is ignored. The mark itself is saved a moment later: after
   * a crash a few marked records may replay.
   */
  acknowledge(sequence: bigint): void {
    const segment = this.#segments.findLast((candidate) => candidate.firstSequence <= sequence);
    if (segment === undefined || !segment.open.remove(sequence)) return;
    segment.unsaved.push(sequence);
    if (segment.open.count === 0 && segment !== this.#segments.at(-1)) this.#remove(segment);
    else
      this.#acknowledgeTimer ??= setTimeout(
        () => this.#saveAcknowledgements(),
        ACKNOWLEDGE_DELAY_MS,
      ).unref();
  }

  /** The records that were on disk at open and are not acknowledged, oldest first; one segment in memory at a time. */
  async *replay(): AsyncGenerator<ReplayedRecord, void, void> {
    for (const segment of this.#replayable) {
      if (segment.open.count === 0) continue;
      const bytes = await readFile(join(this.#options.directory, segment.name));
      for (const stored of scanSegment(bytes, segment.firstSequence).records) {
        if (!segment.open.has(stored.sequence)) continue;
        yield { sequence: stored.sequence, record: decodePayload(bytes, stored) };
      }
    }
  }

  /** Refuses further appends, writes what is waiting, saves the marks and gives the directory free. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#tryAgainTimer);
    await this.#committing;
    this.#saveAcknowledgements();
    await this.#upkeep;
    await this.#file?.close();
    this.#lock.release();
  }

  async #commitAll(): Promise<void> {
    // One turn of the loop, so that the appends of this moment share a sync.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.#pending.length === 0) await this.#tryAgain();
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#commit(batch);
        this.#worked();
        for (const each of batch) each.resolve(each.sequence);
      } catch (thrown) {
        await this.#abandonFile(toError(thrown));
        for (const each of batch)
          each.reject(unavailable('the journal could not be written', thrown));
      }
    }
    this.#committing = undefined;
  }

  /** Whether the disk takes a new segment, asked while nobody appends. */
  async #tryAgain(): Promise<void> {
    try {
      await this.#rotate();
      this.#worked();
    } catch (thrown) {
      await this.#abandonFile(toError(thrown));
    }
  }

  #worked(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#options.log.info({}, 'the journal can be written again');
  }

  #takeBatch(): readonly Pending[] {
    let bytes = 0;
    let count = 0;
    for (const each of this.#pending) {
      if (count > 0 && bytes + each.frame.length > COMMIT_BYTES_MAX) break;
      bytes += each.frame.length;
      count += 1;
    }
    this.#pendingBytes -= bytes;
    return this.#pending.splice(0, count);
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const startedAt = performance.now();
    const current = this.#segments.at(-1);
    if (
      this.#file === undefined ||
      current === undefined ||
      current.bytes >= this.#segmentBytesMax
    ) {
      await this.#rotate(must(batch[0], 'a batch holds a record').sequence);
    }
    const segment = must(this.#segments.at(-1), 'a segment to write to');
    const file = must(this.#file, 'an open segment file');
    const bytes = Buffer.concat(batch.map((each) => each.frame));
    segment.bytes += bytes.length;
    await writeAll(file, bytes);
    await file.datasync();
    for (const each of batch) segment.open.add(each.sequence);
    this.#lastSyncMs = performance.now() - startedAt;
  }

  /** Starts the next segment, durable by name and header, then removes the old ones that hold nothing open. */
  async #rotate(firstSequence: bigint = this.#nextSequence): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const name = `${String(firstSequence).padStart(20, '0')}.journal`;
    const path = join(this.#options.directory, name);
    // A segment of this name whose records were all unreadable may have left marks that would match new records.
    await rm(sidecarOf(path), { force: true });
    this.#file = await openSegment(path, firstSequence);
    await syncDirectory(this.#options.directory);
    const older = this.#segments.filter((segment) => segment.name !== name);
    this.#segments = [
      ...older,
      {
        name,
        firstSequence,
        open: new OpenSequences(firstSequence),
        bytes: SEGMENT_HEADER_BYTES,
        unsaved: [],
      },
    ];
    for (const segment of older) if (segment.open.count === 0) this.#remove(segment);
  }

  /** After a failed write or sync the file's state is unknown, so that the next record starts a new one. */
  async #abandonFile(cause: Error): Promise<void> {
    if (this.#failure === undefined)
      this.#options.log.error({ cause: cause.message }, 'the journal could not be written');
    this.#failure = cause;
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
    if (this.#stopped !== undefined) return;
    clearTimeout(this.#tryAgainTimer);
    this.#tryAgainTimer = setTimeout(() => {
      if (this.#failure !== undefined) this.#committing ??= this.#commitAll();
    }, TRY_AGAIN_MS).unref();
  }

  #remove(segment: Segment): void {
    this.#segments = this.#segments.filter((candidate) => candidate !== segment);
    segment.unsaved = [];
    const path = join(this.#options.directory, segment.name);
    this.#keepUp(async () => {
      await rm(path, { force: true });
      await rm(sidecarOf(path), { force: true });
    });
  }

  #saveAcknowledgements(): void {
    clearTimeout(this.#acknowledgeTimer);
    this.#acknowledgeTimer = undefined;
    for (const segment of this.#segments) {
      if (segment.unsaved.length === 0) continue;
      const bytes = encodeAcknowledgements(segment.unsaved);
      segment.unsaved = [];
      const path = sidecarOf(join(this.#options.directory, segment.name));
      this.#keepUp(() => appendFile(path, bytes));
    }
  }

  /** Upkeep never fails a statement: what it leaves undone is replayed or removed at the next open. */
  #keepUp(work: () => Promise<void>): void {
    this.#upkeep = this.#upkeep.then(work).catch((thrown: unknown) => {
      this.#options.log.warn({ cause: toError(thrown).message }, 'upkeep of the journal failed');
    });
  }
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('ledgerUnavailable', message, { cause });
}

/** A new segment with its header on disk; nothing of it is left when that fails. */
async function openSegment(path: string, firstSequence: bigint): Promise<FileHandle> {
  const file = await open(path, 'w');
  try {
    await writeAll(file, encodeHeader(firstSequence));
    await file.sync();
    return file;
  } catch (thrown) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true }).catch(() => undefined);
    throw thrown;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
