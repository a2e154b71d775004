/**
 * Array binds that a driver has put in a stage instead of the request (`bindStage`): CSV files without types, one
 * record a row. `INSERT … VALUES (?, …)` becomes a SELECT over them, each field read as a load of its column reads it.
 */
import { failure, StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import {
  closing,
  isSymbol,
  isWord,
  quoteName,
  raw,
  splitAtCommas,
  type Piece,
} from '../sql/pieces.js';
import { usedStage, type StageSession } from './catalogue.js';
import { defaultFormat } from './file-format.js';
import { strictLoadSql } from './load-expressions.js';
import { stageReference } from './stage-reference.js';
import { damaged, stageRows } from './staged-table.js';
import { targetAt, type TargetColumn } from './target-table.js';
import { isStage, stageFiles } from './transfers.js';

/** Temporary tables of the values: as texts, and as values of the target's columns. */
const STAGED_BINDS = 'stage binds';
const LOADED_BINDS = 'loaded binds';
export const BIND_TABLES: readonly string[] = [STAGED_BINDS, LOADED_BINDS];

export interface StageBinds {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
}

/** The statement over the files at `bindStage`. Throws StatementFailed for another statement than INSERT … VALUES. */
export async function withStageBinds(
  session: StageSession,
  source: readonly Piece[],
  request: StatementRequest,
  bindStage: string,
): Promise<StageBinds> {
  const stage = await usedStage(session, bindReference(bindStage, request), request);
  const at = source.findIndex(
    (_, index) => isWord(source, index, 'VALUES') && isSymbol(source, index + 1, '('),
  );
  const close = closing(source, at + 1);
  if (!isWord(source, 0, 'INSERT') || at < 0 || close !== source.length - 1)
    throw new StatementFailed(unsupported('array binds outside INSERT … VALUES'));
  const { target } = await targetAt(session, source, 2, request);
  const values = splitAtCommas(source, at + 2, close);
  const width = source.slice(at + 2, close).filter(({ kind }) => kind === 'bind').length;
  const format = stage.format ?? defaultFormat();
  const prefix = stage.path === '' || stage.path.endsWith('/') ? stage.path : `${stage.path}/`;
  const files = await stageFiles(session, { ...stage, path: prefix }, undefined);
  if (files.length === 0)
    throw new StatementFailed(failure('100132', 'P0000', `No binds were found at ${bindStage}`));
  const staged = await stageRows(session, stage, files, format, {
    name: STAGED_BINDS,
    width,
    checkWidth: (fields) =>
      fields === width
        ? undefined
        : failure('100132', 'P0000', `Array binds of ${fields} values for ${width} binds`),
  });
  for (const file of staged.files)
    if (file.first !== undefined) throw damaged(file, file.first, '');
  // A driver that has no values to bind does not use a stage: an upload that went wrong must not insert nothing.
  if (staged.files.every(({ rows }) => rows === 0))
    throw new StatementFailed(failure('100132', 'P0000', `The binds at ${bindStage} are empty`));
  const { cells, loaded } = valueCells(source, values, target.columns, format);
  // The conversions are DuckDB's text: they have to be done before the statement goes through translation.
  await session.connection.run(
    `CREATE OR REPLACE TEMP TABLE ${quoteName(LOADED_BINDS)} AS SELECT ${loaded.join(', ')} FROM ${staged.sql}`,
  );
  const pieces = [
    ...source.slice(0, at),
    raw('SELECT', source[at]),
    ...cells,
    raw(`FROM temp.main.${quoteName(LOADED_BINDS)}`, source[close]),
  ];
  return { pieces, bytes: staged.bytes };
}

function bindReference(
  bindStage: string,
  request: StatementRequest,
): ReturnType<typeof stageReference> {
  const piece = { kind: 'string', text: bindStage, value: bindStage, start: 0, isSpaced: false };
  if (!isStage(piece as Piece)) throw new StatementFailed(syntaxError(request.sql, 0, bindStage));
  return stageReference(bindStage, request.sql, 0);
}

/** A bind that is a whole value is loaded into its column; one inside an expression is text. */
function valueCells(
  source: readonly Piece[],
  values: readonly (readonly [number, number])[],
  columns: readonly TargetColumn[],
  format: ReturnType<typeof defaultFormat>,
): { readonly cells: readonly Piece[]; readonly loaded: readonly string[] } {
  const out: Piece[] = [];
  const loaded: string[] = [];
  let next = 0;
  for (const [place, [from, to]] of values.entries()) {
    if (place > 0) out.push({ ...raw(',', source[from]), isSpaced: false });
    const column = columns[place];
    for (let at = from; at < to; at += 1) {
      const piece = source[at];
      if (piece === undefined) continue;
      if (piece.kind !== 'bind') {
        out.push(piece);
        continue;
      }
      const named = /^:(\d+)$/.exec(piece.value);
      const index = named === null ? next++ : Number(named[1]) - 1;
      const cell = `COLUMN${index + 1}`;
      const isWhole = to - from === 1 && column !== undefined;
      const value = isWhole ? strictLoadSql(cell, column.type, format, column.name) : cell;
      loaded.push(`${value} AS B${loaded.length + 1}`);
      out.push(raw(`B${loaded.length}`, piece));
    }
  }
  return { cells: out, loaded };
}
