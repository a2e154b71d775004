/**
 * Statements of ours stay unseen by `LAST_QUERY_ID`: in a session that has any, the ids around the count are asked for,
 * ours are left out, and the one the client would have got goes into its text.
 */
import type { SessionKey } from '../identity/sessions.js';
import type { Parts } from '../parts.js';
import type { Identified } from '../stages.js';
import { isSqlApiSession } from '../owner.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { askInSession } from './ask.js';
import { queryCounts } from './last-query-id.js';
import type { QueryCount } from './last-query-id.js';
import type { OwnIds } from './own-statements.js';

/** How far back, or from the first on, a count is followed. */
const REACH_MAX = 100;
/** The client waits for it. */
const LIMIT_MS = 5000;

export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export type HideOutcome =
  | { readonly kind: 'edits'; readonly edits: readonly TextEdit[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * The edits that keep statements of ours out of a text's counts; none in a session without any. Refused: a count that
 * cannot be replaced there. Fault `ledgerUnavailable`: whether there are any is in Postgres.
 */
export async function hideOwnStatements(parts: Parts, statement: Identified): Promise<HideOutcome> {
  const { identity, query } = statement;
  const found = queryCounts(query.sqlText);
  const isNone = found.kind === 'counts' && found.counts.length === 0;
  // In the SQL API each request is a session of its own, and we send none in it.
  if (isNone || isSqlApiSession(identity.sessionId)) return { kind: 'edits', edits: [] };
  const own = await parts.ownStatements.read(identity);
  if (own.queryIds.size + own.pending.length === 0) return { kind: 'edits', edits: [] };
  if (found.kind === 'unclear') return refused('in a form whose text cannot be set');
  const { counts } = found;
  if (counts.some(({ index }) => Math.abs(index) > REACH_MAX))
    return refused(`by more than ${REACH_MAX}`);
  const known = await withoutPending(parts, statement, own);
  if (known === undefined) return refused('and Snowflake did not tell which is which');
  return replaced(parts, statement, known, counts);
}

async function replaced(
  parts: Parts,
  statement: Identified,
  own: OwnIds,
  counts: readonly QueryCount[],
): Promise<HideOutcome> {
  const asked = columnsFor(counts, own.queryIds.size);
  const ids = await lookUp(parts, statement, asked);
  if (ids === null) return refused('and Snowflake did not tell which is which');
  const idOf = new Map(asked.map((index, column) => [index, ids[column] ?? null]));
  const edits: TextEdit[] = [];
  for (const count of counts) {
    const id = clientsId(count.index, idOf, own);
    if (id === undefined) return refused('and they are too many to be told apart');
    const name = count.columnName === null ? '' : ` AS "${count.columnName}"`;
    const value = id === null ? 'NULL' : `'${id}'`;
    edits.push({ start: count.start, end: count.end, text: value + name });
  }
  return { kind: 'edits', edits };
}

/** The indexes to ask for, so that as many ids of ours as there are can be left out. */
function columnsFor(counts: readonly QueryCount[], ownMax: number): readonly number[] {
  const reach = (sign: 1 | -1): number[] => {
    const farthest = Math.max(0, ...counts.map(({ index }) => index * sign));
    const length = farthest === 0 ? 0 : farthest + ownMax;
    return Array.from({ length }, (_, at) => sign * (at + 1));
  };
  return [...reach(-1), ...reach(1)];
}

/**
 * The id that the client would have got; null where there is no such query. Undefined: older ids of ours may have been
 * forgotten, and the count reaches beyond those that are known.
 */
export function clientsId(
  index: number,
  idOf: ReadonlyMap<number, string | null>,
  own: Pick<OwnIds, 'queryIds' | 'isFull'>,
): string | null | undefined {
  const step = Math.sign(index);
  if (own.isFull && step > 0) return undefined;
  let left = Math.abs(index);
  let passed = 0;
  for (let at = step; idOf.has(at); at += step) {
    const id = idOf.get(at) ?? null;
    if (id !== null && own.queryIds.has(id)) {
      passed += 1;
      continue;
    }
    left -= 1;
    if (left > 0 && id !== null) continue;
    return own.isFull && passed === own.queryIds.size ? undefined : id;
  }
  return null;
}

async function lookUp(
  parts: Parts,
  statement: Identified,
  indexes: readonly number[],
): Promise<readonly (string | null)[] | null> {
  const requestId = parts.ids.ticket(Date.now());
  const key: SessionKey = statement.identity;
  if (!(await parts.ownStatements.beginLookUp(key, requestId))) return null;
  const columns = indexes.map((index) => `LAST_QUERY_ID(${index})`).join(', ');
  return askInSession(parts, statement, {
    sqlText: `SELECT ${columns}`,
    requestId,
    limitMs: LIMIT_MS,
  });
}

/** Requests of ours whose reply was lost are sent again: upstream answers with their first execution, and so their id. */
async function withoutPending(
  parts: Parts,
  statement: Identified,
  own: OwnIds,
): Promise<OwnIds | undefined> {
  if (own.pending.length === 0) return own;
  for (const requestId of own.pending)
    await askInSession(parts, statement, {
      sqlText: 'SELECT 1',
      requestId,
      limitMs: LIMIT_MS,
      isRepeat: true,
    });
  const again = await parts.ownStatements.read(statement.identity);
  return again.pending.length === 0 ? again : undefined;
}

function refused(why: string): HideOutcome {
  return {
    kind: 'refused',
    refusal: callerRefusal(
      'ticketUnknown',
      `Not run, nothing charged: the text counts queries of the session, ${why}: Tollgate has sent some of its own there to price statements. Name the query by its id, or use a new session.`,
    ),
  };
}
