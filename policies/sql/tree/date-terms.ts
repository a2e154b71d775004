/**
 * Date expressions of the parser's tree as terms: a clock or a literal date, and the steps from there, in the words that
 * `relative-bound.ts` reads. Which of them are literals is kept, because statements of one shape differ in those.
 */
import { bodyOf, columnPath, listAt, nodeAt, stringAt, tagged, type Node } from './ast.js';
import { constantValue, isOrderedType } from './literals.js';
import type { DateTerm, TermPiece } from './raw-facts.js';

const NOW = 'CURRENT_TIMESTAMP';
const CLOCKS: ReadonlyMap<string, string> = new Map([
  ['CURRENT_DATE', 'CURRENT_DATE'],
  ['CURRENT_TIMESTAMP', NOW],
  ['LOCALTIMESTAMP', NOW],
  ['SYSTIMESTAMP', NOW],
  ['GETDATE', NOW],
  ['SYSDATE', 'SYSDATE'],
]);
const TO_DATES: ReadonlySet<string> = new Set(['DATE', 'TO_DATE', 'TRY_TO_DATE']);
const TO_TIMESTAMPS = /^(?:TRY_)?TO_TIMESTAMP(?:_NTZ|_LTZ|_TZ)?$|^TIMESTAMP$/;
const ADDS: ReadonlySet<string> = new Set(['DATEADD', 'TIMESTAMPADD', 'TIMEADD', 'DATE_ADD']);
/** Nesting that is looked into. */
const DEPTH_MAX = 16;

const word = (text: string): TermPiece => ({ text, isLiteral: false });
const literal = (text: string): TermPiece => ({ text, isLiteral: true });
const TO_DAY: DateTerm = [word('START'), word('day')];

/** The term of a date expression of which the clock or a literal is the start; undefined for every other expression. */
export function dateTerm(value: unknown, depth: number = 0): DateTerm | undefined {
  const node = tagged(value);
  if (node === undefined || depth > DEPTH_MAX) return undefined;
  const { tag, body } = node;
  const of = (inner: unknown, ...steps: readonly TermPiece[]): DateTerm | undefined =>
    withSteps(dateTerm(inner, depth + 1), steps);
  switch (tag) {
    case 'paren':
      return of(body['this']);
    case 'literal':
      return stringAt(body, 'literal_type') === 'number' ? undefined : literalDate(body);
    case 'cast':
    case 'try_cast':
    case 'safe_cast':
      return castTerm(body, of);
    case 'date':
      return of(body['this'], ...TO_DAY);
    case 'timestamp':
      return of(body['this']);
    case 'add':
    case 'sub':
      return sumTerm(tag, body, of);
    case 'last_day': {
      // The parser writes the unit its own way: no literal of the text is found that says it.
      const unit = stringAt(body, 'unit');
      const part = unit === undefined ? word('month') : literal(unit);
      return of(body['this'], word('LAST_DAY'), part);
    }
    case 'add_months': {
      const count = countOf(body['expression']);
      return count === undefined ? undefined : of(body['this'], word('ADD_MONTHS'), count);
    }
    case 'function':
      return callTerm(body, of);
  }
  return undefined;
}

type Of = (inner: unknown, ...steps: readonly TermPiece[]) => DateTerm | undefined;

function withSteps(term: DateTerm | undefined, steps: readonly TermPiece[]): DateTerm | undefined {
  return term === undefined ? undefined : [...term, ...steps];
}

function literalDate(body: Node): DateTerm | undefined {
  const text = stringAt(body, 'value');
  return text === undefined ? undefined : dateOf(text);
}

/** The term of a date that a literal says. */
export function dateOf(text: string): DateTerm {
  return [word('AT'), literal(text)];
}

function castTerm(body: Node, of: Of): DateTerm | undefined {
  const type = nodeAt(body, 'to');
  if (!isOrderedType(type)) return undefined;
  const isDate = stringAt(type, 'data_type') === 'date';
  return isDate ? of(body['this'], ...TO_DAY) : of(body['this']);
}

