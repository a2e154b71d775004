/**
 * What the estimator said of every statement of a replay, as CSV: `--predictions` of `tollgate replay`. The file appears
 * under its name when it is whole, or not at all.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { trimmed } from '../../base/decimal-text.js';
import { toError } from '../../base/errors.js';
import { type Credits, formatAmount } from '../../base/units.js';
import { VerbError } from '../verb-error.js';

/** What was predicted before a statement ran; null: nothing was, and the field stays empty. */
export interface Prediction {
  readonly queryId: string;
  readonly basis: string;
  readonly expectedSeconds: number | null;
  readonly expectedCredits: Credits | null;
  readonly holdCredits: Credits | null;
}

export interface PredictionsWriter {
  /**
   * Adds rows; resolves when they may be forgotten. Await it before the next one: that is what slows down a writer that
   * is faster than the disk.
   * @throws VerbError when the disk does not take them.
   */
  write(predictions: readonly Prediction[]): Promise<void>;
  /** Puts the file under its name, over a file that stood there, and returns its rows. */
  finish(): Promise<number>;
  /** Leaves nothing behind. Does nothing after `finish`. */
  abandon(): Promise<void>;
}

const HEADER = 'query_id,basis,expected_seconds,expected_credits,hold_credits\n';
const BUFFER_CHARACTERS = 256 * 1024;

/**
 * Opens `file` for writing, as a temporary file beside it.
 * @throws VerbError (usage) when there can be no such file: a folder of that name, no folder to hold it, no right.
 */
export async function openPredictions(file: string): Promise<PredictionsWriter> {
  const target = await targetOf(file);
  const temporary = path.join(
    path.dirname(target),
    `.${path.basename(target)}.${randomBytes(6).toString('hex')}.tmp`,
  );
  const handle = await orRefuse(file, open(temporary, 'wx', 0o644));
  const writer = new FileWriter(file, target, temporary, handle);
  return writer;
}

/** What a rename would replace: the file behind a link, and never a folder or a device. */
async function targetOf(file: string): Promise<string> {
  if (file.trim() === '' || /[/\\]$/.test(file))
    throw new VerbError(
      `--predictions: "${file}" names no file; write one such as predictions.csv.`,
      2,
    );
  const found = await stat(file).catch((thrown: unknown) => {
    if ((thrown as { code?: unknown }).code === 'ENOENT') return undefined;
    throw refusal(file, thrown);
  });
  if (found === undefined) return path.resolve(file);
  if (found.isDirectory())
    throw new VerbError(
      `--predictions: ${file} is a folder; name a file in it, such as ${path.join(file, 'predictions.csv')}.`,
      2,
    );
  if (!found.isFile())
    throw new VerbError(
      `--predictions: ${file} is not a regular file and cannot be replaced by one.`,
      2,
    );
  return realpath(file);
}

class FileWriter implements PredictionsWriter {
  readonly #file: string;
  readonly #target: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  #buffer = HEADER;
  #rows = 0;
  #isOpen = true;

  constructor(file: string, target: string, temporary: string, handle: FileHandle) {
    this.#file = file;
    this.#target = target;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  async write(predictions: readonly Prediction[]): Promise<void> {
    for (const prediction of predictions) {
      this.#buffer += line(prediction);
      this.#rows += 1;
      if (this.#buffer.length >= BUFFER_CHARACTERS) await this.#flush();
    }
  }

  async finish(): Promise<number> {
    await this.#flush();
    try {
      await this.#handle.sync();
      await this.#handle.close();
      this.#isOpen = false;
      await rename(this.#temporary, this.#target);
    } catch (thrown) {
      await this.abandon();
      throw refusal(this.#file, thrown);
    }
    return this.#rows;
  }

  async abandon(): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false;
      await this.#handle.close().catch(() => undefined);
    }
    await rm(this.#temporary, { force: true });
  }

  async #flush(): Promise<void> {
    const text = this.#buffer;
    this.#buffer = '';
    try {
      await this.#handle.writeFile(text);
    } catch (thrown) {
      await this.abandon();
      throw refusal(this.#file, thrown);
    }
  }
}

function line({
  queryId,
  basis,
  expectedSeconds,
  expectedCredits,
  holdCredits,
}: Prediction): string {
  const fields = [
    quoted(queryId),
    quoted(basis),
    expectedSeconds === null ? '' : plainSeconds(expectedSeconds),
    expectedCredits === null ? '' : formatAmount(expectedCredits),
    holdCredits === null ? '' : formatAmount(holdCredits),
  ];
  return `${fields.join(',')}\n`;
}

/** RFC 4180: only what would be read otherwise stands in quotes. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** Microseconds are finer than any statement; `toString` would write 1e-7. */
function plainSeconds(seconds: number): string {
  return trimmed(seconds.toFixed(6));
}

async function orRefuse<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw refusal(file, thrown);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the folder that should hold it does not exist',
  ENOTDIR: 'a part of its path is no folder',
  EACCES: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

function refusal(file: string, thrown: unknown): VerbError {
  const { code } = thrown as { code?: unknown };
  const reason = REASONS[typeof code === 'string' ? code : ''] ?? toError(thrown).message;
  return new VerbError(`--predictions: ${file} cannot be written: ${reason}.`, 2);
}
