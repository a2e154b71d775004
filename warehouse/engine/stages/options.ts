/** Options of statements about stages: `NAME = value`, with blanks or commas between them. */
import { failure, StatementFailed, syntaxError } from '../failures.js';
import { boundText } from '../sql/names-in-text.js';
import { closing, isSymbol, splitAtCommas, type Piece } from '../sql/pieces.js';

export interface Option {
  /** In upper case. */
  readonly name: string;
  /** The value: one word, text or number, the pieces of a dotted name, or those inside brackets. */
  readonly value: readonly Piece[];
  readonly isList: boolean;
  readonly at: Piece;
}

/** Reads the options in `[from, to)`; a later one of the same name is refused. Throws StatementFailed. */
export function readOptions(
  pieces: readonly Piece[],
  from: number,
  to: number,
  sql: string,
): readonly Option[] {
  const options: Option[] = [];
  let at = from;
  while (at < to) {
    const name = pieces[at];
    if (name === undefined) break;
    if (isSymbol(pieces, at, ',')) {
      at += 1;
      continue;
    }
    const isEquals = isSymbol(pieces, at + 1, '=') || isSymbol(pieces, at + 1, '=>');
    if ((name.kind !== 'word' && name.kind !== 'raw') || !isEquals || at + 2 >= to)
      throw unexpected(name, sql);
    if (options.some((option) => option.name === name.value)) throw duplicate(name.value);
    if (isSymbol(pieces, at + 2, '(')) {
      const end = closing(pieces, at + 2);
      if (end >= to) throw unexpected(name, sql);
      options.push({
        name: name.value,
        value: pieces.slice(at + 3, end),
        isList: true,
        at: name,
      });
      at = end + 1;
      continue;
    }
    let end = at + 3;
    while (isSymbol(pieces, end, '.')) end += 2;
    if (isSymbol(pieces, at + 2, '-')) end = at + 4;
    options.push({
      name: name.value,
      value: pieces.slice(at + 2, end),
      isList: false,
      at: name,
    });
    at = end;
  }
  return options;
}

/** Options of a bracketed value. */
export function nestedOptions(option: Option, sql: string): readonly Option[] {
  if (!option.isList) throw invalidOption(option);
  return readOptions(option.value, 0, option.value.length, sql);
}

/** A text, word or number as text. */
export function optionText(option: Option): string {
  const [first, second] = option.value;
  if (option.isList || first === undefined) throw invalidOption(option);
  if (first.value === '-' && second !== undefined) return `-${second.value}`;
  if (option.value.length !== 1) throw invalidOption(option);
  return first.kind === 'raw' ? boundText(first) : first.value;
}

export function optionFlag(option: Option): boolean {
  const text = optionText(option).toUpperCase();
  if (text === 'TRUE') return true;
  if (text === 'FALSE') return false;
  throw invalidOption(option);
}

/** A whole number, zero or more. */
export function optionCount(option: Option): number {
  const count = Number(optionText(option));
  if (!Number.isSafeInteger(count) || count < 0) throw invalidOption(option);
  return count;
}

/** `('a', 'b')`, or a single text. */
export function optionTexts(option: Option): readonly string[] {
  if (!option.isList) return [optionText(option)];
  return splitAtCommas(option.value, 0, option.value.length).map(([from, to]) => {
    const piece = option.value[from];
    if (to - from !== 1 || piece?.kind !== 'string') throw invalidOption(option);
    return piece.value;
  });
}

/** `a.b.c`, also as a text: `'a.b.c'`. */
export function optionName(option: Option): readonly Piece[] {
  if (option.isList) throw invalidOption(option);
  return option.value;
}

/** `001050`: not a value of the option. */
export function invalidOption(option: Option): StatementFailed {
  const value = option.value.map((piece) => piece.value).join('');
  return new StatementFailed(
    failure(
      '001008',
      '22023',
      `SQL compilation error:\ninvalid value [${value}] for parameter '${option.name}'`,
    ),
  );
}

/** `001006`: no such option here. */
export function unknownOption(option: Option): StatementFailed {
  return new StatementFailed(
    failure('001006', '22023', `SQL compilation error:\ninvalid parameter '${option.name}'`),
  );
}

function duplicate(name: string): StatementFailed {
  return new StatementFailed(
    failure('001084', '42601', `SQL compilation error:\nduplicate property '${name}'`),
  );
}

function unexpected(piece: Piece, sql: string): StatementFailed {
  return new StatementFailed(syntaxError(sql, piece.start, piece.value));
}
