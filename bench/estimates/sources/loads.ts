/** Loads around the clock, of files of any size. */
import type { Arrival } from '../arrival.js';
import type { Draw } from '../draw.js';
import { dayText } from '../plan.js';
import type { Shape } from '../shape.js';
import { DAY_MS } from '../tables.js';
import { perDayOf, RUNS } from './setting.js';
import type { Setting, Source } from './setting.js';
import { bareShape, NO_LITERALS } from './template.js';

const LOADED = ['EVENTS', 'ORDERS', 'TICKETS', 'SHIPMENTS', 'SCORES', 'LEDGER'];

interface Loader {
  readonly team: string;
  readonly table: string;
  readonly hasDatedPath: boolean;
  readonly shape: Shape;
}

export function loadsOf(setting: Setting, draw: Draw): Source {
  const loaders = LOADED.map((name) => makeLoader(name, draw));
  // Weekends are as busy as any other day.
  const count = Math.round(perDayOf(setting, 'load'));
  return ({ startsAt, draw: ofDay }) =>
    Array.from({ length: count }, (): Arrival => {
      const { team, table, hasDatedPath, shape } = ofDay.pick(loaders);
      const at = startsAt + Math.floor(ofDay.unit() * DAY_MS);
      const path = hasDatedPath ? `${dayText(startsAt / DAY_MS).replaceAll('-', '/')}/` : '';
      return {
        at,
        kind: 'load',
        team,
        warehouse: 'BATCH_WH',
        fate: RUNS,
        tag: '',
        next: null,
        shape,
        literals: NO_LITERALS,
        text: `COPY INTO ${table} FROM @ANALYTICS.RAW.LANDING/${path} FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE`,
      };
    });
}

function makeLoader(name: string, draw: Draw): Loader {
  const table = `ANALYTICS.RAW.${name}`;
  return {
    team: draw.pick(['platform', 'operations', 'ml']),
    table,
    hasDatedPath: draw.happens(0.5),
    shape: {
      ...bareShape(`load ${table}`, 'COPY'),
      fileBytes: draw.spread(6e9, 0.8),
      overheadMs: 900,
      sigma: draw.between(0.2, 0.35),
      workFactor: 1,
    },
  };
}
