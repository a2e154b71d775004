/**
 * Permits of the tiers, for the whole deployment: how many statements of a tier run at once, who is next, and how long
 * anybody waits. Each tier is a lane (lane.ts); who is granted is decided in Postgres, by one replica at a time.
 */
import type { LaneMember } from '#base/kept-lanes.js';
import { type FullQueue, fullQueue } from '#policies/lanes/queues.js';
import { expectationOf, type Expectation } from '#policies/lanes/expectation.js';
import type { LaneLimits } from '#policies/lanes/lane.js';
import { laneState } from '#policies/lanes/decision.js';
import { type AdmitOutcome, Lane, type LaneOptions } from './lane.js';

const TICK_MS = 1000;

/** What a statement would meet in a tier if it came now. */
export interface QueueOutlook extends Expectation {
  readonly running: number;
  readonly waiting: number;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  /** Statements that have their turn before it. */
  readonly ahead: number;
  /** The queue, of the tier or of its team, that would refuse it; null: none would. */
  readonly full: FullQueue | null;
}

export class Gate {
  readonly #options: LaneOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Takes a permit, at once or after waiting for its turn; the signal gives up the place. */
  admit(limits: LaneLimits, member: LaneMember, signal: AbortSignal): Promise<AdmitOutcome> {
    let lane = this.#lanes.get(limits.tier);
    if (lane === undefined) {
      lane = new Lane(this.#options, limits);
      this.#lanes.set(limits.tier, lane);
    }
    return lane.admit(limits, member, signal);
  }

  /** Running and waiting statements of this replica per tier, for metrics. */
  occupancy(): readonly {
    readonly tier: string;
    readonly running: number;
    readonly waiting: number;
  }[] {
    return [...this.#lanes].map(([tier, { running, waiting }]) => ({ tier, running, waiting }));
  }

  /** What a statement would wait for now, in the whole deployment; nothing is taken. Rejects when Postgres is away. */
  async outlook(limits: LaneLimits, member: LaneMember): Promise<QueueOutlook> {
    const { store, replica } = this.#options;
    const kept = await store.read(limits.tier, replica);
    const state = laneState(this.#lanes.get(limits.tier)?.now(kept) ?? kept);
    const expectation = expectationOf(limits, state, member);
    const isFree = expectation.expectedWaitMs === 0;
    return {
      ...expectation,
      running: state.running.length,
      waiting: state.waiting.length,
      concurrencyMax: limits.concurrencyMax,
      queueMax: limits.queueMax,
      ahead: isFree ? 0 : expectation.position - 1,
      full: isFree ? null : fullQueue(limits, state.waiting, member),
    };
  }

  /** Another replica says that there is something for this one: `<replica> <tier>`. */
  onNotify(payload: string): void {
    const { replica } = this.#options;
    if (payload.startsWith(`${replica} `))
      this.#lanes.get(payload.slice(replica.length + 1))?.ask();
  }

  tick(): void {
    for (const lane of this.#lanes.values()) lane.tick();
  }

  /** Asks no more; resolves when no question is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const lane of this.#lanes.values()) await lane.settled();
  }
}
