/** Functions of dates and times ("Date & time functions"). WEEK_START and WEEK_OF_YEAR_POLICY are 0: weeks are ISO's, Sunday is day 0. */
import { StatementFailed, unsupported } from '../../failures.js';
import { rounded } from './arithmetic.js';
import type { CallSite } from './call-site.js';
import { ADDABLE, datePart, isTimePart, type DatePart } from './date-parts.js';
import type { FunctionFamily } from './family.js';
import { backTo, instantOf, movable, wallOf, ZONED_TYPE } from './moments.js';
import { alias, argument, op, polymorphic, refusing } from './polymorphic.js';

const plus = (left: string, right: string): string => op('+', left, right);
const minus = (left: string, right: string): string => op('-', left, right);
const times = (left: string, right: string): string => op('*', left, right);
const wholeBy = (left: string, right: string): string => op('//', left, right);
const restBy = (left: string, right: string): string => op('%', left, right);

const NANOS = refusing('digits of a second beyond the sixth');
const INTERVALS: Readonly<Record<string, (count: string) => string>> = {
  YEAR: (n) => `to_years(${n}::INTEGER)`,
  QUARTER: (n) => `to_months(${times('3', n)}::INTEGER)`,
  MONTH: (n) => `to_months(${n}::INTEGER)`,
  WEEK: (n) => `to_days(${times('7', n)}::INTEGER)`,
  DAY: (n) => `to_days(${n}::INTEGER)`,
  HOUR: (n) => `to_hours(${n})`,
  MINUTE: (n) => `to_minutes(${n})`,
  SECOND: (n) => `to_seconds(${n})`,
  MILLISECOND: (n) => `to_milliseconds(${n})`,
  MICROSECOND: (n) => `to_microseconds(${n})`,
  NANOSECOND: (n) =>
    `to_microseconds(CASE WHEN ${restBy(n, '1000')} = 0 THEN ${wholeBy(n, '1000')} ELSE ${NANOS} END)`,
};

/** DATEADD: counts are rounded to whole numbers, half away from zero. */
function addMacro(part: DatePart): string {
  const x = argument(1);
  const count = `round(${argument(0).value}::VARCHAR::DECIMAL(28,9))::BIGINT`;
  const moved = plus(movable(x), INTERVALS[part]?.(count) ?? '');
  const result = backTo(moved, x, isTimePart(part) ? 'TIMESTAMP' : 'DATE');
  const body = isTimePart(part)
    ? result
    : `CASE WHEN ${x.is('time')} THEN ${refusing('days added to a TIME')} ELSE ${result} END`;
  return polymorphic(`tg_add_${part}`, 2, body);
}

function truncMacro(part: DatePart): string {
  const x = argument(0);
  const truncated = part === 'NANOSECOND' ? movable(x) : `date_trunc('${part}', ${movable(x)})`;
  return polymorphic(`tg_trunc_${part}`, 1, backTo(truncated, x));
}

/** DATEDIFF: how many boundaries of the part lie between. */
function differenceMacro(part: DatePart): string {
  const from = wallOf(argument(0));
  const to = wallOf(argument(1));
  if (part === 'WEEK')
    return polymorphic(
      'tg_diff_WEEK',
      2,
      wholeBy(`date_diff('day', date_trunc('week', ${from}), date_trunc('week', ${to}))`, '7'),
    );
  if (part === 'NANOSECOND')
    return polymorphic(
      'tg_diff_NANOSECOND',
      2,
      times(`date_diff('microsecond', ${from}, ${to})`, '1000'),
    );
  return polymorphic(`tg_diff_${part}`, 2, `date_diff('${part}', ${from}, ${to})`);
}

