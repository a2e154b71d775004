/** Where a statement names the history functions of INFORMATION_SCHEMA, and the text that names the tables behind them. */
import type { Session } from '../identity/sessions.js';
import type { Token } from '../statement/tokens.js';

/** Where the engine looks for what TABLE(INFORMATION_SCHEMA.F(…)) reads. */
export const HISTORY_SCHEMA = 'TABLE_FUNCTIONS';

/** Functions of the query history, each with the argument that it is named after. */
const QUERY_FUNCTIONS: ReadonlyMap<string, string | null> = new Map([
  ['QUERY_HISTORY', null],
  ['QUERY_HISTORY_BY_SESSION', 'SESSION_ID'],
  ['QUERY_HISTORY_BY_USER', 'USER_NAME'],
  ['QUERY_HISTORY_BY_WAREHOUSE', 'WAREHOUSE_NAME'],
]);
export const WAREHOUSE_FUNCTIONS: ReadonlySet<string> = new Set([
  'WAREHOUSE_METERING_HISTORY',
  'WAREHOUSE_LOAD_HISTORY',
]);

/** What stands in place of `[db.]INFORMATION_SCHEMA.<function>`: the part that names the history. */
export interface HistoryReference {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Of a call: the offset behind its opening bracket, its arguments in upper case, whether it has any. */
  readonly call:
    | {
        readonly argumentsStart: number;
        readonly words: ReadonlySet<string>;
        readonly isEmpty: boolean;
      }
    | undefined;
}

/** The references to query and warehouse histories among `tokens`; those to warehouse histories only as calls. */
export function historyReferences(tokens: readonly Token[]): readonly HistoryReference[] {
  const found: HistoryReference[] = [];
  tokens.forEach((token, index) => {
    const isQueries = QUERY_FUNCTIONS.has(token.value);
    if ((!isQueries && !WAREHOUSE_FUNCTIONS.has(token.value)) || token.kind === 'string') return;
    if (tokens[index - 1]?.value !== '.' || tokens[index - 2]?.value !== 'INFORMATION_SCHEMA')
      return;
    const hasDatabase = tokens[index - 3]?.value === '.';
    const first = tokens[index - (hasDatabase ? 4 : 2)];
    if (first === undefined) return;
    const open = tokens[index + 1];
    if (open?.value === '(') {
      const words = argumentWords(tokens, index + 1);
      const call = { argumentsStart: open.end, words, isEmpty: words.size === 0 };
      found.push({ name: token.value, start: token.start, end: token.end, call });
    } else if (isQueries)
      found.push({ name: token.value, start: first.start, end: token.end, call: undefined });
  });
  return found;
}

function argumentWords(tokens: readonly Token[], open: number): ReadonlySet<string> {
  const words = new Set<string>();
  let depth = 0;
  for (const { value } of tokens.slice(open)) {
    if (value === '(') depth += 1;
    if (value === ')') depth -= 1;
    if (depth === 0) break;
    if (value !== '(' || depth > 1) words.add(value);
  }
  return words;
}

/**
 * `sql` with query histories leading to `table`. A function that is named after a session, a user or a warehouse gets
 * the session's own as argument when it has none (Snowflake, "QUERY_HISTORY, QUERY_HISTORY_BY_*").
 */
export function withHistoryTable(
  sql: string,
  references: readonly HistoryReference[],
  table: string,
  session: Session,
): string {
  let text = sql;
  for (const { name, start, end, call } of [...references].reverse()) {
    if (WAREHOUSE_FUNCTIONS.has(name)) continue;
    if (call === undefined) {
      text = `${text.slice(0, start)}SNOWFLAKE.${HISTORY_SCHEMA}.${table}${text.slice(end)}`;
      continue;
    }
    const parameter = QUERY_FUNCTIONS.get(name) ?? null;
    const own =
      parameter === null || call.words.has(parameter)
        ? ''
        : `${parameter} => ${ownValue(parameter, session)}${call.isEmpty ? '' : ', '}`;
    text = `${text.slice(0, start)}${table}${text.slice(end, call.argumentsStart)}${own}${text.slice(call.argumentsStart)}`;
  }
  return text;
}

function ownValue(parameter: string, session: Session): string {
  switch (parameter) {
    case 'SESSION_ID':
      return String(session.id);
    case 'USER_NAME':
      return quoted(session.user.name);
    default:
      return quoted(session.warehouse ?? '');
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
