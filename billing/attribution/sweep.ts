/**
 * The sweep: at every instant the rate of a cluster is shared equally by the statements that run on it, and time with
 * nothing on it is idle. Reproducible from the account's own rows, needs no figure of Snowflake's, and leaves idle time
 * to be seen. Source: the comparison of methods in docs/attribution.md.
 */
import { sumCredits, mulDiv, parseCredits, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { idleTimes } from './idle-time.js';
import { partsPerMs, serversOf, sharedParts } from './server-time.js';
import { joined, split, total } from './weighed.js';
import type { Weighed } from './weighed.js';
import { HOUR_MS, summing } from './warehouse-hour.js';
import type { AllocationLine, AllocationMethod, WarehouseHour } from './warehouse-hour.js';

/** Snowflake shows credits to nine decimals: so much of an hour may be rounding, for each span of a cluster. */
const METER_STEP = parseCredits('0.000000001');

export const sweep: AllocationMethod = {
  name: 'sweep',
  version: 1,
  allocate(hour) {
    const servers = serversOf(hour.executions);
    const parts = partsPerMs(servers, hour.startsAt);
    const direct: Weighed[] = [];
    for (const each of servers) {
      const taken = sharedParts(each, hour.startsAt, parts);
      for (const { queryId, isGoverned, creditsPerHour } of each.executions) {
        const bucket = isGoverned ? 'direct' : 'bypass';
        const weight = creditsPerHour * (taken.get(queryId) ?? 0n);
        direct.push({ line: { bucket, queryId, reason: null }, weight });
      }
    }
    const idle = idleTimes(hour).map(({ bucket, reason, queryId, creditsPerHour, millis }) => ({
      line: { bucket, reason, queryId },
      weight: creditsPerHour * BigInt(millis) * parts,
    }));
    return summing(fitted(hour, joined(direct), joined(idle), parts), hour.meteredCredits);
  },
};

/** The lines for what was metered, whether that is more or less than rates and times come to. */
function fitted(
  hour: WarehouseHour,
  direct: readonly Weighed[],
  idle: readonly Weighed[],
  parts: bigint,
): readonly AllocationLine[] {
  const metered = hour.meteredCredits;
  const unit = BigInt(HOUR_MS) * parts;
  const whole = metered * unit;
  const ran = total(direct);
  // More ran than was metered: nobody pays for what was not, so all pay less in proportion.
  if (ran >= whole && ran > 0n) return split(metered, direct);
  const stood = total(idle);
  const rest = whole - ran - stood;
  const tolerance = METER_STEP * BigInt((hour.spans?.length ?? 0) + 1) * unit;
  if (rest <= tolerance && stood === 0n && ran > 0n) return split(metered, direct);
  if (rest <= tolerance && stood > 0n) {
    // Executions first, at their rates; what is left of the metered is what stood idle.
    const ofRuns = split(mulDiv(ran, 1n, unit, 'half-even') as Credits, direct);
    const left = subtractCredits(metered, sumOf(ofRuns));
    return [...ofRuns, ...split(left, idle)];
  }
  const unknown: Weighed = {
    line:
      hour.spans === null
        ? { bucket: 'idle', queryId: null, reason: 'notKnown' }
        : { bucket: 'unexplained', queryId: null, reason: null },
    weight: rest,
  };
  return split(metered, [...direct, ...idle, unknown]);
}

function sumOf(lines: readonly AllocationLine[]): Credits {
  return sumCredits(lines.map(({ credits }) => credits));
}
