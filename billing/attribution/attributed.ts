/**
 * Snowflake's own figures: QUERY_ATTRIBUTION_HISTORY for each statement, the hour's CREDITS_ATTRIBUTED_COMPUTE_QUERIES for
 * all of them, and what of the metered is in neither is idle. That view leaves out statements of about 100 ms and less:
 * what the hour has above the statements is theirs. A statement of several hours is split over them by its time in each.
 * Where the figures of statements come to more than was metered, the difference is an unexplained line below zero.
 */
import {
  NO_CREDITS,
  sumCredits,
  compareAmounts,
  splitByLargestRemainder,
  subtractCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import { idleTimes } from './idle-time.js';
import { joined, split, total } from './weighed.js';
import { HOUR_MS, millisIn, summing } from './warehouse-hour.js';
import type {
  AllocationLine,
  AllocationMethod,
  Execution,
  WarehouseHour,
} from './warehouse-hour.js';

export const attributed: AllocationMethod = {
  name: 'attributed',
  version: 1,
  allocate(hour) {
    const { startsAt, meteredCredits, attributedCredits, executions } = hour;
    const lines: AllocationLine[] = [];
    for (const execution of executions) {
      const credits = creditsIn(execution, startsAt);
      const { queryId, isGoverned } = execution;
      lines.push({ bucket: isGoverned ? 'direct' : 'bypass', queryId, reason: null, credits });
    }
    const ofStatements = sumCredits(lines.map(({ credits }) => credits));
    // Without the hour's figure nothing is known of short statements, and what remains is idle.
    const ofHour = attributedCredits ?? ofStatements;
    const short = subtractCredits(ofHour, ofStatements);
    const isShort = compareAmounts(short, NO_CREDITS) > 0;
    const explained = isShort ? ofHour : ofStatements;
    if (isShort) lines.push({ bucket: 'shortQuery', queryId: null, reason: null, credits: short });
    const left = subtractCredits(meteredCredits, explained);
    if (compareAmounts(left, NO_CREDITS) < 0)
      lines.push({ bucket: 'unexplained', queryId: null, reason: null, credits: left });
    else lines.push(...idleLines(hour, left));
    return summing(lines, meteredCredits);
  },
};

/** What is not attributed stood idle: over the stretches with nothing on a cluster, by their length, where those are known. */
function idleLines(hour: WarehouseHour, credits: Credits): readonly AllocationLine[] {
  const idle = idleTimes(hour).map(({ bucket, reason, queryId, creditsPerHour, millis }) => ({
    line: { bucket, reason, queryId },
    weight: creditsPerHour * BigInt(millis),
  }));
  return total(idle) === 0n
    ? [{ bucket: 'idle', queryId: null, reason: 'notKnown', credits }]
    : split(credits, joined(idle));
}

/** What of a statement's figure belongs to the hour; its hours sum to the figure. */
function creditsIn(execution: Execution, hourStartsAt: EpochMs): Credits {
  const { attributedCredits, startsAt, endsAt } = execution;
  if (attributedCredits === null || millisIn(hourStartsAt, execution) === 0) return NO_CREDITS;
  const first = Math.floor(startsAt / HOUR_MS) * HOUR_MS;
  const hours: EpochMs[] = [];
  for (let at = first; at < endsAt; at += HOUR_MS) hours.push(at);
  const amounts = splitByLargestRemainder(
    attributedCredits,
    hours.map((at) => BigInt(millisIn(at, execution))),
    hours.map((at) => new Date(at).toISOString()),
  );
  return amounts[hours.indexOf(hourStartsAt)] ?? NO_CREDITS;
}
