/** Lanes for tests: limits with everything at rest, members of a team, and a lane that runs by itself. */
import type { LaneMember, LaneRunning } from '../../../base/kept-lanes.js';
import { parseCredits } from '../../../base/units.js';
import type { LaneLimits, LaneState, LaneTurns } from '../../../policies/lanes/lane.js';
import { NO_TURNS } from '../../../policies/lanes/lane.js';
import { grantsOf } from '../../../policies/lanes/schedule.js';

export function limitsOf(changes: Partial<LaneLimits> = {}): LaneLimits {
  return {
    tier: 'standard',
    concurrencyMax: 4,
    queueMax: 10_000,
    queueTimeoutMs: 600_000,
    weight: 1,
    teamConcurrencyMax: null,
    teamQueueMax: null,
    principalConcurrencyMax: null,
    administratorPermits: 0,
    administrators: { principals: new Set(), roles: new Set() },
    teams: new Map(),
    ...changes,
  };
}

/** Weights by team, everything else as every team has it. */
export function weighted(
  limits: LaneLimits,
  weights: Readonly<Record<string, number>>,
): LaneLimits {
  const { queueTimeoutMs } = limits;
  const common = { concurrencyMax: null, queueMax: null, queueTimeoutMs };
  const teams = Object.entries(weights).map(
    ([team, weight]) => [team, { ...common, weight }] as const,
  );
  return { ...limits, teams: new Map(teams) };
}

let made = 0;

/** @param credits a decimal. */
export function memberOf(
  teamId: string,
  credits = '1',
  changes: Partial<LaneMember> = {},
): LaneMember {
  made += 1;
  return {
    ticketId: `t${String(made).padStart(9, '0')}`,
    teamId,
    principalId: `${teamId}_analyst`,
    isAdministrator: false,
    expectedCredits: parseCredits(credits),
    expectedMs: 1000,
    ...changes,
  };
}

export interface Arrival {
  readonly atMs: number;
  readonly member: LaneMember;
  /** How long it really runs. */
  readonly runsMs: number;
}

export interface Started extends Arrival {
  readonly startedMs: number;
}

interface Inside {
  readonly arrival: Arrival;
  readonly sinceMs: number;
}

/** A lane in simulated time, event by event; what is granted ends after its `runsMs`. */
export class SimulatedLane {
  readonly limits: LaneLimits;
  readonly started: Started[] = [];
  /** What comes when something is granted. */
  refill: (granted: Started) => Arrival | undefined = () => undefined;
  turns: LaneTurns = NO_TURNS;
  nowMs = 0;
  #waiting: Inside[] = [];
  #running: Inside[] = [];

  constructor(limits: LaneLimits) {
    this.limits = limits;
  }

  get state(): LaneState {
    return {
      turns: this.turns,
      running: this.#running.map(({ arrival, sinceMs }): LaneRunning => ({
        ...arrival.member,
        heldMs: this.nowMs - sinceMs,
      })),
      waiting: this.#waiting.map(({ arrival, sinceMs }) => ({
        ...arrival.member,
        waitedMs: this.nowMs - sinceMs,
      })),
      idlePermits: 0,
      stretch: 1,
    };
  }

  /** Runs through the arrivals, and on until everything has ended, or `grantsMax` were given. */
  run(
    arrivals: readonly Arrival[],
    grantsMax: number = Infinity,
    onArrival?: (arrival: Arrival) => void,
  ): void {
    const coming = [...arrivals].sort((a, b) => a.atMs - b.atMs);
    while (this.started.length < grantsMax) {
      const next = coming[0]?.atMs ?? Infinity;
      const ends = Math.min(
        ...this.#running.map(({ arrival, sinceMs }) => sinceMs + arrival.runsMs),
      );
      if (next === Infinity && ends === Infinity) return;
      this.nowMs = Math.min(next, ends);
      this.#running = this.#running.filter(
        ({ arrival, sinceMs }) => sinceMs + arrival.runsMs > this.nowMs,
      );
      const here: Arrival[] = [];
      while ((coming[0]?.atMs ?? Infinity) <= this.nowMs) {
        const arrival = coming.shift();
        if (arrival !== undefined) here.push(arrival);
      }
      this.#waiting.push(...here.map((arrival) => ({ arrival, sinceMs: this.nowMs })));
      this.#grant();
      if (onArrival !== undefined) for (const arrival of here) onArrival(arrival);
    }
  }

  #grant(): void {
    const isFull = this.#running.length >= this.limits.concurrencyMax;
    if (isFull || this.#waiting.length === 0) return;
    const { granted, turns } = grantsOf(this.limits, this.state);
    this.turns = turns;
    for (const { ticketId } of granted) {
      const index = this.#waiting.findIndex(({ arrival }) => arrival.member.ticketId === ticketId);
      const [taken] = this.#waiting.splice(index, 1);
      if (taken === undefined) continue;
      this.#running.push({ arrival: taken.arrival, sinceMs: this.nowMs });
      const started = { ...taken.arrival, startedMs: this.nowMs };
      this.started.push(started);
      const next = this.refill(started);
      if (next !== undefined) this.#waiting.push({ arrival: next, sinceMs: this.nowMs });
    }
  }
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Standard normal, by Box and Muller. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
