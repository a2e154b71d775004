/**
 * Fiscal calendars in days, without a clock or a zone. Two kinds are in use: years of calendar months that begin with
 * another month than January, and years of 52 or 53 whole weeks, whose quarters are three months of 4, 4 and 5 weeks in
 * some order (IRS, Publication 538, "52-53-week tax year"; National Retail Federation, "4-5-4 calendar"). The week that a
 * year of 53 has more belongs to its last month.
 */
export const FISCAL_LENGTHS = ['month', 'quarter', 'year'] as const;
export type FiscalLength = (typeof FISCAL_LENGTHS)[number];
export const FISCAL_PATTERNS = ['calendar', '4-4-5', '4-5-4', '5-4-4'] as const;
export type FiscalPattern = (typeof FISCAL_PATTERNS)[number];
export const YEAR_STARTS = ['nearest', 'after-last'] as const;
export type YearStart = (typeof YEAR_STARTS)[number];

export interface FiscalRule {
  readonly length: FiscalLength;
  /** 1 to 12. */
  readonly firstMonth: number;
  readonly pattern: FiscalPattern;
  /**
   * Of years of weeks. `nearest`: a year begins on the first day of a week that is nearest to the first of `firstMonth`.
   * `after-last`: it begins on the day after the last such week end in the month before.
   */
  readonly yearStart: YearStart;
}

/** Days since 1970-01-01, half-open. */
export interface DaySpan {
  readonly firstDay: number;
  readonly nextDay: number;
}

const DAY_MS = 86_400_000;
const WEEKS_OF_YEAR = 52;

/** The days of the fiscal month, quarter or year that contains `day`; `weekStartsOn`: 1 Monday to 7 Sunday. */
export function fiscalSpan(rule: FiscalRule, weekStartsOn: number, day: number): DaySpan {
  return rule.pattern === 'calendar'
    ? spanOfMonths(rule, day)
    : spanOfWeeks(rule, weekStartsOn, day, monthWeeks(rule.pattern));
}

function spanOfMonths({ length, firstMonth }: FiscalRule, day: number): DaySpan {
  const date = new Date(day * DAY_MS);
  const inYear = (date.getUTCMonth() + 1 - firstMonth + 12) % 12;
  const months = { month: 1, quarter: 3, year: 12 }[length];
  const first = date.getUTCMonth() - (inYear % months);
  const firstOf = (month: number): number => Date.UTC(date.getUTCFullYear(), month, 1) / DAY_MS;
  return { firstDay: firstOf(first), nextDay: firstOf(first + months) };
}

function spanOfWeeks(
  rule: FiscalRule,
  weekStartsOn: number,
  day: number,
  weeks: readonly number[],
): DaySpan {
  let year = new Date(day * DAY_MS).getUTCFullYear() + 1;
  while (yearStart(rule, weekStartsOn, year) > day) year -= 1;
  const [firstDay, nextYear] = [year, year + 1].map((each) => yearStart(rule, weekStartsOn, each));
  let from = firstDay ?? day;
  const end = nextYear ?? day;
  if (rule.length === 'year') return { firstDay: from, nextDay: end };
  const pieces = rule.length === 'month' ? [...weeks, ...weeks, ...weeks, ...weeks] : QUARTERS;
  for (const piece of pieces.slice(0, -1)) {
    const to = from + piece * 7;
    if (day < to) return { firstDay: from, nextDay: to };
    from = to;
  }
  return { firstDay: from, nextDay: end };
}

const QUARTERS = [13, 13, 13, WEEKS_OF_YEAR - 39];

function monthWeeks(pattern: Exclude<FiscalPattern, 'calendar'>): readonly number[] {
  switch (pattern) {
    case '4-4-5':
      return [4, 4, 5];
    case '4-5-4':
      return [4, 5, 4];
    case '5-4-4':
      return [5, 4, 4];
  }
}

/** First day of the fiscal year that begins around the first of `firstMonth` of `year`. */
function yearStart(rule: FiscalRule, weekStartsOn: number, year: number): number {
  const first = Date.UTC(year, rule.firstMonth - 1, 1) / DAY_MS;
  // The latest first day of a week that is not after `day`; day 0 was a Thursday.
  const weekOf = (day: number): number => day - ((((day + 3) % 7) + 14 - (weekStartsOn - 1)) % 7);
  // Three days on: of seven days in a row, one begins a week, and the middle one is the first of the month.
  return rule.yearStart === 'nearest' ? weekOf(first + 3) : weekOf(first);
}
