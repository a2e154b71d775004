/**
 * What one replica decides in a lane, given the lane as Postgres keeps it and what the replica says of itself: who is
 * granted, who is turned away, and how many permits it may give without asking while nobody waits.
 */
import type { Credits } from '#base/units.js';
import {
  isCapped,
  type LaneLimits,
  type LaneMember,
  type LaneRunning,
  type LaneState,
  type LaneTurns,
  type LaneWaiting,
  NO_TURNS,
  sharedPermits,
  teamLane,
} from './lane.js';
import { grantsOf } from './schedule.js';

/** Most permits that a replica keeps at hand beyond what it uses. */
const IDLE_MAX = 16;
/** Weight of one statement in the lane's stretch. */
const STRETCH_WEIGHT = 0.1;
const STRETCH_MAX = 1000;

export interface Holding {
  readonly replica: string;
  readonly idle: number;
  readonly running: readonly LaneRunning[];
}

export interface Wait extends LaneWaiting {
  readonly replica: string;
  readonly isGranted: boolean;
}

/** A lane as it is kept. */
export interface KeptLane {
  /** As {@link turnsText} wrote it. */
  readonly turns: unknown;
  readonly stretch: number;
  readonly holdings: readonly Holding[];
  readonly waits: readonly Wait[];
  readonly replicas: number;
}

/** What a replica says of itself, whole. */
export interface LaneReport extends Holding {
  readonly waiting: readonly (LaneWaiting & {
    /** It was let into the queue before: its cap does not turn it away any more. */
    readonly isAccepted: boolean;
  })[];
  /** Statements that ended since the last report: their number, and the sum of ln(time held ÷ expected). */
  readonly ended: { readonly count: number; readonly logStretch: number };
  /** Tells the others again: what they were told may have been lost. */
  readonly isReminder: boolean;
}

export interface LaneAnswer {
  /** Its tickets that have a permit from now on. */
  readonly granted: readonly string[];
  /** Its tickets that found the queue full. */
  readonly refused: readonly {
    readonly ticketId: string;
    readonly waiting: number;
    readonly queueMax: number;
  }[];
  /** Permits that it may give without asking. */
  readonly idle: number;
  /** More are free. */
  readonly hasMore: boolean;
  /** Somebody waits: nothing is given without asking. */
  readonly isContended: boolean;
}

/** What Postgres is told. */
export interface LaneWrites {
  readonly turns: unknown;
  readonly stretch: number;
  readonly holding: Holding;
  readonly added: readonly Wait[];
  readonly removed: readonly string[];
  readonly granted: readonly string[];
  readonly told: readonly string[];
}

/** The lane as a schedule takes it: a permit that was granted and not taken yet counts as running. */
export function laneState(kept: KeptLane): LaneState {
  return {
    turns: turnsOf(kept.turns),
    running: [
      ...kept.holdings.flatMap(({ running }) => running),
      ...kept.waits.filter(({ isGranted }) => isGranted).map(begun),
    ],
    waiting: kept.waits.filter(({ isGranted }) => !isGranted),
    idlePermits: kept.holdings.reduce((sum, { idle }) => sum + idle, 0),
    stretch: kept.stretch,
  };
}

