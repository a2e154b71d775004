/** From Snowflake's text to DuckDB's: names in full, private function names, the transpiler, then a pass over its output. */
import type { ResolvedMention } from './table-names.js';
import type { EngineFailure } from '../engine.js';
import { StatementFailed, syntaxError, unsupported } from '../failures.js';
import { rewriteCalls } from './calls.js';
import { withCarried } from './forms/opaque.js';
import { withForms } from './forms/query-forms.js';
import { isSymbol, isWord, quoteName, raw, render, type Piece } from './pieces.js';
import { dotted, fullName, type FullName, type Scope } from './resolve.js';
import { withWholeCounts } from './sampled-events.js';
import { withSequences } from './sequences.js';
import { tableMentions, type TableMention } from './table-names.js';
import { withVariantCalls } from './paths.js';
import type { Transpiler } from './transpiler.js';
import { withValueNames } from './values.js';

/** Longest text that is translated, in UTF-16 units. */
export const SQL_LENGTH_MAX = 1_048_576;

export interface Translation {
  readonly duckSql: string;
  readonly mentions: readonly ResolvedMention[];
}

/** What the session adds to names: temporary tables, and what stands in for table functions. */
export interface Names extends Scope {
  readonly temporary: ReadonlySet<string>;
  /** Names of the columns of `mentions` that are VARIANT, OBJECT or ARRAY; none for tables that are not there. */
  variantColumns(mentions: readonly ResolvedMention[]): Promise<ReadonlySet<string>>;
  /** What stands for a table function's call, and the piece after the call. Throws for functions that are not known. */
  tableFunction(
    mention: TableMention,
    pieces: readonly Piece[],
  ): { readonly pieces: readonly Piece[]; readonly to: number };
}

/** DuckDB's text of the statement in `pieces`. Throws StatementFailed. */
export async function translate(
  pieces: readonly Piece[],
  sql: string,
  names: Names,
  transpiler: Transpiler,
): Promise<Translation> {
  const formed = withForms(withSequences(pieces, names));
  const resolved = withFullNames(formed, names);
  const counted = withWholeCounts(formed, resolved.mentions);
  const { named, mentions } = counted === formed ? resolved : withFullNames(counted, names);
  const columns = await names.variantColumns(mentions);
  const text = render(rewriteCalls(withVariantCalls(withValueNames(named), sql, columns)));
  if (text.length > SQL_LENGTH_MAX)
    throw new StatementFailed(unsupported('a statement of more than 1 MB'));
  const result = await transpiler.transpile(text);
  if (result.kind === 'broken')
    throw new StatementFailed(unsupported('a statement of this depth or length'));
  if (result.kind === 'refused') throw new StatementFailed(refused(named, result.at, sql));
  return { duckSql: withCarried(withoutPlaceholders(result.sql, mentions, names)), mentions };
}

/** The transpiler counts in its own text: the piece that stands there knows its place in the client's. */
function refused(pieces: readonly Piece[], at: number, sql: string): EngineFailure {
  let length = 0;
  for (const piece of pieces) {
    length += piece.text.length + (piece.isSpaced ? 1 : 0);
    if (length > at && at >= 0) return syntaxError(sql, piece.start, original(piece, sql));
  }
  return syntaxError(sql, sql.length, '<EOF>');
}

/** The transpiler refuses some full names after USING and UPDATE: there a plain word stands for them until it has run. */
const PLACEHOLDER = 'TG_TABLE_';

function withoutPlaceholders(
  duckSql: string,
  mentions: readonly ResolvedMention[],
  names: Names,
): string {
  return duckSql.replaceAll(/\bTG_TABLE_(\d+)\b/g, (whole, index: string) => {
    const mention = mentions[Number(index)];
    return mention === undefined ? whole : duckName(mention.full, names);
  });
}

/** The piece as the client wrote it. */
function original(piece: Piece, sql: string): string {
  if (piece.start < 0) return piece.value;
  return /^[\w$".]+|^[^]/.exec(sql.slice(piece.start))?.[0] ?? piece.value;
}

/** Replaces table names by DuckDB's full names, and shortens column paths that repeat them. */
export function withFullNames(
  pieces: readonly Piece[],
  names: Names,
): { readonly named: readonly Piece[]; readonly mentions: readonly ResolvedMention[] } {
  const found = tableMentions(pieces);
  const mentions: ResolvedMention[] = [];
  const named: Piece[] = [];
  let at = 0;
  for (const mention of found) {
    if (mention.from < at) continue;
    named.push(...pieces.slice(at, mention.from));
    at = mention.to;
    if (mention.isFunction) {
      const call = names.tableFunction(mention, pieces);
      const isWrapped =
        isWord(pieces, mention.from - 2, 'TABLE') && isSymbol(pieces, mention.from - 1, '(');
      if (isWrapped) named.splice(-2);
      named.push(...call.pieces);
      at = call.to + (isWrapped ? 1 : 0);
      continue;
    }
    const full = fullName(mention.parts, names);
    mentions.push({ ...mention, full });
    const verb = pieces[0]?.value;
    const isUsed =
      (verb === 'DELETE' && mention.use === 'read') ||
      (verb === 'UPDATE' && mention.use === 'write');
    const written = isUsed ? `${PLACEHOLDER}${mentions.length - 1}` : duckName(full, names);
    named.push(raw(written, pieces[mention.from]));
  }
  named.push(...pieces.slice(at));
  return { named: shortenPaths(named, mentions), mentions };
}

/** DuckDB's name of a table: temporary ones live in the session's own catalogue. */
export function duckName(full: FullName, names: Pick<Names, 'temporary'>): string {
  return names.temporary.has(dotted(full))
    ? `temp.main.${quoteName(full.name)}`
    : `${quoteName(`${full.database}.${full.schema}`)}.${quoteName(full.name)}`;
}

/** `S.T.C` and `D.S.T.C` become `T.C` where S.T is a table of the statement. */
function shortenPaths(
  pieces: readonly Piece[],
  mentions: readonly ResolvedMention[],
): readonly Piece[] {
  if (!mentions.some(({ parts }) => parts.length > 1)) return pieces;
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const skip = isSymbol(pieces, index - 1, '.') ? 0 : repeatedPrefix(pieces, index, mentions);
    index += skip;
    const piece = pieces[index];
    if (piece !== undefined) out.push(skip > 0 ? { ...piece, isSpaced: true } : piece);
  }
  return out;
}

/** How many pieces before the table name of a column path at `index` repeat its database and schema. */
function repeatedPrefix(
  pieces: readonly Piece[],
  index: number,
  mentions: readonly ResolvedMention[],
): number {
  const path: string[] = [];
  for (let at = index; pieces[at]?.kind === 'word' || pieces[at]?.kind === 'quoted'; at += 2) {
    path.push(pieces[at]?.value ?? '');
    if (!isSymbol(pieces, at + 1, '.')) break;
  }
  if (path.length < 3) return 0;
  const matches = (parts: readonly string[]): boolean =>
    mentions.some(({ full }) => {
      const whole = [full.database, full.schema, full.name];
      return parts.every((part, at) => part === whole[whole.length - parts.length + at]);
    });
  if (path.length >= 4 && matches(path.slice(0, 3))) return 4;
  return matches(path.slice(0, 2)) && !isWord(pieces, index, 'TEMP') ? 2 : 0;
}
