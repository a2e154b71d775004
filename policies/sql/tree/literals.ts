/** Values of constant expressions in the parser's tree. */
import { bodyOf, isNode, listAt, nodeAt, stringAt, tagged, type Node } from './ast.js';

/** Functions that turn a text into a date or time, whose argument stands for the value. */
const DATE_FUNCTIONS: ReadonlySet<string> = new Set(
  (
    'DATE TO_DATE TRY_TO_DATE TO_TIMESTAMP TRY_TO_TIMESTAMP TO_TIMESTAMP_NTZ TO_TIMESTAMP_LTZ TO_TIMESTAMP_TZ ' +
    'TO_TIME TIMESTAMP TO_NUMBER TO_DECIMAL TO_VARCHAR TO_CHAR'
  ).split(' '),
);

/** Whether the call `name` stands for its first argument, unless its second one is a format of another kind. */
export function isConversion(name: string): boolean {
  return DATE_FUNCTIONS.has(name);
}

/**
 * Value of a constant: its text (numbers as written, negative ones signed, booleans `TRUE` and `FALSE`), null when it
 * is constant but only known at run time (binds, variables, `CURRENT_DATE - 7`), undefined when it is no constant.
 */
export function constantValue(value: unknown): string | null | undefined {
  const node = tagged(value);
  if (node === undefined) return undefined;
  const { tag, body } = node;
  switch (tag) {
    case 'literal':
      return stringAt(body, 'value') ?? null;
    case 'boolean':
      return body['value'] === true ? 'TRUE' : 'FALSE';
    case 'paren':
      return constantValue(body['this']);
    case 'neg': {
      const inner = constantValue(body['this']);
      if (typeof inner !== 'string') return inner;
      return inner.startsWith('-') ? inner.slice(1) : `-${inner}`;
    }
    case 'cast':
    case 'try_cast':
    case 'safe_cast':
    case 'date':
    case 'timestamp':
      return constantValue(body['this']);
    case 'function': {
      const args = listAt(body, 'args');
      if (DATE_FUNCTIONS.has((stringAt(body, 'name') ?? '').toUpperCase()) && args.length > 0) {
        const format = stringAt(bodyOf(args[1], 'literal'), 'value') ?? '';
        // A text in another form than ISO does not sort as the date it stands for.
        return PLAIN_FORMAT.test(format) ? constantValue(args[0]) : null;
      }
      break;
    }
    case 'null':
      return undefined;
  }
  return isConstant(value) ? null : undefined;
}

const PLAIN_FORMAT = /^(?:\d*|auto|yyyy-mm-dd.*)$/i;

/** Expressions that read a table: no constant holds one. */
const READING_TAGS: ReadonlySet<string> = new Set([
  'column',
  'dot',
  'subquery',
  'select',
  'union',
  'intersect',
  'except',
  'star',
  'exists',
]);

/** True when nothing under `value` reads a table. */
export function isConstant(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isConstant);
  if (!isNode(value)) return true;
  return Object.entries(value).every(([key, inner]) => {
    return !(READING_TAGS.has(key) && isNode(inner)) && isConstant(inner);
  });
}

/** Types whose values sort as the column sorts, so that a cast to them does not hide a range. */
const ORDERED_TYPES = /^(?:date|timestamp|datetime)/i;

/** Whether `type` is one of dates or timestamps. */
export function isOrderedType(type: Node | undefined): boolean {
  const name =
    stringAt(type, 'data_type') === 'custom' ? stringAt(type, 'name') : stringAt(type, 'data_type');
  return ORDERED_TYPES.test(name ?? '');
}

/** The column under brackets and order-keeping casts (`d::date`, `TO_DATE(d)`), or `value` itself. */
export function underCasts(value: unknown): unknown {
  const node = tagged(value);
  if (node === undefined) return value;
  const { tag, body } = node;
  if (tag === 'paren') return underCasts(body['this']);
  if (tag === 'cast' || tag === 'try_cast' || tag === 'safe_cast') {
    return isOrderedType(nodeAt(body, 'to')) ? underCasts(body['this']) : value;
  }
  if (tag === 'date' || tag === 'timestamp') return underCasts(body['this']);
  if (tag === 'function') {
    const args = listAt(body, 'args');
    const name = (stringAt(body, 'name') ?? '').toUpperCase();
    if (args.length === 1 && /^(?:DATE|TO_DATE|TO_TIMESTAMP(?:_NTZ)?)$/.test(name))
      return underCasts(args[0]);
  }
  return value;
}

/** The smaller and the larger of two values: as numbers when both are, else as texts (ISO dates sort so). */
export function compareValues(left: string, right: string): number {
  const isNumeric = NUMBER.test(left) && NUMBER.test(right);
  if (isNumeric) return Number(left) - Number(right);
  return left < right ? -1 : left > right ? 1 : 0;
}

// Only one way to read each digit: with two, a long text that is no number costs the square of its length.
const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** Smallest and largest of `values`; both null when one of them is not known. */
export function rangeOf(values: readonly (string | null)[]): {
  low: string | null;
  high: string | null;
} {
  let low: string | undefined;
  let high: string | undefined;
  for (const value of values) {
    if (value === null) return { low: null, high: null };
    if (low === undefined || compareValues(value, low) < 0) low = value;
    if (high === undefined || compareValues(value, high) > 0) high = value;
  }
  return { low: low ?? null, high: high ?? null };
}

/** The text before the first wildcard; what `escape` stands before is no wildcard. */
function prefixOf(pattern: string, escape: string): string {
  let prefix = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    if (escape !== '' && character === escape) {
      at += 1;
      prefix += pattern.charAt(at);
    } else if (character === '%' || character === '_' || character === '\\') break;
    else prefix += character;
  }
  return prefix;
}

/**
 * Range of what `LIKE pattern` accepts: the text before the first wildcard is its lower bound, and its upper one too
 * when there is no wildcard. Both null when the pattern begins with one.
 */
export function likeRange(
  pattern: string,
  escape: string,
): { readonly low: string | null; readonly high: string | null } {
  const prefix = prefixOf(pattern, escape);
  return {
    low: prefix === '' ? null : prefix,
    high: prefix === pattern && prefix !== '' ? prefix : null,
  };
}

/** Literal count of LIMIT, TOP or FETCH; null when there is none or it is only known at run time. */
export function limitOf(body: unknown): number | null {
  if (!isNode(body)) return null;
  // `FETCH FIRST ROW ONLY`
  if (body['direction'] !== undefined && !isNode(body['count'])) return 1;
  for (const inner of [body['this'], body['count'], body]) {
    const literal = bodyOf(inner, 'literal');
    const count = Number(stringAt(literal, 'value') ?? Number.NaN);
    if (Number.isSafeInteger(count) && count >= 0) return count;
  }
  return null;
}
