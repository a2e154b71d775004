/** `FROM @stage (FILE_FORMAT => …, PATTERN => …)`: the files' rows in a temporary table that stands for the stage. */
import { StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { closing, isSymbol, isWord, raw, type Piece } from '../sql/pieces.js';
import { usedStage, type StageSession } from './catalogue.js';
import { defaultFormat, type FileFormat } from './file-format.js';
import { formatOf } from './format-of.js';
import { optionText, readOptions, unknownOption } from './options.js';
import { stageReference } from './stage-reference.js';
import type { StageFile } from './stage-files.js';
import { damaged, dropStaged, emptyStaged, stageRows } from './staged-table.js';
import type { StagedFile, StagedTable } from './staged-table.js';
import { isStage, stageFiles } from './transfers.js';

export interface FromStage {
  readonly pieces: readonly Piece[];
  /** Of the files that were read, as stored. */
  readonly bytes: number;
  /** Names of the temporary tables. */
  readonly tables: readonly string[];
  readonly files: readonly StagedFile[];
}

/** Most columns of a delimited file that a statement may name. */
const COLUMNS_MAX = 2000;
const METADATA: ReadonlySet<string> = new Set(['METADATA$FILENAME', 'METADATA$FILE_ROW_NUMBER']);

/** Whether a query's pieces name a stage. */
export function readsStage(pieces: readonly Piece[]): boolean {
  return stagePieces(pieces).length > 0;
}

/** The pieces that name a stage which the query reads. */
export function stagePieces(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.filter((piece, at) => piece.kind === 'stage' || isQuotedStage(pieces, at));
}

function isQuotedStage(pieces: readonly Piece[], at: number): boolean {
  const isSource = isWord(pieces, at - 1, 'FROM') || isWord(pieces, at - 1, 'JOIN');
  return isSource && pieces[at]?.kind === 'string' && isStage(pieces[at]);
}

/**
 * `pieces` with every stage replaced by a temporary table of its files' rows; without rows when the statement is only
 * compiled. `chosen` are the files and the format of a statement around the query. Throws StatementFailed for a damaged record.
 */
export async function withStages(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
  isCompiled: boolean,
  chosen?: { readonly format: FileFormat; readonly files: readonly StageFile[] },
): Promise<FromStage> {
  if (pieces.some((_, at) => isStar(pieces, at)))
    throw new StatementFailed(unsupported('SELECT * of a stage; name the columns $1, $2, …'));
  const out: Piece[] = [];
  const tables: string[] = [];
  const files: StagedFile[] = [];
  let bytes = 0;
  for (let at = 0; at < pieces.length; at += 1) {
    const piece = pieces[at];
    if (piece === undefined) break;
    if (piece.kind !== 'stage' && !isQuotedStage(pieces, at)) {
      out.push(METADATA.has(piece.value) ? { ...raw(`"${piece.value}"`, piece) } : piece);
      continue;
    }
    const before = pieces[at - 1]?.value ?? '';
    if (!['FROM', 'JOIN', ','].includes(before))
      throw new StatementFailed(syntaxError(request.sql, piece.start, piece.text));
    const end = isSymbol(pieces, at + 1, '(') ? closing(pieces, at + 1) : at;
    const name = `stage ${tables.length + 1}`;
    tables.push(name);
    const clause = pieces.slice(at + 2, end);
    const read = await readStage(session, piece, clause, request, {
      name,
      width: widthOf(pieces),
      isCompiled,
      ...chosen,
    });
    bytes += read.bytes;
    files.push(...read.files);
    out.push(raw(read.sql, piece));
    at = end;
  }
  return { pieces: out, bytes, tables, files };
}

/** Drops the temporary tables of a statement. */
export async function dropStages(session: StageSession, tables: readonly string[]): Promise<void> {
  for (const table of tables) await dropStaged(session, table);
}

interface Wanted {
  readonly name: string;
  readonly width: number;
  readonly isCompiled: boolean;
  readonly format?: FileFormat;
  readonly files?: readonly StageFile[];
}

async function readStage(
  session: StageSession,
  piece: Piece,
  clause: readonly Piece[],
  request: StatementRequest,
  wanted: Wanted,
): Promise<Pick<StagedTable, 'sql' | 'bytes' | 'files'>> {
  const reference = stageReference(piece.value, request.sql, piece.start);
  const stage = await usedStage(session, reference, request);
  let format = wanted.format ?? stage.format ?? defaultFormat();
  let pattern: string | undefined;
  for (const option of readOptions(clause, 0, clause.length, request.sql)) {
    if (option.name === 'FILE_FORMAT')
      format = (await formatOf(session, option, request, format)).format;
    else if (option.name === 'PATTERN') pattern = optionText(option);
    else throw unknownOption(option);
  }
  const width = format.type === 'CSV' ? wanted.width : 1;
  const layout = { name: wanted.name, width };
  if (wanted.isCompiled)
    return { sql: await emptyStaged(session, layout, format), bytes: 0, files: [] };
  const files = wanted.files ?? (await stageFiles(session, stage, pattern));
  const staged = await stageRows(session, stage, files, format, layout);
  for (const file of staged.files)
    if (file.first !== undefined) throw damaged(file, file.first, '');
  return staged;
}

/** The highest `$n` of the statement, which the substitution of variables has made COLUMNn. */
function widthOf(pieces: readonly Piece[]): number {
  let width = 1;
  for (const { kind, value } of pieces) {
    const place = kind === 'word' ? /^COLUMN(\d{1,4})$/.exec(value)?.[1] : undefined;
    if (place !== undefined) width = Math.max(width, Math.min(Number(place), COLUMNS_MAX));
  }
  return width;
}

function isStar(pieces: readonly Piece[], at: number): boolean {
  if (!isSymbol(pieces, at, '*')) return false;
  const before = pieces[at - 1];
  return (
    isWord(pieces, at - 1, 'SELECT') ||
    isWord(pieces, at - 1, 'DISTINCT') ||
    before?.value === ',' ||
    before?.value === '.'
  );
}
