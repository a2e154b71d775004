/**
 * Result types of arithmetic ("Arithmetic operators", scale and precision), asked by macros while DuckDB binds them: the
 * type of the struct that holds the arguments goes in, the name of a type of DuckDB comes out.
 */

/** Digits before the point that every number of a scale up to 12 has room for. */
export const WHOLE_DIGITS = 26;
/** With 26 digits before and 12 after the point, no combination of two such types loses a digit in DuckDB. */
export const CAPPED_SCALE_MAX = 12;

/** DuckDB's type of numbers that are computed, by scale. */
export function computedType(scale: number): string {
  return `DECIMAL(${Math.min(WHOLE_DIGITS + scale, 38)},${scale})`;
}

interface Operand {
  readonly type: string;
  readonly isWhole: boolean;
  readonly isNull: boolean;
  readonly isReal: boolean;
  /** A whole number, a decimal or a bare NULL. */
  readonly isExact: boolean;
  readonly scale: number;
}

const WHOLE = /^U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;

function operand(type: string): Operand {
  const decimal = /^DECIMAL\(\d+,(\d+)\)$/.exec(type);
  const isNull = type === '"NULL"';
  const isWhole = WHOLE.test(type);
  return {
    type,
    isWhole,
    isNull,
    isReal: type === 'DOUBLE' || type === 'FLOAT',
    isExact: isWhole || isNull || decimal !== null,
    scale: Number(decimal?.[1] ?? 0),
  };
}

/** Types of the fields x and y of `STRUCT(x …, y …)`. */
function operands(struct: string): readonly [Operand, Operand] {
  const body = struct.slice('STRUCT(x '.length, -1);
  const split = body.lastIndexOf(', y ');
  return split < 0
    ? [operand(body), operand('"NULL"')]
    : [operand(body.slice(0, split)), operand(body.slice(split + 4))];
}

const TIMESTAMP = 'TIMESTAMP';
const INSTANT = 'TIMESTAMP WITH TIME ZONE';
const isOf = (value: Operand, ...types: readonly string[]): boolean => types.includes(value.type);
const isTemporal = (value: Operand): boolean => isOf(value, 'DATE', 'TIME', TIMESTAMP, INSTANT);

/** An operand of + and -: whole numbers get room; days beside a DATE, and an interval's text, become what DuckDB adds to it. */
function term(value: Operand, other: Operand): string {
  if (value.isExact && other.type === 'DATE') return 'INTEGER';
  if ((value.isWhole || value.isNull) && other.isExact) return computedType(0);
  if (value.isNull) return isTemporal(other) ? 'INTERVAL' : other.type;
  return value.type === 'JSON' && isTemporal(other) ? 'INTERVAL' : value.type;
}

/** A TIMESTAMP or TIME less another is no number in Snowflake: its cast to an interval fails. */
function subtrahend(value: Operand, from: Operand): string {
  const isTimes = isOf(from, TIMESTAMP, INSTANT, 'TIME') && isTemporal(value);
  const isMixed = from.type === 'DATE' && isOf(value, TIMESTAMP, INSTANT, 'TIME');
  return isTimes || isMixed ? 'INTERVAL' : term(value, from);
}

function sum(x: Operand, y: Operand, isDifference: boolean): string {
  if (x.isExact && y.isExact) return computedType(Math.max(x.scale, y.scale));
  if (x.isReal || y.isReal) return 'DOUBLE';
  const both = [x, y];
  if (isDifference && both.every(({ type }) => type === 'DATE')) return 'BIGINT';
  if (both.some(({ type }) => type === 'DATE'))
    return both.some(({ type }) => type === 'INTERVAL') ? TIMESTAMP : 'DATE';
  const time = both.find(isTemporal);
  return time?.type ?? 'INTERVAL';
}

/** In a decimal of 38 digits, or a whole number of 128 bits. */
const wide = (value: Operand): string =>
  value.scale === 0 ? 'HUGEINT' : `DECIMAL(38,${value.scale})`;

export const productScale = (left: number, right: number): number =>
  Math.min(left + right, Math.max(left, right, CAPPED_SCALE_MAX));
export const quotientScale = (left: number): number =>
  Math.max(left, Math.min(left + 6, CAPPED_SCALE_MAX));

/** The scale of a result by the rule's name; `to` is the constant of ROUND and its like, `n`. */
function scaleBy(rule: string, x: Operand, y: Operand, n: number): number {
  switch (rule) {
    case 'product':
      return productScale(x.scale, y.scale);
    case 'quotient':
      return quotientScale(x.scale);
    case 'rest':
      return Math.max(x.scale, y.scale);
    case 'to':
      return Math.min(x.scale, Math.max(n, 0));
    default:
      return x.scale;
  }
}

/** Name of the type by `rule` for the struct's type; `n` is the constant number of digits of a rounding. */
export function typeByRule(rule: string, struct: string, n: number): string {
  const [x, y] = operands(struct);
  // In roundings the second argument is digits.
  const isRounding = rule.endsWith('to') || rule.endsWith('by') || rule === 'sum';
  const isReal = x.isReal || (!isRounding && y.isReal);
  switch (rule) {
    case 'plus.x':
      return term(x, y);
    case 'plus.y':
      return term(y, x);
    case 'minus.y':
      return subtrahend(y, x);
    case 'plus':
      return sum(x, y, false);
    case 'minus':
      return sum(x, y, true);
    case 'product.x':
      return isReal ? 'DOUBLE' : wide(x);
    case 'product.y':
      return isReal ? 'DOUBLE' : wide(y);
    case 'sum':
      return x.isWhole || (x.isExact && !x.isNull) ? computedType(x.scale) : x.type;
  }
  if (isReal) return 'DOUBLE';
  const [kind = '', name = ''] = rule.includes('.') ? rule.split('.') : ['', rule];
  const scale = scaleBy(name, x, y, n);
  return kind === 'unit' ? `DECIMAL(${scale + 1},${scale})` : computedType(scale);
}
