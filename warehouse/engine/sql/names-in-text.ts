/** Names that are not plain identifiers: keys of a VARIANT, which keep their case, and IDENTIFIER('…'). */
import { StatementFailed, unsupported } from '../failures.js';
import { closing, isSymbol, isWord, toPieces, type Piece } from './pieces.js';

const PATH_OWNERS: ReadonlySet<Piece['kind']> = new Set(['word', 'quoted', 'symbol', 'variable']);

/** `pieces` with the keys of paths such as `v:key.inner[0].last` in the case of the text. */
export function withPathCase(pieces: readonly Piece[], sql: string): readonly Piece[] {
  const out = [...pieces];
  for (let index = 0; index < out.length; index += 1) {
    const before = out[index - 1];
    if (!isSymbol(out, index, ':') || before === undefined) continue;
    // In an object literal a string stands before the colon.
    if (!PATH_OWNERS.has(before.kind)) continue;
    index = pathEnd(out, index + 1, sql) - 1;
  }
  return out;
}

/** Rewrites the keys of the path at `from` in place; returns the index past the path. */
function pathEnd(out: Piece[], from: number, sql: string): number {
  let at = from;
  for (;;) {
    const key = out[at];
    if (key?.kind === 'word') {
      const text = sql.slice(key.start, key.start + key.text.length);
      out[at] = { ...key, text, value: text };
    }
    at += 1;
    while (isSymbol(out, at, '[')) at = closing(out, at) + 1;
    if (!isSymbol(out, at, '.') && !isSymbol(out, at, ':')) return at;
    at += 1;
  }
}

/** Whether the piece is a literal text and the only one in its brackets. */
function isLoneText(pieces: readonly Piece[], at: number): boolean {
  const piece = pieces[at];
  const isText = piece?.kind === 'string' || (piece?.kind === 'raw' && /^'.*'$/s.test(piece.text));
  return isText && isSymbol(pieces, at + 1, ')');
}

/** The text that a bind's literal holds; anything else as it is written. */
export function boundText({ text }: Piece): string {
  const literal = /^'(.*)'$/s.exec(text)?.[1];
  return literal === undefined ? text : literal.replaceAll("''", "'").replaceAll('\\\\', '\\');
}

/** `pieces` with every IDENTIFIER('a.b') and TABLE('a.b') as the name it holds. */
export function withIdentifiers(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    const isTable = isWord(pieces, index, 'TABLE') && isLoneText(pieces, index + 2);
    const isIdentifier = isWord(pieces, index, 'IDENTIFIER');
    if (!(isTable || isIdentifier) || !isSymbol(pieces, index + 1, '(')) {
      out.push(piece);
      continue;
    }
    const inner = pieces[index + 2];
    const text = inner?.kind === 'raw' ? boundText(inner) : inner?.value;
    const name = text === undefined ? undefined : toPieces(text);
    const isName =
      name !== undefined &&
      'length' in name &&
      name.length > 0 &&
      name.every(({ kind, value }) => kind === 'word' || kind === 'quoted' || value === '.');
    if (!isName || !isSymbol(pieces, index + 3, ')'))
      throw new StatementFailed(unsupported('IDENTIFIER of anything but a name'));
    out.push(...name.map((part, at) => ({ ...part, start: piece.start, isSpaced: at === 0 })));
    index += 3;
  }
  return out;
}
