/** What a waiting statement can be told: its position, what keeps it, and when it is expected to run. */
import {
  type LaneLimits,
  type LaneMember,
  type LaneRunning,
  type LaneState,
  teamLane,
} from './lane.js';
import { LaneSchedule } from './schedule.js';

/** tier: all its permits are taken; team, principal: theirs are; administrators: those kept for them are. */
export type LimitedBy = 'tier' | 'team' | 'principal' | 'administrators';

export interface Expectation {
  /** Of those that wait now, when it is expected to have its turn; 1: it is next. */
  readonly position: number;
  readonly expectedWaitMs: number;
  readonly limitedBy: LimitedBy;
}

/** Turns that are looked ahead; a statement behind them is told of the last of them. */
const TURNS_MAX = 5_000;
/**
 * How far statements fall from what was expected of them: the middles of sixteen equal parts of a log-normal error of
 * 40 %. The first of many to end ends earlier than any is expected to, so one look ahead with expected times is too long.
 */
const ERRORS = [
  0.475, 0.59, 0.668, 0.733, 0.793, 0.851, 0.91, 0.969, 1.032, 1.1, 1.174, 1.261, 1.364, 1.498,
  1.694, 2.107,
];
/** Looks ahead, each with other errors. */
const LOOKS = 9;
/**
 * Between which of them is told, from the shortest wait on: the middle and the one beyond it. Of waits of over a second, more are
 * longer than the middle by half than shorter: short ones are not among them. Measured in the simulated lane of the test.
 */
const TOLD = [4, 5] as const;
/** One that outlasts all of that goes on for this part of what it took. */
const OVERDUE = 0.1;

interface Ending {
  readonly atMs: number;
  readonly member: LaneMember;
}

/** Statements that a team is expected to send while others wait: as many as it has had running of late. */
interface Follower {
  readonly member: LaneMember;
  readonly everyMs: number;
  atMs: number;
}

/**
 * Runs the lane ahead by what is expected of its statements, and of those that come meanwhile and have their turn.
 * @returns by ticket, for everybody who waits (those behind the first 5,000 turns are told the last).
 */
export function expectationsOf(
  limits: LaneLimits,
  state: LaneState,
): ReadonlyMap<string, Expectation> {
  const looks = Array.from({ length: LOOKS }, (_each, index) => lookAhead(limits, state, index));
  const toTell = (values: readonly number[]): number => {
    const [middle = 0, beyond = 0] = [...values].sort((a, b) => a - b).slice(TOLD[0], TOLD[1] + 1);
    return (middle + beyond) / 2;
  };
  const waits = state.waiting.map((each) => ({
    ticketId: each.ticketId,
    expectedWaitMs: toTell(
      looks.map(({ waits: found, lastMs }) => found.get(each.ticketId) ?? lastMs),
    ),
    limitedBy: limitedBy(limits, state, each),
  }));
  waits.sort((a, b) => a.expectedWaitMs - b.expectedWaitMs);
  return new Map(
    waits.map(({ ticketId, ...told }, index) => [ticketId, { ...told, position: index + 1 }]),
  );
}

/** When everybody who waits has its turn, if errors fall in one way. */
function lookAhead(
  limits: LaneLimits,
  state: LaneState,
  seed: number,
): { readonly waits: ReadonlyMap<string, number>; readonly lastMs: number } {
  const waits = new Map<string, number>();
  const real = new Set(state.waiting.map(({ ticketId }) => ticketId));
  const errorOf = errors(seed);
  // Permits at hand somewhere are given back as soon as somebody waits.
  const schedule = new LaneSchedule(limits, { ...state, idlePermits: 0 });
  const endings = state.running.map((member): Ending => ({
    atMs: remainingMs(member, state.stretch, errorOf),
    member,
  }));
  endings.sort((a, b) => a.atMs - b.atMs);
  const followers = followersOf(state);
  let nowMs = 0;
  for (let turn = 0; turn < TURNS_MAX && waits.size < real.size;) {
    const next = schedule.next(nowMs);
    if (next !== undefined) {
      turn += 1;
      const lastsMs = next.expectedMs * state.stretch * errorOf(0);
      insert(endings, { atMs: nowMs + lastsMs, member: next });
      if (real.has(next.ticketId)) waits.set(next.ticketId, nowMs);
      continue;
    }
    const [ending] = endings;
    if (ending === undefined) break;
    const follower = earliest(followers);
    if (follower !== undefined && follower.atMs < ending.atMs) {
      nowMs = follower.atMs;
      follower.atMs += follower.everyMs;
      schedule.join({ ...follower.member, waitedMs: -nowMs });
      continue;
    }
    endings.shift();
    nowMs = ending.atMs;
    schedule.ended(ending.member);
  }
  return { waits, lastMs: nowMs };
}

