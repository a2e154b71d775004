/** A read of the TOLLGATE surface, as small as the surface is; and the one refusal of everything larger. */
import { callerRefusal, type Refusal } from '../wire/refusal.js';

export const VIEW_NAMES = ['MY_BUDGET', 'MY_QUERIES', 'ESTIMATE_ACCURACY', 'WHY'] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** A literal of the text, or the position of a bind (from 0) whose value came beside it. */
export type Value =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'bind'; readonly index: number };

export type Operand = Value | { readonly kind: 'column'; readonly column: string };

export const COMPARISONS = ['=', '<>', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly [Condition, Condition] }
  | { readonly kind: 'not'; readonly part: Condition }
  | {
      readonly kind: 'compare';
      readonly left: Operand;
      readonly comparison: Comparison;
      readonly right: Operand;
    }
  | {
      readonly kind: 'like';
      readonly column: string;
      readonly isNegated: boolean;
      readonly ignoresCase: boolean;
      readonly pattern: Value;
    }
  | {
      readonly kind: 'in';
      readonly column: string;
      readonly isNegated: boolean;
      readonly values: readonly Value[];
    }
  | {
      readonly kind: 'between';
      readonly column: string;
      readonly isNegated: boolean;
      readonly low: Value;
      readonly high: Value;
    }
  | { readonly kind: 'null'; readonly column: string; readonly isNegated: boolean };

export type Expression =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'count-all' }
  | { readonly kind: 'count' | 'sum'; readonly column: string };

export type SelectItem =
  | { readonly kind: 'star' }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly alias: string | null };

/** A column, an alias, a position from 1, or an aggregate. */
export type Key = Expression | { readonly kind: 'position'; readonly position: number };

export interface OrderKey {
  readonly key: Key;
  readonly isDescending: boolean;
  /** null: Snowflake's default, which takes NULL for the largest value. */
  readonly nulls: 'first' | 'last' | null;
}

/** One SELECT from one view; names are as Snowflake resolves them (upper case unless quoted). */
export interface SurfaceQuery {
  readonly view: ViewName;
  /** The ticket asked about; only for WHY. */
  readonly ticket: Value | null;
  readonly items: readonly SelectItem[];
  readonly where: Condition | null;
  readonly groupBy: readonly Key[];
  readonly orderBy: readonly OrderKey[];
  readonly limit: Value | null;
}

export type Parsed =
  /** `bindCount`: binds that the statement takes. */
  | { readonly kind: 'query'; readonly query: SurfaceQuery; readonly bindCount: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const FORM =
  "The form is: SELECT columns, COUNT(…) or SUM(…) FROM one of TOLLGATE.MY_BUDGET, TOLLGATE.MY_QUERIES, TOLLGATE.ESTIMATE_ACCURACY, TABLE(TOLLGATE.WHY('<ticket>')), with WHERE (comparisons, LIKE, IN, BETWEEN, IS NULL, joined by AND, OR, NOT), GROUP BY, ORDER BY and LIMIT; or EXPLAIN COST <statement>; or CALL TOLLGATE.REQUEST('<ticket>', '<reason>'). A database of your own called TOLLGATE is reached by three-part names.";

/** Thrown inside parsing and translation only, where a value would have to be handed through every branch. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

/** TG1020: what is wrong, then every form that is right. */
export function formRefusal(why: string): Refusal {
  return callerRefusal('surfaceForm', `${why}. ${FORM}`);
}
