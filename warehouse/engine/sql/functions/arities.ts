/** How many arguments functions take, to refuse others as Snowflake does: fewest and most, by name. */
import { failure, StatementFailed } from '../../failures.js';
import type { CallSite } from './call-site.js';

const ARITIES: ReadonlyMap<string, readonly [fewest: number, most: number]> = new Map(
  Object.entries({
    '1-1': `ABS SIGN SQRT CBRT EXP LN DEGREES RADIANS SIN COS TAN ASIN ACOS ATAN SINH COSH TANH COT FACTORIAL SQUARE BITNOT BOOLNOT
      YEAR QUARTER MONTH WEEK WEEKISO WEEKOFYEAR DAY DAYOFMONTH DAYOFWEEK DAYOFWEEKISO DAYOFYEAR YEAROFWEEK YEAROFWEEKISO
      HOUR MINUTE SECOND DAYNAME MONTHNAME TO_BOOLEAN TRY_TO_BOOLEAN ZEROIFNULL NULLIFZERO`,
    '1-2': `CEIL CEILING FLOOR TRUNC TRUNCATE TO_CHAR TO_VARCHAR TO_DATE TRY_TO_DATE TO_TIME TRY_TO_TIME TO_TIMESTAMP
      TRY_TO_TIMESTAMP TO_TIMESTAMP_NTZ TRY_TO_TIMESTAMP_NTZ TO_TIMESTAMP_LTZ TRY_TO_TIMESTAMP_LTZ TO_TIMESTAMP_TZ
      TRY_TO_TIMESTAMP_TZ TO_BINARY TRY_TO_BINARY LAST_DAY`,
    '1-3': 'ROUND',
    '1-4': 'TO_NUMBER TO_DECIMAL TO_NUMERIC TRY_TO_NUMBER TRY_TO_DECIMAL TRY_TO_NUMERIC',
    '2-2': `MOD DIV0 DIV0NULL POWER POW LOG ATAN2 BITAND BITOR BITXOR BITSHIFTLEFT BITSHIFTRIGHT BOOLAND BOOLOR BOOLXOR DATE_TRUNC
      DATE_PART ADD_MONTHS NEXT_DAY PREVIOUS_DAY MONTHS_BETWEEN NULLIF NVL IFNULL EQUAL_NULL`,
    '2-3': 'CONVERT_TIMEZONE',
    '3-3':
      'DATEADD TIMESTAMPADD TIMEADD DATEDIFF TIMESTAMPDIFF TIMEDIFF DATE_FROM_PARTS DATEFROMPARTS IFF NVL2 UNIFORM NORMAL',
    '3-4': 'TIME_SLICE TIME_FROM_PARTS TIMEFROMPARTS',
    '4-4': 'WIDTH_BUCKET HAVERSINE',
  }).flatMap(([range, names]) => {
    const [fewest = 0, most = 0] = range.split('-').map(Number);
    return names
      .trim()
      .split(/\s+/)
      .map((name) => [name, [fewest, most]] as const);
  }),
);

/** Throws StatementFailed, 000938 or 000939, for a call with too few or too many arguments of a function whose number is known. */
export function checkArity(call: CallSite): void {
  const arity = ARITIES.get(call.name);
  if (arity === undefined) return;
  const [fewest, most] = arity;
  const count = call.args.length;
  if (count >= fewest && count <= most) return;
  const isFew = count < fewest;
  throw new StatementFailed(
    failure(
      isFew ? '000938' : '000939',
      '22023',
      `SQL compilation error:\n${isFew ? 'not enough' : 'too many'} arguments for function [${call.name}], expected ${isFew ? fewest : most}, got ${count}`,
    ),
  );
}
