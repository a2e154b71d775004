/** Mathematical, bitwise and conditional functions, and functions of chance. Rounding and operators are in arithmetic.ts. */
import { StatementFailed, unsupported } from '../../failures.js';
import type { CallSite } from './call-site.js';
import { namesOf, type FunctionFamily } from './family.js';
import { argument, failing, op, polymorphic } from './polymorphic.js';

/** Functions of floating point: their arguments are doubles, as is their result. */
const REAL_FUNCTIONS: readonly string[] = namesOf(`
  EXP DEGREES RADIANS SIN COS TAN ASIN ACOS ATAN SINH COSH TANH ASINH ACOSH COT
`);
/** Of arguments that they have no value for, Snowflake says so by their name. */
const PARTIAL: Readonly<Record<string, string>> = {
  SQRT: 'x < 0',
  LN: 'x <= 0',
  ASIN: 'abs(x) > 1',
  ACOS: 'abs(x) > 1',
};

function realMacro(name: string): string {
  const lower = name.toLowerCase();
  const x = `${argument(0).value}::DOUBLE`;
  const bad = PARTIAL[name]?.replaceAll(/\bx\b/g, x);
  const value = `${lower}(${x})`;
  return polymorphic(
    `tg_${lower}`,
    1,
    bad === undefined
      ? value
      : `CASE WHEN ${bad} THEN ${failing('100165', '22000', `'Invalid floating point operation: ${lower}(' || ${argument(0).value}::VARCHAR || ')'`)} ELSE ${value} END`,
  );
}

/** Uniform in [0, 1) from a draw of RANDOM, or from any number as its seed. */
const share = (draw: string, salt: number): string =>
  op(
    '/',
    op('//', `hash(${draw}::VARCHAR, ${salt})::HUGEINT`, '2048::HUGEINT') + '::DOUBLE',
    '9007199254740992::DOUBLE',
  );

const LOW = `${argument(0).value}::DOUBLE`;
const HIGH = `${argument(1).value}::DOUBLE`;
/** Whole numbers include both ends. */
const uniformWhole = polymorphic(
  'tg_uniform_whole',
  3,
  op(
    '+',
    `${argument(0).value}::HUGEINT`,
    `floor(${op('*', share(argument(2).value, 1), op('+', op('-', HIGH, LOW), '1'))})::HUGEINT`,
  ) + '::BIGINT',
);
const uniformReal = polymorphic(
  'tg_uniform_real',
  3,
  op('+', LOW, op('*', share(argument(2).value, 1), op('-', HIGH, LOW))),
);

/** Box and Muller's two shares of chance. */
const normal = polymorphic(
  'tg_normal',
  3,
  op(
    '+',
    LOW,
    op(
      '*',
      HIGH,
      op(
        '*',
        `sqrt(${op('*', '-2::DOUBLE', `ln(${op('-', '1::DOUBLE', share(argument(2).value, 1))})`)})`,
        `cos(${op('*', op('*', '2::DOUBLE', 'pi()'), share(argument(2).value, 2))})`,
      ),
    ),
  ),
);

/** Ends of a UNIFORM of whole numbers are written without a point. */
function uniform(call: CallSite): void {
  if (call.args.length !== 3) throw new StatementFailed(unsupported('this form of UNIFORM'));
  const isWhole = [0, 1].every((index) => {
    const [from, to] = call.args[index] ?? [0, 0];
    const written = call.pieces.slice(from, to);
    const number = written.at(-1);
    return (
      number?.kind === 'number' &&
      /^\d+$/.test(number.value) &&
      written.slice(0, -1).every(({ value }) => value === '-')
    );
  });
  const isConstant = [0, 1].every((index) => {
    const [from, to] = call.args[index] ?? [0, 0];
    return call.pieces.slice(from, to).some(({ kind }) => kind === 'number');
  });
  if (!isConstant)
    throw new StatementFailed(unsupported('UNIFORM between values that are no constants'));
  call.rename(isWhole ? 'TG_UNIFORM_WHOLE' : 'TG_UNIFORM_REAL');
}

/** RANDOM() draws; what RANDOM(seed) would give cannot be known. */
function random(call: CallSite): void {
  if (call.args.length > 0) throw new StatementFailed(unsupported('RANDOM with a seed'));
  call.rename('TG_RANDOM');
}

const x = argument(0).value;
const IS_REAL = argument(0).is('real');
const scaled = (value: string): string =>
  `round(${op('*', `(${value})::DECIMAL(28,9)`, '1000000000::DECIMAL(10,0)')})::HUGEINT`;
const [LOWEST, HIGHEST, BUCKETS] = [argument(1).value, argument(2).value, argument(3).value];
/** Which of `n` equal parts a number is in, from 1; 0 below and n + 1 from the upper end on. */
const widthBucket = polymorphic(
  'tg_width_bucket',
  4,
  `CASE WHEN ${x} IS NULL OR ${LOWEST} IS NULL OR ${HIGHEST} IS NULL OR ${BUCKETS} IS NULL THEN NULL::BIGINT
     WHEN (${x})::DOUBLE < (${LOWEST})::DOUBLE THEN 0 WHEN (${x})::DOUBLE >= (${HIGHEST})::DOUBLE THEN ${op('+', `(${BUCKETS})::BIGINT`, '1')}
     WHEN ${IS_REAL} THEN ${op('+', `floor(${op('/', op('*', op('-', `(${x})::DOUBLE`, `(${LOWEST})::DOUBLE`), `(${BUCKETS})::DOUBLE`), op('-', `(${HIGHEST})::DOUBLE`, `(${LOWEST})::DOUBLE`))})::BIGINT`, '1')}
     ELSE ${op('+', `${op('//', op('*', op('-', scaled(x), scaled(LOWEST)), `(${BUCKETS})::HUGEINT`), op('-', scaled(HIGHEST), scaled(LOWEST)))}::BIGINT`, '1')} END`,
);

