/**
 * The operators of numbers, and functions that round, with the scales of Snowflake's results and without a double in
 * between ("Arithmetic operators", scale and precision). Names are those of DuckDB's operators, so that a plain `a * b` means them.
 */
import { StatementFailed, unsupported } from '../../failures.js';
import type { CallSite } from './call-site.js';
import type { FunctionFamily } from './family.js';
import {
  alias,
  argument,
  failing,
  op,
  polymorphic,
  refusing,
  ruled,
  type Argument,
} from './polymorphic.js';

const X = argument(0);
const Y = argument(1);
const MAX_SCALE = `greatest(${X.scale}, ${Y.scale})`;
const IS_REAL = `(${X.is('real')} OR ${Y.is('real')})`;
const IS_NUMBERS = `(${X.is('int', 'dec', 'null')} AND ${Y.is('int', 'dec', 'null')})`;
const BY_ZERO = failing('100051', '22012', `'Division by zero'`);
const NO_NUMBER = refusing('arithmetic of this type');

function additive(name: string, operator: '+' | '-'): string {
  const rule = operator === '+' ? 'plus' : 'minus';
  return polymorphic(
    name,
    2,
    ruled(op(operator, ruled(X.value, 'plus.x'), ruled(Y.value, `${rule}.y`)), rule),
  );
}

const QUOTIENT_SCALE = `greatest(${X.scale}, least(${op('+', X.scale, '6')}, 12))`;

const product = polymorphic(
  '"*"',
  2,
  `CASE WHEN ${IS_REAL} OR ${IS_NUMBERS} THEN ${ruled(op('*', ruled(X.value, 'product.x'), ruled(Y.value, 'product.y')), 'product')} ELSE ${NO_NUMBER} END`,
);

/** A decimal as the whole number of its last digits; fails for what is no number. */
const unitsOf = (value: Argument): string => `replace(${value.value}::VARCHAR, '.', '')::HUGEINT`;

/** The number that has so many units of its last digit. */
function ofUnits(whole: string, scale: string, rule: string, digits?: string): string {
  const lastDigit = ruled(`concat('1e-', ${scale})`, `unit.${rule}`, digits);
  return ruled(op('*', `(${whole})::DECIMAL(38,0)`, lastDigit), rule, digits);
}

const tenTo = (power: string): string => `concat('1', repeat('0', (${power})::BIGINT))::HUGEINT`;

function division(name: string, byZero: string, byNull: string): string {
  const typed = (value: string): string => ruled(value, 'quotient');
  const shift = op('+', op('-', QUOTIENT_SCALE, X.scale), Y.scale);
  const quotient = `tg_divided(${unitsOf(X)}, ${unitsOf(Y)}, ${tenTo(shift)})`;
  return polymorphic(
    name,
    2,
    `CASE WHEN ${X.value} IS NULL THEN ${typed('NULL')} WHEN ${Y.value} IS NULL THEN ${typed(byNull)} WHEN ${Y.value}::DOUBLE = 0 THEN ${byZero === '' ? BY_ZERO : typed(byZero)}
       WHEN ${IS_REAL} THEN ${typed(op('/', `${X.value}::DOUBLE`, `${Y.value}::DOUBLE`))} WHEN ${IS_NUMBERS} THEN ${ofUnits(quotient, QUOTIENT_SCALE, 'quotient')} ELSE ${NO_NUMBER} END`,
  );
}

const alignedUnits = (value: Argument): string =>
  op('*', unitsOf(value), tenTo(op('-', MAX_SCALE, value.scale)));
const modulo = polymorphic(
  'tg_mod',
  2,
  `CASE WHEN ${X.value} IS NULL OR ${Y.value} IS NULL THEN ${ruled('NULL', 'rest')} WHEN ${Y.value}::DOUBLE = 0 THEN ${BY_ZERO}
     WHEN ${IS_REAL} THEN ${ruled(op('%', `${X.value}::DOUBLE`, `${Y.value}::DOUBLE`), 'rest')}
     WHEN ${IS_NUMBERS} THEN ${ofUnits(op('%', alignedUnits(X), alignedUnits(Y)), MAX_SCALE, 'rest')} ELSE ${NO_NUMBER} END`,
);

/**
 * Long division of `n` by `d` with the quotient moved by the factor `p`, rounded half away from zero. In two steps: only
 * the rest of the first is moved, so that none but large divisors can overflow.
 */
const DIVIDED = `CREATE MACRO tg_divided(n, d, p) AS list_transform([{'n': n, 'd': d, 'p': p}], lambda tg_q: tg_divided2(struct_extract(tg_q, 'n'), struct_extract(tg_q, 'd'), struct_extract(tg_q, 'p')))[1]`;
const DIVIDED2 = `CREATE MACRO tg_divided2(n, d, p) AS ${op('+', op('*', op('//', 'n', 'd'), 'p'), `tg_whole_round(${op('*', op('%', 'n', 'd'), 'p')}, d)`)}`;

export type Mode = 'round' | 'round_even' | 'trunc' | 'ceil' | 'floor';

