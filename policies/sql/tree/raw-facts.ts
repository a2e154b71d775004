/**
 * What the parser worker sends back: facts of one statement before names are resolved. Plain data, small, and free of
 * session and catalogue, so that one entry serves every session that sends the same text.
 */
import type { Comparison, FilterOperator } from '../facts.js';
import type { RelativeBound } from '../relative-bound.js';

/**
 * A column of table number `table`; `isPrunable` unless a limit or window stands between filter and table; `reading` is
 * the number of the reading of the table, -1 for none.
 */
export type Target = readonly [table: number, column: string, isPrunable: boolean, reading: number];

/** Columns that one reading of a name stands for: several under UNION, none for an expression. */
export type Alternative = readonly Target[];

/** Readings of a column name, per scope from the inside out; within a scope the catalogue has to choose. */
export interface ColumnReference {
  readonly levels: readonly (readonly Alternative[])[];
  /** The name is also an alias of the select list. */
  readonly isAlias: boolean;
}

export interface RawTable {
  /** One to three names, folded; an empty one in the middle is `db..t`. */
  readonly parts: readonly string[];
  isRead: boolean;
  isWritten: boolean;
}

/** The range of a filter. */
export interface Bounds {
  readonly operator: FilterOperator;
  readonly low: string | null;
  readonly high: string | null;
  /** Bounds that the clock decides, the least and the greatest of each; null: none. */
  readonly relativeLow: readonly RelativeBound[] | null;
  readonly relativeHigh: readonly RelativeBound[] | null;
}

/** A piece of a date term: a word of it, or a literal of the statement. */
export interface TermPiece {
  readonly text: string;
  readonly isLiteral: boolean;
}

/** A date expression in the words that `relative-bound.ts` reads. */
export type DateTerm = readonly TermPiece[];

/** The date terms that the ends of a filter are read from; null: an end that is open, or one literal. */
export interface EndTerms {
  readonly low: readonly DateTerm[] | null;
  readonly high: readonly DateTerm[] | null;
}

export interface RawFilter extends Bounds {
  readonly reference: ColumnReference;
  /** The pattern of LIKE that the bounds are read from; null for every other filter. */
  readonly pattern: string | null;
  /** null: no end is read from a date term. */
  readonly terms: EndTerms | null;
  /** The union of both branches of an OR: which literal is which bound depends on their values. */
  readonly isMerged: boolean;
}

/** Two columns of different sources that a condition compares. */
export interface RawJoin {
  readonly left: ColumnReference;
  readonly right: ColumnReference;
  readonly operator: Comparison;
}

export interface RawFacts {
  /** Tag of the parser's top node, `select`, `insert`, …; `command` and `raw` are texts it did not understand. */
  readonly top: string;
  readonly tables: readonly RawTable[];
  /** Number of the table of each reading. */
  readonly readings: readonly number[];
  readonly references: readonly ColumnReference[];
  readonly filters: readonly RawFilter[];
  readonly joins: readonly RawJoin[];
  readonly hasSelectStar: boolean;
  readonly hasCrossJoin: boolean;
  readonly limit: number | null;
  /** The outermost query has an ORDER BY. */
  readonly isOrdered: boolean;
  /** `SELECT COUNT(*)` of one table and nothing else. */
  readonly isRowCount: boolean;
  /** A table is named by a variable or a bind. */
  readonly hasDynamicName: boolean;
  /** A qualified column fits no table in sight. */
  readonly hasUnresolvedColumn: boolean;
  /** A column is named by a variable or a bind. */
  readonly hasDynamicColumn: boolean;
  /** Values of literals decide more than the bounds of a filter: LIKE under OR, LIKE with ESCAPE. */
  readonly hasFilterByValues: boolean;
}

/** What became of one text: facts, or why there are none. */
export type ParseOutcome =
  | { readonly kind: 'parsed'; readonly facts: RawFacts }
  | { readonly kind: 'refused'; readonly isTooComplex: boolean }
  /** No parser could look at it: none was free in time, it is stopped, or a worker died. Never remembered. */
  | { readonly kind: 'unavailable' };