/** What DATE_PART gives, of the wall clock `w` or the instant `i`. */
const PARTS: Readonly<Record<DatePart, string>> = {
  YEAR: `date_part('year', w)`,
  QUARTER: `date_part('quarter', w)`,
  MONTH: `date_part('month', w)`,
  WEEK: `date_part('week', w)`,
  DAY: `date_part('day', w)`,
  HOUR: `date_part('hour', w)`,
  MINUTE: `date_part('minute', w)`,
  SECOND: `second(w)`,
  MILLISECOND: refusing('the date part MILLISECOND'),
  MICROSECOND: refusing('the date part MICROSECOND'),
  NANOSECOND: times(restBy(`date_part('microsecond', w)`, '1000000'), '1000'),
  DAYOFWEEK: `date_part('dow', w)`,
  DAYOFWEEKISO: `date_part('isodow', w)`,
  DAYOFYEAR: `date_part('doy', w)`,
  WEEKISO: `date_part('week', w)`,
  YEAROFWEEK: `date_part('isoyear', w)`,
  YEAROFWEEKISO: `date_part('isoyear', w)`,
  // Rounded down before 1970 too; nanoseconds in 128 bits, as 64 end in the year 2262.
  EPOCH: `floor(${times('epoch_us(i)::DECIMAL(38,0)', '0.000001')})::BIGINT`,
  EPOCH_MILLISECOND: `floor(${times('epoch_us(i)::DECIMAL(38,0)', '0.001')})::BIGINT`,
  EPOCH_MICROSECOND: `epoch_us(i)`,
  EPOCH_NANOSECOND: times('epoch_us(i)::HUGEINT', '1000'),
};

function partMacro(part: DatePart): string {
  const x = argument(0);
  const wall = wallOf(x);
  // An instant's epoch is that of UTC, a wall clock's that of the same reading in UTC.
  const instant = `CASE WHEN ${x.is('ltz', 'zoned')} THEN timezone('UTC', ${instantOf(x)}) ELSE ${wall} END`;
  const body = PARTS[part]
    .replaceAll(/\bw\b(?=\))/g, () => wall)
    .replaceAll(/\(i\)/g, () => `(${instant})`);
  return polymorphic(`tg_part_${part}`, 1, body);
}

const X = argument(0);
const Y = argument(1);
const WALL = wallOf(X);

/** LAST_DAY of a month, quarter, year or week. */
const LAST_DAYS: readonly string[] = [
  ...['MONTH', 'QUARTER', 'YEAR', 'WEEK'].map((part) => {
    const next = plus(`date_trunc('${part}', ${WALL})`, INTERVALS[part]?.('1') ?? '');
    return polymorphic(`tg_last_day_${part}`, 1, `${minus(next, 'to_days(1)')}::DATE`);
  }),
  alias('tg_last_day', 1, 'tg_last_day_MONTH'),
];

const WEEKDAY = `(CASE left(lower(trim(${Y.value}::VARCHAR)), 2) WHEN 'mo' THEN 1 WHEN 'tu' THEN 2 WHEN 'we' THEN 3 WHEN 'th' THEN 4 WHEN 'fr' THEN 5 WHEN 'sa' THEN 6 WHEN 'su' THEN 7 ELSE ${refusing('this name of a day')} END)`;
const ISO_DAY = `isodow(${WALL})`;
/** Days until the next, or since the previous, weekday of that name: 1 to 7. */
const daysTo = (later: string, earlier: string): string =>
  plus(restBy(plus(minus(later, earlier), '6'), '7'), '1');
const nextDay = polymorphic(
  'tg_next_day',
  2,
  `${plus(WALL, `to_days(${daysTo(WEEKDAY, ISO_DAY)}::INTEGER)`)}::DATE`,
);
const previousDay = polymorphic(
  'tg_previous_day',
  2,
  `${minus(WALL, `to_days(${daysTo(ISO_DAY, WEEKDAY)}::INTEGER)`)}::DATE`,
);

const isLastDay = (wall: string): string => `(last_day((${wall})::DATE) = (${wall})::DATE)`;
const MONTHS_ON = plus(WALL, `to_months(round(${Y.value}::VARCHAR::DECIMAL(28,9))::INTEGER)`);
/** From the last day of a month to the last day of another, with the time of the day. */
const addMonths = polymorphic(
  'tg_add_months',
  2,
  backTo(
    `CASE WHEN ${isLastDay(WALL)} THEN ${plus(`last_day((${MONTHS_ON})::DATE)::TIMESTAMP`, minus(WALL, `date_trunc('day', ${WALL})`))} ELSE ${MONTHS_ON} END`,
    X,
  ),
);

