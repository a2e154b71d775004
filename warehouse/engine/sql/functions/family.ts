/** How the functions of Snowflake are said in DuckDB: families of them, each with its names, rewritings and macros. */
import type { CallSite } from './call-site.js';

/** Writes one call; arguments that it leaves alone are rewritten after it. Throws StatementFailed for a form that cannot be kept. */
export type CallRewriting = (call: CallSite) => void;

/**
 * Functions of one kind. A function that no family names is refused: DuckDB may have one of the same name and
 * another meaning.
 */
export interface FunctionFamily {
  /** Names under which the transpiler and DuckDB give the same answers and types as Snowflake. */
  readonly same: readonly string[];
  /** Snowflake's name → the macro that takes the same arguments. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Snowflake's name → how its call is written. */
  readonly rewritten: Readonly<Record<string, CallRewriting>>;
  /** CREATE MACRO statements, run whenever the database is opened. */
  readonly macros: readonly string[];
}

/** The names in `text`, parted by white space. */
export function namesOf(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
