/** What a person reads when an administrator has frozen what a statement belongs to. */
import { formatInstant } from '#base/time.js';
import type { EpochMs } from '#base/time.js';
import { nameText } from './amount-text.js';
import { rangeText } from './refusal-lines.js';
import { compose } from './refusal-text.js';
import type { Refusal, RefusalContext } from './refusal-text.js';

export interface FreezeCause {
  readonly scope: 'team' | 'principal' | 'warehouse' | 'tier' | 'everything';
  readonly target: string;
  readonly frozenBy: string;
  readonly reason: string;
  /** null: until it is thawed. */
  readonly until: EpochMs | null;
}

/** TG2112: nothing new is admitted; what runs goes on. No request opens it. */
export function freezeRefusal(cause: FreezeCause, context: RefusalContext): Refusal {
  const { scope, target, until } = cause;
  const what = scope === 'everything' ? 'everything' : `${scope} ${nameText(target, 100)}`;
  const by = nameText(cause.frozenBy, 80);
  const end = until === null ? 'until it is thawed' : `until ${formatInstant(until)}`;
  return compose('frozen', context, {
    headline: `${rangeText(context)}: ${what} is frozen by ${by} ${end}.`,
    lines: [`Reason   ${nameText(cause.reason, 300)}`],
    steps: [
      until === null
        ? `ask ${by} when it is thawed`
        : `send it again after ${formatInstant(until)}`,
    ],
    detail: {
      freeze: {
        scope,
        target: target === '' ? null : target,
        frozenBy: cause.frozenBy,
        reason: cause.reason,
        until: until === null ? null : formatInstant(until),
      },
    },
  });
}
