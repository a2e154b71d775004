/** PIVOT … IN (ANY) and IN (subquery): the values are read first, and stand in the statement as if it had listed them. */
import { StatementFailed, unsupported } from '../failures.js';
import { pivotClause, pivotLiterals, sourceStart } from '../sql/forms/pivots.js';
import { closing, isSymbol, isWord, word, type Piece } from '../sql/pieces.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';

/** Columns of a result by the values of a PIVOT; Snowflake's own cap on columns is not documented. */
const VALUES_MAX = 1000;

/** `pieces` with the values of each such list in it. Throws StatementFailed for values that are neither texts nor whole numbers. */
export async function withPivotValues(
  session: Session,
  running: Running,
  pieces: readonly Piece[],
): Promise<readonly Piece[]> {
  let out = pieces;
  for (let index = 0; index < out.length; index += 1) {
    const clause = pivotClause(out, index);
    if (clause === undefined) continue;
    const first = out[clause.listOpen + 1];
    const isAny = first?.kind === 'word' && first.value === 'ANY';
    if (!isAny && !(first?.kind === 'word' && ['SELECT', 'WITH'].includes(first.value))) continue;
    const inside = out.slice(clause.listOpen + 1, clause.listClose);
    const query = isAny
      ? [
          word('SELECT', first),
          word('DISTINCT', first),
          ...out.slice(clause.forAt + 1, clause.inAt),
          word('FROM', first),
          ...out.slice(sourceStart(out.slice(0, index)), index),
          ...(inside.length > 1
            ? inside.slice(1)
            : [
                word('ORDER', first),
                word('BY', first),
                { ...word('1', first), kind: 'number' as const },
              ]),
        ]
      : inside;
    const list = await valuesOf(session, running, [...expressions(out), ...query]);
    out = [...out.slice(0, clause.listOpen + 1), ...list, ...out.slice(clause.listClose)];
  }
  return out;
}

/** The WITH of the statement, whose names the list's query may read. */
function expressions(pieces: readonly Piece[]): readonly Piece[] {
  if (!isWord(pieces, 0, 'WITH')) return [];
  for (let at = 1; at < pieces.length; at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (isWord(pieces, at, 'SELECT')) return pieces.slice(0, at);
  }
  return [];
}

async function valuesOf(
  session: Session,
  running: Running,
  query: readonly Piece[],
): Promise<readonly Piece[]> {
  const duckSql = await session.translate({ ...running }, query);
  const read = await session.connection.runAndReadUntil(duckSql, VALUES_MAX + 1);
  const type = String(read.columnType(0));
  const isText = type === 'VARCHAR';
  if (!isText && !/^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|DECIMAL\(\d+,0\))$/.test(type))
    throw new StatementFailed(
      unsupported('PIVOT over values that are neither texts nor whole numbers'),
    );
  const values = read
    .getRows()
    .map(([value]) => (value === null || value === undefined ? null : String(value)));
  if (values.length === 0 || values.length > VALUES_MAX || read.columnCount !== 1)
    throw new StatementFailed(unsupported('PIVOT over this number of values'));
  return pivotLiterals(values, isText);
}
