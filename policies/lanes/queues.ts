/** The queues of a lane that have caps: of the tier, of each team, and of administrators with permits of their own. */
import type { LaneMember } from '#base/kept-lanes.js';
import { type LaneLimits, teamLane } from './lane.js';

/** Of whom it is, which says where it stands. */
export type Queued = Pick<LaneMember, 'teamId' | 'isAdministrator'>;

/** The queues that a statement stands in, with the most that may wait there. */
export function queuesOf(
  limits: LaneLimits,
  member: Queued,
): readonly (readonly [string, number])[] {
  if (isApart(limits, member)) return [['administrators', limits.queueMax]];
  const { queueMax } = teamLane(limits, member.teamId);
  const ofTier = ['tier', limits.queueMax] as const;
  return queueMax === null ? [ofTier] : [ofTier, [`team ${member.teamId}`, queueMax]];
}

/** It goes by permits of administrators only. */
export function isApart(limits: LaneLimits, { isAdministrator }: Queued): boolean {
  return isAdministrator && limits.administratorPermits > 0;
}

/** A queue that takes no more. */
export interface FullQueue {
  readonly waiting: number;
  readonly queueMax: number;
}

/** The queue that would refuse a statement which came now and found no permit; null: it may wait. */
export function fullQueue(
  limits: LaneLimits,
  waiting: readonly LaneMember[],
  member: LaneMember,
): FullQueue | null {
  for (const [queue, queueMax] of queuesOf(limits, member)) {
    const count = waiting.filter((each) =>
      queuesOf(limits, each).some(([name]) => name === queue),
    ).length;
    if (count >= queueMax) return { waiting: count, queueMax };
  }
  return null;
}
