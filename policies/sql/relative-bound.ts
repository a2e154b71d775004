/**
 * Bounds of filters that the clock decides, such as `CURRENT_DATE - 7`. Facts are cached, so they carry the steps from the
 * clock to the bound; whoever prices a statement works them out for its instant. Source of the steps: Snowflake, "Date &
 * time functions" (DATEADD, ADD_MONTHS, DATE_TRUNC, LAST_DAY) and "Interval constants".
 */

/** Parts of a date that bounds are counted in. */
export const DATE_UNITS = [
  'millisecond',
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
] as const;
export type DateUnit = (typeof DATE_UNITS)[number];

const CLOCKS = ['CURRENT_DATE', 'CURRENT_TIMESTAMP', 'SYSDATE'] as const;
/** What the clock shows: day and time where the session is, or UTC (`SYSDATE`). */
export type ClockName = (typeof CLOCKS)[number];

export type DateStep =
  | { readonly kind: 'add'; readonly unit: DateUnit; readonly count: number }
  /** The last day of a month stays one, as ADD_MONTHS has it. */
  | { readonly kind: 'add-months'; readonly count: number }
  /** `start`: its first instant; `last-day`: its last day; `end`: its last millisecond. */
  | { readonly kind: 'start' | 'last-day' | 'end'; readonly unit: DateUnit }
  /** The millisecond before. */
  | { readonly kind: 'before' };

/** An instant as it follows from the clock, or from a literal one: epoch milliseconds of what a wall clock shows. */
export interface RelativeBound {
  readonly from: ClockName | number;
  readonly steps: readonly DateStep[];
}

/** One end of a filter: a literal, or the least (of a lower end) or greatest of some relative bounds; null: open or unknown. */
export interface FilterEnd {
  readonly text: string | null;
  readonly relative: readonly RelativeBound[] | null;
}

/** No bound, or none that is known. */
export const OPEN_END: FilterEnd = { text: null, relative: null };

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** 1970-01-05, a Monday: weeks begin there unless WEEK_START says otherwise. */
const MONDAY_MS = 4 * DAY_MS;
/** Years that are computed with: `Date.UTC` takes those before for years of the last century. */
const LEAST_MS = Date.parse('0100-01-01T00:00:00Z');
const GREATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const SPANS: Readonly<Partial<Record<DateUnit, number>>> = {
  millisecond: 1,
  second: SECOND_MS,
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: WEEK_MS,
};
const MONTHS: Readonly<Partial<Record<DateUnit, number>>> = { month: 1, quarter: 3, year: 12 };

/** Names of the parts. Source: Snowflake, "Supported date and time parts". */
const UNIT_NAMES: ReadonlyMap<string, DateUnit> = new Map(
  Object.entries({
    millisecond: 'millisecond milliseconds ms msec',
    second: 'second seconds s sec secs',
    minute: 'minute minutes m mi min mins',
    hour: 'hour hours h hh hr hrs',
    day: 'day days d dd dayofmonth',
    week: 'week weeks w wk weekofyear woy wy',
    month: 'month months mm mon mons',
    quarter: 'quarter quarters q qtr qtrs',
    year: 'year years y yy yyy yyyy yr yrs',
  } satisfies Readonly<Record<DateUnit, string>>).flatMap(([unit, names]) =>
    names.split(' ').flatMap((name): (readonly [string, DateUnit])[] => {
      const known = DATE_UNITS.find((each) => each === unit);
      return known === undefined ? [] : [[name, known]];
    }),
  ),
);

/**
 * Instant of a bound, in milliseconds of a wall clock that runs as if it were UTC; null when it lies outside of what
 * dates can be.
 * @param at instant of the statement.
 * @param offsetMs what the session's clock is ahead of UTC.
 */
export function instantOf(
  { from, steps }: RelativeBound,
  at: number,
  offsetMs: number,
): number | null {
  let instant = typeof from === 'number' ? from : readingOf(from, at, offsetMs);
  for (const step of steps) {
    instant = stepped(instant, step);
    if (!(instant >= LEAST_MS && instant <= GREATEST_MS)) return null;
  }
  return instant;
}

