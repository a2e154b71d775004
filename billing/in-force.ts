/** Whether a budget of the control document counts at an instant. */
import type { EpochMs, Period } from '#base/time.js';
import { type PeriodTerms, periodRule } from './budget-terms.js';
import { tryPeriodAt } from './period.js';

export interface DatedBudget {
  readonly period: PeriodTerms;
}

/** The latest period that was found of each budget of own days: to find one takes a thousand times as long as this. */
const latest = new WeakMap<DatedBudget, Period>();

/** Whether a budget counts at that instant: one of own days (`custom`) does not outside of them. */
export function isInForce(budget: DatedBudget, at: EpochMs): boolean {
  if (budget.period.kind !== 'custom') return true;
  const known = latest.get(budget);
  if (known !== undefined && known.startsAt <= at && at < known.endsAt) return true;
  const period = tryPeriodAt(periodRule(budget.period), at);
  if (period !== undefined) latest.set(budget, period);
  return period !== undefined;
}