const EARTH_RADIUS_KM = 6371;
const half = (to: string, from: string): string =>
  `sin(radians(${op('/', op('-', `(${to})::DOUBLE`, `(${from})::DOUBLE`), '2::DOUBLE')}))`;
const haversine = polymorphic(
  'tg_haversine',
  4,
  op(
    '*',
    `${2 * EARTH_RADIUS_KM}::DOUBLE`,
    `asin(sqrt(${op('+', `pow(${half(argument(2).value, argument(0).value)}, 2)`, op('*', op('*', `cos(radians(${argument(0).value}::DOUBLE))`, `cos(radians(${argument(2).value}::DOUBLE))`), `pow(${half(argument(3).value, argument(1).value)}, 2)`))}))`,
  ),
);

/** Any number but 0 is true. */
const truth = (value: string): string => `(${value})::BOOLEAN`;

export const NUMBERS: FunctionFamily = {
  same: namesOf(`
    ABS SIGN PI GREATEST LEAST IFF IFNULL NVL NVL2 NULLIF NULLIFZERO COALESCE DECODE EQUAL_NULL
  `),
  renamed: {
    ...Object.fromEntries([...REAL_FUNCTIONS, 'SQRT', 'LN'].map((name) => [name, `TG_${name}`])),
    CBRT: 'TG_CBRT',
    POWER: 'TG_POWER',
    POW: 'TG_POWER',
    LOG: 'TG_LOG',
    ATAN2: 'TG_ATAN2',
    SQUARE: 'TG_SQUARE',
    FACTORIAL: 'TG_FACTORIAL',
    BITAND: 'TG_BITAND',
    BIT_AND: 'TG_BITAND',
    BITOR: 'TG_BITOR',
    BIT_OR: 'TG_BITOR',
    BITXOR: 'TG_BITXOR',
    BIT_XOR: 'TG_BITXOR',
    BITNOT: 'TG_BITNOT',
    BIT_NOT: 'TG_BITNOT',
    BITSHIFTLEFT: 'TG_BITSHIFTLEFT',
    BIT_SHIFTLEFT: 'TG_BITSHIFTLEFT',
    BITSHIFTRIGHT: 'TG_BITSHIFTRIGHT',
    BIT_SHIFTRIGHT: 'TG_BITSHIFTRIGHT',
    BOOLAND: 'TG_BOOLAND',
    BOOLOR: 'TG_BOOLOR',
    BOOLXOR: 'TG_BOOLXOR',
    BOOLNOT: 'TG_BOOLNOT',
    ZEROIFNULL: 'TG_ZEROIFNULL',
    WIDTH_BUCKET: 'TG_WIDTH_BUCKET',
    HAVERSINE: 'TG_HAVERSINE',
    NORMAL: 'TG_NORMAL',
  },
  rewritten: { UNIFORM: uniform, RANDOM: random },
  macros: [
    ...[...REAL_FUNCTIONS, 'SQRT', 'LN'].map(realMacro),
    // DuckDB misses whole roots by the last bit.
    polymorphic(
      'tg_cbrt',
      1,
      `CASE WHEN pow(round(cbrt(${argument(0).value}::DOUBLE)), 3) = ${argument(0).value}::DOUBLE THEN round(cbrt(${argument(0).value}::DOUBLE)) ELSE cbrt(${argument(0).value}::DOUBLE) END`,
    ),
    `CREATE MACRO tg_power(a, b) AS pow(a::DOUBLE, b::DOUBLE)`,
    `CREATE MACRO tg_log(a, b) AS log(a::DOUBLE, b::DOUBLE)`,
    `CREATE MACRO tg_atan2(a, b) AS atan2(a::DOUBLE, b::DOUBLE)`,
    `CREATE MACRO tg_square(a) AS pow(a::DOUBLE, 2)`,
    `CREATE MACRO tg_factorial(a) AS factorial(a::INTEGER)`,
    `CREATE MACRO tg_bitand(a, b) AS a::HUGEINT & b::HUGEINT`,
    `CREATE MACRO tg_bitor(a, b) AS a::HUGEINT | b::HUGEINT`,
    `CREATE MACRO tg_bitxor(a, b) AS xor(a::HUGEINT, b::HUGEINT)`,
    `CREATE MACRO tg_bitnot(a) AS ~(a::HUGEINT)`,
    `CREATE MACRO tg_bitshiftleft(a, n) AS a::HUGEINT << n::HUGEINT`,
    `CREATE MACRO tg_bitshiftright(a, n) AS a::HUGEINT >> n::HUGEINT`,
    `CREATE MACRO tg_booland(a, b) AS ${truth('a')} AND ${truth('b')}`,
    `CREATE MACRO tg_boolor(a, b) AS ${truth('a')} OR ${truth('b')}`,
    `CREATE MACRO tg_boolxor(a, b) AS ${truth('a')} <> ${truth('b')}`,
    `CREATE MACRO tg_boolnot(a) AS NOT ${truth('a')}`,
    `CREATE MACRO tg_zeroifnull(x) AS coalesce(x, 0)`,
    `CREATE MACRO tg_random() AS ${op('-', op('*', 'random()', '18446744073709551616::DOUBLE'), '9223372036854775808::DOUBLE')}::HUGEINT::BIGINT`,
    uniformWhole,
    uniformReal,
    normal,
    widthBucket,
    haversine,
  ],
};
