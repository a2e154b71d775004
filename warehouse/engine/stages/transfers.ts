/** PUT, GET, LIST and REMOVE (Snowflake's pages of these names). Drivers move the files; this says which and where. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import type { FileTransfer } from '../engine.js';
import { failure, StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { boundText } from '../sql/names-in-text.js';
import { quoteDuckText, type Piece } from '../sql/pieces.js';
import { usedStage, warehouseTime, type StageSession, type UsedStage } from './catalogue.js';
import { listing, textColumns } from './named-objects.js';
import { invalidOption, optionCount, optionFlag, optionText, readOptions } from './options.js';
import type { Option } from './options.js';
import type { StageFile } from './stage-files.js';
import { stageReference } from './stage-reference.js';

const FILE_URL = /^file:\/\//i;
const PARALLEL_MAX = 99;
const COMPRESSIONS: ReadonlySet<string> = new Set([
  'AUTO_DETECT',
  'GZIP',
  'BZ2',
  'BROTLI',
  'ZSTD',
  'DEFLATE',
  'RAW_DEFLATE',
  'NONE',
]);

/** The stage that piece `at` names, in quotes or without. Throws StatementFailed when it names none. */
export async function stageAt(
  session: StageSession,
  pieces: readonly Piece[],
  at: number,
  request: StatementRequest,
): Promise<UsedStage> {
  const piece = pieces[at];
  if (piece === undefined || !isStage(piece))
    throw new StatementFailed(
      syntaxError(
        request.sql,
        piece?.start ?? request.sql.length,
        piece === undefined ? '<EOF>' : piece.text,
      ),
    );
  const reference = stageReference(writtenStage(piece), request.sql, piece.start);
  return await usedStage(session, reference, request);
}

/** `@…`, `'@…'`, or a bind of such a text, which the Python connector sends. */
export function isStage(piece: Piece | undefined): boolean {
  if (piece === undefined) return false;
  const isText = piece.kind === 'string' || piece.kind === 'raw';
  return piece.kind === 'stage' || (isText && writtenStage(piece).startsWith('@'));
}

/** The stage's text; a bind has become a literal by now. */
function writtenStage(piece: Piece): string {
  return piece.kind === 'raw' ? boundText(piece) : piece.value;
}

function fileUrlAt(pieces: readonly Piece[], at: number, sql: string): string {
  const piece = pieces[at];
  const isUrl =
    piece !== undefined &&
    (piece.kind === 'fileUrl' || piece.kind === 'string') &&
    FILE_URL.test(piece.value);
  if (!isUrl)
    throw new StatementFailed(
      syntaxError(sql, piece?.start ?? sql.length, piece === undefined ? '<EOF>' : piece.text),
    );
  return piece.value.replace(FILE_URL, '').replaceAll('"', '');
}

/** PUT: makes the folder and tells the driver of it. */
export async function put(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const source = fileUrlAt(pieces, 1, request.sql);
  const stage = await stageAt(session, pieces, 2, request);
  const { files } = session.stages.world;
  let transfer: FileTransfer = {
    command: 'UPLOAD',
    sources: [source],
    location: '',
    localLocation: null,
    parallel: 4,
    isCompressed: true,
    isOverwriting: false,
    sourceCompression: 'auto_detect',
  };
  for (const option of readOptions(pieces, 3, pieces.length, request.sql)) {
    switch (option.name) {
      case 'PARALLEL':
        transfer = { ...transfer, parallel: parallelOf(option) };
        break;
      case 'AUTO_COMPRESS':
        transfer = { ...transfer, isCompressed: optionFlag(option) };
        break;
      case 'OVERWRITE':
        transfer = { ...transfer, isOverwriting: optionFlag(option) };
        break;
      case 'SOURCE_COMPRESSION': {
        const text = optionText(option).toUpperCase();
        if (!COMPRESSIONS.has(text)) throw invalidOption(option);
        transfer = { ...transfer, sourceCompression: text.toLowerCase() };
        break;
      }
      default:
        throw invalidOption(option);
    }
  }
  await files.refuseFull(stage.directory);
  if (transfer.isOverwriting && isGo(request)) await makeRoom(session, stage, transfer);
  const location = await files.folder(stage.directory, stage.path.replace(/\/$/, ''));
  return transferRows({ ...transfer, location }, STATEMENT_TYPES.put);
}

function isGo(request: StatementRequest): boolean {
  return request.context['CURRENT_CLIENT']?.startsWith('Go ') === true;
}

/**
 * The Go driver (1.19) writes over a file of LOCAL_FS without cutting it off: the tail of a longer one would stay. So
 * what it is going to overwrite is removed before; where its names are not known, the statement is refused.
 */
