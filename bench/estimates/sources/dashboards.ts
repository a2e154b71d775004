/** Dashboards: tiles that send the same texts at once every few minutes of the working day, on the smallest warehouse. */
import type { Arrival } from '../arrival.js';
import type { Draw } from '../draw.js';
import { planOf } from '../plan.js';
import type { Literals } from '../plan.js';
import { DAY_MS } from '../tables.js';
import { HOUR_MS, lightFactsOf, perDayOf, RUNS, stepOf, wishesOf } from './setting.js';
import type { Setting, Source } from './setting.js';
import { sent, someLiterals, templateOf } from './template.js';
import type { Template } from './template.js';

interface Tile {
  readonly template: Template;
  readonly literals: Literals;
}

interface Dashboard {
  readonly team: string;
  readonly tiles: readonly Tile[];
  readonly everyMs: number;
}

export function dashboardsOf(setting: Setting, draw: Draw): Source {
  const dashboards = makeDashboards(setting, draw);
  return ({ startsAt, isWeekend, draw: ofDay }) =>
    dashboards.flatMap(({ team, tiles, everyMs }) => {
      const arrivals: Arrival[] = [];
      const every = isWeekend ? everyMs * 3 : everyMs * 0.85;
      const until = startsAt + 19 * HOUR_MS;
      for (let at = startsAt + 7 * HOUR_MS + ofDay.unit() * every; at < until; at += every)
        for (const { template, literals } of tiles)
          arrivals.push({
            at: Math.round(at + ofDay.unit() * 1_500),
            kind: 'tile',
            team,
            warehouse: 'INTERACTIVE_WH',
            fate: ofDay.happens(0.003) ? { kind: 'cut', share: ofDay.unit() } : RUNS,
            tag: '',
            next: null,
            ...sent(template, { ...literals, lastDay: startsAt / DAY_MS }),
          });
      return arrivals;
    });
}

function makeDashboards(setting: Setting, draw: Draw): readonly Dashboard[] {
  const perDay = perDayOf(setting, 'tile');
  const count = Math.min(40, Math.max(3, Math.round(perDay / 120)));
  const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1) ** 0.7);
  const sum = weights.reduce((all, each) => all + each, 0);
  return weights.map((weight): Dashboard => {
    const team = setting.teams.pick(draw);
    const tiles = Array.from({ length: draw.whole(3, 8) }, () => makeTile(setting, team, draw));
    const refreshes = Math.max(1, (perDay * weight) / sum / tiles.length);
    return { team, tiles, everyMs: Math.max(120_000, Math.round((12 * HOUR_MS) / refreshes)) };
  });
}

function makeTile(setting: Setting, team: string, draw: Draw): Tile {
  const marts = setting.tables.marts.get(team) ?? [];
  const tables = draw.happens(0.7) ? marts : lightFactsOf(setting);
  const wishes = wishesOf(setting, team, {
    tables,
    windows: ['relative', 'literal'],
    forms: ['aggregate', 'aggregate', 'aggregate', 'common-table'],
    joinsMax: 1,
    quotedShare: 0.7,
  });
  const template = templateOf(planOf(wishes, draw), 'SELECT', { step: stepOf(setting, draw) });
  return {
    template,
    literals: { ...someLiterals(template.plan, draw), days: draw.pick([1, 1, 2, 7]) },
  };
}
