/**
 * Periods of budgets: days, weeks, months, quarters, pieces of fiscal years and spans of days of the budget's own time
 * zone, as instants. A local day that changes to or from summer time has 23 or 25 hours; nothing here counts in fixed
 * lengths.
 */
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { EpochMs, Period } from '#base/time.js';
import { fiscalSpan } from './fiscal.js';
import type { DaySpan, FiscalRule } from './fiscal.js';

export const PERIOD_KINDS = ['day', 'week', 'month', 'quarter', 'fiscal', 'custom'] as const;
export type PeriodKind = (typeof PERIOD_KINDS)[number];

/** Days as `YYYY-MM-DD`: either so many days again and again from a first one, or spans of their own, in order. */
export interface CustomRule {
  readonly everyDays?: number;
  readonly firstDay?: string;
  readonly spans?: readonly { readonly firstDay: string; readonly lastDay: string }[];
}

export interface PeriodRule {
  readonly periodKind: PeriodKind;
  /** IANA name such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** First day of a week, 1 Monday to 7 Sunday (ISO 8601). */
  readonly weekStartsOn: number;
  /** Of kind fiscal. */
  readonly fiscal?: FiscalRule | null;
  /** Of kind custom. */
  readonly custom?: CustomRule | null;
}

interface LocalDate {
  readonly year: number;
  /** 1 to 12; other numbers carry into the year. */
  readonly month: number;
  /** 1 to 31; other numbers carry into the month. */
  readonly day: number;
}

const DAY_MS = 86_400_000;
const ZONES_MAX = 1_000;
const formatters = new Map<string, Intl.DateTimeFormat>();

/**
 * The period of `rule` that contains `at`: `[startsAt, endsAt)`, both the first instants of local days; undefined where
 * the days of a custom rule do not contain it.
 * @throws Fault `controlStale` for a time zone this system does not know.
 */
export function tryPeriodAt(rule: PeriodRule, at: EpochMs): Period | undefined {
  const days = bounds(rule, localDateAt(rule.timeZone, at));
  if (days === undefined) return undefined;
  const [first, next] = days;
  return { startsAt: startOfDay(rule.timeZone, first), endsAt: startOfDay(rule.timeZone, next) };
}

/**
 * {@link tryPeriodAt} for a budget that is in force at `at`.
 * @throws Fault `controlStale` outside the days of a custom rule, and for an unknown time zone.
 */
export function periodAt(rule: PeriodRule, at: EpochMs): Period {
  const period = tryPeriodAt(rule, at);
  if (period !== undefined) return period;
  throw new Fault('controlStale', `No period contains ${new Date(at).toISOString()}.`);
}

/** The period that ends where the one that contains `at` begins; undefined where there is none. */
export function previousPeriod(rule: PeriodRule, period: Period): Period | undefined {
  return tryPeriodAt(rule, period.startsAt - 1);
}

function bounds(rule: PeriodRule, today: LocalDate): readonly [LocalDate, LocalDate] | undefined {
  const { year, month, day } = today;
  switch (rule.periodKind) {
    case 'day':
      return [today, { year, month, day: day + 1 }];
    case 'week': {
      const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay() || 7;
      const first = day - ((weekday - rule.weekStartsOn + 7) % 7);
      return [
        { year, month, day: first },
        { year, month, day: first + 7 },
      ];
    }
    case 'month':
      return [
        { year, month, day: 1 },
        { year, month: month + 1, day: 1 },
      ];
    case 'quarter': {
      const first = month - ((month - 1) % 3);
      return [
        { year, month: first, day: 1 },
        { year, month: first + 3, day: 1 },
      ];
    }
    case 'fiscal': {
      const fiscal = must(rule.fiscal ?? undefined, 'a fiscal period has a fiscal rule');
      return toDates(fiscalSpan(fiscal, rule.weekStartsOn, dayNumber(today)));
    }
    case 'custom': {
      const custom = must(rule.custom ?? undefined, 'a custom period has its days');
      const span = customSpan(custom, dayNumber(today));
      return span === undefined ? undefined : toDates(span);
    }
  }
}

function customSpan({ spans, everyDays, firstDay }: CustomRule, day: number): DaySpan | undefined {
  if (spans !== undefined) {
    const span = spans.find((each) => dayOf(each.firstDay) <= day && day <= dayOf(each.lastDay));
    return span && { firstDay: dayOf(span.firstDay), nextDay: dayOf(span.lastDay) + 1 };
  }
  const length = must(everyDays, 'custom periods have a length or spans');
  const since = day - dayOf(must(firstDay, 'custom periods of a length have a first day'));
  if (since < 0) return undefined;
  const first = day - (since % length);
  return { firstDay: first, nextDay: first + length };
}

/** Days since 1970-01-01. */
function dayNumber({ year, month, day }: LocalDate): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

function dayOf(text: string): number {
  return Date.parse(`${text}T00:00:00Z`) / DAY_MS;
}

function toDates({ firstDay, nextDay }: DaySpan): readonly [LocalDate, LocalDate] {
  return [
    { year: 1970, month: 1, day: 1 + firstDay },
    { year: 1970, month: 1, day: 1 + nextDay },
  ];
}

/** The first instant whose local date is `date`: midnight, or the end of the gap where a zone skips midnight. */
function startOfDay(timeZone: string, date: LocalDate): EpochMs {
  const midnight = Date.UTC(date.year, date.month - 1, date.day);
  const exact = [midnight - DAY_MS, midnight + DAY_MS]
    .map((near) => midnight - (localClockAt(timeZone, near) - near))
    .filter((candidate) => localClockAt(timeZone, candidate) === midnight);
  if (exact.length > 0) return Math.min(...exact);
  let before = midnight - DAY_MS;
  let after = midnight + DAY_MS;
  while (after - before > 1_000) {
    const middle = Math.floor((before + after) / 2_000) * 1_000;
    if (localClockAt(timeZone, middle) < midnight) before = middle;
    else after = middle;
  }
  return after;
}

function localDateAt(timeZone: string, at: EpochMs): LocalDate {
  const local = new Date(localClockAt(timeZone, at));
  return { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() };
}

/** What a wall clock in the zone shows, read as if it were UTC; whole seconds. */
function localClockAt(timeZone: string, at: EpochMs): EpochMs {
  const read = new Map(
    formatterFor(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number =>
    must(read.get(type), `no ${type} in a formatted date`);
  return Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
}

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  if (formatters.size >= ZONES_MAX) formatters.clear();
  let made;
  try {
    made = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw new Fault('controlStale', `Unknown time zone: ${timeZone.slice(0, 60)}`, { cause });
  }
  formatters.set(timeZone, made);
  return made;
}
