/** Splits what a service took by the shared cost that its entity goes by. */
import { splitByLargestRemainder } from '#base/units.js';
import type { ServiceDay, ServiceLine, SharedCost, SharedCosts } from './service-day.js';

type Whole = Omit<ServiceLine, 'teamId' | 'sharedBy'>;

/** The lines of `whole`, whose amount is not negative; they sum to it. Without anybody to bear it, one of nobody. */
export function sharedLines(
  whole: Whole,
  day: Pick<ServiceDay, 'day' | 'ran'>,
  { costOf, teamIds }: SharedCosts,
  service: string = whole.serviceType,
): readonly ServiceLine[] {
  if (whole.amount === 0n) return [];
  const cost = costOf(service, whole.entityName, day.day);
  if (cost === undefined) return [{ ...whole, teamId: null, sharedBy: null }];
  const weights = weightsOf(cost, day.ran, teamIds);
  if (weights.length === 0) return [{ ...whole, teamId: null, sharedBy: cost.id }];
  const amounts = splitByLargestRemainder(
    whole.amount,
    weights.map(({ weight }) => weight),
    weights.map(({ teamId }) => teamId),
  );
  return weights
    .map(({ teamId }, index) => ({
      ...whole,
      teamId,
      sharedBy: cost.id,
      amount: amounts[index] ?? 0n,
    }))
    .filter(({ amount }) => amount > 0n);
}

function weightsOf(
  { by, teams }: SharedCost,
  ran: ServiceDay['ran'],
  teamIds: readonly string[],
): SharedCost['teams'] {
  if (by === 'direct') {
    const named = new Set(teams.map(({ teamId }) => teamId));
    return ran
      .filter(({ teamId, credits }) => credits > 0n && (named.size === 0 || named.has(teamId)))
      .map(({ teamId, credits }) => ({ teamId, weight: credits }));
  }
  return teams.length > 0 ? teams : teamIds.map((teamId) => ({ teamId, weight: 1n }));
}
