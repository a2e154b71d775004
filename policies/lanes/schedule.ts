/**
 * Whose statement of a lane runs next. Administrators first, on permits of their own. Then deficit round robin on
 * expected credits: in every round each team that could run something saves its weight, and a team whose next
 * statement is paid for runs it; rounds in which nobody could are given at once, and a round is as fine as the unit of
 * credits, so that teams take turns statement by statement. Every eighth grant goes to teams whose next statement has
 * waited half of what it may, in turn: it runs within eight grants for each team that waits, whatever the weights.
 * Pure, and decides alike everywhere.
 */
import type { LaneMember, LaneWaiting } from '#base/kept-lanes.js';
import { must } from '#base/assert.js';
import {
  addCredits,
  compareAmounts,
  type Credits,
  maxAmount,
  minAmount,
  NO_CREDITS,
  parseCredits,
  subtractCredits,
} from '#base/units.js';
import {
  type LaneLimits,
  type LaneState,
  type LaneTurns,
  NO_TURNS,
  sharedPermits,
  teamLane,
} from './lane.js';

/** One grant in so many goes by age. Less than the smallest share of weights 4:2:1, which therefore stay exact. */
export const AGED_EVERY = 8;
/** A statement is old once it has waited this part of what its team's statements may wait. */
export const AGED_AFTER = 0.5;
/** What a statement counts at least: a permit is worth something however little is expected to be scanned. */
const LEAST_CREDITS = parseCredits('0.0001');
/** Most that a team is made to pay back for what it was given by age, in statements such as the last. */
const DEBT_STATEMENTS_MAX = 8n;

interface Candidate {
  readonly teamId: string;
  readonly queue: LaneWaiting[];
  readonly index: number;
  readonly next: LaneWaiting;
}

/** The turns of one lane, from a state on. */
export class LaneSchedule {
  readonly #limits: LaneLimits;
  readonly #queues = new Map<string, LaneWaiting[]>();
  readonly #administrators: LaneWaiting[];
  readonly #saved: Map<string, Credits>;
  readonly #teamRunning = new Map<string, number>();
  readonly #principalRunning = new Map<string, number>();
  #grants: number;
  #last: string;
  #lastAged: string;
  #sharedRunning: number;
  #administratorsRunning = 0;

