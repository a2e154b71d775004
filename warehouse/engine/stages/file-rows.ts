/** The rows of one staged file: decompressed, decoded and split by its format. */
import type { ReadStream } from 'node:fs';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { toError } from '#base/errors.js';
import { failure, StatementFailed, unsupported } from '../failures.js';
import type { EngineFailure } from '../engine.js';
import { statedFailure } from '../statement/duck-errors.js';
import { CsvRecords } from './csv-records.js';
import type { FileEngine } from './file-engine.js';
import { formatCount, formatFlag, formatText, type FileFormat } from './file-format.js';
import { jsonValues } from './json-values.js';
import { rowSql, type ParquetColumn } from './parquet-columns.js';
import type { StageFiles } from './stage-files.js';

export interface FileRow {
  /** Line of the file, from 1; for Parquet the number of the row. */
  readonly line: number;
  /** Number in the file, from 1, headers left out. */
  readonly row: number;
  /** CSV: the fields; JSON and Parquet: the value's text alone. */
  readonly fields: readonly (string | null)[];
  /** Names of a header, or keys of the value. */
  readonly names: readonly string[];
  readonly damage?: EngineFailure;
  readonly character: number;
}

/** Bytes that a statement may still read. */
export interface Budget {
  bytesLeft: number;
}

/** A file that cannot be read as what its format says it is; nothing more of it is read. */
export class FileDamaged extends Error {
  override readonly name = 'FileDamaged';
  readonly failure: EngineFailure;

  constructor(reason: EngineFailure) {
    super(reason.message);
    this.failure = reason;
  }
}

/**
 * Rows of `file`, in order. Throws FileDamaged when its compression or encoding is broken and StatementFailed when the
 * statement's budget is used up.
 */
export async function* fileRows(
  files: StageFiles,
  engine: FileEngine,
  directory: string,
  file: string,
  format: FileFormat,
  budget: Budget,
): AsyncGenerator<FileRow> {
  switch (format.type) {
    case 'CSV':
      yield* csvRows(textOf(files, directory, file, format, budget), format);
      return;
    case 'JSON': {
      let text = '';
      for await (const part of textOf(files, directory, file, format, budget)) text += part;
      let row = 0;
      for (const value of jsonValues(text, formatFlag(format, 'STRIP_OUTER_ARRAY'))) {
        row += 1;
        const { line, keys, damage } = value;
        const base = { line, row, fields: [value.text], names: keys, character: 1 };
        yield damage === undefined ? base : { ...base, damage };
      }
      return;
    }
    case 'PARQUET':
      yield* parquetRows(engine, await files.place(directory, file), format, budget);
  }
}

async function* csvRows(texts: AsyncIterable<string>, format: FileFormat): AsyncGenerator<FileRow> {
  const records = new CsvRecords(format);
  const hasHeader = formatFlag(format, 'PARSE_HEADER');
  let skip = formatCount(format, 'SKIP_HEADER');
  let names: readonly string[] | undefined;
  let row = 0;
  const rows = function* (text: string, isLast: boolean): Generator<FileRow> {
    for (const record of records.push(text, isLast)) {
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      if (hasHeader && names === undefined) {
        names = record.fields.map((field) => field ?? '');
        continue;
      }
      row += 1;
      yield { ...record, row, names: names ?? [] };
    }
  };
  for await (const text of texts) yield* rows(text, false);
  yield* rows('', true);
}

async function* parquetRows(
  engine: FileEngine,
  place: string,
  format: FileFormat,
  budget: Budget,
): AsyncGenerator<FileRow> {
  const texts: string[] = [];
  const columns = await parquetColumns(engine, place);
  try {
    await engine.rowsOf(place, rowSql(columns, format), (json) => {
      spend(budget, json.length);
      texts.push(json);
    });
  } catch (thrown) {
    throw parquetFailure(thrown);
  }
  // Every row of a Parquet file has the same columns.
  const names = columns.map(({ name }) => name);
  for (const [index, text] of texts.entries())
    yield { line: index + 1, row: index + 1, fields: [text], names, character: 1 };
}

/** The columns of the Parquet file at `place`. Throws FileDamaged for what is none. */
export async function parquetColumns(
  engine: FileEngine,
  place: string,
): Promise<readonly ParquetColumn[]> {
  try {
    return await engine.columnsOf(place);
  } catch (thrown) {
    throw parquetFailure(thrown);
  }
}

/** What a reader of Parquet has thrown, as the failure of the statement or of the file. */
function parquetFailure(thrown: unknown): Error {
  if (thrown instanceof StatementFailed) return thrown;
  const said = statedFailure(toError(thrown).message);
  if (said !== undefined) return new StatementFailed(said);
  return new FileDamaged(failure('100066', '22000', 'Error parsing the parquet file'));
}

async function* textOf(
  files: StageFiles,
  directory: string,
  file: string,
  format: FileFormat,
  budget: Budget,
): AsyncGenerator<string> {
  const isLenient = formatFlag(format, 'REPLACE_INVALID_CHARACTERS');
  const decoder = new TextDecoder('utf-8', { fatal: !isLenient });
  const decoded = (chunk?: Buffer): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw new FileDamaged(
        failure('100144', '22000', 'Invalid UTF8 detected while decoding the file'),
      );
    }
  };
  const { head, bytes } = await files.read(directory, file);
  const compression = formatText(format, 'COMPRESSION') ?? 'AUTO';
  for await (const chunk of inflated(bytes, unpacker(compression, head, file), compression)) {
    spend(budget, chunk.length);
    yield decoded(chunk);
  }
  yield decoded();
}

/** The bytes without their compression. */
async function* inflated(
  source: ReadStream,
  unpack: Unpacker | undefined,
  compression: string,
): AsyncGenerator<Buffer> {
  try {
    if (unpack !== undefined) {
      source.once('error', (cause) => unpack.destroy(cause));
      source.pipe(unpack);
    }
    for await (const chunk of unpack ?? source) yield chunk as Buffer;
  } catch (thrown) {
    if (unpack === undefined) throw thrown;
    throw new FileDamaged(
      failure('100065', '22000', `The file is not compressed as COMPRESSION = ${compression} says`),
    );
  } finally {
    source.destroy();
    unpack?.destroy();
  }
}

type Unpacker = ReturnType<typeof createGunzip> | ReturnType<typeof createBrotliDecompress>;

/** What undoes the compression; AUTO goes by the first bytes and the name's ending. */
function unpacker(compression: string, head: Buffer, file: string): Unpacker | undefined {
  switch (compression) {
    case 'GZIP':
      return createGunzip();
    case 'DEFLATE':
      return createInflate();
    case 'RAW_DEFLATE':
      return createInflateRaw();
    case 'BROTLI':
      return createBrotliDecompress();
    case 'NONE':
      return undefined;
  }
  if (head[0] === 0x1f && head[1] === 0x8b) return createGunzip();
  if (file.endsWith('.br')) return createBrotliDecompress();
  if (file.endsWith('.raw_deflate')) return createInflateRaw();
  if (file.endsWith('.deflate')) return createInflate();
  if (/\.(?:bz2|zst|lzo)$/.test(file))
    throw new StatementFailed(unsupported('files compressed with BZ2, ZSTD or LZO'));
  return undefined;
}

function spend(budget: Budget, bytes: number): void {
  budget.bytesLeft -= bytes;
  if (budget.bytesLeft < 0)
    throw new StatementFailed(unsupported('a statement that reads so much from stages'));
}
