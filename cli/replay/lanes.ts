/**
 * The lanes of the tiers in a replay: who runs at once, who waits for a turn, who finds the queue full. Decided as one
 * replica decides it (`policies/lanes/decision.ts`), at the instants of the history, and without asking where nobody
 * waits and a permit is free.
 */
import type { LaneMember, LaneToDecide } from '#base/kept-lanes.js';
import type { EpochMs } from '../../base/time.js';
import { decideLane, type LaneReport } from '../../policies/lanes/decision.js';
import { isCapped, type LaneLimits, teamLane } from '../../policies/lanes/lane.js';

/** Where a statement asks for its permit, and what the lane has to know of it. */
export interface LanePlace {
  readonly limits: LaneLimits;
  readonly member: Omit<LaneMember, 'ticketId'>;
}

/** A statement in a lane. */
export interface LaneSeat<Statement> {
  readonly statement: Statement;
  readonly limits: LaneLimits;
  readonly member: LaneMember;
  /** When it came to the lane; of one that runs, when it was granted. */
  sinceAt: EpochMs;
  isAccepted: boolean;
}

export type Entered<Statement> =
  | { readonly kind: 'full' }
  | { readonly kind: 'granted'; readonly seat: LaneSeat<Statement> }
  /** Until it is granted, or nobody waits for it any more. */
  | { readonly kind: 'waits'; readonly seat: LaneSeat<Statement>; readonly untilAt: EpochMs };

interface Lane<Statement> {
  /** By the id of the member, in the order in which they came. */
  readonly running: Map<string, LaneSeat<Statement>>;
  readonly waiting: Map<string, LaneSeat<Statement>>;
  turns: unknown;
}

const REPLICA = 'replay';
const ALONE: Omit<LaneToDecide, 'turns' | 'own'> = {
  stretch: 1,
  holdings: [],
  replicas: 1,
  turnsMax: Infinity,
  others: [],
  behind: [],
};
const ID_LENGTH = 12;

export class Lanes<Statement> {
  readonly #lanes = new Map<string, Lane<Statement>>();
  #entered = 0;

  /** A statement asks for a permit. */
  enter(statement: Statement, { limits, member }: LanePlace, at: EpochMs): Entered<Statement> {
    const lane = this.#laneOf(limits);
    this.#entered += 1;
    // In the order in which they came, as ids of tickets are.
    const ticketId = String(this.#entered).padStart(ID_LENGTH, '0');
    const seat = {
      statement,
      limits,
      member: { ...member, ticketId },
      sinceAt: at,
      isAccepted: false,
    };
    if (lane.waiting.size === 0 && hasRoom(limits, lane.running.size)) {
      lane.running.set(ticketId, seat);
      return { kind: 'granted', seat };
    }
    lane.waiting.set(ticketId, seat);
    this.#decide(lane, limits, at);
    if (lane.running.has(ticketId)) return { kind: 'granted', seat };
    if (!lane.waiting.has(ticketId)) return { kind: 'full' };
    return { kind: 'waits', seat, untilAt: at + teamLane(limits, member.teamId).queueTimeoutMs };
  }

  /** Gives a permit, or a place in the queue, back: who has a permit from now on. Nobody, when it was given back before. */
  leave(
    { limits, member: { ticketId } }: LaneSeat<Statement>,
    at: EpochMs,
  ): readonly LaneSeat<Statement>[] {
    const lane = this.#laneOf(limits);
    const isGone = !lane.running.delete(ticketId) && !lane.waiting.delete(ticketId);
    return isGone ? [] : this.#decide(lane, limits, at);
  }

  isWaiting({ limits, member }: LaneSeat<Statement>): boolean {
    return this.#laneOf(limits).waiting.has(member.ticketId);
  }

  #laneOf({ tier }: LaneLimits): Lane<Statement> {
    let lane = this.#lanes.get(tier);
    if (lane === undefined) {
      lane = { running: new Map(), waiting: new Map(), turns: {} };
      this.#lanes.set(tier, lane);
    }
    return lane;
  }

  #decide(lane: Lane<Statement>, limits: LaneLimits, at: EpochMs): readonly LaneSeat<Statement>[] {
    if (lane.waiting.size === 0) {
      lane.turns = {};
      return [];
    }
    const report = reportOf(lane, at);
    const own = report.waiting
      .filter(({ isAccepted }) => isAccepted)
      .map(({ ticketId, waitedMs }) => ({
        ticketId,
        waitedMs,
        isGranted: false,
        isProvisional: false,
      }));
    const { change, result } = decideLane(limits, { ...ALONE, turns: lane.turns, own }, report);
    lane.turns = change.turns;
    for (const { ticketId } of result.refused) lane.waiting.delete(ticketId);
    const granted = result.granted.flatMap((ticketId) => lane.waiting.get(ticketId) ?? []);
    for (const seat of granted) {
      lane.waiting.delete(seat.member.ticketId);
      lane.running.set(seat.member.ticketId, seat);
      seat.sinceAt = at;
    }
    for (const seat of lane.waiting.values()) seat.isAccepted = true;
    return granted;
  }
}

/** A permit is free whoever asks for it. */
function hasRoom(limits: LaneLimits, running: number): boolean {
  return limits.administratorPermits === 0 && !isCapped(limits) && running < limits.concurrencyMax;
}

function reportOf<Statement>({ running, waiting }: Lane<Statement>, at: EpochMs): LaneReport {
  return {
    replica: REPLICA,
    idle: 0,
    running: [...running.values()].map(({ member, sinceAt }) => ({
      ...member,
      heldMs: at - sinceAt,
    })),
    waiting: [...waiting.values()].map(({ member, sinceAt, isAccepted }) => ({
      ...member,
      waitedMs: at - sinceAt,
      isAccepted,
    })),
    ended: { count: 0, logStretch: 0 },
    isReminder: false,
  };
}
