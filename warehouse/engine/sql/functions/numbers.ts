/** Arithmetic and functions of numbers and booleans. */
import { StatementFailed, unsupported } from '../../failures.js';
import type { CallSite } from './call-site.js';
import { namesOf, type FunctionFamily } from './family.js';

const IS_REAL = `typeof(a) IN ('DOUBLE', 'FLOAT') OR typeof(b) IN ('DOUBLE', 'FLOAT')`;
const SCALE_OF_A = `regexp_extract(typeof(a), ',([0-9]+)', 1)::INTEGER`;
/** Scale of a quotient of numbers: max(s1, min(s1 + 6, 12)). */
const QUOTIENT_SCALE = `CASE WHEN starts_with(typeof(a), 'DECIMAL') THEN greatest(${SCALE_OF_A}, least(${SCALE_OF_A} + 6, 12)) ELSE 6 END`;

export const NUMBERS: FunctionFamily = {
  same: namesOf(`
    ABS CEIL CEILING FLOOR ROUND SIGN SQRT CBRT EXP LN LOG POWER POW MOD PI DEGREES RADIANS FACTORIAL
    SIN COS TAN ASIN ACOS ATAN ATAN2 SINH COSH TANH COT SQUARE TRUNC TRUNCATE DIV0 DIV0NULL
    GREATEST LEAST BITAND BITOR BITXOR BITNOT BITSHIFTLEFT BITSHIFTRIGHT
    IFF IFNULL NVL NVL2 NULLIF NULLIFZERO COALESCE DECODE EQUAL_NULL BOOLAND BOOLOR BOOLNOT BOOLXOR
  `),
  renamed: {
    TO_DOUBLE: 'TG_TO_DOUBLE',
    TRY_TO_DOUBLE: 'TG_TRY_DOUBLE',
    TO_BOOLEAN: 'TG_TO_BOOLEAN',
    TRY_TO_BOOLEAN: 'TG_TRY_BOOLEAN',
    UNIFORM: 'TG_UNIFORM',
    RANDOM: 'TG_RANDOM',
    ZEROIFNULL: 'TG_ZEROIFNULL',
  },
  rewritten: {
    TO_NUMBER: toNumber,
    TO_DECIMAL: toNumber,
    TO_NUMERIC: toNumber,
    TRY_TO_NUMBER: toNumber,
    TRY_TO_DECIMAL: toNumber,
    TRY_TO_NUMERIC: toNumber,
  },
  macros: [
    `CREATE MACRO "/"(a, b) AS CASE WHEN b = 0 THEN error('TG100051')
       WHEN ${IS_REAL} THEN system.main."/"(a, b) ELSE round(system.main."/"(a, b), ${QUOTIENT_SCALE}) END`,
    `CREATE MACRO "%"(a, b) AS CASE WHEN b = 0 THEN error('TG100051') ELSE system.main."%"(a, b) END`,
    `CREATE MACRO tg_to_double(x) AS x::DOUBLE`,
    `CREATE MACRO tg_try_double(x) AS TRY_CAST(x AS DOUBLE)`,
    `CREATE MACRO tg_to_boolean(x) AS x::BOOLEAN`,
    `CREATE MACRO tg_try_boolean(x) AS TRY_CAST(x AS BOOLEAN)`,
    `CREATE MACRO tg_uniform(a, b, g) AS floor(a + random() * (b - a + 1))::BIGINT`,
    `CREATE MACRO tg_random() AS ((random() - 0.5) * 18000000000000000000)::BIGINT, (seed) AS ((random() - 0.5) * 18000000000000000000)::BIGINT`,
    `CREATE MACRO tg_zeroifnull(x) AS coalesce(x, 0)`,
  ],
};

/** `TO_NUMBER(x[, digits[, scale]])` as a cast; other forms are refused. */
function toNumber(call: CallSite): void {
  const digits = call.args.slice(1).map((_, index) => call.single(index + 1));
  if (digits.some((digit) => digit?.kind !== 'number'))
    throw new StatementFailed(unsupported('this number format'));
  const [size = '38', scale = '0'] = digits.map((digit) => digit?.value ?? '0');
  call.rename(call.name.startsWith('TRY_') ? 'TRY_CAST' : 'CAST');
  for (let index = call.args.length - 1; index > 0; index -= 1) call.dropArgument(index);
  call.closeWith(`AS DECIMAL(${size}, ${scale}))`);
}