export function decideLane(
  limits: LaneLimits,
  kept: KeptLane,
  report: LaneReport,
): { readonly change: LaneWrites; readonly result: LaneAnswer } {
  const { replica } = report;
  const { taken, removed, waits } = withReport(kept, report);
  const others = kept.holdings.filter((each) => each.replica !== replica);
  const running = [...report.running, ...taken.map(begun)];
  const before = { ...kept, holdings: [...others, { replica, idle: 0, running }], waits };
  const state = laneState(before);
  const { granted, turns } = grantsOf(limits, state);
  const isGranted = new Set(granted.map(({ ticketId }) => ticketId));
  const left = waits.filter((each) => !each.isGranted && !isGranted.has(each.ticketId));
  const refused = refusals(limits, left, report, state.idlePermits);
  const isRefused = new Set(refused.map(({ ticketId }) => ticketId));
  const remaining = left.filter(({ ticketId }) => !isRefused.has(ticketId));
  const own = waits.filter((each) => each.replica === replica && isGranted.has(each.ticketId));
  const all = [...taken, ...own];
  const now = { replica, idle: 0, running: [...report.running, ...all.map(begun)] };
  const free = freePermits(limits, state, granted);
  const isContended = remaining.length > 0;
  const share = Math.min(IDLE_MAX, Math.floor(free / Math.max(1, kept.replicas)));
  const idle = isContended || isCapped(limits) ? 0 : Math.min(free, Math.max(report.idle, share));
  const known = new Set(kept.waits.map(({ ticketId }) => ticketId));
  const isOwnRow = ({ ticketId }: Wait): boolean => known.has(ticketId);
  return {
    change: {
      turns: isContended ? turnsText(turns) : turnsText(NO_TURNS),
      stretch: stretchAfter(kept.stretch, report.ended),
      holding: { ...now, idle },
      added: remaining.filter((each) => each.replica === replica && !isOwnRow(each)),
      removed: [...removed, ...own.filter(isOwnRow).map(({ ticketId }) => ticketId)],
      granted: granted.flatMap(({ ticketId }) =>
        own.some((each) => each.ticketId === ticketId) ? [] : [ticketId],
      ),
      told: told(kept, others, waits, isGranted, isContended, report),
    },
    result: {
      granted: all.map(({ ticketId }) => ticketId),
      refused,
      idle,
      hasMore: !isContended && free > idle,
      isContended,
    },
  };
}

/** The rows as they are once the replica's own statements are as it says. */
function withReport(
  kept: KeptLane,
  report: LaneReport,
): {
  readonly taken: readonly Wait[];
  readonly removed: readonly string[];
  readonly waits: readonly Wait[];
} {
  const { replica } = report;
  const wanted = new Map(report.waiting.map((each) => [each.ticketId, each]));
  const ownRows = kept.waits.filter((each) => each.replica === replica);
  const taken = ownRows.filter((each) => each.isGranted && wanted.has(each.ticketId));
  const removed = ownRows.filter((each) => each.isGranted || !wanted.has(each.ticketId));
  const known = new Set(ownRows.map(({ ticketId }) => ticketId));
  const waits: Wait[] = [
    ...kept.waits.filter((each) => each.replica !== replica),
    ...ownRows.filter((each) => !each.isGranted && wanted.has(each.ticketId)),
    ...report.waiting
      .filter(({ ticketId }) => !known.has(ticketId))
      .map((each) => ({ ...memberOf(each), waitedMs: each.waitedMs, replica, isGranted: false })),
  ];
  waits.sort((a, b) => b.waitedMs - a.waitedMs || (a.ticketId < b.ticketId ? -1 : 1));
  return { taken, removed: removed.map(({ ticketId }) => ticketId), waits };
}

/** New statements of the replica that find the queue of the tier, or of their team, full. */
function refusals(
  limits: LaneLimits,
  left: readonly Wait[],
  report: LaneReport,
  idleElsewhere: number,
): LaneAnswer['refused'] {
  const isNew = new Set(
    report.waiting.filter(({ isAccepted }) => !isAccepted).map(({ ticketId }) => ticketId),
  );
  const counts = new Map<string, number>();
  const count = (key: string): number => counts.get(key) ?? 0;
  const raise = (key: string): Map<string, number> => counts.set(key, count(key) + 1);
  const isApart = ({ isAdministrator }: LaneMember): boolean =>
    isAdministrator && limits.administratorPermits > 0;
  const queuesOf = (each: Wait): readonly [string, number][] => {
    const ofTier: [string, number] = [isApart(each) ? 'administrators' : 'tier', limits.queueMax];
    const { queueMax } = teamLane(limits, each.teamId);
    return queueMax === null || isApart(each)
      ? [ofTier]
      : [ofTier, [`team ${each.teamId}`, queueMax]];
  };
  const isOld = (each: Wait): boolean =>
    each.replica !== report.replica || !isNew.has(each.ticketId);
  for (const each of left) if (isOld(each)) for (const [queue] of queuesOf(each)) raise(queue);
  return left
    .filter((each) => !isOld(each))
    .flatMap((each) => {
      const full = queuesOf(each).find(([queue, max]) => count(queue) >= max + idleElsewhere);
      if (full !== undefined) {
        const [queue, queueMax] = full;
        return [{ ticketId: each.ticketId, waiting: Math.min(count(queue), queueMax), queueMax }];
      }
      for (const [queue] of queuesOf(each)) raise(queue);
      return [];
    });
}

