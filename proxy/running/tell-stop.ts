/** What the client of a statement that Tollgate has stopped is told. */
import { priceCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Ledger } from '#billing/ledger.js';
import { stoppedText } from '#policies/rules/refusal-text.js';
import type { StopCause } from '#policies/rules/refusal-text.js';
import { toldOf } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { RunningStatement, StopReason } from './running.js';

/** Keeps what the client of a statement that we stopped is told, for polls that reach another replica. */
export async function tellStop(
  parts: { readonly ledger: Pick<Ledger, 'tellStop'> },
  running: Stopped,
  stop: StopReason,
): Promise<void> {
  await parts.ledger.tellStop(running.ticketId, toldOf(stopRefusal(running, stop)));
}

/** What the text needs of the statement. */
type Stopped = Pick<
  RunningStatement,
  'ticketId' | 'tier' | 'pricePerCredit' | 'currency' | 'isHeldByBudgets'
>;

/** Why it was stopped, in our words. */
export function stopRefusal(running: Stopped, stop: StopReason): Refusal {
  const money = (credits: Credits): ReturnType<typeof priceCredits> =>
    priceCredits(credits, running.pricePerCredit, 'half-even');
  const causes: Record<typeof stop.code, StopCause> = {
    ceilingReached: {
      kind: 'ceiling',
      ceilingMoney: money(stop.limitCredits),
      isByBreakGlass: !running.isHeldByBudgets,
    },
    budgetExhausted: { kind: 'budget', budgetId: stop.source },
    killed: { kind: 'killed', by: stop.source },
    clientGone: { kind: 'gone' },
  };
  return stoppedText(causes[stop.code], {
    ticketId: running.ticketId,
    tier: running.tier,
    elapsedMs: stop.elapsedMs,
    chargedMoney: money(stop.usedCredits),
    currency: running.currency,
    expectedMoney: null,
  });
}
