/**
 * What analysis knows of one statement: the vocabulary between analysis, estimate and rules. A fact that is not
 * known is named in `unknown`, never guessed; a statement that is not understood at all is `opaque`.
 */
import type { StatementClass } from '#base/sql/statement-class.js';
import type { RelativeBound } from './relative-bound.js';

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

/**
 * A comparison of a column with constants, as a range: `=` has low = high, ends that are open or only known when it runs
 * are null.
 */
export interface Filter {
  /** `DB.SCHEMA.TABLE`. */
  readonly table: string;
  readonly column: string;
  readonly operator: FilterOperator;
  readonly low: string | null;
  readonly high: string | null;
  /** The lower bound where the clock decides it: the least of these; `low` is null then. Absent: it does not. */
  readonly relativeLow?: readonly RelativeBound[];
  /** The upper bound where the clock decides it: the greatest of these; `high` is null then. */
  readonly relativeHigh?: readonly RelativeBound[];
}

/** Comparisons between two values. */
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** The comparison that says the same with its sides exchanged. */
export const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/**
 * One reading of a table, with the filters that bound it. A statement that reads a table twice has two: a filter of
 * one says nothing about what the other reads.
 */
export interface Reading {
  readonly table: string;
  readonly filters: readonly Filter[];
}

/** Two columns that a condition compares, or USING and NATURAL equate: an edge of the join graph. */
export interface Join {
  /** `DB.SCHEMA.TABLE`; the side whose table and column sort first. */
  readonly leftTable: string;
  readonly leftColumn: string;
  readonly operator: Comparison;
  readonly rightTable: string;
  readonly rightColumn: string;
}

/** A database, or a schema of one, of which a statement touches whatever is in it: DROP SCHEMA, CREATE DATABASE … CLONE. */
export interface Area {
  readonly action: 'read' | 'write';
  readonly database: string;
  /** null: every schema of the database. */
  readonly schema: string | null;
}

/** What the words of a statement show, whether or not a parser understands it. */
export interface Traits {
  /** Functions called, upper-cased unless quoted, qualified as written, sorted. */
  readonly functions: readonly string[];
  /** Stages and addresses named, as written, in order: `@~/f`, `@db.s.st/p`, `s3://b/p`, `file:///f`. */
  readonly stages: readonly string[];
  /** GROUP BY, or an aggregate function that no OVER turns into a window function. */
  readonly hasAggregation: boolean;
  readonly hasWindowFunction: boolean;
  /** `AT`, `BEFORE` or `CHANGES` of a table. */
  readonly hasTimeTravel: boolean;
  /** `SAMPLE` or `TABLESAMPLE`. */
  readonly hasSample: boolean;
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

/** Each of `unknown` once, in the order of the list. */
export function unknownInOrder(unknown: readonly UnknownFact[]): readonly UnknownFact[] {
  return UNKNOWN_FACTS.filter((fact) => unknown.includes(fact));
}

export interface StatementFacts extends Traits {
  readonly class: StatementClass;
  /** True when the text could hide anything: unparsed, dynamic, CALL, scripting. Priced dear, refused or approved. */
  readonly opaque: boolean;
  /** Hash of the literal-free statement, 32 hex digits; same shape same hash, different objects different hash. */
  readonly fingerprint: string;
  /** Hash of the literals that the fingerprint leaves out; empty where there are none, or they are not told apart. */
  readonly literalsHash: string;
  /** Fully qualified `DB.SCHEMA.TABLE`, sorted, unquoted names upper-cased; CTEs and aliases excluded. */
  readonly tablesRead: readonly string[];
  readonly tablesWritten: readonly string[];
  /** Databases and schemas touched as a whole; which tables are in them the text does not say. */
  readonly areas: readonly Area[];
  /** Columns touched per table; `*` stands for all of them. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  /** Filters of all readings. */
  readonly filters: readonly Filter[];
  /** Readings of tables by FROM and joins, and of the targets of UPDATE, DELETE and MERGE; others are full ones. */
  readonly readings: readonly Reading[];
  readonly joins: readonly Join[];
  readonly hasSelectStar: boolean;
  readonly hasCrossJoin: boolean;
  readonly limit: number | null;
  /** The outermost query has an ORDER BY: its LIMIT ends nothing early. */
  readonly isOrdered: boolean;
  /** `SELECT COUNT(*)` of one table and nothing else: of a table, not a view, Snowflake knows the answer without reading it. */
  readonly isRowCount: boolean;
  /**
   * Classes of the statements inside, in order: of a scripting block, a task, an alert, a pipe, `EXECUTE IMMEDIATE`
   * of a literal, and a chain of `->>`. Empty where there are none or nobody can tell.
   */
  readonly innerClasses: readonly StatementClass[];
  /** `USE WAREHOUSE`, or a statement inside that says it: what follows runs elsewhere than it is priced for. */
  readonly setsWarehouse: boolean;
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