/** Permits for everybody that nobody uses, has been granted, or has at hand. */
function freePermits(limits: LaneLimits, state: LaneState, granted: readonly LaneMember[]): number {
  const isShared = ({ isAdministrator }: LaneMember): boolean =>
    !isAdministrator || limits.administratorPermits === 0;
  const used = [...state.running, ...granted].filter(isShared).length + state.idlePermits;
  return Math.max(0, sharedPermits(limits) - used);
}

/** Whoever was granted something; when somebody begins to wait, everybody who has permits. */
function told(
  kept: KeptLane,
  others: readonly Holding[],
  waits: readonly Wait[],
  isGranted: ReadonlySet<string>,
  isContended: boolean,
  report: LaneReport,
): readonly string[] {
  const replicas = new Set(
    waits
      .filter((each) => each.replica !== report.replica)
      .filter((each) => isGranted.has(each.ticketId))
      .map(({ replica }) => replica),
  );
  const wasContended = kept.waits.some((each) => !each.isGranted);
  if (isContended)
    for (const { replica, idle } of others)
      if (!wasContended || report.isReminder || idle > 0) replicas.add(replica);
  return [...replicas];
}

function stretchAfter(stretch: number, { count, logStretch }: LaneReport['ended']): number {
  if (count === 0) return stretch;
  const weight = 1 - (1 - STRETCH_WEIGHT) ** count;
  const after = Math.exp((1 - weight) * Math.log(stretch) + weight * (logStretch / count));
  return Math.min(STRETCH_MAX, Math.max(1 / STRETCH_MAX, after));
}

function memberOf(member: LaneMember): LaneMember {
  const { ticketId, teamId, principalId, isAdministrator, expectedCredits, expectedMs } = member;
  return { ticketId, teamId, principalId, isAdministrator, expectedCredits, expectedMs };
}

function begun(member: LaneMember): LaneRunning {
  return { ...memberOf(member), heldMs: 0 };
}

/** Turns as JSON; amounts are whole numbers of the smallest unit, which may be negative. */
export function turnsText({ grants, last, lastAged, savedCredits }: LaneTurns): unknown {
  const saved = Object.fromEntries(
    [...savedCredits].map(([team, credits]) => [team, credits.toString()]),
  );
  return { grants, last, lastAged, saved };
}

/** Of what another release may have written only what is understood counts. */
function turnsOf(kept: unknown): LaneTurns {
  const { grants, last, lastAged, saved } = (kept ?? {}) as Readonly<Record<string, unknown>>;
  const teams = Object.entries(typeof saved === 'object' && saved !== null ? saved : {});
  return {
    grants: Number.isSafeInteger(grants) ? Number(grants) : 0,
    last: typeof last === 'string' ? last : '',
    lastAged: typeof lastAged === 'string' ? lastAged : '',
    savedCredits: new Map(
      teams.flatMap(([team, text]) =>
        typeof text === 'string' && /^-?\d{1,40}$/.test(text)
          ? [[team, BigInt(text) as Credits] as const]
          : [],
      ),
    ),
  };
}
