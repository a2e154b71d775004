/** What a statement changed in its session, read from the reply and, for ALTER SESSION, from the text. */
import {
  KIND,
  isOperator,
  kindAt,
  lex,
  significantIndexes,
  textAt,
  type Tokens,
  wordAt,
} from '#base/sql/lexer.js';
import { eachStatement } from '#base/sql/splitter.js';
import { stringValueAt } from '#base/sql/token-values.js';
import type { ScannedReply } from '../wire/reply-scanner.js';
import type { SessionContext } from './sessions.js';
import { timeZoneName } from './time-zone-name.js';

type Changes = { -readonly [K in keyof SessionContext]?: SessionContext[K] };

/** Names in a reply's `data` that say where the session stands afterwards. */
const FINAL_NAMES = [
  ['finalRoleName', 'role'],
  ['finalWarehouseName', 'warehouse'],
  ['finalDatabaseName', 'database'],
  ['finalSchemaName', 'schema'],
] as const;

/** The changes of a successful statement; empty for a failed one. */
export function sessionChanges(sqlText: string, reply: ScannedReply): Partial<SessionContext> {
  if (reply.top['success'] !== true) return {};
  const changes: Changes = {};
  for (const [field, key] of FINAL_NAMES) {
    const value = reply.data[field];
    if (typeof value === 'string' || value === null) changes[key] = value === '' ? null : value;
  }
  return { ...changes, ...alteredParameters(sqlText) };
}

/**
 * What the `ALTER SESSION SET name = value …` and `UNSET name, …` of a text make of the parameters that matter to us, in their
 * order; those in scripting blocks are not seen. null: its default holds, which nobody here knows. Absent: not altered.
 */
export function alteredParameters(sqlText: string): Partial<SessionContext> {
  if (!/\balter\b/i.test(sqlText)) return {};
  const tokens = lex(sqlText);
  const changes: Changes = {};
  for (const { from, to, head } of eachStatement(tokens))
    if (wordAt(tokens, head) === 'ALTER')
      Object.assign(changes, alterSessionChanges(tokens, significantIndexes(tokens, from, to)));
  return changes;
}

function alterSessionChanges(tokens: Tokens, at: readonly number[]): Changes {
  const word = (index: number): string =>
    at[index] === undefined ? '' : wordAt(tokens, at[index]);
  if (word(1) !== 'SESSION') return {};
  const changes: Changes = {};
  const assign = (name: string, value: string | null): void => {
    if (name === 'QUERY_TAG') changes.queryTag = value === '' ? null : value;
    if (name === 'STATEMENT_TIMEOUT_IN_SECONDS') {
      const seconds = Number(value);
      changes.statementTimeoutSeconds =
        value !== null && Number.isSafeInteger(seconds) && seconds > 0 ? seconds : null;
    }
    // Unset, the user's or the account's holds again: nobody here knows it.
    if (name === 'TIMEZONE') changes.timeZone = timeZoneName(value);
  };
  if (word(2) === 'UNSET') {
    for (let index = 3; index < at.length; index += 1) assign(word(index), null);
    return changes;
  }
  for (let index = 3; index + 2 < at.length; index += 1) {
    const [equals, valueAt] = [at[index + 1], at[index + 2]];
    if (equals === undefined || valueAt === undefined || !isOperator(tokens, equals, '=')) continue;
    const kind = kindAt(tokens, valueAt);
    const isText = kind === KIND.string || kind === KIND.dollarString;
    assign(
      word(index),
      isText ? (stringValueAt(tokens, valueAt) ?? null) : textAt(tokens, valueAt),
    );
  }
  return changes;
}
