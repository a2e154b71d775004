/** Aggregates and window functions ("Aggregate functions", "Window functions"), and SEQ…. */
import { StatementFailed, unsupported } from '../../failures.js';
import { closing, isSymbol, isWord, render } from '../pieces.js';
import { isVariant, wrapped } from './arguments.js';
import { checkArity, taking } from './arity.js';
import { aggregateEnd, type CallSite } from './call-site.js';
import { namesOf, type FunctionFamily } from './family.js';

const WHOLE = ' ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)';
const TO_HERE = ' ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)';

/** How the rows of GENERATOR start; SEQ… reads their number. */
export const GENERATED = '(SELECT RANGE AS TG_SEQ';

export const AGGREGATES: FunctionFamily = {
  same: namesOf(`
    SUM ANY_VALUE MODE STDDEV STDDEV_SAMP STDDEV_POP VARIANCE VAR_SAMP VAR_POP
    CORR COVAR_SAMP COVAR_POP COUNT_IF GROUPING
    REGR_SLOPE REGR_INTERCEPT REGR_R2 REGR_COUNT REGR_AVGX REGR_AVGY REGR_SXX REGR_SXY REGR_SYY
    ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD
  `),
  renamed: {
    VARIANCE_SAMP: 'VAR_SAMP',
    VARIANCE_POP: 'VAR_POP',
    SKEW: 'SKEWNESS',
    KURTOSIS: 'KURTOSIS',
    GROUPING_ID: 'GROUPING',
    BOOLAND_AGG: 'BOOL_AND',
    BOOLOR_AGG: 'BOOL_OR',
    BOOLXOR_AGG: 'TG_BOOLXOR_AGG',
    ...Object.fromEntries(
      ['AND', 'OR', 'XOR'].flatMap((name) =>
        [`BIT${name}_AGG`, `BIT${name}AGG`, `BIT_${name}_AGG`, `BIT_${name}AGG`].map(
          (alias): [string, string] => [alias, `TG_BIT${name}_AGG`],
        ),
      ),
    ),
  },
  rewritten: {
    COUNT: count,
    MIN: extreme,
    MAX: extreme,
    LISTAGG: taking(1, 2, listagg),
    MEDIAN: taking(1, 1, (call) => {
      refuseOver(call);
      call.rename('TG_MEDIAN');
    }),
    PERCENTILE_CONT: (call) => percentile(call, 'TG_PERCENTILE_CONT'),
    PERCENTILE_DISC: (call) => percentile(call, 'TG_PERCENTILE_DISC'),
    APPROX_COUNT_DISTINCT: taking(1, 1, countDistinct),
    HLL: taking(1, 1, countDistinct),
    MAX_BY: (call) => extremeBy(call, 'ARG_MAX_NULL', 'ARG_MAX'),
    MIN_BY: (call) => extremeBy(call, 'ARG_MIN_NULL', 'ARG_MIN'),
    FIRST_VALUE: (call) => overWhole(call, 1),
    LAST_VALUE: (call) => overWhole(call, 1),
    NTH_VALUE: (call) => overWhole(call, 2),
    RATIO_TO_REPORT: taking(1, 1, ratio),
    CONDITIONAL_TRUE_EVENT: taking(1, 1, (call) => {
      call.rename('COUNT_IF');
      framed(call, TO_HERE);
    }),
    SEQ1: sequence,
    SEQ2: sequence,
    SEQ4: sequence,
    SEQ8: sequence,
  },
  macros: [
    // As wide as the argument with three more digits after the point.
    `CREATE MACRO tg_median(x) AS cast_to_type(median(x::DOUBLE), max(x) * 1.000)`,
    `CREATE MACRO tg_percentile_cont(p, x) AS cast_to_type(quantile_cont(x::DOUBLE, p), max(x) * 1.000)`,
    `CREATE MACRO tg_percentile_disc(p, x) AS quantile_disc(x, p)`,
    `CREATE MACRO tg_boolxor_agg(x) AS CASE WHEN count(x) > 0 THEN count_if(x::BOOLEAN) = 1 END`,
    ...['and', 'or', 'xor'].map(
      (name) =>
        `CREATE MACRO tg_bit${name}_agg(x) AS bit_${name}(round(x)::HUGEINT)::DECIMAL(38,0)`,
    ),
    `CREATE MACRO tg_row(a, b) AS row(a, b), (a, b, c) AS row(a, b, c), (a, b, c, d) AS row(a, b, c, d), (a, b, c, d, e) AS row(a, b, c, d, e)`,
    `CREATE MACRO tg_ratio(x, s) AS CASE WHEN s = 0 THEN NULL ELSE x / s END`,
  ],
};

