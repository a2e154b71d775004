/** The month that a request names, and its refusals, the same on every route. */
import { type EpochMs, type Period, formatInstant, tryParseMonth } from '#base/time.js';
import { ProblemError, badField } from '../problems.js';

/**
 * @param text as it was asked for
 * @param field where it stands in the request
 * @returns the month, UTC
 * @throws ProblemError 400 that names the field, for what is not a month.
 */
export function monthAsked(text: string, field = 'month'): Period {
  const period = tryParseMonth(text);
  if (period !== undefined) return period;
  throw badField(field, 'must be a month of 2000 to 2999', 'write it as YYYY-MM, such as 2026-10');
}

/**
 * A figure of what lies ahead would read as if nothing had been spent.
 * @throws ProblemError 404 for a month that begins after `now`.
 */
export function mustHaveBegun(month: string, { startsAt }: Period, now: EpochMs): void {
  if (startsAt > now) throw notBegun(month, startsAt);
}

/**
 * @param what the month or period, as it begins the sentence
 * @param field that names it
 * @returns the 404 of what has not begun.
 */
export function notBegun(what: string, startsAt: EpochMs, field = 'month'): ProblemError {
  return new ProblemError({
    status: 404,
    title: 'Not found',
    detail: `${what} has not begun: it begins at ${formatInstant(startsAt)}.`,
    errors: [{ field, rule: 'must have begun', wayOut: 'name an earlier one' }],
  });
}
