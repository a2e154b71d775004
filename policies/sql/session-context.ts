/** Where names of the next statement resolve when an earlier one of the same text says USE. */
import type { Tokens } from '#base/sql/lexer.js';
import { classifyStatement } from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import type { NameContext } from './facts.js';
import { TokenCursor } from './words/token-cursor.js';

const UNKNOWN: NameContext = { database: null, schema: null };

/**
 * The context after the statement in `range`. USE of a database goes to its schema PUBLIC, as Snowflake does ("USE
 * DATABASE"); a name that a variable gives leaves nothing known.
 */
export function contextAfter(
  tokens: Tokens,
  range: StatementRange,
  before: NameContext,
): NameContext {
  const head = classifyStatement(tokens, range);
  if (head.use !== 'database' && head.use !== 'schema') return before;
  const hasKind = head.object === 'DATABASE' || head.object === 'SCHEMA';
  const cursor = new TokenCursor(tokens, (hasKind ? head.objectAt : head.verbAt) + 1, range.to);
  const name = cursor.name();
  if (name === undefined || name.isDynamic) return UNKNOWN;
  const [first = null, second] = name.parts;
  if (second !== undefined) return { database: first, schema: second === '' ? 'PUBLIC' : second };
  return head.use === 'schema'
    ? { database: before.database, schema: first }
    : { database: first, schema: 'PUBLIC' };
}