/** The bracket after OVER, when one follows the call. */
function overOf(call: CallSite): number | undefined {
  let at = call.close + 1;
  while (['IGNORE', 'RESPECT', 'NULLS', 'WITHIN', 'GROUP', 'FILTER'].includes(wordAt(call, at))) {
    at += 1;
    if (isSymbol(call.pieces, at, '(')) at = closing(call.pieces, at) + 1;
  }
  return isWord(call.pieces, at, 'OVER') && isSymbol(call.pieces, at + 1, '(') ? at + 1 : undefined;
}

function wordAt(call: CallSite, at: number): string {
  const piece = call.pieces[at];
  return piece?.kind === 'word' ? piece.value : '';
}

function refuseOver(call: CallSite): void {
  if (overOf(call) !== undefined)
    throw new StatementFailed(unsupported(`${call.name} as a window function`));
}

/** A frame for a window that states an order but no frame. */
function framed(call: CallSite, frame: string): void {
  const open = overOf(call);
  if (open === undefined) throw new StatementFailed(unsupported(`${call.name} without OVER (…)`));
  const close = closing(call.pieces, open);
  let isOrdered = false;
  for (let at = open + 1; at < close; at += 1) {
    if (isSymbol(call.pieces, at, '(')) at = closing(call.pieces, at);
    if (isWord(call.pieces, at, 'ORDER')) isOrdered = true;
    if (['ROWS', 'RANGE', 'GROUPS'].includes(wordAt(call, at))) return;
  }
  if (isOrdered) call.replace(close, frame);
}

/** FIRST_VALUE and its kin see the whole partition unless a frame is stated; IGNORE NULLS goes into the brackets. */
function overWhole(call: CallSite, args: number): void {
  checkArity(call, args, args);
  if (isWord(call.pieces, call.close + 1, 'FROM')) {
    if (!isWord(call.pieces, call.close + 2, 'FIRST'))
      throw new StatementFailed(unsupported('NTH_VALUE FROM LAST'));
    call.replace(call.close + 1, '');
    call.replace(call.close + 2, '');
  }
  framed(call, WHOLE);
}

/** `COUNT(a, b)` and `COUNT(DISTINCT a, b)` count rows without a NULL. */
function count(call: CallSite): void {
  const [first] = call.args;
  if (first === undefined) checkArity(call, 1, 1);
  if (call.args.length < 2 || first === undefined) {
    // `COUNT(t.*)` counts the rows that have no NULL.
    const isQualified =
      first !== undefined &&
      first[1] - first[0] > 1 &&
      isSymbol(call.pieces, first[1] - 1, '*') &&
      isSymbol(call.pieces, first[1] - 2, '.');
    if (isQualified) throw new StatementFailed(unsupported('COUNT(table.*)'));
    return;
  }
  const isDistinct = isWord(call.pieces, first[0], 'DISTINCT');
  const texts = call.args.map(([from, to], at) => {
    const start = at === 0 && isDistinct ? from + 1 : from;
    if (call.pieces.slice(start, to).some(({ value }) => value === '('))
      throw new StatementFailed(unsupported('COUNT of several expressions that call functions'));
    return render(call.pieces.slice(start, to));
  });
  const known = texts.map((text) => `(${text}) IS NOT NULL`).join(' AND ');
  call.replaceWhole(
    isDistinct
      ? `COUNT(DISTINCT CASE WHEN ${known} THEN TG_ROW(${texts.join(', ')}) END)`
      : `COUNT_IF(${known})`,
  );
}

