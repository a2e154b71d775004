/**
 * Where a statement names tables, found on its tokens: parsers of the dialect refuse some statements, and a name has
 * to be resolved in all of them. Common table expressions are told apart by scope: a name counts from the end of its body.
 */
import type { FullName } from './resolve.js';
import { closing, isSymbol, isWord, type Piece } from './pieces.js';

export interface TableMention {
  /** First piece of the name and the one past its last. */
  readonly from: number;
  readonly to: number;
  /** One to three names, outermost first; the empty name of `db..t` stands for PUBLIC. */
  readonly parts: readonly string[];
  readonly use: 'read' | 'write' | 'define';
  /** `name(` in a FROM clause. */
  readonly isFunction: boolean;
}

/** A mention with the table's name in full. */
export interface ResolvedMention extends TableMention {
  readonly full: FullName;
}

interface Level {
  expects: boolean;
  isInFrom: boolean;
  /** Names of WITH are being read at this level; of WITH RECURSIVE, whose bodies see their own names. */
  isInWith: boolean;
  isRecursive: boolean;
  use: TableMention['use'];
  /** The CTE whose body the bracket at this level's end closes. */
  defines: string | undefined;
  /** EXTRACT(… FROM …) and the like: FROM is no clause here. */
  isCall: boolean;
}

const CLAUSE_ENDS: ReadonlySet<string> = new Set([
  'WHERE',
  'GROUP',
  'HAVING',
  'QUALIFY',
  'ORDER',
  'LIMIT',
  'FETCH',
  'UNION',
  'EXCEPT',
  'INTERSECT',
  'MINUS',
  'SELECT',
  'VALUES',
  'SET',
  'WINDOW',
  'CONNECT',
  'START',
  'WHEN',
  'ON',
]);

const FROM_CALLS: ReadonlySet<string> = new Set([
  'EXTRACT',
  'TRIM',
  'SUBSTRING',
  'SUBSTR',
  'POSITION',
  'OVERLAY',
]);

const NAME_SKIPS: ReadonlySet<string> = new Set([
  'IF',
  'NOT',
  'EXISTS',
  'LATERAL',
  'ONLY',
  'TABLE',
  'OVERWRITE',
]);

/** Every mention of a table, view or table function in `pieces`, in order. */
export function tableMentions(pieces: readonly Piece[]): readonly TableMention[] {
  return new Mentions(pieces).find();
}

