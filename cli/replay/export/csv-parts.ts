/**
 * A CSV cut into parts at the ends of records. DuckDB keeps what it has read of one CSV in memory until it has read all
 * of it (a gigabyte did not fit into 600 MB), and two of its threads would have to guess whether they begin inside of a
 * quoted text; parts that are read one after the other need neither.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { VerbError } from '../../verb-error.js';
import type { ExportFile } from './files.js';

const PART_BYTES = 32 * 1_048_576;
const READ_BYTES = 1_048_576;
const QUOTE = 0x22;
const LINE_FEED = 0x0a;

/** The bytes of a CSV, without its compression. */
export function openCsv(file: ExportFile): Readable {
  const source = createReadStream(file.path, { highWaterMark: READ_BYTES });
  if (file.kind !== 'gzip') return source;
  const stream = source.pipe(createGunzip({ chunkSize: READ_BYTES }));
  // A pipe carries on neither the errors of its source nor the end of whoever reads it.
  source.on('error', (cause) => stream.destroy(cause));
  stream.on('close', () => source.destroy());
  return stream;
}

/**
 * Writes the records after the first, the names of columns, into `target`, a part at a time; each part is there until
 * the next is asked for. Rejects when the file cannot be read or the part not be written.
 * @throws VerbError (usage) when the file ends inside of a quoted text: DuckDB leaves such a record out without a word.
 */
export async function* csvParts(file: ExportFile, target: string): AsyncGenerator<void> {
  const scanner = new RecordScanner();
  let isHeader = true;
  let part = await open(target, 'w', 0o600);
  let bytes = 0;
  try {
    for await (const read of openCsv(file)) {
      let rest = Buffer.from(read as Uint8Array);
      while (isHeader || bytes + rest.length >= PART_BYTES) {
        const wanted = isHeader ? 0 : Math.max(0, PART_BYTES - bytes);
        const end = scanner.endAfter(rest, wanted);
        if (end === undefined) break;
        if (!isHeader) {
          await part.writeFile(rest.subarray(0, end));
          await part.close();
          yield;
          part = await open(target, 'w', 0o600);
        }
        isHeader = false;
        bytes = 0;
        rest = rest.subarray(end);
      }
      scanner.skip(rest);
      if (isHeader) continue;
      await part.writeFile(rest);
      bytes += rest.length;
    }
  } finally {
    await part.close();
  }
  if (scanner.isQuoted)
    throw new VerbError(
      `${file.name} ends inside of a quoted text: it was cut off, or a quote in a text is not doubled or stands in a text without quotes around it.`,
      2,
    );
  if (bytes > 0) yield;
}

/** Tells line breaks that end a record from those in a quoted text, by the number of quotes before them (RFC 4180). */
class RecordScanner {
  #isQuoted = false;
  /** How far into the bytes at hand quotes were counted. */
  #counted = 0;

  /** Whether the bytes so far end inside of a quoted text. */
  get isQuoted(): boolean {
    return this.#isQuoted;
  }

  /** The index after the first end of a record that is not before `wanted`; undefined when these bytes have none. */
  endAfter(bytes: Buffer, wanted: number): number | undefined {
    this.#countTo(bytes, wanted);
    for (;;) {
      const quote = bytes.indexOf(QUOTE, this.#counted);
      const feed = this.#isQuoted ? -1 : bytes.indexOf(LINE_FEED, this.#counted);
      if (feed >= 0 && (quote < 0 || feed < quote)) {
        this.#counted = 0;
        return feed + 1;
      }
      if (quote < 0) {
        this.#counted = bytes.length;
        return undefined;
      }
      this.#isQuoted = !this.#isQuoted;
      this.#counted = quote + 1;
    }
  }

  /** Goes on with other bytes: what is left of these ends no record that is wanted. */
  skip(bytes: Buffer): void {
    this.#countTo(bytes, bytes.length);
    this.#counted = 0;
  }

  #countTo(bytes: Buffer, end: number): void {
    for (;;) {
      const quote = bytes.indexOf(QUOTE, this.#counted);
      if (quote < 0 || quote >= end) break;
      this.#isQuoted = !this.#isQuoted;
      this.#counted = quote + 1;
    }
    this.#counted = Math.max(this.#counted, end);
  }
}
