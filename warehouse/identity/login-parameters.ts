/** The parameters that a session starts with: the account's, the user's over them, the login's over both. */
import type { EngineFailure } from '../engine/engine.js';
import { checkedParameter, scalarsOf } from '../statement/parameters.js';
import type { ParameterValue } from '../statement/parameters.js';
import { PARAMETERS } from '../statement/parameter-table.js';
import type { InheritedValue } from './sessions.js';
import type { UserRecord } from './user-records.js';
import type { UserTable } from './users.js';

/** Connection options that drivers send among the session parameters. */
const VALIDATES = 'CLIENT_VALIDATE_DEFAULT_PARAMETERS';

export interface LoginParameters {
  readonly kind: 'parameters';
  readonly values: Map<string, ParameterValue>;
  readonly inherited: ReadonlyMap<string, InheritedValue>;
  /** Whether the login wants names that do not exist refused. */
  readonly isValidating: boolean;
}

/**
 * The parameters of a new session. Names of `SESSION_PARAMETERS` that nobody knows are left out, as Snowflake does:
 * drivers send options of their own there. A known one with an illegal value or a value without effect fails the
 * login with 001008 or 000002.
 */
export function loginParameters(
  table: UserTable,
  user: UserRecord,
  wanted: unknown,
): LoginParameters | EngineFailure {
  const inherited = new Map<string, InheritedValue>();
  for (const [name, value] of Object.entries(table.accountParameters))
    inherited.set(name, { value, level: 'ACCOUNT' });
  for (const [name, value] of Object.entries(user.parameters))
    inherited.set(name, { value, level: 'USER' });
  const values = new Map([...inherited].map(([name, { value }]) => [name, value]));
  for (const [name, value] of scalarsOf(wanted)) {
    if (!PARAMETERS.has(name)) continue;
    const checked = checkedParameter(name, value);
    if (checked.kind === 'failed') return checked;
    values.set(name, checked.value);
  }
  const isValidating = values.get(VALIDATES) === true;
  return { kind: 'parameters', values, inherited, isValidating };
}