class Mentions {
  readonly #pieces: readonly Piece[];
  readonly #found: TableMention[] = [];
  readonly #ctes = new Set<string>();
  readonly #levels: Level[] = [level(false, false)];
  #pendingCte: string | undefined;
  readonly #verb: string;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    this.#verb = pieces[0]?.value ?? '';
  }

  find(): readonly TableMention[] {
    for (let index = 0; index < this.#pieces.length; index += 1) {
      const piece = this.#pieces[index];
      if (piece === undefined) break;
      if (piece.kind === 'symbol') this.#symbol(piece.value, index);
      else if (piece.kind === 'word' || piece.kind === 'quoted') index = this.#name(piece, index);
      else this.#top().expects = false;
    }
    return this.#found;
  }

  #top(): Level {
    return this.#levels.at(-1) ?? level(false, false);
  }

  #symbol(symbol: string, index: number): void {
    const top = this.#top();
    if (symbol === '(') {
      const next = level(top.expects, top.expects);
      next.defines = this.#pendingCte;
      this.#pendingCte = undefined;
      const before = this.#pieces[index - 1];
      next.isCall = before?.kind === 'word' && FROM_CALLS.has(before.value);
      top.expects = false;
      this.#levels.push(next);
    } else if (symbol === ')') {
      if (this.#levels.length > 1) this.#levels.pop();
      if (top.defines !== undefined) this.#ctes.add(top.defines);
    } else if (symbol === ',' && top.isInFrom) {
      top.expects = true;
    }
  }

  /** Reads a word or name at `index`; returns the index of the last piece it used. */
  #name(piece: Piece, index: number): number {
    const top = this.#top();
    if (piece.kind === 'word' && this.#keyword(piece.value, index, top)) return index;
    if (top.isInWith && !top.expects && this.#startsCte(index)) return index;
    if (!top.expects) return this.#chainEnd(index) - 1;
    top.expects = false;
    const to = this.#chainEnd(index);
    const parts = this.#chain(index, to);
    const isFunction = isSymbol(this.#pieces, to, '(') && top.use === 'read';
    if (!(parts.length === 1 && !isFunction && this.#ctes.has(parts[0] ?? '')))
      this.#found.push({ from: index, to, parts, use: top.use, isFunction });
    top.use = 'read';
    return to - 1;
  }

  /** `name AS (` or `name (columns) AS (` at a level that reads WITH. */
  #startsCte(index: number): boolean {
    let at = index + 1;
    if (isSymbol(this.#pieces, at, '(')) at = closing(this.#pieces, at) + 1;
    if (!isWord(this.#pieces, at, 'AS') || !isSymbol(this.#pieces, at + 1, '(')) return false;
    const name = this.#pieces[index]?.value ?? '';
    if (this.#top().isRecursive) this.#ctes.add(name);
    // A column list stands between the name and AS: the body is the bracket after AS.
    if (at === index + 1) this.#pendingCte = name;
    else this.#ctes.add(name);
    return true;
  }

  /** Whether the word at `index` is syntax here; changes the level's state by it. */
  #keyword(word: string, index: number, top: Level): boolean {
    const pieces = this.#pieces;
    const isTop = this.#levels.length === 1;
    if (isSymbol(pieces, index - 1, '.') || isSymbol(pieces, index + 1, '.')) return false;
    switch (word) {
      case 'WITH':
        top.isInWith = true;
        // In a bracket after FROM: what is named next are its CTEs.
        top.expects = false;
        top.isInFrom = false;
        top.isRecursive = isWord(pieces, index + 1, 'RECURSIVE');
        return true;
      case 'FROM':
        if (top.isCall || isWord(pieces, index - 1, 'DISTINCT')) return true;
        return this.#expect(top, this.#verb === 'DELETE' && isTop ? 'write' : 'read', true);
      case 'JOIN':
        return this.#expect(top, 'read', true);
      case 'INTO':
        return this.#expect(top, 'write', false);
      case 'UPDATE':
        return index === 0 ? this.#expect(top, 'write', false) : true;
      case 'USING':
        if (isTop && (this.#verb === 'MERGE' || this.#verb === 'DELETE'))
          return this.#expect(top, 'read', this.#verb === 'DELETE');
        return true;
      case 'TABLE':
        if (isTop && index > 0 && this.#isDefinition()) return this.#expect(top, 'define', false);
        return top.expects || isSymbol(pieces, index + 1, '(');
      case 'VIEW':
      case 'CLONE':
      case 'LIKE':
        if (isTop && index > 0 && this.#isDefinition() && !isSymbol(pieces, index + 1, '('))
          return this.#expect(top, word === 'VIEW' ? 'define' : 'read', false);
        return true;
    }
    if (CLAUSE_ENDS.has(word)) {
      top.expects = false;
      if (word !== 'ON') top.isInFrom = false;
      if (word === 'SELECT') top.isInWith = false;
      return true;
    }
    return top.expects && NAME_SKIPS.has(word);
  }

  #expect(top: Level, use: TableMention['use'], isInFrom: boolean): true {
    top.expects = true;
    top.use = use;
    top.isInFrom = isInFrom;
    return true;
  }

  #isDefinition(): boolean {
    return (
      ['CREATE', 'DROP', 'ALTER', 'TRUNCATE', 'UNDROP'].includes(this.#verb) &&
      this.#found.length < 1
    );
  }

  /** Index past `a.b.c` starting at `index`. */
  #chainEnd(index: number): number {
    let at = index + 1;
    while (isSymbol(this.#pieces, at, '.')) {
      const next = this.#pieces[at + 1];
      if (next?.kind === 'word' || next?.kind === 'quoted') at += 2;
      else if (next?.kind === 'symbol' && next.value === '.') at += 1;
      else break;
    }
    return at;
  }

  #chain(from: number, to: number): readonly string[] {
    const parts: string[] = [];
    for (let at = from; at < to; at += 1) {
      const piece = this.#pieces[at];
      if (piece?.kind === 'word' || piece?.kind === 'quoted') parts.push(piece.value);
      else if (isSymbol(this.#pieces, at + 1, '.')) parts.push('');
    }
    return parts;
  }
}

function level(expects: boolean, isInFrom: boolean): Level {
  return {
    expects,
    isInFrom,
    isInWith: false,
    isRecursive: false,
    use: 'read',
    defines: undefined,
    isCall: false,
  };
}
