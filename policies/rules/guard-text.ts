/** What a person reads when a guard refused a statement before it ran. */
import { tgLabel } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import { formatAmount, priceCredits, type Credits, type Money } from '#base/units.js';
import { moneyText, nameText, spanText } from './amount-text.js';
import { compose } from './refusal-text.js';
import type { Refusal, RefusalContext } from './refusal-text.js';
import type { StormState } from './retry-storm.js';
import type { RunRateFinding } from './run-rate.js';

export interface RunRateCause {
  readonly runRateId: string;
  readonly finding: RunRateFinding;
  readonly limitCredits: Credits;
  /** Milliseconds between runs that the limit would pay for; null: not known. */
  readonly affordableEveryMs: number | null;
}

/** TG2110: the shape repeats towards more than it may take in a month. */
export function runRateRefusal(cause: RunRateCause, context: RefusalContext): Refusal {
  const money = (credits: Credits): Money =>
    priceCredits(credits, context.pricePerCredit, 'half-even');
  const text = (credits: Credits): string => moneyText(money(credits), context.currency);
  const { projectedCredits, spentCredits, runs } = cause.finding;
  const every = cause.affordableEveryMs;
  return compose('runRateExceeded', context, {
    headline: `its pace is ${text(projectedCredits)} a month, ${text(cause.limitCredits)} is allowed (run rate ${cause.runRateId}).`,
    lines: [`Pace     ${runs} runs of this shape took ${text(spentCredits)} in the last 30 days`],
    steps: [
      ...(every === null ? [] : [`schedule it less often: every ${spanText(every)} is paid for`]),
      'keep its result in a table or an extract, and read that',
      `ask the platform admins to raise run rate ${cause.runRateId}`,
    ],
    detail: {
      runRate: {
        id: cause.runRateId,
        runs,
        spentCredits: formatAmount(spentCredits),
        projectedCredits: formatAmount(projectedCredits),
        projectedAmount: formatAmount(money(projectedCredits)),
        limitCredits: formatAmount(cause.limitCredits),
        limitAmount: formatAmount(money(cause.limitCredits)),
        affordableEverySeconds: every === null ? null : Math.ceil(every / 1000),
      },
    },
  });
}

/** TG4003 before it was sent: `why` says who ended it and for what. */
export function endedWhileWaiting(why: string, ticketId: TicketId): Refusal {
  const code = 'killed';
  const query = `SELECT * FROM TABLE(TOLLGATE.WHY('${ticketId}'))`;
  return {
    code,
    message: `${tgLabel(code)} Not run, nothing charged: ended while it waited by ${nameText(why, 300)}.\nWhy      ${query}`,
    detail: { code: tgLabel(code), ticketId, charged: false, cause: 'killed', why: query },
  };
}

/** TG2111: the statement fails in a loop. `until` is told as an instant and as a wait. */
export function stormRefusal(
  storm: Pick<StormState, 'failures' | 'last'> & {
    readonly until: string;
    readonly waitMs: number;
  },
  ticketId: TicketId,
): Refusal {
  const code = 'retryStorm';
  const { failures, last, until, waitMs } = storm;
  const what = last.kind === 'refused' ? 'was refused' : 'failed';
  return {
    code,
    message: [
      `${tgLabel(code)} Not run, nothing charged: it ${what} ${failures} times in a row, and is tried again in ${spanText(waitMs)}.`,
      `Last     ${last.code} ${nameText(last.message, 400)}`,
      `Until    ${until}`,
      'Do next   1) correct the statement, or what it needs, before it is sent again',
      '          2) let the program that sends it wait longer between its tries',
    ].join('\n'),
    detail: {
      code: tgLabel(code),
      ticketId,
      charged: false,
      failures,
      last: { code: last.code, message: last.message },
      until,
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    },
  };
}
