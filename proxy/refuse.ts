/** The context every refusal text of a priced statement needs, from the stage it has reached. */
import type { Clock } from '#base/time.js';
import type { BudgetStanding } from '#billing/ledger.js';
import { placeOf } from '#billing/passes.js';
import type { StandingText } from '#policies/rules/budget-text.js';
import type { RefusalContext } from '#policies/rules/refusal-text.js';
import type { Estimated } from './stages.js';

/** What the texts need of a replica. */
export interface RefusalParts {
  readonly clock: Clock;
  /** Where people reach the console; null: nobody has said. */
  readonly consoleUrl: string | null;
}

export function refusalContext(parts: RefusalParts, statement: Estimated): RefusalContext {
  return {
    ticketId: statement.call.ticketId,
    estimate: statement.estimate,
    tier: statement.placement.tier.id,
    pricePerCredit: statement.placement.pricePerCredit,
    currency: statement.placement.currency,
    at: parts.clock.now(),
    owner: statement.team.owner,
    place: placeOf(statement.session),
    consoleUrl: parts.consoleUrl,
  };
}

/** A budget's standing with the names the control document gives it. */
export function standingText(
  standing: BudgetStanding,
  statement: Pick<Estimated, 'snapshot' | 'team'>,
): StandingText {
  const budget = statement.snapshot.budget(standing.budgetId);
  return {
    ...standing,
    node: budget?.node ?? statement.team.id,
    timeZone: budget?.period.timeZone ?? 'UTC',
    owner: statement.team.owner,
  };
}
