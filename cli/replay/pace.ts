/** Run rates in a replay: by what shapes had taken when a statement came, of what the document let in. */
import type { EpochMs } from '../../base/time.js';
import type { RunRateRung } from '../../policies/rules/run-rate.js';
import { paceOf, type PaceQuestion } from '../../proxy/run-rate.js';
import type { ShapeKey } from '../../proxy/running/shape-spend-rows.js';
import type { SpendBook } from '../../proxy/running/spend-book.js';

/** The rung that the shape has reached, and the run rate that says so; as step 5 asks it last. Nobody lifts a pace. */
export function paceAt(
  spends: Pick<SpendBook, 'spendOf'>,
  question: PaceQuestion,
  at: EpochMs,
): { readonly rung: RunRateRung; readonly id: string } {
  const runRates = {
    spendOf: (key: ShapeKey) => spends.spendOf(key),
    isLifted: () => false,
  };
  const pace = paceOf({ clock: { now: () => at }, runRates }, question);
  return pace === null ? { rung: 'none', id: '' } : { rung: pace.finding.rung, id: pace.rate.id };
}

/** What a run is counted by: as settlement does it, only where a run rate holds; null: it is not. */
export function countedAs({
  snapshot,
  team,
  placement,
  facts,
  isFree,
}: PaceQuestion): ShapeKey | null {
  if (isFree || snapshot.runRatesFor(team.id, placement.tier.id).length === 0) return null;
  return { teamId: team.id, fingerprint: facts.fingerprint };
}