/** How the whole quotient `q` and the rest `r` of a division by `p` become the rounded quotient; `s` is the sign of the exact one. */
function modeMacros(): readonly string[] {
  const twice = op('*', 'abs(r)', '2::HUGEINT');
  const further = (condition: string): string =>
    op('+', 'q', `CASE WHEN ${condition} THEN s ELSE 0::HUGEINT END`);
  const modes: Readonly<Record<Mode, string>> = {
    round: further(`${twice} >= abs(p)`),
    round_even: further(
      `${twice} > abs(p) OR (${twice} = abs(p) AND ${op('%', 'q', '2::HUGEINT')} <> 0)`,
    ),
    trunc: 'q',
    ceil: further('s > 0'),
    floor: further('s < 0'),
  };
  return Object.entries(modes).flatMap(([mode, rule]) => [
    `CREATE MACRO tg_mode_${mode}(q, r, p, s) AS ${rule}`,
    `CREATE MACRO tg_whole_${mode}(x, p) AS list_transform([{'n': x, 'd': p}], lambda tg_r: tg_mode_${mode}(
       ${op('//', `struct_extract(tg_r, 'n')`, `struct_extract(tg_r, 'd')`)}, ${op('%', `struct_extract(tg_r, 'n')`, `struct_extract(tg_r, 'd')`)}, struct_extract(tg_r, 'd'),
       ${op('*', `sign(${op('%', `struct_extract(tg_r, 'n')`, `struct_extract(tg_r, 'd')`)})::HUGEINT`, `sign(struct_extract(tg_r, 'd'))::HUGEINT`)}))[1]`,
  ]);
}

const REALS: Readonly<Record<Mode, (value: string, digits: string) => string>> = {
  round: (value, digits) => `round(${value}, ${digits})`,
  round_even: (value, digits) => `round_even(${value}, ${digits})`,
  trunc: (value, digits) => `trunc(${value}, ${digits})`,
  ceil: (value, digits) =>
    op('/', `ceil(${op('*', value, `pow(10, ${digits})`)})`, `pow(10, ${digits})`),
  floor: (value, digits) =>
    op('/', `floor(${op('*', value, `pow(10, ${digits})`)})`, `pow(10, ${digits})`),
};

/** Rounds to the second argument's digits: `…_to` in the scale of a constant, `…_by` in that of the number, as a column's value is not known. */
function roundings(mode: Mode): readonly string[] {
  const digits = `greatest(least(${Y.value}::INTEGER, 37), -37)`;
  const whole = `tg_whole_${mode}(${unitsOf(X)}, ${tenTo(`greatest(${op('-', X.scale, digits)}, 0)`)})`;
  const make = (rule: 'to' | 'by', scale: string, constant?: string): string => {
    const typed = (value: string): string => ruled(value, rule, constant);
    const back = tenTo(`greatest(${op('-', scale, `least(${digits}, ${X.scale})`)}, 0)`);
    return polymorphic(
      `tg_${mode}_${rule}`,
      2,
      `CASE WHEN ${X.value} IS NULL OR ${Y.value} IS NULL THEN ${typed('NULL')} WHEN ${X.is('real')} THEN ${typed(REALS[mode](`${X.value}::DOUBLE`, digits))}
         WHEN ${X.is('int', 'dec', 'null')} THEN ${ofUnits(op('*', whole, back), scale, rule, constant)} ELSE ${refusing('rounding of this type')} END`,
    );
  };
  return [
    make('to', `least(${X.scale}, greatest(b::INTEGER, 0))`, 'b::INTEGER'),
    make('by', X.scale),
  ];
}

/** Constant digits give the result their scale; digits of a column leave that of the number. */
export function rounded(mode: Mode): (call: CallSite) => void {
  return (call) => {
    if (call.args.length === 3) {
      const name = call.single(2)?.value.toUpperCase();
      if (mode !== 'round' || (name !== 'HALF_TO_EVEN' && name !== 'HALF_AWAY_FROM_ZERO'))
        throw new StatementFailed(unsupported(`rounding mode ${name ?? ''}`));
      call.dropArgument(2);
      call.rename(roundingName(name === 'HALF_TO_EVEN' ? 'round_even' : 'round', call));
      return;
    }
    call.rename(roundingName(mode, call));
    if (call.args.length === 1) call.append(', 0');
  };
}

function roundingName(mode: Mode, call: CallSite): string {
  const [from, to] = call.args[1] ?? [0, 0];
  const digits = call.pieces.slice(from, to);
  const isConstant = digits.every(({ kind, value }) => kind === 'number' || value === '-');
  return `TG_${mode.toUpperCase()}_${isConstant ? 'TO' : 'BY'}`;
}

export const ARITHMETIC: FunctionFamily = {
  // TG_SUM and TG_AVERAGE are written by sums.ts.
  same: ['TG_SUM', 'TG_AVERAGE'],
  renamed: { DIV0: 'TG_DIV0', DIV0NULL: 'TG_DIV0NULL', MOD: 'TG_MOD' },
  rewritten: {
    ROUND: rounded('round'),
    TRUNCATE: rounded('trunc'),
    CEIL: rounded('ceil'),
    CEILING: rounded('ceil'),
    FLOOR: rounded('floor'),
  },
  macros: [
    ...modeMacros(),
    DIVIDED2,
    DIVIDED,
    division('tg_div0', '0', 'NULL'),
    division('tg_div0null', '0', '0'),
    division('tg_divide', '', 'NULL'),
    modulo,
    ...(['round', 'round_even', 'trunc', 'ceil', 'floor'] as const).flatMap(roundings),
    // Sums have 38 digits; with fewer before the point they combine with other scales without loss.
    polymorphic('tg_sum', 1, ruled(X.value, 'sum')),
    // A sum by a count.
    alias('tg_average', 2, 'tg_divide'),
    additive('tg_minus', '-'),
    additive('"+"', '+'),
    `CREATE MACRO "-"(a) AS system.main."-"(a), (a, b, tg_k := '') AS tg_minus(a, b, tg_k := tg_k)`,
    product,
    alias('"/"', 2, 'tg_divide'),
    alias('"%"', 2, 'tg_mod'),
  ],
};
