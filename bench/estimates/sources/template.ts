/** Shapes with the plans that write their texts, and the literals that they are sent with. */
import type { Arrival } from '../arrival.js';
import { Draw, hashOf } from '../draw.js';
import { textOf } from '../plan.js';
import type { Literals, Plan } from '../plan.js';
import { shapeOfPlan } from '../shape.js';
import type { Shape } from '../shape.js';

export const NO_LITERALS: Literals = { lastDay: 0, days: null, values: [], limit: 100 };

/** A shape with the plan that writes its text. */
export interface Template {
  readonly plan: Plan;
  readonly shape: Shape;
  readonly prefix: string;
  readonly suffix: string;
}

/** Plans of one text have one cost, whoever drew them. */
export function templateOf(
  plan: Plan,
  queryType: string,
  options: Parameters<typeof shapeOfPlan>[4],
  prefix: string = '',
  suffix: string = '',
): Template {
  const literals = { lastDay: 0, days: 1, values: plan.filters.map(() => 0), limit: 1 };
  const id = prefix + textOf(plan, literals) + suffix;
  const draw = new Draw(hashOf(id));
  return { plan, prefix, suffix, shape: shapeOfPlan(id, queryType, plan, draw, options) };
}

/** A statement of the template with these literals. */
export function sent(
  { plan, shape, prefix, suffix }: Template,
  literals: Literals,
): Pick<Arrival, 'shape' | 'literals' | 'text'> {
  return { shape, literals, text: prefix + textOf(plan, literals) + suffix };
}

/** Literals as somebody would ask with. */
export function someLiterals(plan: Plan, draw: Draw): Literals {
  return {
    lastDay: 0,
    days: null,
    // Mostly the common values, now and then a rare one.
    values: plan.filters.map(() => Math.min(40, Math.floor(draw.exponential(3)))),
    limit: draw.pick([100, 500, 1_000, 5_000]),
  };
}

/** A shape that reads no table. */
export function bareShape(id: string, queryType: string): Shape {
  return {
    id,
    queryType,
    readings: [],
    writtenShare: 0,
    fileBytes: 0,
    workFactor: 1,
    overheadMs: 0,
    compileMs: 40,
    sigma: 0,
    quick: null,
    coldFactor: 1,
    step: null,
    stoppedShare: 1,
    isReusable: false,
  };
}
