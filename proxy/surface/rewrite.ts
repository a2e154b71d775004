/**
 * The caller's statement with a missing filter added, as a suggestion. `node-sql-parser` reads the text and says where
 * the condition belongs by printing the tree with a mark in it; what is suggested is the caller's own text with the
 * condition spliced in at that place, so that nothing the printer writes its own way reaches anybody. Where the printed
 * tree differs from the text by anything but the mark, nothing is suggested. Total: never throws.
 */
import {
  KIND,
  kindAt,
  lex,
  significantIndexes,
  startAt,
  textAt,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import { nameAt } from '#base/sql/token-values.js';

/** A grammar with its printer; both throw for what they do not have. */
export interface Printer {
  parse(text: string): unknown;
  print(tree: unknown): string;
}

/** Loads the Snowflake grammar of node-sql-parser, which is also that of the surface. */
export async function loadPrinter(): Promise<Printer> {
  const { default: grammar } = await import('node-sql-parser/build/snowflake.js');
  const parser = new grammar.Parser();
  const options = { database: 'snowflake' };
  return {
    parse: (text) => parser.astify(text, options),
    print: (tree) => parser.sqlify(tree as Parameters<typeof parser.sqlify>[0], options),
  };
}

/** A filter that is missing: one day of a column. */
export interface MissingFilter {
  /** `DB.SCHEMA.TABLE`. */
  readonly table: string;
  readonly column: string;
  /** The day, `YYYY-MM-DD`. */
  readonly day: string;
  /** The column's values have a time of day. */
  readonly hasTime: boolean;
}

/** Longer texts get the advice alone: the grammar is not linear in them. */
const TEXT_BYTES_MAX = 4096;
const DEPTH_MAX = 12;
const MARK = 'TOLLGATE_MARK';
/** Words that the printer writes or leaves out by its own taste; they change nothing. */
const OPTIONAL: ReadonlySet<string> = new Set(['INNER', 'OUTER', 'AS', 'ASC']);
/** Words of ours; a text that has them itself gets the advice alone. */
const OURS = /tgq\d|tollgate_mark/i;

/** `text` with the filter; null where it cannot be added for sure. */
export function withFilter(text: string, filter: MissingFilter, printer: Printer): string | null {
  if (Buffer.byteLength(text) > TEXT_BYTES_MAX || OURS.test(text)) return null;
  const tokens = lex(text);
  if (tokens.isUnterminated || isTooDeep(tokens)) return null;
  try {
    const masked = maskOf(tokens);
    const tree = onlyTree(printer.parse(masked.text));
    const place = tree === null ? null : placeOf(tree, filter.table.split('.'), masked);
    if (tree === null || place === null) return null;
    const wanted = mark(place.select);
    const more = moreThan(masked, lex(printer.print(tree)));
    // A bracket or an AND that the printer adds of its own accord is not ours to suggest.
    if (more === null || more.map(({ token }) => token).join(' ') !== wanted) return null;
    return spliced(tokens.text, more, conditionOf(filter, place.qualifier));
  } catch {
    // Its grammar has no such statement, or its printer no such node.
    return null;
  }
}

function isTooDeep(tokens: Tokens): boolean {
  let depth = 0;
  for (const index of significantIndexes(tokens)) {
    const text = kindAt(tokens, index) === KIND.operator ? textAt(tokens, index) : '';
    if (text === '(' || text === '[' || text === '{') depth += 1;
    if (text === ')' || text === ']' || text === '}') depth -= 1;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
}

/** The text without its strings, quoted names and comments, which the printer would write its own way. */
interface Masked {
  readonly tokens: Tokens;
  /** Significant tokens of the caller's text, and what stands for each in `text`. */
  readonly indexes: readonly number[];
  readonly words: readonly string[];
  readonly text: string;
}

function maskOf(tokens: Tokens): Masked {
  const indexes = significantIndexes(tokens);
  const words = indexes.map((index, at) => {
    const kind = kindAt(tokens, index);
    if (kind === KIND.string || kind === KIND.dollarString) return `'s${at}'`;
    return kind === KIND.quotedIdentifier ? quotedWord(at) : textAt(tokens, index);
  });
  // Tokens that touched still touch: `a.b`, `::`, `:p`.
  const text = indexes
    .map((index, at) => {
      const previous = indexes[at - 1];
      const touches = previous !== undefined && previous + 1 === index;
      return touches ? words[at] : ` ${words[at] ?? ''}`;
    })
    .join('');
  return { tokens, indexes, words, text };
}

const quotedWord = (at: number): string => `tgq${at}`;
const QUOTED_WORD = /^tgq(\d+)$/;

type Node = Record<string, unknown>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onlyTree(parsed: unknown): unknown {
  if (!Array.isArray(parsed)) return isNode(parsed) ? parsed : null;
  return parsed.length === 1 ? parsed[0] : null;
}

interface Place {
  readonly select: Node;
  /** What stands before the column; null: the SELECT reads nothing else. */
  readonly qualifier: string | null;
}

/** The one SELECT that reads the table, where a condition in its WHERE filters that table and nothing else. */
function placeOf(tree: unknown, table: readonly string[], masked: Masked): Place | null {
  const found: (Place | null)[] = [];
  const pending: unknown[] = [tree];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (Array.isArray(node)) pending.push(...(node as unknown[]));
    if (!isNode(node)) continue;
    pending.push(...Object.values(node).filter((value) => value !== undefined));
    if (node['type'] !== 'select' || !Array.isArray(node['from'])) continue;
    const entries: unknown[] = node['from'];
    for (const entry of entries)
      if (isNode(entry) && isTable(entry, table, masked))
        found.push(
          isFiltered(entries, entry)
            ? { select: node, qualifier: qualifierOf(entries, entry, masked) }
            : null,
        );
  }
  return found.length === 1 ? (found[0] ?? null) : null;
}

function isTable(entry: Node, table: readonly string[], masked: Masked): boolean {
  const written = [entry['db'], entry['schema'], entry['table']]
    .filter((part) => typeof part === 'string' && part !== '')
    .map((part) => resolved(String(part), masked));
  if (written.length === 0 || typeof entry['table'] !== 'string') return false;
  return written.every((part, at) => part === table[table.length - written.length + at]);
}

/** A condition on the side of an outer join that may be absent would take rows away that the caller wants. */
function isFiltered(entries: readonly unknown[], entry: Node): boolean {
  return entries.every((each) => {
    const join = isNode(each) && typeof each['join'] === 'string' ? each['join'].toUpperCase() : '';
    if (/RIGHT|FULL|NATURAL|ASOF|LATERAL/.test(join)) return false;
    return each !== entry || !join.includes('LEFT');
  });
}

function qualifierOf(entries: readonly unknown[], entry: Node, masked: Masked): string | null {
  if (entries.length === 1) return null;
  const name = typeof entry['as'] === 'string' ? entry['as'] : String(entry['table']);
  return asWritten(name, masked);
}

/** The name as Snowflake resolves it. */
function resolved(name: string, masked: Masked): string {
  const index = masked.indexes[quotedAt(name)];
  return index === undefined ? name.toUpperCase() : (nameAt(masked.tokens, index) ?? name);
}

/** The name as it stands in the caller's text. */
function asWritten(name: string, masked: Masked): string {
  const index = masked.indexes[quotedAt(name)];
  return index === undefined ? name : textAt(masked.tokens, index);
}

function quotedAt(name: string): number {
  return Number(QUOTED_WORD.exec(name)?.[1] ?? -1);
}

/** Puts the mark into the WHERE; the tokens that a printed tree then has more, in order. */
function mark(select: Node): string {
  const marked = { type: 'column_ref', table: null, column: MARK };
  const { where } = select;
  if (!isNode(where)) {
    select['where'] = marked;
    return `WHERE ${MARK}`;
  }
  const isOr =
    where['type'] === 'binary_expr' &&
    where['parentheses'] !== true &&
    /^(?:OR|XOR|\|\|)$/i.test(String(where['operator']));
  select['where'] = {
    type: 'binary_expr',
    operator: 'AND',
    left: marked,
    right: isOr ? { ...where, parentheses: true } : where,
  };
  return isOr ? `${MARK} AND ( )` : `${MARK} AND`;
}

function conditionOf({ column, day, hasTime }: MissingFilter, qualifier: string | null): string {
  const name = /^[A-Z_][A-Z0-9_$]*$/.test(column) ? column : `"${column.replaceAll('"', '""')}"`;
  const full = qualifier === null ? name : `${qualifier}.${name}`;
  return hasTime
    ? `${full} BETWEEN '${day} 00:00:00' AND '${day} 23:59:59.999999999'`
    : `${full} = '${day}'`;
}

/** A token that the printed tree has and the caller's text has not, and the offset in the text where it belongs. */
interface Addition {
  readonly token: string;
  readonly place: number;
}

/**
 * What the printed tree has more than the text; null when the text has something that the tree has not. Each printed
 * token is the next of the text, or a word that the printer likes, or an addition.
 */
function moreThan({ tokens, indexes, words }: Masked, printed: Tokens): readonly Addition[] | null {
  const more: Addition[] = [];
  let at = 0;
  for (const index of significantIndexes(printed)) {
    const token = bare(printed, index);
    while (at < words.length && !isSame(words[at], token) && isOptional(tokens, indexes[at]))
      at += 1;
    if (isSame(words[at], token)) {
      at += 1;
      continue;
    }
    if (OPTIONAL.has(token)) continue;
    const last = indexes[at - 1];
    more.push({ token, place: last === undefined ? 0 : startAt(tokens, last + 1) });
  }
  const isRest = indexes
    .slice(at)
    .every((index) => isOptional(tokens, index) || textAt(tokens, index) === ';');
  return isRest ? more : null;
}

/** The caller's text with the additions, the condition in place of the mark. */
function spliced(text: string, more: readonly Addition[], condition: string): string {
  const pieces: string[] = [];
  let copiedTo = 0;
  for (const { token, place } of more) {
    pieces.push(text.slice(copiedTo, place), token === MARK ? condition : token);
    copiedTo = place;
  }
  return joined([...pieces, text.slice(copiedTo)]);
}

/** A token of the printer's: upper case, without the quotes it puts around every name. */
function bare(printed: Tokens, index: number): string {
  const text = textAt(printed, index);
  return (
    kindAt(printed, index) === KIND.quotedIdentifier ? text.slice(1, -1) : text
  ).toUpperCase();
}

function isSame(word: string | undefined, printed: string): boolean {
  return word?.toUpperCase() === printed;
}

function isOptional(tokens: Tokens, index: number | undefined): boolean {
  return index !== undefined && OPTIONAL.has(wordAt(tokens, index));
}

/** One space where two pieces would touch, none after a bracket that was put in. */
function joined(pieces: readonly string[]): string {
  let text = '';
  for (const [at, given] of pieces.entries()) {
    const piece = pieces[at - 1] === '(' ? given.trimStart() : given;
    const touches = /[^\s(]$/.test(text) && /^[^\s);]/.test(piece);
    text += (touches ? ' ' : '') + piece;
  }
  return text;
}
