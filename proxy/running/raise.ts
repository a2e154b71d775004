/** Raising the hold of a statement that uses more than was held for it, by whoever watches it (I7). */
import type { Credits } from '#base/units.js';
import type { TicketId } from '#base/ids.js';
import type { BudgetStanding, Ledger, TopUpOutcome } from '#billing/ledger.js';
import { isOutrun, lastHold } from '#policies/rules/guard.js';
import type { GuardStep } from '#policies/rules/guard.js';

/** What is raised; its hold is kept as the ledger has it. */
export interface Raised {
  readonly ticketId: TicketId;
  holdCredits: Credits;
}

/**
 * Tops up what a look asks for; where a budget does not have it, the last that it has. Fault `ledgerUnavailable`.
 * @returns the budget that has nothing more, when the statement is to be stopped for that; else undefined.
 */
export async function raiseHold(
  ledger: Pick<Ledger, 'topUp'>,
  raised: Raised,
  step: Extract<GuardStep, { kind: 'topUp' }>,
): Promise<BudgetStanding | undefined> {
  const refused = await raiseTo(ledger, raised, step.holdCredits);
  if (refused === undefined) return undefined;
  // Less than wanted is left: the last of it is taken before the statement is stopped.
  const last = lastHold(raised.holdCredits, refused.budget.availableCredits);
  if (last !== null && (await raiseTo(ledger, raised, last)) === undefined) return undefined;
  return isOutrun(raised.holdCredits, step.aheadCredits) ? refused.budget : undefined;
}

/** Raises the hold to `wanted` in all; the refusal when a budget does not have it. */
async function raiseTo(
  ledger: Pick<Ledger, 'topUp'>,
  raised: Raised,
  wanted: Credits,
): Promise<Extract<TopUpOutcome, { kind: 'refused' }> | undefined> {
  const outcome = await ledger.topUp(raised.ticketId, wanted);
  switch (outcome.kind) {
    case 'held':
    case 'replayed':
      raised.holdCredits = outcome.holdCredits;
      return undefined;
    case 'refused':
      return outcome;
    case 'closed':
      return undefined;
  }
}
