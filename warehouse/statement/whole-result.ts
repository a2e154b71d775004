/**
 * `SELECT * FROM TABLE(RESULT_SCAN(…))`: an earlier result as it is. The Python connector fetches the results of
 * asynchronous statements so; the engine would load every page and write them all again.
 */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { NO_SCAN } from './outcome.js';
import type { Outcome } from './outcome.js';
import type { OwnWorld } from './own-world.js';
import { parameterNumber } from './parameters.js';
import type { Statement } from './statement.js';
import { TokenReader } from './tokens.js';
import type { Token } from './tokens.js';

/** The rows of the earlier statement; undefined for any other text, and for ids without rows, which the engine refuses. */
export function wholeResult(
  world: OwnWorld,
  { session, request }: Statement,
  tokens: readonly Token[],
): Outcome | undefined {
  const set = new Map([...session.parameters, ...request.parameters]);
  if (parameterNumber(set, 'ROWS_PER_RESULTSET', 0) > 0) return undefined;
  const reader = new TokenReader(tokens);
  if (!reader.accept('SELECT', '*', 'FROM', 'TABLE', '(', 'RESULT_SCAN', '(')) return undefined;
  const id = reader.accept('LAST_QUERY_ID', '(', ')')
    ? session.lastQueryIds.at(-1)
    : textOf(reader.next());
  const isWhole = reader.accept(')', ')') && (reader.accept(';') || reader.atEnd);
  if (!isWhole || !reader.atEnd || id === undefined) return undefined;
  const outcome = world.statements().find(session, id)?.settled?.outcome;
  if (outcome?.kind !== 'rows') return undefined;
  const { columns, rows, stored, widths } = outcome;
  return {
    kind: 'rows',
    columns,
    rows,
    ...(stored === undefined ? {} : { stored }),
    ...(widths === undefined ? {} : { widths }),
    statementTypeId: STATEMENT_TYPES.select,
    scan: NO_SCAN,
  };
}

function textOf(token: Token | undefined): string | undefined {
  return token?.kind === 'string' ? token.value : undefined;
}
