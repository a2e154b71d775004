/**
 * Streams as a benchmark of databases sends them: some dozens of fixed templates in another order every round, with other
 * literals each time, every statement after the one before it. A stream has templates of its own. What they cost and how far
 * their runs lie apart is fitted to published figures of simple predictors (docs/estimates.md), not to any trace.
 */
import type { EpochMs } from '../../../base/time.js';
import type { Arrival } from '../arrival.js';
import { Draw, hashOf } from '../draw.js';
import { planOf } from '../plan.js';
import { workOf } from '../shape.js';
import type { Shape } from '../shape.js';
import { DAY_MS } from '../tables.js';
import { HOUR_MS, RUNS, wishesOf } from './setting.js';
import type { Day, Setting, Source } from './setting.js';
import { NO_LITERALS, sent, someLiterals, templateOf } from './template.js';
import type { Template } from './template.js';

const TEMPLATES = 22;
/** Runs of a template in the mean, before the day ends; a stream has at least three. */
const ROUNDS = 26;
const ROUNDS_MIN = 3;
/** Between two streams the warehouse is suspended. */
const PAUSE_MS = 600_000;
const THINKING_MS = 20;
const WAREHOUSE = 'BATCH_WH';
const NODES = 16;

/** Milliseconds of a template in the middle, and the spread of their logarithm. */
const COST_MS = 15_000;
const COST_SIGMA = 0.8;
/** Spread of a run: of the template in the middle from one to the other; dearer ones vary less. */
const SIGMA = [0.13, 0.24] as const;
const SIGMA_BY_COST = -0.5;
const SIGMA_MAX = 0.9;
const QUICK_SHARE = 0.07;
const QUICK_FACTOR = [0.38, 0.5] as const;
/** Literals of a filter go from the most common value to this one. */
const VALUE_MAX = 5;

/** A template with the window that it always asks for. */
interface Asked {
  readonly template: Template;
  readonly days: number;
}

interface Step extends Asked {
  /** Milliseconds after the end of the one before it. */
  readonly afterMs: number;
}

/** One stream after the other: a chain of statements, the first of which is sent in the first hour of the day. */
export function streamsOf(setting: Setting): Source {
  return (day) => {
    const first = chainOf(setting, day);
    return first === null ? [] : [first];
  };
}

function chainOf(setting: Setting, day: Day): Arrival | null {
  const { startsAt, count, draw } = day;
  const team = setting.teams.pick(draw);
  const steps: Step[] = [];
  while (steps.length < count) steps.push(...streamOf(setting, day, team));
  let next: Arrival['next'] = null;
  for (const { template, days, afterMs } of steps.slice(0, Math.ceil(count)).reverse()) {
    const literals = {
      ...someLiterals(template.plan, draw),
      lastDay: startsAt / DAY_MS - draw.whole(0, 60),
      days,
      values: template.plan.filters.map(() => draw.whole(0, VALUE_MAX)),
    };
    const arrival: Arrival = {
      at: Math.round(startsAt + draw.unit() * HOUR_MS),
      kind: 'stream',
      team,
      warehouse: WAREHOUSE,
      fate: RUNS,
      tag: '',
      next,
      ...sent(template, literals),
    };
    next = { afterMs, arrival };
  }
  return next?.arrival ?? null;
}

/** One stream, round by round. */
function streamOf(setting: Setting, { startsAt, draw }: Day, team: string): readonly Step[] {
  const templates = Array.from({ length: TEMPLATES }, () => ask(setting, team, startsAt, draw));
  const rounds = Math.max(ROUNDS_MIN, Math.round(draw.exponential(ROUNDS)));
  return Array.from({ length: rounds }, (_, round) =>
    draw
      .some(templates, TEMPLATES)
      .map((asked, index) => ({ ...asked, afterMs: round + index === 0 ? PAUSE_MS : THINKING_MS })),
  ).flat();
}

function ask(setting: Setting, team: string, startsAt: EpochMs, draw: Draw): Asked {
  const wishes = wishesOf(setting, team, { tables: setting.tables.facts, joinsMax: 3 });
  const template = templateOf(planOf(wishes, draw), 'SELECT', {});
  // Plans of one text have one cost, whoever drew them.
  const own = new Draw(hashOf(template.shape.id)).of('stream');
  const days = own.pick([7, 30, 90, 365]);
  return {
    template: { ...template, shape: pricedShape(template.shape, days, startsAt, own) },
    days,
  };
}

/** The shape with a cost of its own, whatever its tables and operators would make it take. */
function pricedShape(shape: Shape, days: number, at: EpochMs, draw: Draw): Shape {
  const deviations = draw.normal();
  const plain = { ...shape, overheadMs: 0, sigma: 0, quick: null };
  const { workMs } = workOf(plain, { ...NO_LITERALS, days }, at, NODES, () => false, draw);
  const factor = (COST_MS * Math.exp(COST_SIGMA * deviations)) / workMs;
  const sigma = draw.between(...SIGMA) * Math.exp(SIGMA_BY_COST * deviations);
  return {
    ...shape,
    workFactor: shape.workFactor * factor,
    sigma: Math.min(SIGMA_MAX, sigma),
    quick: { share: QUICK_SHARE, factor: draw.between(...QUICK_FACTOR) },
    isReusable: false,
  };
}