async function makeRoom(
  session: StageSession,
  stage: UsedStage,
  transfer: FileTransfer,
): Promise<void> {
  const { files } = session.stages.world;
  const folder = stage.path === '' || stage.path.endsWith('/') ? stage.path : `${stage.path}/`;
  const found = await files.list(stage.directory, folder);
  const name = (transfer.sources[0] ?? '').split(/[\\/]/).at(-1) ?? '';
  if (/[*?[]/.test(name) && found.length > 0)
    throw new StatementFailed(
      unsupported(
        'PUT of several files with OVERWRITE = TRUE by the Go driver into a stage with files',
      ),
    );
  const isKept =
    !transfer.isCompressed ||
    !['auto_detect', 'none'].includes(transfer.sourceCompression) ||
    /\.(?:gz|bz2|br|zst|deflate|raw_deflate)$/.test(name);
  const target = folder + (isKept ? name : `${name}.gz`);
  if (found.some(({ path }) => path === target)) await files.remove(stage.directory, target);
}

/** GET: names the files that the driver is to fetch. */
export async function get(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const stage = await stageAt(session, pieces, 1, request);
  const localLocation = fileUrlAt(pieces, 2, request.sql);
  let parallel = 10;
  let pattern: string | undefined;
  for (const option of readOptions(pieces, 3, pieces.length, request.sql)) {
    if (option.name === 'PARALLEL') parallel = parallelOf(option);
    else if (option.name === 'PATTERN') pattern = optionText(option);
    else throw invalidOption(option);
  }
  const { files } = session.stages.world;
  const found = await stageFiles(session, stage, pattern);
  // A driver copies what it is told: nothing that a link leads to may be on the list.
  for (const file of found) await files.place(stage.directory, file.path);
  return transferRows(
    {
      command: 'DOWNLOAD',
      sources: found.map((file) => file.path),
      location: await files.folder(stage.directory, ''),
      localLocation,
      parallel,
      isCompressed: false,
      isOverwriting: true,
      sourceCompression: 'none',
    },
    STATEMENT_TYPES.get,
  );
}

function parallelOf(option: Option): number {
  const count = optionCount(option);
  if (count < 1 || count > PARALLEL_MAX) throw invalidOption(option);
  return count;
}

function transferRows(transfer: FileTransfer, statementTypeId: number): RowsAsText {
  return { ...listing([], [], statementTypeId), transfer };
}

/** LIST: name, size, md5 and time of every file. */
export async function list(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const { stage, found } = await named(session, pieces, request);
  const { files } = session.stages.world;
  const rows: (readonly string[])[] = [];
  for (const file of found) {
    const modified = new Date(warehouseTime(request, file.modifiedAtMs)).toUTCString();
    rows.push([
      stage.label + file.path,
      String(file.bytes),
      await files.md5(stage.directory, file.path),
      modified,
    ]);
  }
  const columns = [
    ...textColumns('name'),
    columnType('size', 'fixed', { precision: 38, scale: 0 }),
    ...textColumns('md5', 'last_modified'),
  ];
  return listing(columns, rows, STATEMENT_TYPES.list);
}

/** REMOVE: the files are gone when it answers. */
export async function remove(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const { stage, found } = await named(session, pieces, request);
  const { files } = session.stages.world;
  for (const file of found) await files.remove(stage.directory, file.path);
  const rows = found.map((file) => [stage.label + file.path, 'removed']);
  return listing(textColumns('name', 'result'), rows, STATEMENT_TYPES.remove);
}

async function named(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<{ readonly stage: UsedStage; readonly found: readonly StageFile[] }> {
  const stage = await stageAt(session, pieces, 1, request);
  let pattern: string | undefined;
  for (const option of readOptions(pieces, 2, pieces.length, request.sql)) {
    if (option.name !== 'PATTERN') throw invalidOption(option);
    pattern = optionText(option);
  }
  return { stage, found: await stageFiles(session, stage, pattern) };
}

/** The files below the stage's path, of those the ones whose path below the stage is the whole of `pattern`. */
export async function stageFiles(
  session: StageSession,
  stage: UsedStage,
  pattern: string | undefined,
): Promise<readonly StageFile[]> {
  const found = await session.stages.world.files.list(stage.directory, stage.path);
  if (pattern === undefined || found.length === 0) return found;
  const fits = await matching(
    session.connection,
    found.map(({ path }) => path),
    pattern,
  );
  return found.filter(({ path }) => fits.has(path));
}

/** Names that `pattern` describes as a whole. DuckDB's engine needs linear time for every pattern, JavaScript's does not. */
async function matching(
  connection: DuckDBConnection,
  names: readonly string[],
  pattern: string,
): Promise<ReadonlySet<string>> {
  const list = names.map(quoteDuckText).join(', ');
  try {
    const found = await connection.runAndReadAll(
      `SELECT name FROM (SELECT unnest([${list}]) AS name) WHERE regexp_full_match(name, ${quoteDuckText(pattern)})`,
    );
    return new Set(found.getRows().map(([name]) => String(name)));
  } catch {
    throw new StatementFailed(
      failure('100048', '2201B', `Invalid regular expression: '${pattern}'`),
    );
  }
}
