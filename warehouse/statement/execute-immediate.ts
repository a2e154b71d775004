/** EXECUTE IMMEDIATE (page "EXECUTE IMMEDIATE"): one statement given as a text or a session variable, run in its place. */
import { WIRE_CODES } from '#base/wire/codes.js';
import type { EngineFailure } from '../engine/engine.js';
import type { Session } from '../identity/sessions.js';
import { failure } from './outcome.js';
import { splitRequest } from './tokens.js';
import type { Token } from './tokens.js';

/**
 * The statement inside, undefined when `tokens` are no EXECUTE IMMEDIATE; a failure (000002) for blocks of Snowflake
 * Scripting, several statements and USING.
 */
export function immediateStatement(
  tokens: readonly Token[],
  session: Session,
): string | EngineFailure | undefined {
  const [first, second, text] = tokens;
  if (first?.value !== 'EXECUTE' || first.kind !== 'word' || second?.value !== 'IMMEDIATE')
    return undefined;
  const refused = (feature: string): EngineFailure =>
    failure(
      WIRE_CODES.unsupported,
      '0A000',
      `Unsupported feature in the embedded warehouse: ${feature}`,
    );
  if (tokens.length > 3) return refused('EXECUTE IMMEDIATE … USING');
  const sql =
    text?.kind === 'string'
      ? text.value
      : session.variables.get((text?.value ?? '').replace(/^\$/, '').toUpperCase());
  if (sql === undefined || sql === null) return refused('EXECUTE IMMEDIATE of anything but a text');
  if (
    /^\s*(?:DECLARE|LET|EXECUTE)\b/i.test(sql) ||
    /^\s*BEGIN\s+(?!WORK\b|TRANSACTION\b|NAME\b|;|$)/i.test(sql)
  )
    return refused('Snowflake Scripting blocks');
  const statements = splitRequest(sql);
  const [only] = statements;
  return statements.length === 1 && only !== undefined
    ? only
    : refused('EXECUTE IMMEDIATE of several statements');
}
