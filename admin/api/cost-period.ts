/** The period that a question about costs is of. */
import { z } from 'zod';
import { formatInstant } from '#base/time.js';
import type { EpochMs, Period } from '#base/time.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { badField } from '../problems.js';
import { instantSchema } from './api.js';
import { monthAsked, mustHaveBegun, notBegun } from './asked-month.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const periodFields: {
  readonly month: z.ZodOptional<z.ZodString>;
  readonly from: z.ZodOptional<z.ZodString>;
  readonly to: z.ZodOptional<z.ZodString>;
} = {
  month: z
    .string()
    .max(20)
    .optional()
    .describe('YYYY-MM, UTC; the current one unless from and to are given'),
  from: instantSchema.optional().describe('A UTC date or a whole hour'),
  to: instantSchema.optional().describe('Until then, not included'),
};

interface Asked {
  readonly month?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * The current month where nothing is said. Ends of `unit` only.
 * @throws ProblemError 400 that names the field; 404 for a period that has not begun.
 */
export function periodOf(asked: Asked, now: EpochMs, unit: 'hour' | 'day' = 'hour'): Period {
  const { month, from, to } = asked;
  if (month !== undefined && (from !== undefined || to !== undefined))
    throw badField('month', 'cannot stand beside from or to', 'ask for the one or the other');
  if (from === undefined && to === undefined) {
    const named = month ?? formatInstant(now).slice(0, 7);
    const period = monthAsked(named);
    mustHaveBegun(named, period, now);
    return period;
  }
  if (from === undefined || to === undefined)
    throw badField(from === undefined ? 'from' : 'to', 'must be given too', 'name both ends');
  const [startsAt, endsAt] = [whole('from', from, unit), whole('to', to, unit)];
  if (endsAt <= startsAt) throw badField('to', 'must lie after from', 'swap them');
  if (startsAt > now) throw notBegun('The period', startsAt, 'from');
  return { startsAt, endsAt };
}

function whole(field: string, text: string, unit: 'hour' | 'day'): EpochMs {
  const at = tryParseInstant(text);
  if (at !== undefined && at % (unit === 'hour' ? HOUR_MS : DAY_MS) === 0) return at;
  throw unit === 'hour'
    ? badField(field, 'must be a date or a whole hour in UTC', 'credits are metered by the hour')
    : badField(field, 'must be a date in UTC', 'services are billed by the day');
}

/** `field` as a whole hour, or a 400 that names it. */
export function wholeHour(field: string, text: string): EpochMs {
  return whole(field, text, 'hour');
}