/** The order of a VARIANT is not that of its text. */
function extreme(call: CallSite): void {
  checkArity(call, 1, 1);
  if (isVariant(call, 0))
    throw new StatementFailed(unsupported(`${call.name} of a VARIANT; cast it to a type`));
}

/** LISTAGG of no rows is an empty text. */
function listagg(call: CallSite): void {
  const end = aggregateEnd(call);
  const isDistinct = isWord(call.pieces, call.args[0]?.[0] ?? -1, 'DISTINCT');
  wrapped(
    call,
    'COALESCE(LISTAGG',
    // An order of distinct values has to be by the very value.
    (index) => (index === 0 && !isDistinct ? 'TG_CHARS' : undefined),
    call.args.length === 1 ? ", ''" : '',
    end === call.close ? ", '')" : '',
  );
  if (end !== call.close) call.replace(end, "), '')");
}

/** `PERCENTILE_…(p) WITHIN GROUP (ORDER BY x)`. */
function percentile(call: CallSite, name: string): void {
  checkArity(call, 1, 1);
  const group = call.close + 3;
  const isForm =
    isWord(call.pieces, call.close + 1, 'WITHIN') &&
    isWord(call.pieces, call.close + 2, 'GROUP') &&
    isWord(call.pieces, group + 1, 'ORDER');
  const end = closing(call.pieces, group);
  const isDescending = isWord(call.pieces, end - 1, 'DESC');
  if (!isForm || isWord(call.pieces, end + 1, 'OVER'))
    throw new StatementFailed(unsupported(`this form of ${call.name}`));
  if (isDescending) throw new StatementFailed(unsupported(`${call.name} in descending order`));
  if (isWord(call.pieces, end - 1, 'ASC')) call.replace(end - 1, '');
  call.rename(name);
  call.closeWith(',');
  for (let at = call.close + 1; at <= group + 2; at += 1) call.replace(at, '');
}

function countDistinct(call: CallSite): void {
  call.head = 'COUNT(DISTINCT';
  call.closeWith('))');
}

/** MAX_BY and MIN_BY; with a number of rows they make an ARRAY. */
function extremeBy(call: CallSite, one: string, many: string): void {
  checkArity(call, 2, 3);
  if (call.args.length === 2) call.rename(one);
  else {
    refuseOver(call);
    call.head = `TG_LIST_ARRAY(${many}`;
    call.closeWith('))');
  }
}

/** The value over the sum of its window, which is NULL for a sum of zero. */
function ratio(call: CallSite): void {
  const open = overOf(call);
  const [arg] = call.args;
  if (open === undefined || arg === undefined)
    throw new StatementFailed(unsupported('RATIO_TO_REPORT without OVER (…)'));
  const pieces = call.pieces.slice(...arg);
  const window = call.pieces.slice(open + 1, closing(call.pieces, open));
  if (pieces.some(({ value }) => value === '(') || window.some(({ value }) => value === 'ORDER'))
    throw new StatementFailed(unsupported('this form of RATIO_TO_REPORT'));
  call.rename('TG_RATIO');
  call.closeWith(`, SUM(${render(pieces)})`);
  call.replace(closing(call.pieces, open), '))');
}

/** SEQ1 to SEQ8: the number of the row that GENERATOR makes where the query reads one, else of the row. */
function sequence(call: CallSite): void {
  checkArity(call, 0, 1);
  let depth = 0;
  let at = call.close + 1;
  for (; at < call.pieces.length; at += 1) {
    if (isSymbol(call.pieces, at, '(')) at = closing(call.pieces, at);
    else if (isSymbol(call.pieces, at, ')')) depth -= 1;
    else if (isWord(call.pieces, at, 'FROM')) break;
  }
  const source = call.pieces[at + 1];
  const isOnly = source?.text.startsWith(GENERATED) === true && !isSymbol(call.pieces, at + 2, ',');
  if (!isOnly && depth < 0) throw new StatementFailed(unsupported(`${call.name} inside of a call`));
  call.replaceWhole(isOnly ? 'TG_SEQ' : '(ROW_NUMBER() OVER () - 1)');
}