const WALL_B = wallOf(argument(1));
const microsOfMonth = (wall: string): string =>
  minus(`epoch_us(${wall})`, `epoch_us(date_trunc('month', ${wall}))`);
const WHOLE_MONTHS = plus(
  times(minus(`year(${WALL})`, `year(${WALL_B})`), '12'),
  minus(`month(${WALL})`, `month(${WALL_B})`),
);
/** Months and 31sts of a month. */
const monthsBetween = polymorphic(
  'tg_months_between',
  2,
  `round(CASE WHEN day(${WALL}) = day(${WALL_B}) OR (${isLastDay(WALL)} AND ${isLastDay(WALL_B)}) THEN ${WHOLE_MONTHS}::DOUBLE
     ELSE ${plus(`${WHOLE_MONTHS}::DOUBLE`, `system.main."/"(${minus(microsOfMonth(WALL), microsOfMonth(WALL_B))}::DOUBLE, 2678400000000::DOUBLE)`)} END, 6)::DECIMAL(32,6)`,
);

/** Slices are counted from 1970, those of weeks from its first Monday before. */
function sliceMacros(part: DatePart): readonly string[] {
  const origin = part === 'WEEK' ? '1969-12-29' : '1970-01-01';
  const width = INTERVALS[part]?.(`${Y.value}::BIGINT`) ?? '';
  const start = `time_bucket(${width}, ${WALL}, TIMESTAMP '${origin}')`;
  const checkedStart = (moved: string): string =>
    `CASE WHEN ${X.is('date', 'ntz', 'text', 'null')} THEN ${backTo(moved, X)} ELSE ${refusing('TIME_SLICE of this type')} END`;
  return [
    polymorphic(`tg_slice_${part}`, 2, checkedStart(start)),
    polymorphic(`tg_slice_end_${part}`, 2, checkedStart(plus(start, width))),
  ];
}

const INSTANT = instantOf(Y);
/** The instant with the offset that it has in the zone. */
const convertTo = polymorphic(
  'tg_convert_zone2',
  2,
  `list_transform([${INSTANT}], lambda tg_i: CASE WHEN tg_i IS NOT NULL THEN struct_pack(tg_instant := tg_i, tg_offset := date_diff('minute', timezone('UTC', tg_i), timezone(${X.value}::VARCHAR, tg_i))::INTEGER)::${ZONED_TYPE} END)[1]`,
);
const Z = argument(2);
const convertFrom = polymorphic(
  'tg_convert_zone3',
  3,
  `CASE WHEN ${Z.is('ltz', 'zoned')} THEN ${refusing('CONVERT_TIMEZONE of three arguments for this type')}
     ELSE timezone(${Y.value}::VARCHAR, timezone(${X.value}::VARCHAR, ${wallOf(Z)})) END`,
);

const firstOf = (y: string, mo: string, d: string): string =>
  plus(
    plus(
      `make_date((${y})::BIGINT, 1, 1)::TIMESTAMP`,
      `to_months(${minus(`(${mo})::INTEGER`, '1')})`,
    ),
    `to_days(${minus(`(${d})::INTEGER`, '1')})`,
  );
const clockOf = (h: string, mi: string, s: string): string =>
  plus(
    plus(`to_hours((${h})::BIGINT)`, `to_minutes((${mi})::BIGINT)`),
    `to_seconds((${s})::BIGINT)`,
  );
const microsOf = (ns: string): string => `tg_nanoseconds(${ns})`;