/** One of the errors at a time, of those above `least`; or a little more than it. The same ones for the same seed. */
function errors(seed: number): (least: number) => number {
  let state = seed * 2_654_435_761;
  return (least) => {
    const possible = ERRORS.filter((error) => error > least);
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return possible[Math.floor((state / 2 ** 32) * possible.length)] ?? least * (1 + OVERDUE);
  };
}

function followersOf({ running, stretch }: LaneState): readonly Follower[] {
  const teams = new Map<string, LaneRunning[]>();
  for (const each of running) {
    const own = teams.get(each.teamId);
    if (own === undefined) teams.set(each.teamId, [each]);
    else own.push(each);
  }
  return [...teams].flatMap(([teamId, own]) => {
    const first = own[0];
    if (first === undefined) return [];
    const expectedMs = own.reduce((sum, each) => sum + each.expectedMs, 0) / own.length;
    const everyMs = Math.max(1, (expectedMs * stretch) / own.length);
    const member = { ...first, ticketId: `after ${teamId}`, expectedMs, isAdministrator: false };
    return [{ member, everyMs, atMs: everyMs }];
  });
}

function earliest(followers: readonly Follower[]): Follower | undefined {
  let found: Follower | undefined;
  for (const each of followers) if (found === undefined || each.atMs < found.atMs) found = each;
  return found;
}

/** What a statement would meet that came now. */
export function expectationOf(
  limits: LaneLimits,
  state: LaneState,
  member: LaneMember,
): Expectation {
  const waiting = [...state.waiting, { ...member, waitedMs: 0 }];
  const found = expectationsOf(limits, { ...state, waiting }).get(member.ticketId);
  return found ?? { position: 1, expectedWaitMs: 0, limitedBy: 'tier' };
}

/** A cap of the team or the principal keeps it back also when the tier has room. */
function limitedBy(limits: LaneLimits, state: LaneState, member: LaneMember): LimitedBy {
  const { administratorPermits, principalConcurrencyMax } = limits;
  if (member.isAdministrator && administratorPermits > 0) return 'administrators';
  const reaches = (max: number | null, is: (each: LaneRunning) => boolean): boolean =>
    max !== null &&
    state.running.filter((each) => is(each) && !(each.isAdministrator && administratorPermits > 0))
      .length >= max;
  const { concurrencyMax } = teamLane(limits, member.teamId);
  if (reaches(concurrencyMax, ({ teamId }) => teamId === member.teamId)) return 'team';
  const isOwn = ({ principalId }: LaneRunning): boolean => principalId === member.principalId;
  return reaches(principalConcurrencyMax, isOwn) ? 'principal' : 'tier';
}

function remainingMs(
  { expectedMs, heldMs }: LaneRunning,
  stretch: number,
  errorOf: (least: number) => number,
): number {
  const wholeMs = expectedMs * stretch;
  return wholeMs === 0 ? 0 : wholeMs * errorOf(heldMs / wholeMs) - heldMs;
}

/** Keeps the order of time. */
function insert(endings: Ending[], ending: Ending): void {
  let low = 0;
  let high = endings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((endings[middle]?.atMs ?? 0) <= ending.atMs) low = middle + 1;
    else high = middle;
  }
  endings.splice(low, 0, ending);
}
