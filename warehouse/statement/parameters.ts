/** Session parameters: what a session, a statement or a login sets, and how SHOW PARAMETERS and replies print them. */
import { DEFAULT_CLIENT_PARAMETERS } from '#base/wire/client-parameters.js';
import type { ClientParameter } from '#base/wire/client-parameters.js';

export type ParameterValue = string | number | boolean;
export type Parameters = ReadonlyMap<string, ParameterValue>;

/** Parameters that replies do not carry, with Snowflake's defaults. */
const SERVER_SIDE: readonly ClientParameter[] = [
  { name: 'QUERY_TAG', value: '' },
  { name: 'STATEMENT_TIMEOUT_IN_SECONDS', value: 172_800 },
  { name: 'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS', value: 0 },
  { name: 'MULTI_STATEMENT_COUNT', value: 1 },
  { name: 'LOCK_TIMEOUT', value: 43_200 },
  { name: 'ROWS_PER_RESULTSET', value: 0 },
  { name: 'USE_CACHED_RESULT', value: true },
  { name: 'WEEK_START', value: 0 },
  { name: 'ABORT_DETACHED_QUERY', value: false },
  { name: 'TRANSACTION_ABORT_ON_ERROR', value: false },
];

/** Most characters of a query tag (Snowflake, parameter QUERY_TAG). */
const QUERY_TAG_MAX = 2000;

const DEFAULTS: ReadonlyMap<string, ParameterValue> = new Map(
  [...DEFAULT_CLIENT_PARAMETERS, ...SERVER_SIDE].map(({ name, value }) => [name, value]),
);

/** Value in force: what is set, else the default; undefined for a name nobody knows. */
export function parameterValue(set: Parameters, name: string): ParameterValue | undefined {
  return set.get(name) ?? DEFAULTS.get(name);
}

/** The same as a number; `fallback` when it is not one. */
export function parameterNumber(set: Parameters, name: string, fallback: number): number {
  const value = Number(parameterValue(set, name) ?? fallback);
  return Number.isFinite(value) ? value : fallback;
}

/** Whether a DML statement commits by itself. */
export function isAutocommit(set: Parameters): boolean {
  return parameterValue(set, 'AUTOCOMMIT') !== false;
}

/** Gives a value the type of the parameter's default, so that drivers read JSON booleans and numbers. */
export function coerceParameter(name: string, value: ParameterValue): ParameterValue {
  const known = DEFAULTS.get(name);
  if (typeof known === 'boolean')
    return typeof value === 'boolean' ? value : /^(true|1|on|yes)$/i.test(String(value));
  if (typeof known === 'number') {
    const number = Number(value);
    return Number.isFinite(number) ? number : known;
  }
  if (name === 'QUERY_TAG') return String(value).slice(0, QUERY_TAG_MAX);
  return known === undefined ? value : String(value);
}

/** Entries of a JSON object as parameters; names in upper case, values that are no scalars left out. */
export function readParameters(source: unknown): Parameters {
  const set = new Map<string, ParameterValue>();
  if (typeof source !== 'object' || source === null) return set;
  for (const [name, value] of Object.entries(source)) {
    const key = name.toUpperCase();
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      set.set(key, coerceParameter(key, value));
  }
  return set;
}

/** What every reply carries: the client parameters with the session's own values. */
export function clientParameters(set: Parameters): readonly ClientParameter[] {
  return DEFAULT_CLIENT_PARAMETERS.map(({ name, value }) => ({
    name,
    value: set.get(name) ?? value,
  }));
}

export interface ParameterRow {
  readonly key: string;
  readonly value: string;
  readonly default: string;
  readonly level: '' | 'SESSION';
  readonly type: 'BOOLEAN' | 'NUMBER' | 'STRING';
}

/** Every parameter for SHOW PARAMETERS, by name. */
export function parameterRows(set: Parameters): readonly ParameterRow[] {
  const names = [...new Set([...DEFAULTS.keys(), ...set.keys()])].sort();
  return names.map((key) => {
    const fallback = DEFAULTS.get(key) ?? '';
    const value = set.get(key) ?? fallback;
    const type =
      typeof value === 'boolean' ? 'BOOLEAN' : typeof value === 'number' ? 'NUMBER' : 'STRING';
    return {
      key,
      value: String(value),
      default: String(fallback),
      level: set.has(key) ? 'SESSION' : '',
      type,
    };
  });
}
