/** Ad-hoc work: somebody looks for something, a few statements one after the other, most of them never seen before. */
import type { EpochMs } from '../../../base/time.js';
import type { Arrival, Fate } from '../arrival.js';
import type { Draw } from '../draw.js';
import { planOf } from '../plan.js';
import type { WarehouseName } from '../profile.js';
import { DAY_MS } from '../tables.js';
import { lightFactsOf, RUNS, wishesOf, workingInstant } from './setting.js';
import type { Setting, Source } from './setting.js';
import { sent, someLiterals, templateOf } from './template.js';
import type { Template } from './template.js';

const RECENT_SHAPES_MAX = 40;

export function explorersOf(setting: Setting): Source {
  const explorers = new Explorers(setting);
  return ({ startsAt, count, draw }) => explorers.explore(startsAt, count, draw);
}

class Explorers {
  readonly #setting: Setting;
  readonly #recent: Template[] = [];
  /** Those that are sent to the smallest warehouse. */
  readonly #recentSmall: Template[] = [];

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  explore(startsAt: EpochMs, count: number, draw: Draw): readonly Arrival[] {
    const arrivals: Arrival[] = [];
    for (let left = Math.round(count); left > 0;) {
      const length = Math.min(left, draw.whole(1, 6));
      const team = this.#setting.teams.pick(draw);
      left -= length;
      const warehouse = explorersWarehouse(team, draw);
      let next: Arrival['next'] = null;
      for (let each = 0; each < length; each += 1) {
        const arrival: Arrival = {
          ...this.#statement(startsAt, team, warehouse, draw),
          at: workingInstant(startsAt, draw),
          warehouse,
          next,
        };
        next = { afterMs: Math.round(2_000 + draw.exponential(45_000)), arrival };
      }
      if (next !== null) arrivals.push(next.arrival);
    }
    return arrivals;
  }

  #statement(
    startsAt: EpochMs,
    team: string,
    warehouse: WarehouseName,
    draw: Draw,
  ): Omit<Arrival, 'at' | 'warehouse' | 'next'> {
    const isSmall = warehouse === 'INTERACTIVE_WH';
    const recent = isSmall ? this.#recentSmall : this.#recent;
    const isNew = recent.length === 0 || draw.happens(this.#setting.profile.newShapes);
    const template = isNew ? this.#newTemplate(team, isSmall, draw) : draw.pick(recent);
    if (isNew) recent.push(template);
    if (recent.length > RECENT_SHAPES_MAX) recent.shift();
    const literals = {
      ...someLiterals(template.plan, draw),
      lastDay: startsAt / DAY_MS - draw.whole(0, 90),
      days: draw.pick([1, 1, 3, 7, 7, 14, 30, 30, 90, 180, 365]),
    };
    const roll = draw.unit();
    const { text, ...rest } = sent(template, literals);
    if (roll < 0.04) {
      // A column that is not there: the compiler refuses it.
      const wrong = text.replace(/\bSELECT /, 'SELECT f.NO_SUCH_COLUMN, ');
      return { kind: 'adhoc', team, tag: '', fate: { kind: 'invalid' }, text: wrong, ...rest };
    }
    const fate: Fate = roll < 0.055 ? { kind: 'cut', share: draw.unit() } : RUNS;
    return { kind: 'adhoc', team, tag: '', fate, text, ...rest };
  }

  #newTemplate(team: string, isSmall: boolean, draw: Draw): Template {
    const marts = this.#setting.tables.marts.get(team) ?? [];
    const wishes = wishesOf(this.#setting, team, {
      ...(isSmall ? { tables: [...marts, ...lightFactsOf(this.#setting)] } : {}),
      windows: ['literal', 'literal', 'literal', 'relative', 'none'],
      forms: ['aggregate', 'aggregate', 'aggregate', 'common-table', 'ranked', 'lookup', 'star'],
    });
    return templateOf(planOf(wishes, draw), 'SELECT', {});
  }
}

function explorersWarehouse(team: string, draw: Draw): WarehouseName {
  const isHeavy = ['ml', 'research', 'data-science'].includes(team);
  const roll = draw.unit();
  if (roll < (isHeavy ? 0.4 : 0.05)) return 'BATCH_WH';
  return roll < 0.9 ? 'STANDARD_WH' : 'INTERACTIVE_WH';
}
