/**
 * What fifteen teams send: dashboards, reports, ad-hoc work, nightly builds, loads and what costs nothing; or streams of
 * fixed templates.
 */
import { SEEDED_TEAMS } from '../../../warehouse/seed-month/teams.js';
import type { EpochMs } from '../../../base/time.js';
import type { Arrival } from '../arrival.js';
import { Popularity } from '../draw.js';
import type { Draw } from '../draw.js';
import { dayText } from '../plan.js';
import { KINDS } from '../profile.js';
import type { Kind, Profile } from '../profile.js';
import { DAY_MS, tablesOf } from '../tables.js';
import type { Tables } from '../tables.js';
import { buildsOf } from './builds.js';
import { dashboardsOf } from './dashboards.js';
import { explorersOf } from './explorers.js';
import { freeOf } from './free.js';
import { loadsOf } from './loads.js';
import { reportsOf } from './reports.js';
import { perDayOf } from './setting.js';
import type { Setting, Source } from './setting.js';
import { streamsOf } from './streams.js';

/** Weekdays and weekend days; the mean over a week is 1. */
const DAY_WEIGHTS = { weekday: 1.25, weekend: 0.375 };

export interface Sources {
  readonly tables: Tables;
  /** Arrivals that begin on the UTC day that starts at `startsAt`, in no order. */
  day(startsAt: EpochMs): readonly Arrival[];
}

/** The sources of a history that lasts about `days` from `startsAt`. */
export function sourcesOf(profile: Profile, startsAt: EpochMs, days: number, draw: Draw): Sources {
  const names = SEEDED_TEAMS.map(({ name }) => name);
  const tables = tablesOf(profile, names, startsAt, days, draw.of('tables'));
  const busiest = [...SEEDED_TEAMS].sort((a, b) => b.weight - a.weight).map(({ name }) => name);
  const teams = new Popularity(busiest, 0.6);
  const setting: Setting = { profile, tables, startsAt, days, teams };
  const sources: Readonly<Record<Kind, Source>> = {
    tile: dashboardsOf(setting, draw.of('dashboards')),
    report: reportsOf(setting, draw.of('reports')),
    adhoc: explorersOf(setting),
    build: buildsOf(setting, draw.of('models')),
    load: loadsOf(setting, draw.of('loaders')),
    free: freeOf(setting),
    stream: streamsOf(setting),
  };
  return { tables, day: (at) => arrivalsOf(setting, sources, at, draw) };
}

function arrivalsOf(
  setting: Setting,
  sources: Readonly<Record<Kind, Source>>,
  startsAt: EpochMs,
  draw: Draw,
): readonly Arrival[] {
  const weekday = new Date(startsAt).getUTCDay();
  const isWeekend = weekday === 0 || weekday === 6;
  const weight = isWeekend ? DAY_WEIGHTS.weekend : DAY_WEIGHTS.weekday;
  const ofDay = draw.of(`day ${dayText(startsAt / DAY_MS)}`);
  return KINDS.filter((kind) => perDayOf(setting, kind) > 0).flatMap((kind) =>
    sources[kind]({
      startsAt,
      isWeekend,
      count: perDayOf(setting, kind) * weight,
      draw: ofDay.of(kind),
    }),
  );
}
