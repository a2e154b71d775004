/** Lines of an hour before they have amounts: what each weighs beside the others. */
import { NO_CREDITS, splitByLargestRemainder } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { keyOf } from './warehouse-hour.js';
import type { AllocationLine } from './warehouse-hour.js';

/** The unit of the weight is the method's own, the same for all that are split together. */
export interface Weighed {
  readonly line: Omit<AllocationLine, 'credits'>;
  readonly weight: bigint;
}

/** One line a key, so that amounts do not depend on the order in which parts of it come. */
export function joined(weighed: readonly Weighed[]): readonly Weighed[] {
  const byKey = new Map<string, Weighed>();
  for (const each of weighed) {
    const key = keyOf(each.line);
    const known = byKey.get(key);
    byKey.set(key, { line: each.line, weight: each.weight + (known?.weight ?? 0n) });
  }
  return [...byKey.values()];
}

/** Splits `credits` by weight to the last unit; nothing weighs: no lines. */
export function split(credits: Credits, weighed: readonly Weighed[]): readonly AllocationLine[] {
  if (total(weighed) === 0n) return [];
  const keys = weighed.map(({ line }) => keyOf(line));
  const weights = weighed.map(({ weight }) => weight);
  const amounts = splitByLargestRemainder(credits, weights, keys);
  return weighed.map(({ line }, index) => ({ ...line, credits: amounts[index] ?? NO_CREDITS }));
}

/** What all of them weigh together. */
export function total(weighed: readonly Weighed[]): bigint {
  return weighed.reduce((sum, { weight }) => sum + weight, 0n);
}
