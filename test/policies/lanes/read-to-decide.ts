import type { KeptLane, LaneReach, LaneToDecide, LaneWait } from '../../../base/kept-lanes.js';
/** What a store reads of a lane for a decision, of the whole of it: as Postgres does, and as if there were no bound. */

/** Everything that is kept. */
export function wholeToDecide(lane: KeptLane, replica: string): LaneToDecide {
  const { waits: rows, ...kept } = lane;
  const waits = rows.toSorted(
    (a, b) => b.waitedMs - a.waitedMs || (a.ticketId < b.ticketId ? -1 : 1),
  );
  return {
    ...kept,
    turnsMax: Infinity,
    own: waits.filter((each) => each.replica === replica),
    others: waits.filter((each) => each.replica !== replica),
    behind: [],
  };
}

/** Only what {@link LaneReach} says. */
export function partToDecide(kept: KeptLane, replica: string, reach: LaneReach): LaneToDecide {
  const whole = wholeToDecide(kept, replica);
  const runs = kept.holdings
    .filter((each) => each.replica !== replica)
    .flatMap(({ running }) => running.filter(({ isAdministrator }) => !isAdministrator));
  const turnsMax = 1 + Math.max(reach.administratorPermits, reach.permits - runs.length);
  const seen = new Map<string, number>();
  const behind = new Map<string, LaneToDecide['behind'][number]>();
  const isRead = (each: LaneWait): boolean => {
    if (each.isGranted || each.isProvisional) return true;
    const { teamId, principalId, isAdministrator } = each;
    const queue = JSON.stringify([teamId, isAdministrator, reach.byPrincipal ? principalId : null]);
    const before = seen.get(queue) ?? 0;
    seen.set(queue, before + 1);
    if (before < turnsMax) return true;
    const key = JSON.stringify([teamId, isAdministrator]);
    const count = 1 + (behind.get(key)?.count ?? 0);
    behind.set(key, { teamId, isAdministrator, count });
    return false;
  };
  const others = whole.others.filter(isRead);
  return { ...whole, turnsMax, others, behind: [...behind.values()] };
}
