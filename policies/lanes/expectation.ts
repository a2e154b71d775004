/** What a waiting statement can be told: its position, what keeps it, and when it is expected to run. */
import type { LaneMember, LaneRunning } from '#base/kept-lanes.js';
import { must } from '#base/assert.js';
import { type LaneLimits, type LaneState, teamLane } from './lane.js';
import { LaneSchedule } from './schedule.js';

/** tier: all its permits are taken; team, principal: theirs are; administrators: those kept for them are. */
export type LimitedBy = 'tier' | 'team' | 'principal' | 'administrators';

export interface Expectation {
  /** Of those that wait now, when it is expected to have its turn; 1: it is next. */
  readonly position: number;
  /** 0: it has its turn at once. */
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
/** One that outlasts all of that goes on for this part of what it took. */
const OVERDUE = 0.1;
/** Looks ahead, each with other errors and others who come meanwhile: so many where few wait, and at least so many. */
const LOOKS_MAX = 25;
const LOOKS_MIN = 9;
/** Statements in the lane, over all looks, from which on there are fewer looks. */
const LOOKED_AT = 10_000;
/** What a statement takes at least, when it is asked how often such ones come. */
const LEAST_MS = 100;
/** A time is right that is off by no more than half of the wait; or by so little, on which nobody acts. */
const RIGHT_PART = 0.5;
const RIGHT_MS = 1_000;
/** Waits are so much longer than looks: who sends nothing yet is not foreseen. Tuned in the simulated lane of the test. */
const UNFORESEEN = 1.05;

interface Ending {
  readonly atMs: number;
  readonly member: LaneMember;
}

/** Numbers in [0, 1), the same ones for the same seed. */
type Draw = () => number;

/** A team that is expected to send more while others wait. */
interface Sender {
  readonly everyMs: number;
  /** What it sends: such as it runs, with how often each comes. */
  readonly kinds: readonly { readonly member: LaneRunning; readonly perMs: number }[];
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
  const size = Math.max(1, state.waiting.length + state.running.length);
  const count = Math.max(LOOKS_MIN, Math.min(LOOKS_MAX, Math.floor(LOOKED_AT / size)));
  const looks = Array.from({ length: count }, (_each, index) => lookAhead(limits, state, index));
  const waits = state.waiting.map((each) => {
    const sorted = looks.map(({ waits: found, lastMs }) => found.get(each.ticketId) ?? lastMs);
    sorted.sort((a, b) => a - b);
    return { each, middleMs: middleOf(sorted), toldMs: toTell(sorted) };
  });
  waits.sort((a, b) => a.middleMs - b.middleMs);
  let toldMs = 0;
  return new Map(
    waits.map(({ each, toldMs: ownMs }, index) => {
      // Nobody is told less than who has its turn before.
      toldMs = Math.max(toldMs, ownMs);
      const told = { expectedWaitMs: toldMs, limitedBy: limitedBy(limits, state, each) };
      return [each.ticketId, { ...told, position: index + 1 }];
    }),
  );
}

function middleOf(sorted: readonly number[]): number {
  return sorted[sorted.length >> 1] ?? 0;
}

/**
 * The time that is right in most looks, the middle of such times: looks of several endings lie so far apart that their own
 * middle is right in fewer. A look of over a second counts twice where the time is within half of it: who waits so long
 * reads the time. 0: it has its turn at once.
 * @param sorted waits of one statement, ascending
 */
function toTell(sorted: readonly number[]): number {
  if ((sorted.at(-1) ?? 0) === 0) return 0;
  const [from, to]: [number[], number[]] = [[], []];
  for (const waitMs of sorted) {
    const likelyMs = waitMs * UNFORESEEN;
    const halfMs = likelyMs * RIGHT_PART;
    const offMs = Math.max(halfMs, RIGHT_MS);
    from.push(Math.max(0, likelyMs - offMs));
    to.push(likelyMs + offMs);
    if (likelyMs <= RIGHT_MS) continue;
    from.push(likelyMs - halfMs);
    to.push(likelyMs + halfMs);
  }
  from.sort((a, b) => a - b);
  to.sort((a, b) => a - b);
  let [most, over, toldMs] = [0, 0, 0];
  for (const [index, fromMs] of from.entries()) {
    while ((to[over] ?? Infinity) < fromMs) over += 1;
    if (index + 1 - over <= most) continue;
    most = index + 1 - over;
    toldMs = (fromMs + (to[over] ?? fromMs)) / 2;
  }
  return toldMs;
}

/** When everybody who waits has its turn, if errors fall in one way. */
function lookAhead(
  limits: LaneLimits,
  state: LaneState,
  seed: number,
): { readonly waits: ReadonlyMap<string, number>; readonly lastMs: number } {
  const waits = new Map<string, number>();
  const real = new Set(state.waiting.map(({ ticketId }) => ticketId));
  const draw = drawsOf(seed);
  // Permits at hand somewhere are given back as soon as somebody waits.
  const schedule = new LaneSchedule(limits, { ...state, idlePermits: 0 });
  const endings = state.running.map((member): Ending => ({
    atMs: remainingMs(member, state.stretch, draw),
    member,
  }));
  endings.sort((a, b) => a.atMs - b.atMs);
  const senders = sendersOf(state, draw);
  let nowMs = 0;
  for (let turn = 0; turn < TURNS_MAX && waits.size < real.size;) {
    const next = schedule.next(nowMs);
    if (next !== undefined) {
      turn += 1;
      const lastsMs = next.expectedMs * state.stretch * errorAbove(0, draw);
      insert(endings, { atMs: nowMs + lastsMs, member: next });
      if (real.has(next.ticketId)) waits.set(next.ticketId, nowMs);
      continue;
    }
    const [ending] = endings;
    if (ending === undefined) break;
    const sender = earliest(senders);
    if (sender !== undefined && sender.atMs < ending.atMs) {
      nowMs = sender.atMs;
      sender.atMs += gapMs(sender.everyMs, draw);
      schedule.join({ ...oneOf(sender, draw), waitedMs: -nowMs });
      continue;
    }
    endings.shift();
    nowMs = ending.atMs;
    schedule.ended(ending.member);
  }
  return { waits, lastMs: nowMs };
}

function drawsOf(seed: number): Draw {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** An error above `least`, as often as it comes among those; or a little more than it. */
function errorAbove(least: number, draw: Draw): number {
  const below = partBelow(least);
  const at = below + (ERRORS.length - 1 - below) * draw();
  const index = Math.floor(at);
  const [low, high] = [ERRORS[index], ERRORS[index + 1]];
  if (low === undefined || high === undefined) return least * (1 + OVERDUE);
  return low + (high - low) * (at - index);
}

/** Where an error stands among {@link ERRORS}, in fractions of their indices. */
function partBelow(error: number): number {
  const above = ERRORS.findIndex((each) => each > error);
  if (above <= 0) return above === 0 ? 0 : ERRORS.length;
  const [low = 0, high = 0] = [ERRORS[above - 1], ERRORS[above]];
  return above - 1 + (error - low) / (high - low);
}

/**
 * What runs says how often such statements come (Little's law): one of ten seconds stands for one that comes in ten seconds.
 * So the short ones, of which few are seen running, come more often than they are seen.
 */
function sendersOf({ running, stretch }: LaneState, draw: Draw): readonly Sender[] {
  const teams = new Map<string, Sender['kinds'][number][]>();
  for (const member of running) {
    const lastsMs = Math.max(LEAST_MS, member.expectedMs * stretch, member.heldMs);
    const kind = { member, perMs: 1 / lastsMs };
    const own = teams.get(member.teamId);
    if (own === undefined) teams.set(member.teamId, [kind]);
    else own.push(kind);
  }
  return [...teams.values()].map((kinds) => {
    const everyMs = 1 / kinds.reduce((sum, { perMs }) => sum + perMs, 0);
    return { everyMs, kinds, atMs: gapMs(everyMs, draw) };
  });
}

/** Until the next of what comes by chance. */
function gapMs(everyMs: number, draw: Draw): number {
  return -Math.log(1 - draw()) * everyMs;
}

function oneOf({ kinds, everyMs }: Sender, draw: Draw): LaneMember {
  let left = draw() / everyMs;
  const kind = kinds.find(({ perMs }) => (left -= perMs) < 0) ?? kinds[0];
  const { member } = must(kind, 'a sender runs something');
  return { ...member, ticketId: `after ${member.teamId}`, isAdministrator: false };
}

function earliest(senders: readonly Sender[]): Sender | undefined {
  let found: Sender | undefined;
  for (const each of senders) if (found === undefined || each.atMs < found.atMs) found = each;
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

function remainingMs({ expectedMs, heldMs }: LaneRunning, stretch: number, draw: Draw): number {
  const wholeMs = expectedMs * stretch;
  return wholeMs === 0 ? 0 : wholeMs * errorAbove(heldMs / wholeMs, draw) - heldMs;
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
