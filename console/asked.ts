/** What a request asks for, and what granting it gives, in words. */
import { credits, textOf, unitsOf } from './amounts.js';
import type { Asked } from './api-types.js';

/** A pass lasts so long unless something else was asked for. */
const PASS_HOURS = 24;
/** A hundredth of a credit in units: amounts that nobody named are granted in these. */
const STEP = 10n ** 10n;

/** `200.00 credits, 2 runs, 72 hours, its shape`; undefined: nothing beyond one run of this text. */
export function askedText({ asked }: Pick<Asked, 'asked'>): string | undefined {
  const parts = [
    ...(asked.credits === null ? [] : [`${credits(asked.credits)} credits`]),
    ...(asked.runs === null ? [] : [counted(asked.runs, 'run')]),
    ...(asked.hours === null ? [] : [counted(asked.hours, 'hour')]),
    ...(asked.shape ? ['its shape, with other literals too'] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** What the API grants when a decision names no terms of its own: as asked, else the least that lets it run. */
export function grantText(request: Asked): string {
  return request.wants === 'credits' ? raiseText(request) : passText(request);
}

function raiseText({ asked, budgetId, shortCredits }: Asked): string {
  const amount =
    asked.credits === null
      ? `what the statement lacks now, ${credits(shortCredits)} credits or more,`
      : `${credits(asked.credits)} credits`;
  const end =
    asked.hours === null ? 'until its period ends' : `for ${counted(asked.hours, 'hour')}`;
  return `${amount} on ${budgetId ?? 'the budget that refused'} ${end}`;
}

function passText({ asked, passes, needsCredits }: Asked): string {
  const runs = asked.runs ?? (asked.credits === null ? 1 : null);
  const needed = runs === null || !passes.includes('ceiling') ? null : runs;
  const amount =
    asked.credits ?? (needed === null ? null : textOf(upwards(unitsOf(needsCredits), needed), 2));
  return [
    `a pass for ${asked.shape ? 'its shape, with other literals too' : 'this text'}`,
    ...(runs === null ? [] : [counted(runs, 'run')]),
    ...(amount === null
      ? []
      : [`at most ${asked.credits === null ? amount : credits(amount)} credits together`]),
    `for ${counted(asked.hours ?? PASS_HOURS, 'hour')}`,
  ].join(', ');
}

function upwards(units: bigint, times: number): bigint {
  return ((units * BigInt(times) + STEP - 1n) / STEP) * STEP;
}

function counted(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`;
}
