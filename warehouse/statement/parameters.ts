/** Session parameters: what a session, a statement or a login sets, what replies carry, and what the engine is told. */
import { DEFAULT_CLIENT_PARAMETERS } from '#base/wire/client-parameters.js';
import type { ClientParameter } from '#base/wire/client-parameters.js';
import type { EngineFailure } from '../engine/engine.js';
import { ENGINE_HONOURED } from '../engine/session-parameters.js';
import type { ParameterScalar } from '../engine/session-parameters.js';
import { failure, unsupported } from './outcome.js';
import { PARAMETERS } from './parameter-table.js';
import type { ParameterDefinition } from './parameter-table.js';

export type ParameterValue = ParameterScalar;
export type Parameters = ReadonlyMap<string, ParameterValue>;

/** Most characters of a query tag (Snowflake, parameter QUERY_TAG). */
const QUERY_TAG_MAX = 2000;
/** Most characters of any other text. */
const TEXT_MAX = 1000;

/** Value in force: what is set, else the default; undefined for a name nobody knows. */
export function parameterValue(set: Parameters, name: string): ParameterValue | undefined {
  return set.get(name) ?? PARAMETERS.get(name)?.default;
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

/**
 * Checks a parameter that somebody sets for a session, a user or the account.
 *
 * @returns its value with the type and spelling that are kept; `001420` for a name that is no session parameter,
 * `001008` for a value that is not legal, `000002` for a legal one whose effect the engine does not have.
 */
export function checkedParameter(
  name: string,
  value: ParameterValue,
  owner: 'SESSION' | 'USER' | 'ACCOUNT' = 'SESSION',
): { readonly kind: 'value'; readonly value: ParameterValue } | EngineFailure {
  const definition = PARAMETERS.get(name);
  if (definition === undefined || definition.object !== undefined)
    return failure(
      '001420',
      '22023',
      `SQL compilation error:\ninvalid property '${name.slice(0, 100)}' for '${owner}'`,
    );
  const legal = legalValue(definition, value);
  if (legal === undefined)
    return failure(
      '001008',
      '22023',
      `SQL compilation error:\ninvalid value [${String(value).slice(0, 100)}] for parameter '${name}'`,
    );
  return unhonoured(name, legal) ?? { kind: 'value', value: legal };
}

/** The failure of a set that holds a value whose effect the engine does not have; undefined when it holds none. */
export function unhonouredIn(set: Parameters): EngineFailure | undefined {
  for (const [name, value] of set) {
    const found = unhonoured(name, value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unhonoured(name: string, value: ParameterValue): EngineFailure | undefined {
  if (!Object.hasOwn(ENGINE_HONOURED, name)) return undefined;
  const honoured = ENGINE_HONOURED[name];
  if (honoured === undefined || honoured.honours(value)) return undefined;
  return unsupported(
    `the parameter ${name} = ${String(value).slice(0, 100)}; the only value with effect is ${honoured.words}`,
  );
}

/** A value in the type of the default and the spelling that is kept; undefined when it is not legal. */
function legalValue(
  definition: ParameterDefinition,
  value: ParameterValue,
): ParameterValue | undefined {
  const fallback = definition.default;
  if (typeof fallback === 'boolean') return booleanOf(value);
  if (typeof fallback === 'number') {
    const number = typeof value === 'boolean' || value === '' ? Number.NaN : Number(value);
    const [least, most] = definition.range ?? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
    return Number.isInteger(number) && number >= least && number <= most ? number : undefined;
  }
  const text = String(value);
  if (definition.name === 'TIMEZONE') return isTimeZone(text) ? text : undefined;
  if (definition.name === 'QUERY_TAG') return text.length <= QUERY_TAG_MAX ? text : undefined;
  if (definition.values === undefined) return text.length <= TEXT_MAX ? text : undefined;
  return definition.values.find((one) => one.toUpperCase() === text.toUpperCase());
}

function booleanOf(value: ParameterValue): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (/^(?:true|t|yes|y|on|1)$/i.test(String(value))) return true;
  return /^(?:false|f|no|n|off|0)$/i.test(String(value)) ? false : undefined;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * Entries of a JSON object as parameters of one statement: names in upper case, a query tag cut to its length, other
 * values that are not legal left out, as are those that are no scalars. Names that nobody knows are kept.
 */
export function readParameters(source: unknown): Parameters {
  const set = new Map<string, ParameterValue>();
  for (const [name, value] of scalarsOf(source)) {
    const definition = PARAMETERS.get(name);
    const kept = name === 'QUERY_TAG' ? String(value).slice(0, QUERY_TAG_MAX) : value;
    const legal = definition === undefined ? kept : legalValue(definition, kept);
    if (legal !== undefined) set.set(name, legal);
  }
  return set;
}

/** Scalars of a JSON object by upper-case name. */
export function scalarsOf(source: unknown): ReadonlyMap<string, ParameterValue> {
  const found = new Map<string, ParameterValue>();
  if (typeof source !== 'object' || source === null) return found;
  for (const [name, value] of Object.entries(source))
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      found.set(name.toUpperCase(), value);
  return found;
}

/** What every reply carries: the client parameters with the session's own values, and whatever else it has set. */
export function clientParameters(set: Parameters): readonly ClientParameter[] {
  const usual = DEFAULT_CLIENT_PARAMETERS.map(({ name, value }) => ({
    name,
    value: set.get(name) ?? value,
  }));
  const names = new Set(usual.map(({ name }) => name));
  const others = [...set].flatMap(([name, value]) =>
    names.has(name) || !PARAMETERS.has(name) ? [] : [{ name, value }],
  );
  return [...usual, ...others];
}

/** Besides what changes meanings, the engine is told how many rows at most anybody will see. */
const TOLD = [...Object.keys(ENGINE_HONOURED), 'ROWS_PER_RESULTSET'];

/**
 * Values in force of the parameters that change what SQL means, and of ROWS_PER_RESULTSET, for the engine; a
 * statement's own go first.
 */
export function engineParameters(
  session: Parameters,
  statement: Parameters,
): Readonly<Record<string, ParameterScalar>> {
  return Object.fromEntries(
    TOLD.flatMap((name) => {
      const value = statement.get(name) ?? parameterValue(session, name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
