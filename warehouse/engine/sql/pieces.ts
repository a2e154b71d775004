/** A statement as a list of pieces that passes rewrite one after the other; each remembers where it stood in the client's text. */
import { assert } from '#base/assert.js';
import { KIND, kindAt, lex, startAt, textAt } from '#base/sql/lexer.js';
import { nameAt, quoteText, stringValueAt } from '#base/sql/token-values.js';

export interface Piece {
  readonly kind:
    | 'word'
    | 'quoted'
    | 'string'
    | 'number'
    | 'symbol'
    | 'bind'
    | 'variable'
    /** `@stage/path` and the `file://…` of PUT and GET: written out by no pass. */
    | 'stage'
    | 'fileUrl'
    | 'raw';
  /** As it is written out: words upper-cased, strings in Snowflake's escapes. */
  readonly text: string;
  /** Word or name: its name; string: its value; else the text. */
  readonly value: string;
  /** Offset in the client's text; -1 for pieces that a pass made. */
  readonly start: number;
  /** White space stood before it. */
  readonly isSpaced: boolean;
  /** Offset past it in the client's text. */
  readonly end?: number;
}

/** Where reading stopped and at what. */
export interface Unreadable {
  readonly at: number;
  readonly text: string;
}

/** The pieces of `sql`, comments dropped; Unreadable at a stray character or an unterminated token. */
export function toPieces(sql: string): readonly Piece[] | Unreadable {
  const tokens = lex(sql);
  const pieces: Piece[] = [];
  let isSpaced = false;
  for (let index = 0; index < tokens.count; index += 1) {
    const kind = kindAt(tokens, index);
    const text = textAt(tokens, index);
    const start = startAt(tokens, index);
    const push = (as: Piece['kind'], out: string, value: string): void => {
      pieces.push({ kind: as, text: out, value, start, isSpaced, end: start + text.length });
      isSpaced = false;
    };
    switch (kind) {
      case KIND.whitespace:
      case KIND.comment:
        isSpaced = true;
        break;
      case KIND.word:
        push('word', text.toUpperCase(), text.toUpperCase());
        break;
      case KIND.quotedIdentifier: {
        const name = nameAt(tokens, index) ?? '';
        push('quoted', quoteName(name), name);
        break;
      }
      case KIND.string:
      case KIND.dollarString: {
        const value = stringValueAt(tokens, index) ?? '';
        push('string', quoteText(value), value);
        break;
      }
      case KIND.number:
        push('number', text, text);
        break;
      case KIND.operator:
        push('symbol', text, text);
        break;
      case KIND.bind:
        push('bind', text, text);
        break;
      case KIND.variable:
        push('variable', text.toUpperCase(), text.slice(1).toUpperCase());
        break;
      case KIND.stage:
        push('stage', text, text);
        break;
      case KIND.fileUrl:
        push('fileUrl', text, text);
        break;
      case KIND.stray:
        return { at: start, text };
    }
  }
  if (tokens.isUnterminated) return { at: startAt(tokens, tokens.count - 1), text: '<EOF>' };
  return pieces;
}

/** The text of pieces. */
export function render(pieces: readonly Piece[]): string {
  let text = '';
  for (const piece of pieces) text += piece.isSpaced ? ` ${piece.text}` : piece.text;
  return text.trim();
}

/** A piece of finished text. */
export function raw(text: string, at: Piece | undefined): Piece {
  return { kind: 'raw', text, value: text, start: at?.start ?? -1, isSpaced: true };
}

/** Words and symbols that a pass puts where `at` stands, parted by white space in `text`. */
export function syntax(text: string, at: Piece | undefined): readonly Piece[] {
  return text.split(' ').map((each) => word(each, at));
}

/** The pieces of Snowflake text that a pass makes: it stands nowhere in the client's. Throws for text that is not readable. */
export function made(sql: string): readonly Piece[] {
  const pieces = toPieces(sql);
  assert('length' in pieces, 'text of ours is readable');
  return pieces.map((piece, at) => ({ ...piece, start: -1, isSpaced: at === 0 || piece.isSpaced }));
}

/** A word or a symbol that a pass puts where `at` stands. */
export function word(text: string, at: Piece | undefined): Piece {
  return { ...raw(text, at), kind: /\w/.test(text) ? 'word' : 'symbol' };
}

/** `"name"` with quotes doubled: the same in Snowflake and DuckDB. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal in DuckDB's rules, where a backslash is itself. */
export function quoteDuckText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** Whether piece `index` is the word `word`. */
export function isWord(pieces: readonly Piece[], index: number, word: string): boolean {
  const piece = pieces[index];
  return piece?.kind === 'word' && piece.value === word;
}

/** Whether piece `index` is the operator or bracket `symbol`. */
export function isSymbol(pieces: readonly Piece[], index: number, symbol: string): boolean {
  const piece = pieces[index];
  return piece?.kind === 'symbol' && piece.value === symbol;
}

/** Index of the bracket that closes the one at `open`; the length when none does. */
export function closing(pieces: readonly Piece[], open: number): number {
  let depth = 0;
  for (let index = open; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece?.kind !== 'symbol') continue;
    if (piece.value === '(' || piece.value === '[' || piece.value === '{') depth += 1;
    else if (piece.value === ')' || piece.value === ']' || piece.value === '}') {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return pieces.length;
}

/** Splits `[from, to)` at the commas outside brackets. Empty for an empty range. */
export function splitAtCommas(
  pieces: readonly Piece[],
  from: number,
  to: number,
): readonly (readonly [number, number])[] {
  if (from >= to) return [];
  const parts: [number, number][] = [];
  let start = from;
  for (let index = from; index < to; index += 1) {
    const piece = pieces[index];
    if (piece?.kind !== 'symbol') continue;
    if (piece.value === '(' || piece.value === '[' || piece.value === '{')
      index = closing(pieces, index);
    else if (piece.value === ',') {
      parts.push([start, index]);
      start = index + 1;
    }
  }
  parts.push([start, to]);
  return parts;
}
