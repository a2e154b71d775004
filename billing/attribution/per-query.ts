/**
 * Adaptive warehouses are metered by the statement: QUERY_METERING_HISTORY has what each took in the hour, and nothing
 * stands idle. Very small statements may be missing there: what the hour has above the rows is theirs. Source: Snowflake,
 * "Adaptive Compute" and the page of the view.
 */
import { NO_CREDITS, sumCredits, compareAmounts, subtractCredits } from '#base/units.js';
import { summing } from './warehouse-hour.js';
import type { AllocationLine, AllocationMethod } from './warehouse-hour.js';

export const perQuery: AllocationMethod = {
  name: 'perQuery',
  version: 1,
  allocate({ meteredCredits, queryCredits }) {
    const lines = (queryCredits ?? []).map(({ queryId, isGoverned, credits }): AllocationLine => ({
      bucket: isGoverned ? 'direct' : 'bypass',
      queryId,
      reason: null,
      credits,
    }));
    const rest = subtractCredits(meteredCredits, sumCredits(lines.map(({ credits }) => credits)));
    const isAbove = compareAmounts(rest, NO_CREDITS) > 0;
    lines.push({
      bucket: isAbove ? 'shortQuery' : 'unexplained',
      queryId: null,
      reason: null,
      credits: rest,
    });
    return summing(lines, meteredCredits);
  },
};