  constructor(limits: LaneLimits, state: LaneState) {
    this.#limits = limits;
    this.#grants = state.turns.grants;
    this.#last = state.turns.last;
    this.#lastAged = state.turns.lastAged;
    this.#saved = new Map(state.turns.savedCredits);
    this.#sharedRunning = state.idlePermits;
    for (const each of state.running) this.#count(each, 1);
    this.#administrators = state.waiting.filter((each) => this.#isOfAdministrators(each));
    for (const each of state.waiting) {
      if (!this.#isOfAdministrators(each)) this.join(each);
    }
  }

  /** One more waits, behind those of its team. */
  join(member: LaneWaiting): void {
    const queue = this.#queues.get(member.teamId);
    if (queue === undefined) this.#queues.set(member.teamId, [member]);
    else queue.push(member);
  }

  /**
   * Grants one permit; undefined: nobody who waits may run now.
   * @param laterMs real time since the state was read.
   */
  next(laterMs: number): LaneWaiting | undefined {
    const { administratorPermits } = this.#limits;
    if (this.#administratorsRunning < administratorPermits && this.#administrators.length > 0) {
      const first = this.#administrators.shift();
      if (first !== undefined) this.#count(first, 1);
      return first;
    }
    if (this.#sharedRunning >= sharedPermits(this.#limits)) return undefined;
    const candidates = this.#candidates();
    if (candidates.length === 0) return undefined;
    const chosen = this.#aged(candidates, laterMs) ?? this.#inTurn(candidates);
    this.#grant(chosen);
    return chosen.next;
  }

  /** A permit came back. */
  ended(member: LaneMember): void {
    this.#count(member, -1);
  }

  turns(): LaneTurns {
    const isOver = this.#queues.size === 0 && this.#administrators.length === 0;
    if (isOver) return NO_TURNS;
    return {
      grants: this.#grants,
      last: this.#last,
      lastAged: this.#lastAged,
      savedCredits: this.#saved,
    };
  }

  /** One whose tier keeps no permits for administrators waits like everybody. */
  #isOfAdministrators({ isAdministrator }: LaneMember): boolean {
    return isAdministrator && this.#limits.administratorPermits > 0;
  }

  #count(member: LaneMember, change: 1 | -1): void {
    if (this.#isOfAdministrators(member)) {
      this.#administratorsRunning += change;
      return;
    }
    this.#sharedRunning += change;
    add(this.#teamRunning, member.teamId, change);
    add(this.#principalRunning, member.principalId, change);
  }

  /** The first statement of every team that no cap keeps back, teams in turn after the last that was granted. */
  #candidates(): readonly Candidate[] {
    const { principalConcurrencyMax } = this.#limits;
    const found: Candidate[] = [];
    for (const [teamId, queue] of this.#queues) {
      const { concurrencyMax } = teamLane(this.#limits, teamId);
      if (concurrencyMax !== null && (this.#teamRunning.get(teamId) ?? 0) >= concurrencyMax)
        continue;
      const index =
        principalConcurrencyMax === null
          ? 0
          : queue.findIndex(
              ({ principalId }) =>
                (this.#principalRunning.get(principalId) ?? 0) < principalConcurrencyMax,
            );
      const next = queue[index];
      if (next !== undefined) found.push({ teamId, queue, index, next });
    }
    return inRing(found, this.#last);
  }

  /** Teams whose next statement is old take turns of their own. */
  #aged(candidates: readonly Candidate[], laterMs: number): Candidate | undefined {
    if (this.#grants % AGED_EVERY !== AGED_EVERY - 1) return undefined;
    const old = candidates.filter(({ teamId, next }) => {
      const { queueTimeoutMs } = teamLane(this.#limits, teamId);
      return next.waitedMs + laterMs >= queueTimeoutMs * AGED_AFTER;
    });
    const chosen = inRing(old, this.#lastAged)[0];
    if (chosen !== undefined) this.#lastAged = chosen.teamId;
    return chosen;
  }

  /** The team that needs the fewest rounds; every team saves in them. */
  #inTurn(candidates: readonly Candidate[]): Candidate {
    let chosen = must(candidates[0], 'somebody may run');
    let rounds = this.#roundsFor(chosen);
    for (const each of candidates) {
      const needs = this.#roundsFor(each);
      if (needs >= rounds) continue;
      chosen = each;
      rounds = needs;
    }
    for (const { teamId } of candidates) {
      const gained = (rounds * this.#weight(teamId)) as Credits;
      this.#saved.set(teamId, addCredits(this.#savedBy(teamId), gained));
    }
    return chosen;
  }

  /** Rounds until the next statement of the team is paid for. */
  #roundsFor({ teamId, next }: Candidate): bigint {
    const missing = subtractCredits(worth(next), this.#savedBy(teamId));
    if (missing <= 0n) return 0n;
    const weight = this.#weight(teamId);
    return (missing + weight - 1n) / weight;
  }

  #grant({ teamId, queue, index, next }: Candidate): void {
    queue.splice(index, 1);
    this.#grants += 1;
    this.#last = teamId;
    this.#count(next, 1);
    const cost = worth(next);
    const before = this.#savedBy(teamId);
    const left = subtractCredits(before, cost);
    const debtMax = subtractCredits(NO_CREDITS, (cost * DEBT_STATEMENTS_MAX) as Credits);
    this.#saved.set(teamId, maxAmount(left, minAmount(before, debtMax)));
    if (queue.length > 0) return;
    this.#queues.delete(teamId);
    // Nothing is saved for statements that have not come; what was given ahead of its turn is remembered.
    if (left >= 0n) this.#saved.delete(teamId);
  }

  #savedBy(teamId: string): Credits {
    return this.#saved.get(teamId) ?? NO_CREDITS;
  }

  #weight(teamId: string): bigint {
    return BigInt(teamLane(this.#limits, teamId).weight);
  }
}

/** What runs next, as far as permits reach, and whose turn it is then. */
export function grantsOf(
  limits: LaneLimits,
  state: LaneState,
): { readonly granted: readonly LaneWaiting[]; readonly turns: LaneTurns } {
  const schedule = new LaneSchedule(limits, state);
  const granted: LaneWaiting[] = [];
  for (let next = schedule.next(0); next !== undefined; next = schedule.next(0)) granted.push(next);
  return { granted, turns: schedule.turns() };
}

/** Teams in the order of their ids, from the one after `last` on. */
function inRing(candidates: readonly Candidate[], last: string): readonly Candidate[] {
  const isLater = ({ teamId }: Candidate): boolean => teamId > last;
  const sorted = [...candidates].sort((a, b) => (a.teamId < b.teamId ? -1 : 1));
  return [...sorted.filter(isLater), ...sorted.filter((each) => !isLater(each))];
}

function worth({ expectedCredits }: LaneMember): Credits {
  return compareAmounts(expectedCredits, LEAST_CREDITS) < 0 ? LEAST_CREDITS : expectedCredits;
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