function readingOf(from: ClockName, at: number, offsetMs: number): number {
  switch (from) {
    case 'SYSDATE':
      return at;
    case 'CURRENT_TIMESTAMP':
      return at + offsetMs;
    case 'CURRENT_DATE':
      return startOf(at + offsetMs, 'day');
  }
}

function stepped(instant: number, step: DateStep): number {
  switch (step.kind) {
    case 'add':
      return added(instant, step.unit, step.count);
    case 'add-months': {
      const isLast = startOf(instant, 'day') === lastDayOf(instant, 'month');
      const moved = added(instant, 'month', step.count);
      return isLast ? lastDayOf(moved, 'month') : moved;
    }
    case 'start':
      return startOf(instant, step.unit);
    case 'last-day':
      return lastDayOf(instant, step.unit);
    case 'end':
      return added(startOf(instant, step.unit), step.unit, 1) - 1;
    case 'before':
      return instant - 1;
  }
}

function added(instant: number, unit: DateUnit, count: number): number {
  const span = SPANS[unit];
  if (span !== undefined) return instant + count * span;
  const months = count * (MONTHS[unit] ?? 1);
  const date = new Date(instant);
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
  const next = new Date(first);
  const days = new Date(Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 0)).getUTCDate();
  const day = Math.min(date.getUTCDate(), days);
  return first + (day - 1) * DAY_MS + (instant - startOf(instant, 'day'));
}

function startOf(instant: number, unit: DateUnit): number {
  const span = SPANS[unit];
  if (unit === 'week') return Math.floor((instant - MONDAY_MS) / WEEK_MS) * WEEK_MS + MONDAY_MS;
  if (span !== undefined) return Math.floor(instant / span) * span;
  const date = new Date(instant);
  const months = MONTHS[unit] ?? 1;
  const month = Math.floor(date.getUTCMonth() / months) * months;
  return Date.UTC(date.getUTCFullYear(), month, 1);
}

function lastDayOf(instant: number, unit: DateUnit): number {
  return startOf(added(startOf(instant, unit), unit, 1) - 1, 'day');
}

/**
 * The end that some terms make: what {@link boundOf} reads of each, the least of them or the greatest. Where no clock is
 * in any of them it is a literal; unknown when one of them is.
 */
export function endOf(terms: readonly (readonly string[])[], which: 'low' | 'high'): FilterEnd {
  const bounds: RelativeBound[] = [];
  for (const term of terms) {
    const bound = boundOf(term);
    if (bound === null) return OPEN_END;
    bounds.push(bound);
  }
  return endOfBounds(bounds, which);
}

/** Bounds that one end is kept of; a longer list is no bound. */
const BOUNDS_MAX = 64;

/** The least or the greatest of `bounds`; a literal where no clock is in any of them. */
export function endOfBounds(bounds: readonly RelativeBound[], which: 'low' | 'high'): FilterEnd {
  if (bounds.length === 0 || bounds.length > BOUNDS_MAX) return OPEN_END;
  if (bounds.some(({ from }) => typeof from !== 'number')) return { text: null, relative: bounds };
  const instants: number[] = [];
  for (const bound of bounds) {
    const instant = instantOf(bound, 0, 0);
    if (instant === null) return OPEN_END;
    instants.push(instant);
  }
  const instant = which === 'low' ? Math.min(...instants) : Math.max(...instants);
  return { text: textOfInstant(instant), relative: null };
}

/** `2026-01-31`, with the time of the day where it is not midnight. */
function textOfInstant(instant: number): string {
  const text = new Date(instant).toISOString();
  if (instant % DAY_MS === 0) return text.slice(0, 10);
  return text.slice(0, instant % SECOND_MS === 0 ? 19 : 23).replace('T', ' ');
}

/** Terms longer than this are not read: nobody writes them. */
const TERM_LENGTH_MAX = 64;
/** Neither are intervals of more parts; each is a step that every price of the statement takes. */
const INTERVAL_PARTS_MAX = 64;

/**
 * The bound that a term says: a clock, or `AT` and a date, then steps: `ADD` or `SUBTRACT` with unit and count,
 * `ADD_MONTHS` with a count, `PLUS` or `MINUS` with an interval, `START`, `LAST_DAY` or `END` with a unit, `BEFORE`. Null when
 * one of its literals is no such thing.
 */
