/** Ends of filters: which constants a range begins and ends with, whether they are literals or the clock decides them. */
import {
  boundOf,
  endOf,
  endOfBounds,
  type FilterEnd,
  OPEN_END,
  type RelativeBound,
} from '../relative-bound.js';
import type { Comparison, FilterOperator } from '../facts.js';
import { bodyOf } from './ast.js';
import { dateOf, dateTerm, truncationOf } from './date-terms.js';
import { compareValues, constantValue, rangeOf } from './literals.js';
import type { Bounds, DateTerm, EndTerms, TermPiece } from './raw-facts.js';

/** A constant: a literal, a date term, or, with neither, something that is known when it runs. */
export interface FilterValue {
  readonly text: string | null;
  readonly term: DateTerm | null;
}

/** Both ends of a filter, and the date terms they are read from. */
export interface Ends extends Omit<Bounds, 'operator'> {
  readonly terms: EndTerms | null;
}

/** No end, or none that is known. */
export const NO_ENDS: Ends = literalEnds(null, null);

/** Ends that are literals of the statement. */
export function literalEnds(low: string | null, high: string | null): Ends {
  return { low, high, relativeLow: null, relativeHigh: null, terms: null };
}

/** The constant that `value` is; undefined when it is none. */
export function filterValue(value: unknown): FilterValue | undefined {
  const text = constantValue(value);
  if (typeof text === 'string') return { text, term: null };
  const term = dateTerm(value);
  if (term !== undefined) return { text: null, term };
  return text === undefined ? undefined : { text: null, term: null };
}

/** The ends of `column operator value`. */
export function comparedEnds(operator: Comparison, value: FilterValue): Ends {
  const hasLow = operator === '=' || operator === '>' || operator === '>=';
  const hasHigh = operator === '=' || operator === '<' || operator === '<=';
  return endsOf(hasLow ? [value] : [], hasHigh ? [value] : []);
}

/** The range from the least of `lows` to the greatest of `highs`; no values: that end is open. */
export function endsOf(lows: readonly FilterValue[], highs: readonly FilterValue[]): Ends {
  const low = endOfValues(lows, 'low');
  const high = endOfValues(highs, 'high');
  return fromEnds(low.end, high.end, low.terms, high.terms);
}

function fromEnds(
  low: FilterEnd,
  high: FilterEnd,
  lowTerms: readonly DateTerm[] | null,
  highTerms: readonly DateTerm[] | null,
): Ends {
  return {
    low: low.text,
    high: high.text,
    relativeLow: low.relative,
    relativeHigh: high.relative,
    terms: lowTerms === null && highTerms === null ? null : { low: lowTerms, high: highTerms },
  };
}

function endOfValues(
  values: readonly FilterValue[],
  which: 'low' | 'high',
): { readonly end: FilterEnd; readonly terms: readonly DateTerm[] | null } {
  if (values.every(({ term }) => term === null)) {
    const text = rangeOf(values.map((value) => value.text))[which];
    return { end: { text, relative: null }, terms: null };
  }
  const terms: DateTerm[] = [];
  for (const { text, term } of values) {
    if (term === null && text === null) return { end: OPEN_END, terms: null };
    terms.push(term ?? dateOf(text ?? ''));
  }
  return { end: endOfTerms(terms, which), terms };
}

function endOfTerms(terms: readonly DateTerm[], which: 'low' | 'high'): FilterEnd {
  return endOf(
    terms.map((term) => term.map(({ text }) => text)),
    which,
  );
}

/** A filter of a column, or of a column whose days, months or years are cut off. */
export interface TruncatedFilter extends Ends {
  readonly column: unknown;
  readonly operator: FilterOperator;
}

/**
 * The filter that `DATE_TRUNC(unit, column)` with the same ends is of the column itself: truncating keeps the order, so what
 * is not below the lower end is not below it before, and what is not above the upper one ends with its unit. Undefined
 * where it says nothing of a range.
 */
export function ofTruncated(found: TruncatedFilter): TruncatedFilter | undefined {
  const call = bodyOf(found.column, 'function');
  const truncation = call === undefined ? undefined : truncationOf(call);
  if (truncation === undefined) return found;
  const { operator, low, high, terms } = found;
  if (operator === '<>' || operator === 'like' || operator === 'is') return undefined;
  const lows = terms?.low ?? (low === null ? null : [dateOf(low)]);
  const highs = terms?.high ?? (high === null ? null : [dateOf(high)]);
  const toEnd: readonly TermPiece[] = [{ text: 'END', isLiteral: false }, truncation.unit];
  const before: readonly TermPiece[] =
    operator === '<' ? [{ text: 'BEFORE', isLiteral: false }] : [];
  const wider = highs?.map((term) => [...term, ...before, ...toEnd]) ?? null;
  const from = lows === null ? OPEN_END : endOfTerms(lows, 'low');
  const to = wider === null ? OPEN_END : endOfTerms(wider, 'high');
  const isRange = operator === '=' || operator === 'in';
  return {
    column: truncation.inner,
    operator: isRange ? 'between' : operator === '<' ? '<=' : operator === '>' ? '>=' : operator,
    ...fromEnds(from, to, lows, wider),
  };
}

/** The range of two filters of one column at once: the smaller where that can be told, one of them where it cannot. */
export function bothEnds(all: readonly (Ends & Pick<Bounds, 'operator'>)[]): Ends {
  let [low, high]: [FilterEnd, FilterEnd] = [OPEN_END, OPEN_END];
  for (const each of all) {
    if (each.operator === '<>') continue;
    low = tighter(low, { text: each.low, relative: each.relativeLow }, 'low');
    high = tighter(high, { text: each.high, relative: each.relativeHigh }, 'high');
  }
  return fromEnds(low, high, null, null);
}

function tighter(one: FilterEnd, other: FilterEnd, which: 'low' | 'high'): FilterEnd {
  if (isOpen(one)) return other;
  if (isOpen(other) || one.text === null || other.text === null) return one;
  const order = compareValues(one.text, other.text);
  return order >= 0 === (which === 'low') ? one : other;
}

/** The range that holds both of two. */
export function eitherEnds(one: Ends, other: Ends): Ends {
  const low = looser(
    { text: one.low, relative: one.relativeLow },
    { text: other.low, relative: other.relativeLow },
    'low',
  );
  const high = looser(
    { text: one.high, relative: one.relativeHigh },
    { text: other.high, relative: other.relativeHigh },
    'high',
  );
  return fromEnds(low, high, null, null);
}

function looser(one: FilterEnd, other: FilterEnd, which: 'low' | 'high'): FilterEnd {
  if (isOpen(one) || isOpen(other)) return OPEN_END;
  if (one.text !== null && other.text !== null) {
    const order = compareValues(one.text, other.text);
    return order <= 0 === (which === 'low') ? one : other;
  }
  const bounds = [one, other].flatMap(
    ({ text, relative }): readonly (RelativeBound | null)[] =>
      relative ?? [boundOf(['AT', text ?? ''])],
  );
  const known = bounds.filter((bound) => bound !== null);
  return known.length < bounds.length ? OPEN_END : endOfBounds(known, which);
}

function isOpen(end: FilterEnd): boolean {
  return end.text === null && end.relative === null;
}