const FROM_PARTS: readonly string[] = [
  polymorphic('tg_nanoseconds', 1, INTERVALS['NANOSECOND']?.(`${X.value}::BIGINT`) ?? ''),
  `CREATE MACRO tg_date_from_parts(y, mo, d) AS ${firstOf('y', 'mo', 'd')}::DATE`,
  `CREATE MACRO tg_time_from_parts(h, mi, s) AS ${plus(`TIME '00:00:00'`, clockOf('h', 'mi', 's'))},
     (h, mi, s, ns) AS ${plus(plus(`TIME '00:00:00'`, clockOf('h', 'mi', 's')), microsOf('ns'))}`,
  ...(['ntz', 'ltz'] as const).map((kind) => {
    const type = kind === 'ntz' ? 'TIMESTAMP' : 'TIMESTAMPTZ';
    const whole = plus(firstOf('y', 'mo', 'd'), clockOf('h', 'mi', 's'));
    return `CREATE MACRO tg_${kind}_from_parts(x, y) AS concat(x::DATE::VARCHAR, ' ', y::TIME::VARCHAR)::${type},
       (y, mo, d, h, mi, s) AS (${whole})::${type}, (y, mo, d, h, mi, s, ns) AS (${plus(whole, microsOf('ns'))})::${type}`;
  }),
];

/** The first argument, a date part, becomes the end of the name. */
function withPart(name: string, allowed: readonly DatePart[]): (call: CallSite) => void {
  return (call) => {
    call.rename(`${name}_${partAt(call, 0, allowed)}`);
    call.dropArgument(0);
  };
}

const renamedTo =
  (name: string): ((call: CallSite) => void) =>
  (call) =>
    call.rename(name);

/** `TRUNC(date, 'part')` and TRUNC of numbers. */
function truncatedBy(numbers: (call: CallSite) => void): (call: CallSite) => void {
  return (call) => {
    const part = call.single(1);
    if (
      call.args.length !== 2 ||
      (part?.kind !== 'string' && (part?.kind !== 'word' || datePart(part.value) === undefined))
    ) {
      numbers(call);
      return;
    }
    call.rename(`TG_TRUNC_${partAt(call, 1, ADDABLE)}`);
    call.dropArgument(1);
  };
}

function partAt(call: CallSite, index: number, allowed: readonly DatePart[]): DatePart {
  const piece = call.single(index);
  return partOf(piece?.value ?? '', allowed);
}

function partOf(text: string, allowed: readonly DatePart[]): DatePart {
  const part = datePart(text);
  if (part === undefined || !allowed.includes(part))
    throw new StatementFailed(unsupported(`date part ${text}`));
  return part;
}

/** `EXTRACT(part FROM x)`. */
function extract(call: CallSite): void {
  const [from] = call.args[0] ?? [0];
  if (call.args.length !== 1 || call.pieces[from + 1]?.value !== 'FROM')
    throw new StatementFailed(unsupported('this form of EXTRACT'));
  call.rename(`TG_PART_${partOf(call.pieces[from]?.value ?? '', PART_NAMES)}`);
  call.replace(from, '');
  call.replace(from + 1, '');
}

/** `LAST_DAY(x[, part])`. */
function lastDay(call: CallSite): void {
  if (call.args.length === 1) {
    call.rename('TG_LAST_DAY');
    return;
  }
  call.rename(`TG_LAST_DAY_${partAt(call, 1, ['MONTH', 'QUARTER', 'YEAR', 'WEEK'])}`);
  call.dropArgument(1);
}

/** `TIME_SLICE(x, n, 'part'[, 'START' | 'END'])`. */
function timeSlice(call: CallSite): void {
  const part = partAt(call, 2, SLICES);
  const side = call.args.length < 4 ? 'START' : (call.single(3)?.value.toUpperCase() ?? '');
  if (side !== 'START' && side !== 'END') throw new StatementFailed(unsupported(`slice ${side}`));
  call.rename(`TG_SLICE_${side === 'END' ? 'END_' : ''}${part}`);
  for (let index = call.args.length - 1; index >= 2; index -= 1) call.dropArgument(index);
}

function convertTimezone(call: CallSite): void {
  if (call.args.length !== 2 && call.args.length !== 3)
    throw new StatementFailed(unsupported(`CONVERT_TIMEZONE with ${call.args.length} arguments`));
  call.rename(`TG_CONVERT_ZONE${call.args.length}`);
}

