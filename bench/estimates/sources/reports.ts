/** Reports: shapes of heavy-tailed popularity that are asked for with other literals each time. */
import type { Arrival } from '../arrival.js';
import { Popularity } from '../draw.js';
import type { Draw } from '../draw.js';
import { planOf } from '../plan.js';
import type { Literals } from '../plan.js';
import { DAY_MS } from '../tables.js';
import { perDayOf, RUNS, stepOf, wishesOf, workingInstant } from './setting.js';
import type { Setting, Source } from './setting.js';
import { sent, someLiterals, templateOf } from './template.js';
import type { Template } from './template.js';

interface Report {
  readonly team: string;
  readonly template: Template;
  /** Days that it is asked for. */
  readonly days: readonly number[];
  /** What it is asked with, the most usual first. */
  readonly askedWith: Popularity<Literals>;
  readonly isOnBoth: boolean;
}

export function reportsOf(setting: Setting, draw: Draw): Source {
  const reports = makeReports(setting, draw);
  return ({ startsAt, count, draw: ofDay }) =>
    Array.from({ length: Math.round(count) }, (): Arrival => {
      const { team, template, days, askedWith, isOnBoth } = reports.pick(ofDay);
      const literals = {
        ...askedWith.pick(ofDay),
        lastDay: startsAt / DAY_MS - (ofDay.happens(0.75) ? 1 : ofDay.whole(2, 30)),
        days: ofDay.pick(days),
      };
      return {
        at: workingInstant(startsAt, ofDay),
        kind: 'report',
        team,
        warehouse: isOnBoth && ofDay.happens(0.4) ? 'BATCH_WH' : 'STANDARD_WH',
        fate: ofDay.happens(0.01) ? { kind: 'cut', share: ofDay.unit() } : RUNS,
        tag: '',
        next: null,
        ...sent(template, literals),
      };
    });
}

function makeReports(setting: Setting, draw: Draw): Popularity<Report> {
  const count = Math.min(300, Math.max(30, Math.round(perDayOf(setting, 'report') / 4)));
  const reports = Array.from({ length: count }, (): Report => {
    const team = setting.teams.pick(draw);
    const plan = planOf(wishesOf(setting, team, {}), draw);
    return {
      team,
      template: templateOf(plan, 'SELECT', { step: stepOf(setting, draw) }),
      days: draw.happens(0.4) ? [1, 1, 1, 7, 7, 30, 90, 365] : [draw.pick([1, 7, 7, 30])],
      askedWith: new Popularity(
        Array.from({ length: draw.whole(1, 8) }, () => someLiterals(plan, draw)),
        1.2,
      ),
      isOnBoth: draw.happens(0.15),
    };
  });
  return new Popularity(reports, 1);
}
