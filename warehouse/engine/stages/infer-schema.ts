/** TABLE(INFER_SCHEMA(…)) (Snowflake's page of that name): what the files of a stage have for columns. Parquet only. */
import { failure, StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { closing, isSymbol, isWord, quoteDuckText, quoteName, raw } from '../sql/pieces.js';
import type { Piece } from '../sql/pieces.js';
import type { StageSession, UsedStage } from './catalogue.js';
import type { FileFormat } from './file-format.js';
import { FileDamaged, parquetColumns } from './file-rows.js';
import { formatOf } from './format-of.js';
import { invalidOption, optionCount, optionFlag, optionTexts } from './options.js';
import { readOptions, unknownOption } from './options.js';
import { commonType, inferredType } from './parquet-columns.js';
import { stageAt, stageFiles } from './transfers.js';

/** Whether piece `at` is the call. */
function isInference(pieces: readonly Piece[], at: number): boolean {
  return isWord(pieces, at, 'INFER_SCHEMA') && isSymbol(pieces, at + 1, '(');
}

/**
 * `pieces` with every call replaced by a temporary table of its answer, empty when the statement is only compiled, and
 * the names of these tables. Throws StatementFailed for a stage, format or option that there is not.
 */
export async function withInferredSchemas(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
  isCompiled: boolean,
): Promise<{ readonly pieces: readonly Piece[]; readonly tables: readonly string[] }> {
  if (!pieces.some((_, at) => isInference(pieces, at))) return { pieces, tables: [] };
  const out: Piece[] = [];
  const tables: string[] = [];
  for (let at = 0; at < pieces.length; at += 1) {
    const isCall = isWord(pieces, at, 'TABLE') && isInference(pieces, at + 2);
    const piece = pieces[at];
    if (piece === undefined) break;
    if (!isCall) {
      if (isInference(pieces, at))
        throw new StatementFailed(syntaxError(request.sql, piece.start, piece.text));
      out.push(piece);
      continue;
    }
    const end = closing(pieces, at + 3);
    const arguments_ = await argumentsOf(session, pieces.slice(at + 4, end), piece, request);
    const name = `inferred ${tables.length + 1}`;
    await fill(session, name, isCompiled ? [] : await inferred(session, arguments_));
    tables.push(name);
    out.push(raw(`temp.main.${quoteName(name)}`, piece));
    at = end + 1;
  }
  return { pieces: out, tables };
}

interface Arguments {
  readonly stage: UsedStage;
  readonly format: FileFormat;
  readonly files: readonly string[] | undefined;
  readonly filesMax: number;
  readonly isCaseIgnored: boolean;
}

async function argumentsOf(
  session: StageSession,
  clause: readonly Piece[],
  at: Piece,
  request: StatementRequest,
): Promise<Arguments> {
  let stage: UsedStage | undefined;
  let format: FileFormat | undefined;
  let rest = { files: undefined as readonly string[] | undefined, filesMax: Infinity };
  let isCaseIgnored = false;
  for (const option of readOptions(clause, 0, clause.length, request.sql)) {
    switch (option.name) {
      case 'LOCATION':
        stage = await stageAt(session, option.value, 0, request);
        break;
      case 'FILE_FORMAT':
        if (option.isList) throw invalidOption(option);
        format = (await formatOf(session, option, request)).format;
        break;
      case 'FILES':
        rest = { ...rest, files: optionTexts(option) };
        break;
      case 'MAX_FILE_COUNT':
        rest = { ...rest, filesMax: optionCount(option) };
        break;
      // The columns of a Parquet file stand at its end, whatever records it has.
      case 'MAX_RECORDS_PER_FILE':
        optionCount(option);
        break;
      case 'IGNORE_CASE':
        isCaseIgnored = optionFlag(option);
        break;
      default:
        throw unknownOption(option);
    }
  }
  if (stage === undefined)
    throw new StatementFailed(
      failure(
        '001006',
        '22023',
        `SQL compilation error: error line 1 at position ${at.start}\nmissing argument LOCATION of INFER_SCHEMA`,
      ),
    );
  const known = format ?? stage.format;
  if (known?.type !== 'PARQUET')
    throw new StatementFailed(
      unsupported(`INFER_SCHEMA of ${known?.type ?? 'CSV'} files; of Parquet it is there`),
    );
  return { stage, format: known, ...rest, isCaseIgnored };
}

interface Inferred {
  readonly name: string;
  type: string | null;
  isNullable: boolean;
  readonly files: string[];
}

/** Columns of all files by name, in the order in which they are met. */
async function inferred(
  session: StageSession,
  { stage, format, files, filesMax, isCaseIgnored }: Arguments,
): Promise<readonly (readonly string[])[]> {
  const { world } = session.stages;
  const found = (await stageFiles(session, stage, undefined))
    .filter(({ path }) => files === undefined || files.includes(path.slice(stage.path.length)))
    .slice(0, filesMax);
  const columns = new Map<string, Inferred>();
  for (const { path } of found) {
    const place = await world.files.place(stage.directory, path);
    for (const column of await columnsOf(() => parquetColumns(world.engine, place))) {
      const name = isCaseIgnored ? column.name.toUpperCase() : column.name;
      const known = columns.get(name) ?? { name, type: null, isNullable: false, files: [] };
      known.type = commonType(name, known.type, inferredType(column, format));
      known.isNullable ||= column.isNullable;
      known.files.push(path);
      columns.set(name, known);
    }
  }
  return [...columns.values()].map(({ name, type, isNullable, files: of }, order) => {
    // Of what is NULL everywhere nothing is known; a text can hold it.
    const told = type ?? 'TEXT';
    const value = isCaseIgnored
      ? `GET_IGNORE_CASE ($1, '${name.replaceAll("'", "''")}')`
      : `$1:${/^[A-Za-z_]\w*$/.test(name) ? name : quoteName(name)}`;
    return [name, told, String(isNullable), `${value}::${told}`, of.join(', '), String(order)];
  });
}

async function columnsOf<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (thrown) {
    throw thrown instanceof FileDamaged ? new StatementFailed(thrown.failure) : thrown;
  }
}

const COLUMNS = ['COLUMN_NAME', 'TYPE', 'NULLABLE', 'EXPRESSION', 'FILENAMES', 'ORDER_ID'];
const TYPES = ['VARCHAR', 'VARCHAR', 'BOOLEAN', 'VARCHAR', 'VARCHAR', 'DECIMAL(38,0)'];

async function fill(
  session: StageSession,
  name: string,
  rows: readonly (readonly string[])[],
): Promise<void> {
  const columns = COLUMNS.map((column, at) => `${column} ${TYPES[at] ?? 'VARCHAR'}`);
  await session.connection.run(
    `CREATE OR REPLACE TEMP TABLE ${quoteName(name)} (${columns.join(', ')})`,
  );
  if (rows.length === 0) return;
  const values = rows.map((row) => `(${row.map(quoteDuckText).join(', ')})`);
  await session.connection.run(
    `INSERT INTO temp.main.${quoteName(name)} VALUES ${values.join(', ')}`,
  );
}
