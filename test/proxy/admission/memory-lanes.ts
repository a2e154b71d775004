/** Lanes in memory, by the rules of Postgres: one decides at a time, and dead replicas have nothing. */
import type {
  KeptLane,
  LaneHolding,
  LaneReach,
  LaneToDecide,
  LaneWait,
  LaneWrites,
} from '../../../base/kept-lanes.js';
import type { LaneStore } from '../../../proxy/admission/lane.js';
import { partToDecide } from '../../policies/lanes/read-to-decide.js';

interface Row {
  turns: unknown;
  stretch: number;
  readonly holdings: Map<string, { holding: LaneHolding; atMs: number }>;
  readonly waits: Map<string, { wait: LaneWait; sinceMs: number }>;
}

export class MemoryLanes implements LaneStore {
  readonly dead: Set<string> = new Set();
  /** How often somebody decided. */
  decisions = 0;
  isAway = false;
  /** Told as by a notification. */
  onTold: (replica: string, tier: string) => void = () => undefined;
  readonly #rows = new Map<string, Row>();
  readonly #replicas = new Set<string>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async decide<T>(
    tier: string,
    replica: string,
    reach: LaneReach,
    decide: (kept: LaneToDecide) => { readonly change: LaneWrites; readonly result: T },
  ): Promise<T> {
    await Promise.resolve();
    if (this.isAway) throw new Error('away');
    this.decisions += 1;
    this.#replicas.add(replica);
    const { change, result } = decide(partToDecide(this.#kept(tier), replica, reach));
    this.#write(tier, change);
    await Promise.resolve();
    for (const each of change.told) this.onTold(each, tier);
    return result;
  }

  read(tier: string): Promise<KeptLane> {
    return Promise.resolve(this.#kept(tier));
  }

  #row(tier: string): Row {
    const row = this.#rows.get(tier) ?? {
      turns: {},
      stretch: 1,
      holdings: new Map(),
      waits: new Map(),
    };
    this.#rows.set(tier, row);
    return row;
  }

  #kept(tier: string): KeptLane {
    const { turns, stretch, holdings, waits } = this.#row(tier);
    const now = this.#now();
    const isLive = (replica: string): boolean => !this.dead.has(replica);
    return {
      turns,
      stretch,
      holdings: [...holdings]
        .filter(([replica]) => isLive(replica))
        .map(([, { holding, atMs }]) => ({
          ...holding,
          running: holding.running.map((each) => ({ ...each, heldMs: each.heldMs + now - atMs })),
        })),
      waits: [...waits.values()]
        .filter(({ wait }) => isLive(wait.replica))
        .map(({ wait, sinceMs }) => ({ ...wait, waitedMs: now - sinceMs })),
      replicas: [...this.#replicas].filter(isLive).length,
    };
  }

  #write(tier: string, change: LaneWrites): void {
    const row = this.#row(tier);
    const now = this.#now();
    row.turns = JSON.parse(JSON.stringify(change.turns));
    row.stretch = change.stretch;
    row.holdings.set(change.holding.replica, { holding: change.holding, atMs: now });
    for (const ticketId of change.removed) row.waits.delete(ticketId);
    for (const wait of change.added)
      row.waits.set(wait.ticketId, { wait, sinceMs: now - wait.waitedMs });
    for (const ticketId of change.accepted) {
      const found = row.waits.get(ticketId);
      if (found !== undefined) found.wait = { ...found.wait, isProvisional: false };
    }
    for (const ticketId of change.granted) {
      const found = row.waits.get(ticketId);
      if (found !== undefined) found.wait = { ...found.wait, isGranted: true };
    }
  }
}
