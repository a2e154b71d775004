/** What every source of statements knows: the profile, the teams, the tables, how long the history lasts. */
import type { EpochMs } from '../../../base/time.js';
import type { Arrival, Fate } from '../arrival.js';
import type { Draw, Popularity } from '../draw.js';
import type { PlanWishes } from '../plan.js';
import type { Kind, Profile } from '../profile.js';
import type { Shape } from '../shape.js';
import { DAY_MS } from '../tables.js';
import type { Table, Tables } from '../tables.js';

export const HOUR_MS = 3_600_000;
export const RUNS: Fate = { kind: 'runs' };

export interface Setting {
  readonly profile: Profile;
  readonly tables: Tables;
  readonly startsAt: EpochMs;
  /** About how long the history lasts. */
  readonly days: number;
  /** Names of teams, the busiest first. */
  readonly teams: Popularity<string>;
}

/** A day for which statements are asked. */
export interface Day {
  /** Its first instant, in UTC. */
  readonly startsAt: EpochMs;
  readonly isWeekend: boolean;
  /** Statements of the kind that is asked for, as the weekday has it. */
  readonly count: number;
  readonly draw: Draw;
}

/** The statements of one kind that begin on a day, in no order. */
export type Source = (day: Day) => readonly Arrival[];

/** Statements of a kind in a day, in the mean over a week. */
export function perDayOf({ profile }: Setting, kind: Kind): number {
  return profile.perDay * (profile.shares[kind] ?? 0);
}

/** What a team's plans are drawn from. */
export function wishesOf({ tables }: Setting, team: string, more: Partial<PlanWishes>): PlanWishes {
  return {
    tables: [...tables.facts, ...(tables.marts.get(team) ?? [])],
    dimensions: tables.dimensions,
    windows: ['literal'],
    forms: ['aggregate', 'aggregate', 'common-table', 'ranked', 'lookup'],
    joinsMax: 2,
    quotedShare: 0.2,
    ...more,
  };
}

/** What a small warehouse reads: not the widest tables. */
export function lightFactsOf({ tables }: Setting): readonly Table[] {
  return tables.facts.filter(({ rowsAtStart, daysAtStart }) => rowsAtStart / daysAtStart < 3e6);
}

/** Of a repeated shape: some become slower or faster at an instant. */
export function stepOf({ profile, startsAt, days }: Setting, draw: Draw): Shape['step'] {
  if (!draw.happens(profile.stepShare)) return null;
  const at = startsAt + draw.between(0.2, 0.8) * days * DAY_MS;
  return { at, factor: draw.happens(0.75) ? 4 : 0.25 };
}

/** An instant of a day as people work: most around ten and three. */
export function workingInstant(startsAt: EpochMs, draw: Draw): number {
  const hours = draw.pick([10, 15]) + 1.7 * draw.normal();
  return Math.round(startsAt + Math.min(23.99, Math.max(0, hours)) * HOUR_MS);
}
