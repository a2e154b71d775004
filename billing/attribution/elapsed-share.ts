/**
 * Shares of elapsed time: an hour's credits in proportion to how long each statement ran in it, whether or not others
 * ran beside it; idle time and the minimum after a start are spread over whoever ran. Simple and usual, and hard on a
 * short statement in a long idle hour: kept for comparison. An hour in which nothing ran is idle.
 */
import { NO_CREDITS, splitByLargestRemainder } from '#base/units.js';
import { keyOf, millisIn, summing } from './warehouse-hour.js';
import type { AllocationLine, AllocationMethod } from './warehouse-hour.js';

export const elapsedShare: AllocationMethod = {
  name: 'elapsedShare',
  version: 1,
  allocate(hour) {
    const millis = new Map<
      string,
      { readonly line: Omit<AllocationLine, 'credits'>; ms: number }
    >();
    for (const execution of hour.executions) {
      const ms = millisIn(hour.startsAt, execution);
      if (ms === 0) continue;
      const { queryId, isGoverned } = execution;
      const line = { bucket: isGoverned ? 'direct' : 'bypass', queryId, reason: null } as const;
      const known = millis.get(keyOf(line));
      if (known === undefined) millis.set(keyOf(line), { line, ms });
      else known.ms += ms;
    }
    const { meteredCredits } = hour;
    if (millis.size === 0) {
      const reason = hour.spans === null ? 'notKnown' : 'unused';
      const idle = { bucket: 'idle', queryId: null, reason, credits: meteredCredits } as const;
      return summing([idle], meteredCredits);
    }
    const entries = [...millis];
    const amounts = splitByLargestRemainder(
      meteredCredits,
      entries.map(([, { ms }]) => BigInt(ms)),
      entries.map(([key]) => key),
    );
    return summing(
      entries.map(([, { line }], index) => ({ ...line, credits: amounts[index] ?? NO_CREDITS })),
      meteredCredits,
    );
  },
};