/** Whole days are added to dates, intervals to dates and timestamps. */
function sumTerm(tag: 'add' | 'sub', body: Node, of: Of): DateTerm | undefined {
  const isSum = tag === 'add';
  const right = stepOf(body['right'], isSum);
  if (right !== undefined) return of(body['left'], ...right);
  const left = isSum ? stepOf(body['left'], true) : undefined;
  return left === undefined ? undefined : of(body['right'], ...left);
}

function stepOf(value: unknown, isSum: boolean): DateTerm | undefined {
  const count = countOf(value);
  if (count !== undefined) return [word(isSum ? 'ADD' : 'SUBTRACT'), word('day'), count];
  const interval = bodyOf(value, 'interval');
  const text = stringAt(bodyOf(interval?.['this'], 'literal'), 'value');
  if (interval === undefined || text === undefined) return undefined;
  const unit = nodeAt(interval, 'unit');
  if (unit === undefined) return [word(isSum ? 'PLUS' : 'MINUS'), literal(text)];
  const name = stringAt(unit, 'unit');
  if (stringAt(unit, 'type') !== 'simple' || name === undefined) return undefined;
  return [word(isSum ? 'ADD' : 'SUBTRACT'), word(name), literal(text)];
}

/** A number as it is written, with its sign. */
function countOf(value: unknown): TermPiece | undefined {
  const node = tagged(value);
  if (node === undefined) return undefined;
  const { tag, body } = node;
  if (tag === 'paren' || tag === 'neg') {
    if (countOf(body['this']) === undefined) return undefined;
  } else if (tag !== 'literal' || stringAt(body, 'literal_type') !== 'number') return undefined;
  const text = constantValue(value);
  return typeof text === 'string' ? literal(text) : undefined;
}

/** A date part: a word, quoted or not, or a literal. */
export function unitOf(value: unknown): TermPiece | undefined {
  const text = stringAt(bodyOf(value, 'literal'), 'value');
  if (text !== undefined) return literal(text);
  const name = stringAt(bodyOf(value, 'var'), 'this');
  if (name !== undefined) return word(name);
  const path = columnPath(value);
  return path?.length === 1 ? word(path[0] ?? '') : undefined;
}

function callTerm(body: Node, of: Of): DateTerm | undefined {
  const name = (stringAt(body, 'name') ?? '').toUpperCase();
  const args = listAt(body, 'args');
  const clock = CLOCKS.get(name);
  // The number in brackets is how exact it is.
  if (clock !== undefined && args.length < 2) return [word(clock)];
  if (args.length === 1 && TO_DATES.has(name)) return of(args[0], ...TO_DAY);
  if (args.length === 1 && TO_TIMESTAMPS.test(name)) return of(args[0]);
  if (args.length === 3 && ADDS.has(name)) {
    const [unit, count] = [unitOf(args[0]), countOf(args[1])];
    return unit === undefined || count === undefined
      ? undefined
      : of(args[2], word('ADD'), unit, count);
  }
  const truncation = truncationOf(body);
  return truncation === undefined
    ? undefined
    : of(truncation.inner, word('START'), truncation.unit);
}

/** What `DATE_TRUNC(unit, x)` and `TRUNC(x, unit)` cut off, and of what; undefined for any other call. */
export function truncationOf(
  body: Node,
): { readonly unit: TermPiece; readonly inner: unknown } | undefined {
  const name = (stringAt(body, 'name') ?? '').toUpperCase();
  const args = listAt(body, 'args');
  if (args.length !== 2) return undefined;
  const [unitAt, innerAt] = name === 'DATE_TRUNC' ? [0, 1] : [1, 0];
  if (name !== 'DATE_TRUNC' && name !== 'TRUNC') return undefined;
  const unit = unitOf(args[unitAt]);
  return unit === undefined ? undefined : { unit, inner: args[innerAt] };
}
