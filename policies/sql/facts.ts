/**
 * What analysis knows of one statement: the vocabulary between analysis, estimate and rules. A fact that is not
 * known is named in `unknown`, never guessed; a statement that is not understood at all is `opaque`.
 */
import type { StatementClass } from '#base/sql/statement-class.js';

export { STATEMENT_CLASSES, type StatementClass } from '#base/sql/statement-class.js';

export const FILTER_OPERATORS = [
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  'between',
  'in',
  'like',
  'is',
] as const;
export type FilterOperator = (typeof FILTER_OPERATORS)[number];

/** A comparison of a column with literals, as a range: `=` has low = high, open ends are null. */
export interface Filter {
  /** `DB.SCHEMA.TABLE`. */
  readonly table: string;
  readonly column: string;
  readonly operator: FilterOperator;
  readonly low: string | null;
  readonly high: string | null;
}

/** Facts that a fixed list of names describes when they could not be established. */
export const UNKNOWN_FACTS = [
  'tables',
  'columns',
  'filters',
  'dynamic-name',
  'too-complex',
  'too-large',
] as const;
export type UnknownFact = (typeof UNKNOWN_FACTS)[number];

export interface StatementFacts {
  readonly class: StatementClass;
  /** True when the text could hide anything: unparsed, dynamic, CALL, scripting. Priced dear, refused or approved. */
  readonly opaque: boolean;
  /** Hash of the literal-free statement, 32 hex digits; same shape same hash, different objects different hash. */
  readonly fingerprint: string;
  /** Fully qualified `DB.SCHEMA.TABLE`, sorted, unquoted names upper-cased; CTEs and aliases excluded. */
  readonly tablesRead: readonly string[];
  readonly tablesWritten: readonly string[];
  /** Columns touched per table; `*` stands for all of them. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  readonly filters: readonly Filter[];
  readonly hasSelectStar: boolean;
  readonly hasCrossJoin: boolean;
  readonly limit: number | null;
  /** Sure to use no warehouse: session, transaction and metadata statements, `SELECT 1`, context functions. */
  readonly isFree: boolean;
  readonly unknown: readonly UnknownFact[];
}

/** Where unqualified names resolve; null when the session has none. */
export interface NameContext {
  readonly database: string | null;
  readonly schema: string | null;
}

/** Facts of a whole request text, one entry per statement in it. */
export interface TextFacts {
  readonly statements: readonly StatementFacts[];
  /** Fingerprint of the whole text. */
  readonly fingerprint: string;
}

/** Column names per `DB.SCHEMA.TABLE`, so that unqualified columns can be given to a table; absent = unknown. */
export interface Catalogue {
  readonly version: string;
  columnsOf(table: string): readonly string[] | undefined;
}

/** Analysis. Total: never throws and never hangs; what it cannot understand comes back opaque. */
export interface Analyser {
  analyse(sql: string, context: NameContext, catalogue: Catalogue): Promise<TextFacts>;
  stop(): Promise<void>;
}
