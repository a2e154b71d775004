/** Aggregates, window functions and functions that make rows. */
import { namesOf, type FunctionFamily } from './family.js';

export const AGGREGATES: FunctionFamily = {
  same: namesOf(`
    COUNT SUM MIN MAX ANY_VALUE MEDIAN MODE STDDEV STDDEV_SAMP STDDEV_POP VARIANCE VAR_SAMP VAR_POP
    VARIANCE_SAMP VARIANCE_POP CORR COVAR_SAMP COVAR_POP PERCENTILE_CONT PERCENTILE_DISC COUNT_IF
    APPROX_COUNT_DISTINCT ARRAY_AGG BOOLAND_AGG BOOLOR_AGG BITAND_AGG BITOR_AGG BITXOR_AGG
    MAX_BY MIN_BY GROUPING REGR_SLOPE REGR_INTERCEPT REGR_R2 REGR_COUNT SKEW KURTOSIS
    ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE NTH_VALUE
  `),
  renamed: {},
  rewritten: {
    LISTAGG: (call) => {
      if (call.args.length === 1) call.append(", ''");
    },
    SEQ1: rowNumber,
    SEQ2: rowNumber,
    SEQ4: rowNumber,
    SEQ8: rowNumber,
  },
  macros: [],
};

function rowNumber(call: { replaceWhole(text: string): void }): void {
  call.replaceWhole('(ROW_NUMBER() OVER () - 1)');
}
