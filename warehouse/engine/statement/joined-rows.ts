/** Rows that an UPDATE or MERGE would change more than once (pages "UPDATE" and "MERGE", nondeterministic joins). */
import { failure, StatementFailed, unsupported } from '../failures.js';
import { closing, isSymbol, isWord, made, raw, syntax, type Piece } from '../sql/pieces.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { nameParts } from './table-definition.js';

interface Target {
  /** Name and alias, as written. */
  readonly pieces: readonly Piece[];
  /** What columns of it are called by. */
  readonly reference: Piece;
  /** The piece after it. */
  readonly to: number;
}

function targetAt(pieces: readonly Piece[], at: number, end: string): Target {
  const { to } = nameParts(pieces, at);
  const aliasAt = isWord(pieces, to, 'AS') ? to + 1 : to;
  const alias = pieces[aliasAt];
  const isAlias = alias?.kind === 'quoted' || (alias?.kind === 'word' && alias.value !== end);
  const reference = (isAlias ? alias : pieces[to - 1]) ?? raw('', undefined);
  return {
    pieces: pieces.slice(at, isAlias ? aliasAt + 1 : to),
    reference: { ...reference, start: -1, isSpaced: true },
    to: isAlias ? aliasAt + 1 : to,
  };
}

/** Index of the first `word` outside brackets from `from` on; the length when there is none. */
function wordAt(pieces: readonly Piece[], from: number, word: string): number {
  for (let at = from; at < pieces.length; at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (isWord(pieces, at, word)) return at;
  }
  return pieces.length;
}

/** How many rows an UPDATE … FROM changes, and how many of them joined several rows; undefined without a FROM. */
export async function updateCounts(
  session: Session,
  running: Running,
): Promise<{ readonly rows: number; readonly multiJoined: number } | undefined> {
  const { pieces } = running;
  const target = targetAt(pieces, 1, 'SET');
  const from = wordAt(pieces, target.to, 'FROM');
  if (from === pieces.length) return undefined;
  const query = [
    ...made(`SELECT COUNT(*), COUNT_IF(N > 1) FROM (SELECT COUNT(*) AS N FROM`),
    ...target.pieces,
    ...syntax(',', undefined),
    ...pieces.slice(from + 1),
    ...syntax('GROUP BY', undefined),
    target.reference,
    ...made('.ROWID)'),
  ];
  const [counts] = await answered(session, running, query);
  if (counts === undefined) return undefined;
  return { rows: Number(counts[0]), multiJoined: Number(counts[1]) };
}

/**
 * Throws 100090 when a row of the target is updated, or updated and deleted, by several rows of the source, as Snowflake
 * does unless ERROR_ON_NONDETERMINISTIC_MERGE is off. Several rows that all delete it are one delete.
 */
export async function refuseAmbiguousMerge(session: Session, running: Running): Promise<void> {
  const { pieces } = running;
  const target = targetAt(pieces, 2, 'USING');
  const on = wordAt(pieces, target.to, 'ON');
  const first = wordAt(pieces, on, 'WHEN');
  const clauses = matchedClauses(pieces, first);
  if (clauses.length === 0) return;
  const actions = clauses.flatMap(({ condition, isDelete }, at) => [
    ...syntax('WHEN', undefined),
    ...(condition.length === 0 ? syntax('TRUE', undefined) : condition),
    ...made(`THEN ${isDelete ? 0 : at + 1}`),
  ]);
  const query = [
    ...made('SELECT COUNT(*) FROM (SELECT'),
    target.reference,
    ...made('.ROWID AS TG_ROW, CASE'),
    ...actions,
    ...made('END AS TG_ACTION FROM'),
    ...target.pieces,
    ...syntax('JOIN', undefined),
    ...pieces.slice(target.to + 1, first),
    ...made(') GROUP BY TG_ROW HAVING COUNT(TG_ACTION) > 1 AND MAX(TG_ACTION) > 0'),
  ];
  const twice = await answered(session, running, query);
  if (twice.length > 0)
    throw new StatementFailed(
      failure('100090', '42P18', 'Duplicate row detected during DML action\nRow Values: [...]'),
    );
}

interface MatchedClause {
  readonly condition: readonly Piece[];
  readonly isDelete: boolean;
}

function matchedClauses(pieces: readonly Piece[], from: number): readonly MatchedClause[] {
  const found: MatchedClause[] = [];
  for (let at = from; at < pieces.length; at = wordAt(pieces, at + 1, 'WHEN')) {
    if (!isWord(pieces, at + 1, 'MATCHED')) continue;
    const then = wordAt(pieces, at, 'THEN');
    if (isWord(pieces, at + 2, 'BY'))
      throw new StatementFailed(unsupported('MERGE … WHEN MATCHED BY'));
    const condition = isWord(pieces, at + 2, 'AND') ? pieces.slice(at + 3, then) : [];
    const bracketed =
      condition.length === 0
        ? []
        : [...syntax('(', undefined), ...condition, ...syntax(')', undefined)];
    found.push({ condition: bracketed, isDelete: isWord(pieces, then + 1, 'DELETE') });
  }
  return found;
}

async function answered(
  session: Session,
  running: Running,
  query: readonly Piece[],
): Promise<readonly (readonly unknown[])[]> {
  const sql = await session.translate({ ...running }, query);
  return (await session.connection.runAndReadAll(sql)).getRows();
}
