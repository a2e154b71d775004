/** All families together: what is known of a function by its name, and every macro. */
import { AGGREGATES } from './aggregates.js';
import { ARITHMETIC } from './arithmetic.js';
import { CONVERSIONS } from './conversions.js';
import type { CallRewriting, FunctionFamily } from './family.js';
import { HASHES } from './hashes.js';
import { NUMBERS } from './numbers.js';
import { POLYMORPHIC_MACROS } from './polymorphic.js';
import { SEMI_STRUCTURED } from './semi-structured.js';
import { TEXTS } from './texts.js';
import { TIMES } from './times.js';

const NO_WAIT = `error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: SYSTEM$WAIT beside anything else; SELECT SYSTEM$WAIT(n) or CALL SYSTEM$WAIT(n) waits:TGEND')`;

const SYSTEM: FunctionFamily = {
  same: [],
  renamed: { SYSTEM$WAIT: 'TG_WAIT' },
  rewritten: {},
  macros: [
    // The server waits where the call is the whole statement; in any other place nothing would.
    `CREATE MACRO tg_wait(n) AS CASE WHEN n IS NOT NULL THEN ${NO_WAIT} END::VARCHAR, (n, unit) AS CASE WHEN n IS NOT NULL OR unit IS NOT NULL THEN ${NO_WAIT} END::VARCHAR`,
  ],
};

/** In the order of their macros: the operators of ARITHMETIC come last, as macros before them are written in DuckDB's. */
const FAMILIES: readonly FunctionFamily[] = [
  NUMBERS,
  TEXTS,
  HASHES,
  TIMES,
  CONVERSIONS,
  SEMI_STRUCTURED,
  AGGREGATES,
  SYSTEM,
  ARITHMETIC,
];

/** Operators of DuckDB that are macros here. */
export const OPERATORS: readonly string[] = ['"+"', '"-"', '"*"', '"/"', '"%"'];

/** CREATE MACRO statements of every family. */
export const MACROS: readonly string[] = [
  ...POLYMORPHIC_MACROS,
  ...FAMILIES.flatMap(({ macros }) => macros),
];

const REWRITINGS: ReadonlyMap<string, CallRewriting> = new Map(
  FAMILIES.flatMap(({ same, renamed, rewritten }) => [
    ...same.map((name) => [name, () => undefined] as const),
    ...Object.entries(renamed).map(
      ([name, macro]) =>
        [name, (call: { rename(name: string): void }) => call.rename(macro)] as const,
    ),
    ...Object.entries(rewritten),
  ]),
);

/** How a call of `name` is written; undefined for a function that is not known here. */
export function rewritingOf(name: string): CallRewriting | undefined {
  return REWRITINGS.get(name);
}

/** Every function that is known, for lists and tests. */
export function knownFunctions(): readonly string[] {
  return [...REWRITINGS.keys()].sort();
}
