/**
 * What one replica decides in a lane, given the lane as Postgres keeps it and what the replica says of itself: who is
 * granted, who is turned away, and how many permits it may give without asking while nobody waits.
 */
import type {
  KeptLane,
  LaneHolding,
  LaneMember,
  LaneReach,
  LaneRunning,
  LaneToDecide,
  LaneWait,
  LaneWaiting,
  LaneWrites,
} from '#base/kept-lanes.js';
import { isCapped, type LaneLimits, type LaneState, NO_TURNS, sharedPermits } from './lane.js';
import { isApart, type Queued, queuesOf } from './queues.js';
import { grantsOf } from './schedule.js';
import { turnsOf, turnsText } from './turns.js';

/** Most permits that a replica keeps at hand beyond what it uses. */
const IDLE_MAX = 16;
/** Weight of one statement in the lane's stretch. */
const STRETCH_WEIGHT = 0.1;
const STRETCH_MAX = 1000;
const NEW_WAIT = { isGranted: false, isProvisional: false } as const;

/** What a replica says of itself, whole. */
export interface LaneReport extends Omit<LaneHolding, 'isExact'> {
  readonly waiting: readonly (LaneWaiting & {
    /** It was let into the queue before, and not provisionally: its cap does not turn it away any more. */
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
  /** Its tickets that wait beyond the cap until it is known what others have at hand. */
  readonly provisional: readonly string[];
  /** Permits that it may give without asking. */
  readonly idle: number;
  /** More are free. */
  readonly hasMore: boolean;
  /** Somebody waits: nothing is given without asking. */
  readonly isContended: boolean;
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

/**
 * What a decision has to know of those who wait elsewhere: of each team one more than there can be permits, so that a team
 * which still has somebody waiting is never taken for one that has not. Where a principal is capped, of each of those.
 */
export function reachOf(limits: LaneLimits, { running }: Pick<LaneReport, 'running'>): LaneReach {
  const { concurrencyMax, administratorPermits, principalConcurrencyMax } = limits;
  return {
    permits: concurrencyMax - running.filter((each) => !isApart(limits, each)).length,
    administratorPermits,
    byPrincipal: principalConcurrencyMax !== null,
  };
}

export function decideLane(
  limits: LaneLimits,
  kept: LaneToDecide,
  report: LaneReport,
): { readonly change: LaneWrites; readonly result: LaneAnswer } {
  const { replica } = report;
  const { taken, removed, waits, behind } = withReport(limits, kept, report);
  const others = kept.holdings.filter((each) => each.replica !== replica);
  const running = [...report.running, ...taken.map(begun)];
  const { turns: keptTurns, stretch, replicas } = kept;
  const before: KeptLane = {
    turns: keptTurns,
    stretch,
    replicas,
    holdings: [...others, { replica, idle: 0, running, isExact: true }],
    waits,
  };
  const state = laneState(before);
  const { granted, turns } = grantsOf(limits, state);
  const isGranted = new Set(granted.map(({ ticketId }) => ticketId));
  const left = waits.filter((each) => !each.isGranted && !isGranted.has(each.ticketId));
  const judged = judgeNew(limits, { left, behind }, report, roomAt(others));
  const { remaining } = judged;
  const own = waits.filter((each) => each.replica === replica && isGranted.has(each.ticketId));
  const all = [...taken, ...own];
  const now = { replica, idle: 0, running: [...report.running, ...all.map(begun)] };
  const free = freePermits(limits, state, granted);
  const isContended = remaining.length > 0;
  const share = Math.min(IDLE_MAX, Math.floor(free / Math.max(1, kept.replicas)));
  const isExact = isContended || isCapped(limits);
  const idle = isExact ? 0 : Math.min(free, Math.max(report.idle, share));
  const known = new Map(kept.own.map((each) => [each.ticketId, each]));
  const isOwnRow = ({ ticketId }: LaneWait): boolean => known.has(ticketId);
  return {
    change: {
      turns: isContended ? turnsText(turns) : turnsText(NO_TURNS),
      stretch: stretchAfter(kept.stretch, report.ended),
      holding: { ...now, idle, isExact },
      added: remaining.filter((each) => each.replica === replica && !isOwnRow(each)),
      removed: [
        ...removed,
        ...own.filter(isOwnRow).map(({ ticketId }) => ticketId),
        ...judged.refused.map(({ ticketId }) => ticketId).filter((id) => known.has(id)),
      ],
      granted: granted.flatMap(({ ticketId }) =>
        own.some((each) => each.ticketId === ticketId) ? [] : [ticketId],
      ),
      accepted: remaining
        .filter((each) => known.get(each.ticketId)?.isProvisional === true && !each.isProvisional)
        .map(({ ticketId }) => ticketId),
      told: told(kept, others, waits, isGranted, report, judged),
    },
    result: {
      granted: all.map(({ ticketId }) => ticketId),
      refused: judged.refused,
      provisional: judged.provisional,
      idle,
      hasMore: !isContended && free > idle,
      isContended,
    },
  };
}

/** The rows as they are once the replica's own statements are as it says. */
interface Reported {
  readonly taken: readonly LaneWait[];
  readonly removed: readonly string[];
  /** Who waits, in the order in which they came, but for those that are behind. */
  readonly waits: readonly LaneWait[];
  readonly behind: LaneToDecide['behind'];
}

function withReport(limits: LaneLimits, kept: LaneToDecide, report: LaneReport): Reported {
  const { replica } = report;
  const wanted = new Map(report.waiting.map((each) => [each.ticketId, each]));
  const taken: LaneWait[] = [];
  const removed: string[] = [];
  const waits = [...kept.others];
  const behind = [...kept.behind];
  const seen = new Map<string, number>();
  for (const row of kept.own) {
    const member = wanted.get(row.ticketId);
    if (row.isGranted || member === undefined) removed.push(row.ticketId);
    if (member === undefined) continue;
    wanted.delete(row.ticketId);
    if (row.isGranted) {
      taken.push({ ...memberOf(member), ...row, replica });
      continue;
    }
    if (member.isAccepted && !row.isProvisional) {
      const queue = turnsQueue(limits, member);
      const before = seen.get(queue) ?? 0;
      seen.set(queue, before + 1);
      if (before >= kept.turnsMax) {
        behind.push({ teamId: member.teamId, isAdministrator: member.isAdministrator, count: 1 });
        continue;
      }
    }
    waits.push({ ...memberOf(member), ...row, replica });
  }
  for (const each of wanted.values())
    waits.push({ ...memberOf(each), waitedMs: each.waitedMs, replica, ...NEW_WAIT });
  waits.sort((a, b) => b.waitedMs - a.waitedMs || (a.ticketId < b.ticketId ? -1 : 1));
  return { taken, removed, waits, behind };
}

/** Whose statements have their turn one after the other. */
function turnsQueue(limits: LaneLimits, member: LaneMember): string {
  const { teamId, principalId, isAdministrator } = member;
  const principal = limits.principalConcurrencyMax === null ? '' : principalId;
  return `${isAdministrator} ${teamId} ${principal}`;
}

/** What becomes of the replica's own that come to the queue, and who waits then. */
interface Judged extends Pick<LaneAnswer, 'refused' | 'provisional'> {
  readonly remaining: readonly LaneWait[];
  /** Other replicas that have one for which there is no room any more: they must ask. */
  readonly overfull: ReadonlySet<string>;
}

/**
 * Statements that come to the queue of the tier, or of their team. Beyond its cap they are refused, but for as many as
 * other replicas may have permits at hand (`room`): these may be given back, and are asked for. Such a wait is provisional, whoever
 * asks: it is judged again, in the order in which such statements came, until it has a place, a permit, or is refused because
 * the permits were given away.
 */
function judgeNew(
  limits: LaneLimits,
  { left, behind }: { readonly left: readonly LaneWait[]; readonly behind: LaneToDecide['behind'] },
  report: LaneReport,
  room: number,
): Judged {
  const isNew = new Set(
    report.waiting.filter(({ isAccepted }) => !isAccepted).map(({ ticketId }) => ticketId),
  );
  const isOwn = ({ replica }: LaneWait): boolean => replica === report.replica;
  const isOpen = (each: LaneWait): boolean =>
    isOwn(each) ? isNew.has(each.ticketId) : each.isProvisional;
  const counts = new Map<string, number>();
  const count = (key: string): number => counts.get(key) ?? 0;
  const join = (each: Queued, more = 1): void => {
    for (const [queue] of queuesOf(limits, each)) counts.set(queue, count(queue) + more);
  };
  for (const each of behind) join(each, each.count);
  for (const each of left) if (!isOpen(each)) join(each);
  const refused: LaneAnswer['refused'][number][] = [];
  const provisional: string[] = [];
  const overfull = new Set<string>();
  const isRefused = new Set<string>();
  for (const each of left.filter(isOpen)) {
    const queues = queuesOf(limits, each);
    // No permit of others is ever an administrator's.
    const beyond = isApart(limits, each) ? 0 : room;
    const full = queues.find(([queue, max]) => count(queue) >= max + beyond);
    if (full === undefined) {
      if (isOwn(each) && queues.some(([queue, max]) => count(queue) >= max))
        provisional.push(each.ticketId);
      join(each);
    } else if (isOwn(each)) {
      const [queue, queueMax] = full;
      const waiting = Math.min(count(queue), queueMax);
      refused.push({ ticketId: each.ticketId, waiting, queueMax });
      isRefused.add(each.ticketId);
    } else {
      overfull.add(each.replica);
    }
  }
  const isProvisional = new Set(provisional);
  const remaining = left
    .filter(({ ticketId }) => !isRefused.has(ticketId))
    .map((each) =>
      isOwn(each) ? { ...each, isProvisional: isProvisional.has(each.ticketId) } : each,
    );
  return { refused, provisional, overfull, remaining };
}

/** Permits that these replicas may have at hand: what they give without asking they may have given or got back since. */
function roomAt(others: readonly LaneHolding[]): number {
  const atMost = ({ idle, running, isExact }: LaneHolding): number =>
    isExact ? idle : idle + running.length;
  return others.reduce((sum, each) => sum + atMost(each), 0);
}

/** Permits for everybody that nobody uses, has been granted, or has at hand. */
function freePermits(limits: LaneLimits, state: LaneState, granted: readonly LaneMember[]): number {
  const isShared = (member: LaneMember): boolean => !isApart(limits, member);
  const used = [...state.running, ...granted].filter(isShared).length + state.idlePermits;
  return Math.max(0, sharedPermits(limits) - used);
}

/** Whoever was granted something, or has one too many; when somebody begins to wait, everybody who has permits. */
function told(
  kept: LaneToDecide,
  others: readonly LaneHolding[],
  waits: readonly LaneWait[],
  isGranted: ReadonlySet<string>,
  report: LaneReport,
  { remaining, overfull }: Judged,
): readonly string[] {
  const replicas = new Set([
    ...overfull,
    ...waits
      .filter((each) => each.replica !== report.replica)
      .filter((each) => isGranted.has(each.ticketId))
      .map(({ replica }) => replica),
  ]);
  const wasContended = [...kept.own, ...kept.others].some(({ isGranted }) => !isGranted);
  if (remaining.length > 0)
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
