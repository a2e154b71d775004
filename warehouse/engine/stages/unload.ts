/** COPY INTO <location> (Snowflake's page of that name): rows of a table or query become files of a stage. */
import { gzipSync, deflateSync, deflateRawSync, brotliCompressSync } from 'node:zlib';
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import { failure, StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { closing, isSymbol, isWord, raw, type Piece } from '../sql/pieces.js';
import type { UsedStage } from './catalogue.js';
import { defaultFormat, formatText, type FileFormat } from './file-format.js';
import { nameAt } from './named-objects.js';
import type { StatementSession } from './statement-session.js';
import { stageAt } from './transfers.js';
import { csvLine, unloadCell } from './unload-cells.js';
import { unloadOptions, type UnloadOptions } from './unload-options.js';

interface Column {
  readonly name: string;
  readonly type: DuckDBType;
}

interface Written {
  readonly path: string;
  readonly rows: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** Runs the statement in `pieces`. Throws StatementFailed. */
export async function unload(
  session: StatementSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const stage = await stageAt(session, pieces, 2, request);
  if (!isWord(pieces, 3, 'FROM'))
    throw new StatementFailed(
      syntaxError(request.sql, pieces[3]?.start ?? request.sql.length, pieces[3]?.text ?? '<EOF>'),
    );
  const { query, to } = sourceAt(pieces, 4, request);
  const options = await unloadOptions(session, pieces, to, request, stage.format);
  const format = options.format ?? defaultFormat();
  const duckSql = await session.translateQuery(query);
  const columns = await session.describeQuery(duckSql, query);
  const { bytes, rows } = await session.scanOf(duckSql);
  const { files } = session.stages.world;
  await files.refuseFull(stage.directory);
  if (!options.isOverwriting) await refuseExisting(session, stage, options);
  const written =
    format.type === 'PARQUET'
      ? await writeParquet(session, stage, duckSql, columns, format, options)
      : await writeTexts(session, stage, duckSql, columns, format, options);
  const sum = (of: (one: Written) => number): number =>
    written.reduce((total, one) => total + of(one), 0);
  const counts = [
    sum((one) => one.rows),
    sum((one) => one.inputBytes),
    sum((one) => one.outputBytes),
  ];
  return {
    kind: 'rows',
    columns: ['rows_unloaded', 'input_bytes', 'output_bytes'].map((name) =>
      columnType(name, 'fixed', { precision: 38, scale: 0 }),
    ),
    rowTexts: [JSON.stringify(counts.map(String))],
    statementTypeId: STATEMENT_TYPES.unload,
    scan: {
      bytesScanned: bytes,
      partitionsScanned: 0,
      partitionsTotal: 0,
      rowsScanned: rows,
      bytesWritten: sum((one) => one.outputBytes),
    },
  };
}

/** A table as `SELECT * FROM` it, or the query in brackets. */
function sourceAt(
  pieces: readonly Piece[],
  at: number,
  request: StatementRequest,
): { readonly query: readonly Piece[]; readonly to: number } {
  if (isSymbol(pieces, at, '(')) {
    const end = closing(pieces, at);
    return { query: pieces.slice(at + 1, end), to: end + 1 };
  }
  const { to } = nameAt(pieces, at, request.sql);
  const word = (text: string): Piece => ({ ...raw(text, pieces[at]), kind: 'word' });
  const star: Piece = { ...raw('*', pieces[at]), kind: 'symbol' };
  const name = pieces.slice(at, to).map((piece, index) => ({ ...piece, isSpaced: index === 0 }));
  return { query: [word('SELECT'), star, word('FROM'), ...name], to };
}

/** Name of the file number `index`, below the stage. */
function fileName(stage: UsedStage, options: UnloadOptions, index: number): string {
  const { path } = stage;
  const isFolder = path === '' || path.endsWith('/');
  if (options.isSingle) return isFolder ? `${path}data` : path;
  return `${isFolder ? `${path}data` : path}_0_0_${index}${options.extension}`;
}

async function refuseExisting(
  session: StatementSession,
  stage: UsedStage,
  options: UnloadOptions,
): Promise<void> {
  const first = fileName(stage, options, 0);
  const prefix = options.isSingle ? first : first.replace(/_0_0_0.*$/, '_');
  const found = await session.stages.world.files.list(stage.directory, prefix);
  const isThere = options.isSingle ? found.some(({ path }) => path === first) : found.length > 0;
  if (isThere)
    throw new StatementFailed(
      failure(
        '001030',
        '42710',
        `SQL compilation error:\nFiles already existing at the unload destination: @${stage.label}${stage.path}. Use overwrite option to force unloading.`,
      ),
    );
}

async function writeTexts(
  session: StatementSession,
  stage: UsedStage,
  duckSql: string,
  columns: readonly Column[],
  format: FileFormat,
  options: UnloadOptions,
): Promise<readonly Written[]> {
  const line = lineWriter(columns, format);
  const names = columns.map((_, at) => `c${at + 1}`);
  const cells = columns.map(({ type }, at) => unloadCell(names[at] ?? '', type, format));
  const result = await session.connection.stream(
    `SELECT to_json([${cells.join(', ')}])::VARCHAR FROM (${duckSql}\n) AS q(${names.join(', ')})`,
  );
  const header = options.hasHeader ? line(columns.map(({ name }) => name)) : '';
  const written: Written[] = [];
  const { files } = session.stages.world;
  let parts: string[] = [];
  let bytes = 0;
  let total = 0;
  const flush = async (): Promise<void> => {
    const text = Buffer.from(header + parts.join(''));
    const content = compressed(text, formatText(format, 'COMPRESSION') ?? 'AUTO');
    const path = fileName(stage, options, written.length);
    await files.write(stage.directory, path, content);
    written.push({
      path,
      rows: parts.length,
      inputBytes: text.length,
      outputBytes: content.length,
    });
    parts = [];
    bytes = 0;
  };
  for await (const rows of result.yieldRows()) {
    for (const [json] of rows) {
      const text = line(JSON.parse(json as string) as (string | null)[]);
      parts.push(text);
      bytes += Buffer.byteLength(text);
      total += text.length;
      if (total > files.limits.statementBytesMax)
        throw new StatementFailed(unsupported('a statement that writes so much to stages'));
      if (bytes >= options.fileBytesMax && !options.isSingle) await flush();
      if (bytes > options.fileBytesMax && options.isSingle) throw tooLarge(options);
    }
  }
  if (parts.length > 0 || (options.isSingle && written.length === 0)) await flush();
  return written;
}

function tooLarge(options: UnloadOptions): StatementFailed {
  return new StatementFailed(
    failure(
      '001031',
      '22000',
      `Max file size (${options.fileBytesMax}) exceeded for unload single file mode.`,
    ),
  );
}

function lineWriter(
  columns: readonly Column[],
  format: FileFormat,
): (cells: readonly (string | null)[]) => string {
  if (format.type === 'CSV') return (cells) => csvLine(cells, format);
  const [only] = columns;
  if (columns.length !== 1 || (only?.type.alias !== 'JSON' && !isNested(only?.type)))
    throw new StatementFailed(
      failure(
        '002024',
        '42601',
        'SQL compilation error:\nJSON file format can be used to unload one and only one column of data type variant, object, or array.',
      ),
    );
  return (cells) => `${cells[0] ?? 'null'}\n`;
}

function isNested(type: DuckDBType | undefined): boolean {
  return (
    type?.typeId === DuckDBTypeId.LIST ||
    type?.typeId === DuckDBTypeId.STRUCT ||
    type?.typeId === DuckDBTypeId.MAP
  );
}

function compressed(content: Buffer, compression: string): Buffer {
  switch (compression) {
    case 'NONE':
      return content;
    case 'DEFLATE':
      return deflateSync(content);
    case 'RAW_DEFLATE':
      return deflateRawSync(content);
    case 'BROTLI':
      return brotliCompressSync(content);
    default:
      return gzipSync(content);
  }
}

async function writeParquet(
  session: StatementSession,
  stage: UsedStage,
  duckSql: string,
  columns: readonly Column[],
  format: FileFormat,
  options: UnloadOptions,
): Promise<readonly Written[]> {
  const { files, engine } = session.stages.world;
  const path = fileName(stage, options, 0);
  const partial = files.partial();
  // HEADER = TRUE keeps the columns' names; without it Snowflake calls them _COL_0, _COL_1, …
  const list = columns.map(({ name, type }, at) => ({
    name: options.hasHeader ? name : `_COL_${at}`,
    type: type.alias === 'JSON' ? 'JSON' : type.toString(),
  }));
  const compression = formatText(format, 'COMPRESSION') === 'NONE' ? 'uncompressed' : 'snappy';
  let rows = 0;
  await engine.write(partial, list, compression, async (connection, table) => {
    const appender = await connection.createAppender(table, 'main', 'temp');
    try {
      const result = await session.connection.stream(duckSql);
      for (
        let chunk = await result.fetchChunk();
        chunk !== null && chunk.rowCount > 0;
        chunk = await result.fetchChunk()
      ) {
        appender.appendDataChunk(chunk);
        rows += chunk.rowCount;
      }
      appender.flushSync();
    } finally {
      appender.closeSync();
    }
  });
  if (rows === 0 && !options.isSingle) return [];
  const bytes = await files.publish(partial, stage.directory, path);
  return [{ path, rows, inputBytes: bytes, outputBytes: bytes }];
}