export function boundOf(term: readonly string[]): RelativeBound | null {
  if (term.length > TERM_LENGTH_MAX) return null;
  const reader = new TermReader(term);
  const from = reader.from();
  if (from === null) return null;
  const steps: DateStep[] = [];
  while (!reader.isAtEnd) {
    const next = reader.steps();
    if (next === null) return null;
    steps.push(...next);
  }
  return { from, steps };
}

class TermReader {
  readonly #term: readonly string[];
  #at = 0;

  constructor(term: readonly string[]) {
    this.#term = term;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#term.length;
  }

  from(): ClockName | number | null {
    const word = this.#next();
    return word === 'AT' ? readDate(this.#next()) : (CLOCKS.find((name) => name === word) ?? null);
  }

  steps(): readonly DateStep[] | null {
    const word = this.#next();
    switch (word) {
      case 'ADD':
      case 'SUBTRACT': {
        const [unit, count] = [readUnit(this.#next()), readCount(this.#next())];
        if (unit === null || count === null) return null;
        return [{ kind: 'add', unit, count: word === 'ADD' ? count : -count }];
      }
      case 'ADD_MONTHS': {
        const count = readCount(this.#next());
        return count === null ? null : [{ kind: 'add-months', count }];
      }
      case 'PLUS':
      case 'MINUS':
        return readInterval(this.#next(), word === 'PLUS' ? 1 : -1);
      case 'START':
      case 'END':
      case 'LAST_DAY': {
        const unit = readUnit(this.#next());
        const kind = word === 'START' ? 'start' : word === 'END' ? 'end' : 'last-day';
        return unit === null ? null : [{ kind, unit }];
      }
      case 'BEFORE':
        return [{ kind: 'before' }];
    }
    return null;
  }

  #next(): string {
    const word = this.#term[this.#at] ?? '';
    this.#at += 1;
    return word;
  }
}

function readUnit(text: string): DateUnit | null {
  return UNIT_NAMES.get(text.trim().toLowerCase()) ?? null;
}

function readCount(text: string): number | null {
  return /^[+-]?\d{1,9}$/.test(text) ? Number(text) : null;
}

/** `1 year, 3 months`; a number without a unit counts seconds. */
function readInterval(text: string, sign: 1 | -1): readonly DateStep[] | null {
  const steps: DateStep[] = [];
  const parts = text.split(',', INTERVAL_PARTS_MAX + 1);
  if (parts.length > INTERVAL_PARTS_MAX) return null;
  for (const part of parts) {
    // Trimmed first: two runs of white space with nothing between them would cost the square of their length.
    const found = /^([+-]?\d{1,9})(?:\s*([a-z]+))?$/i.exec(part.trim());
    if (found === null) return null;
    const unit = readUnit(found[2] ?? 'second');
    if (unit === null) return null;
    steps.push({ kind: 'add', unit, count: sign * Number(found[1]) });
  }
  return steps;
}

/** An ISO date or timestamp without a zone, as milliseconds of a wall clock; null for any other text. */
function readDate(text: string): number | null {
  const found = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?$/.exec(
    text.trim(),
  );
  if (found === null) return null;
  const instant = Date.parse(`${found[1] ?? ''}T${found[2] ?? '00:00'}Z`);
  return Number.isNaN(instant) ? null : instant;
}

/** The bound for people: `CURRENT_DATE - 7 day`, `DATE_TRUNC(month, CURRENT_DATE) - 1 month`. */
export function relativeText({ from, steps }: RelativeBound): string {
  let text = typeof from === 'number' ? textOfInstant(from) : from;
  for (const step of steps) {
    switch (step.kind) {
      case 'add':
        text += ` ${step.count < 0 ? '-' : '+'} ${Math.abs(step.count)} ${step.unit}`;
        break;
      case 'add-months':
        text = `ADD_MONTHS(${text}, ${step.count})`;
        break;
      case 'start':
        text = `DATE_TRUNC(${step.unit}, ${text})`;
        break;
      case 'last-day':
        text = `LAST_DAY(${text}, ${step.unit})`;
        break;
      case 'end':
        text = `the end of the ${step.unit} of ${text}`;
        break;
      case 'before':
        text = `before ${text}`;
        break;
    }
  }
  return text;
}