const PART_NAMES = Object.keys(PARTS).filter(
  (name): name is DatePart => datePart(name) !== undefined,
);
const SLICES: readonly DatePart[] = ADDABLE.slice(0, ADDABLE.indexOf('SECOND') + 1);
const PART_FUNCTIONS: Readonly<Record<string, DatePart>> = {
  YEAR: 'YEAR',
  QUARTER: 'QUARTER',
  MONTH: 'MONTH',
  WEEK: 'WEEK',
  WEEKOFYEAR: 'WEEK',
  WEEKISO: 'WEEKISO',
  DAY: 'DAY',
  DAYOFMONTH: 'DAY',
  DAYOFWEEK: 'DAYOFWEEK',
  DAYOFWEEKISO: 'DAYOFWEEKISO',
  DAYOFYEAR: 'DAYOFYEAR',
  YEAROFWEEK: 'YEAROFWEEK',
  YEAROFWEEKISO: 'YEAROFWEEKISO',
  HOUR: 'HOUR',
  MINUTE: 'MINUTE',
  SECOND: 'SECOND',
};

export const TIMES: FunctionFamily = {
  same: [],
  renamed: {
    ADD_MONTHS: 'TG_ADD_MONTHS',
    NEXT_DAY: 'TG_NEXT_DAY',
    PREVIOUS_DAY: 'TG_PREVIOUS_DAY',
    MONTHS_BETWEEN: 'TG_MONTHS_BETWEEN',
    DAYNAME: 'TG_DAYNAME',
    MONTHNAME: 'TG_MONTHNAME',
    DATE_FROM_PARTS: 'TG_DATE_FROM_PARTS',
    DATEFROMPARTS: 'TG_DATE_FROM_PARTS',
    TIME_FROM_PARTS: 'TG_TIME_FROM_PARTS',
    TIMEFROMPARTS: 'TG_TIME_FROM_PARTS',
    TIMESTAMP_FROM_PARTS: 'TG_NTZ_FROM_PARTS',
    TIMESTAMPFROMPARTS: 'TG_NTZ_FROM_PARTS',
    TIMESTAMP_NTZ_FROM_PARTS: 'TG_NTZ_FROM_PARTS',
    TIMESTAMPNTZFROMPARTS: 'TG_NTZ_FROM_PARTS',
    TIMESTAMP_LTZ_FROM_PARTS: 'TG_LTZ_FROM_PARTS',
    TIMESTAMPLTZFROMPARTS: 'TG_LTZ_FROM_PARTS',
  },
  rewritten: {
    ...Object.fromEntries(
      Object.entries(PART_FUNCTIONS).map(([name, part]) => [name, renamedTo(`TG_PART_${part}`)]),
    ),
    DATEADD: withPart('TG_ADD', ADDABLE),
    TIMESTAMPADD: withPart('TG_ADD', ADDABLE),
    TIMEADD: withPart('TG_ADD', ADDABLE),
    DATEDIFF: withPart('TG_DIFF', ADDABLE),
    TIMESTAMPDIFF: withPart('TG_DIFF', ADDABLE),
    TIMEDIFF: withPart('TG_DIFF', ADDABLE),
    DATE_TRUNC: withPart('TG_TRUNC', ADDABLE),
    DATE_PART: withPart('TG_PART', PART_NAMES),
    EXTRACT: extract,
    TRUNC: truncatedBy(rounded('trunc')),
    LAST_DAY: lastDay,
    TIME_SLICE: timeSlice,
    CONVERT_TIMEZONE: convertTimezone,
  },
  macros: [
    ...ADDABLE.flatMap((part) => [addMacro(part), truncMacro(part), differenceMacro(part)]),
    ...PART_NAMES.map(partMacro),
    ...LAST_DAYS,
    nextDay,
    previousDay,
    addMonths,
    monthsBetween,
    ...SLICES.flatMap(sliceMacros),
    convertTo,
    convertFrom,
    ...FROM_PARTS,
    polymorphic('tg_dayname', 1, `strftime(${WALL}, '%a')`),
    polymorphic('tg_monthname', 1, `strftime(${WALL}, '%b')`),
    // An interval of whole days keeps a DATE a DATE: as JSON it is told from others.
    `CREATE MACRO tg_days(x) AS to_json(x::VARCHAR)`,
    `CREATE MACRO tg_span(x) AS x::INTERVAL`,
  ],
};
