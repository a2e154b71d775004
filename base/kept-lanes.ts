/**
 * A lane as it is kept between the decisions in it: what the one that decides (policies) and the one that keeps
 * (billing) both name. Times are in milliseconds of real time.
 */
import type { Credits } from './units.js';

/** A statement in a lane. */
export interface LaneMember {
  readonly ticketId: string;
  readonly teamId: string;
  readonly principalId: string;
  /** It goes by the administrators' permits. */
  readonly isAdministrator: boolean;
  /** What it is expected to cost: what teams share a lane by. */
  readonly expectedCredits: Credits;
  /** How long it is expected to run, in milliseconds of the estimates' own seconds. */
  readonly expectedMs: number;
}

export interface LaneWaiting extends LaneMember {
  /** How long it has waited. */
  readonly waitedMs: number;
}

export interface LaneRunning extends LaneMember {
  /** How long it has had its permit. */
  readonly heldMs: number;
}

/** What a replica has of a lane's permits. */
export interface LaneHolding {
  readonly replica: string;
  readonly idle: number;
  readonly running: readonly LaneRunning[];
  /** It was told to ask for every permit and to tell of each that ends, so that this is what it has, and no guess. */
  readonly isExact: boolean;
}

/** The row of a statement that waits. */
export interface LaneWait extends LaneWaiting {
  readonly replica: string;
  /** It has a permit that its replica has not taken yet. */
  readonly isGranted: boolean;
  /** Beyond the cap of the queue, for permits that another replica had at hand and may have given away. */
  readonly isProvisional: boolean;
}

/** A lane without what belongs to dead replicas. */
export interface KeptLane {
  /** Whose turn it is, as the one that decides wrote it. */
  readonly turns: unknown;
  readonly stretch: number;
  readonly holdings: readonly LaneHolding[];
  /** In the order in which they came. */
  readonly waits: readonly LaneWait[];
  /** How many replicas live. */
  readonly replicas: number;
}

/** How far a decision looks, so that nothing is read of those that cannot have their turn in it. */
export interface LaneReach {
  /** Permits for which nothing of the replica's own is running. */
  readonly permits: number;
  /** The most that administrators can be granted, also where nothing else is free. */
  readonly administratorPermits: number;
  /** Somebody of a team may have to let another principal's statement pass, so that those of each are looked at. */
  readonly byPrincipal: boolean;
}

/** A row of the replica that decides; it knows the statement itself. */
export type LaneOwnWait = Pick<LaneWait, 'ticketId' | 'waitedMs' | 'isGranted' | 'isProvisional'>;

/** A lane as far as a {@link LaneReach} says that a decision needs it: whose turn it is comes out as if all were known. */
export interface LaneToDecide extends Omit<KeptLane, 'waits'> {
  /** The most of one team, or of one principal if the reach is by those, that can have their turn, and one more. */
  readonly turnsMax: number;
  /** In the order in which they came, like the next. */
  readonly own: readonly LaneOwnWait[];
  /** Of other replicas: who has a permit, who is provisional, and the first of each team, one more than can be granted. */
  readonly others: readonly LaneWait[];
  /** How many more of theirs wait, accepted. */
  readonly behind: readonly (Pick<LaneMember, 'teamId' | 'isAdministrator'> & {
    readonly count: number;
  })[];
}

/** What one replica, having decided, writes. */
export interface LaneWrites {
  readonly turns: unknown;
  readonly stretch: number;
  readonly holding: LaneHolding;
  /** Its statements that wait and have no row yet. */
  readonly added: readonly LaneWait[];
  /** Tickets whose rows go. */
  readonly removed: readonly string[];
  /** Tickets of other replicas that have a permit now. */
  readonly granted: readonly string[];
  /** Tickets of its own whose rows are not provisional any more. */
  readonly accepted: readonly string[];
  /** Replicas that are told to look. */
  readonly told: readonly string[];
}
