/**
 * What a text does to the transaction of its session, by its words. Cautious: what may begin one is marked before it is
 * sent, and only a COMMIT or ROLLBACK that has succeeded takes the mark away.
 */
import { isOperator, lex, nextSignificant, wordAt } from '#base/sql/lexer.js';
import type { Tokens } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { classifyStatement } from '#base/sql/statement-class.js';
import { toError } from '#base/errors.js';
import { isSqlApiSession } from '../owner.js';
import type { Parts } from '../parts.js';
import type { Identified } from '../stages.js';
import type { TransactionMark } from './own-statements.js';

export interface TransactionEffect {
  readonly whenSent: TransactionMark | null;
  readonly whenSucceeded: TransactionMark | null;
}

const WORDS = /\b(?:begin|transaction|commit|rollback|autocommit|immediate)\b/i;
const NOTHING: TransactionEffect = { whenSent: null, whenSucceeded: null };
/** Words of a scripting block that say what its BEGIN alone does not. */
const TRANSACTION_WORDS: ReadonlySet<string> = new Set(['TRANSACTION', 'COMMIT', 'ROLLBACK']);

/** Total. Snowflake, "Transactions": a procedure ends what it begins, so CALL has no effect. */
export function transactionEffect(sqlText: string): TransactionEffect {
  if (!WORDS.test(sqlText)) return NOTHING;
  const tokens = lex(sqlText);
  const marks = splitStatements(tokens).flatMap((range) => markOf(tokens, range) ?? []);
  const last = marks.at(-1);
  const before = STRONGEST.find((mark) => marks.includes(mark)) ?? null;
  const isEnd = last === 'closed' || last === 'automatic';
  return { whenSent: before, whenSucceeded: isEnd ? last : null };
}

/** Of what a text does before it ends, that which counts most. */
const STRONGEST: readonly TransactionMark[] = ['unclear', 'manual', 'opened'];

function markOf(tokens: Tokens, range: StatementRange): TransactionMark | null {
  const head = classifyStatement(tokens, range);
  if (head.class === 'transaction')
    return head.verb === 'COMMIT' || head.verb === 'ROLLBACK' ? 'closed' : 'opened';
  if (head.isAlterSession) return autocommitOf(tokens, range);
  if (head.verb === 'EXECUTE' && head.object === 'IMMEDIATE') return 'unclear';
  if (!range.hasBlock || head.class !== 'script') return null;
  for (let at = range.head; at < range.to; at += 1)
    if (TRANSACTION_WORDS.has(wordAt(tokens, at))) return 'unclear';
  return null;
}

/** What ALTER SESSION does to AUTOCOMMIT; whatever is not plainly TRUE counts as off. */
function autocommitOf(tokens: Tokens, range: StatementRange): TransactionMark | null {
  for (let at = range.head; at < range.to; at += 1) {
    if (wordAt(tokens, at) !== 'AUTOCOMMIT') continue;
    const equals = nextSignificant(tokens, at + 1, range.to);
    const value = nextSignificant(tokens, equals + 1, range.to);
    return isOperator(tokens, equals, '=') && wordAt(tokens, value) === 'TRUE'
      ? 'automatic'
      : 'manual';
  }
  return null;
}

/**
 * Notes what a statement does to its session's transaction, before it is sent or after it has succeeded. Never throws:
 * without Postgres a BEGIN goes on, and what is then not known costs at most a plan that is asked for inside it.
 */
export async function noteTransaction(
  parts: Parts,
  { identity, query }: Pick<Identified, 'identity' | 'query'>,
  when: keyof TransactionEffect,
): Promise<void> {
  const mark = transactionEffect(query.sqlText)[when];
  if (mark === null || query.isDescribe || isSqlApiSession(identity.sessionId)) return;
  try {
    await parts.ownStatements.markTransaction(identity, mark);
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown) }, 'the transaction of a session could not be noted');
  }
}
