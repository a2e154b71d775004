/** The beginning that CREATE, ALTER, DROP and DESC of stages and file formats share. */
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { StatementFailed, syntaxError } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { isSymbol, isWord, type Piece } from '../sql/pieces.js';
import { fullName, type FullName } from '../sql/resolve.js';
import { NOTHING_SCANNED } from '../statement/transaction.js';

export interface ObjectHead {
  readonly isReplaced: boolean;
  readonly isTemporary: boolean;
  /** IF EXISTS or IF NOT EXISTS. */
  readonly hasIf: boolean;
  readonly full: FullName;
  /** Piece after the name. */
  readonly to: number;
}

/** Index of the word past CREATE OR REPLACE TEMPORARY …, ALTER, DROP, DESC or DESCRIBE. */
export function kindAt(pieces: readonly Piece[]): number {
  let at = 1;
  while (
    ['OR', 'REPLACE', 'SCOPED', 'TEMP', 'TEMPORARY', 'VOLATILE'].includes(pieces[at]?.value ?? '')
  )
    at += 1;
  return at;
}

/** Reads up to and with the name; `kindLength` words name the kind. Throws StatementFailed. */
export function objectHead(
  pieces: readonly Piece[],
  kindLength: number,
  request: StatementRequest,
): ObjectHead {
  const kind = kindAt(pieces);
  const words = pieces.slice(1, kind).map(({ value }) => value);
  let at = kind + kindLength;
  let hasIf = isWord(pieces, at, 'IF');
  if (hasIf) at += isWord(pieces, at + 1, 'NOT') ? 3 : 2;
  const { parts, to } = nameAt(pieces, at, request.sql);
  at = to;
  if (isWord(pieces, at, 'IF')) {
    hasIf = true;
    at += isWord(pieces, at + 1, 'NOT') ? 3 : 2;
  }
  return {
    isReplaced: words.includes('REPLACE'),
    isTemporary: words.some((word) => ['TEMP', 'TEMPORARY', 'VOLATILE'].includes(word)),
    hasIf,
    full: fullName(parts, request),
    to: at,
  };
}

/** `a`, `a.b`, `a.b.c` at piece `from`. Throws StatementFailed when no name stands there. */
export function nameAt(
  pieces: readonly Piece[],
  from: number,
  sql: string,
): { readonly parts: readonly string[]; readonly to: number } {
  const parts: string[] = [];
  let at = from;
  for (;;) {
    const piece = pieces[at];
    if (piece?.kind !== 'word' && piece?.kind !== 'quoted')
      throw new StatementFailed(
        syntaxError(sql, piece?.start ?? sql.length, piece?.value ?? '<EOF>'),
      );
    parts.push(piece.value);
    at += 1;
    if (!isSymbol(pieces, at, '.')) return { parts, to: at };
    at += 1;
  }
}

/** Text columns. */
export function textColumns(...names: readonly string[]): readonly RowType[] {
  return names.map((name) => columnType(name, 'text'));
}

/** A listing that reads no table. */
export function listing(
  columns: readonly RowType[],
  rows: readonly (readonly Cell[])[],
  statementTypeId: number,
): RowsAsText {
  return {
    kind: 'rows',
    columns,
    rowTexts: rows.map((row) => JSON.stringify(row)),
    statementTypeId,
    scan: NOTHING_SCANNED,
  };
}

/** A cell of type TIMESTAMP_LTZ. */
export function instantCell(atMs: number): Cell {
  return (atMs / 1000).toFixed(3);
}
