/**
 * Permits of the tiers: how many statements of a tier run at once, who is next, and how long anybody waits. Teams of
 * one tier take turns, so that one team's burst does not starve another's single statement. A permit is released
 * exactly once, by the object that took it.
 */

export interface TierLimits {
  readonly tier: string;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
}

/** The right to run now in a tier. */
export interface Permit {
  /** Gives it back; later calls do nothing. */
  release(): void;
}

export type AdmitOutcome =
  | { readonly kind: 'admitted'; readonly permit: Permit; readonly waitedMs: number }
  | { readonly kind: 'queueFull'; readonly queueMax: number }
  | { readonly kind: 'timeout'; readonly waitedMs: number; readonly ahead: number }
  | { readonly kind: 'cancelled' };

/** What a statement of a team would meet in a tier if it came now. */
export interface QueueOutlook {
  readonly running: number;
  readonly waiting: number;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  /** Permits that are given to others before it, as teams take turns. */
  readonly ahead: number;
  /** 0 where a permit is free. */
  readonly expectedWaitMs: number;
}

interface Waiting {
  readonly team: string;
  readonly grant: () => void;
}

/** Weight of the newest of the times for which permits were held. */
const HELD_WEIGHT = 0.2;

interface Lane {
  running: number;
  /** Instants at which the permits held now were taken, as their sum. */
  takenAtSum: number;
  /** How long permits were held lately, newer ones weighing more; null before the first came back. */
  heldMs: number | null;
  waiting: number;
  concurrencyMax: number;
  /** Teams in turn; a team leaves when its queue is empty. */
  readonly queues: Map<string, Waiting[]>;
}

export class Gate {
  readonly #lanes = new Map<string, Lane>();
  readonly #realNow: () => number;

  /** `realNow`: a monotonic clock in milliseconds; waiting is real time. */
  constructor(realNow: () => number) {
    this.#realNow = realNow;
  }

  /** Takes a permit, at once or after waiting for its turn; the signal gives up the place. */
  async admit(limits: TierLimits, team: string, signal: AbortSignal): Promise<AdmitOutcome> {
    const lane = this.#laneOf(limits.tier);
    // Limits are of the newest control document that was seen; more room is felt by those who wait.
    lane.concurrencyMax = limits.concurrencyMax;
    this.#grantNext(lane);
    if (lane.running < limits.concurrencyMax && lane.waiting === 0) {
      return { kind: 'admitted', permit: this.#take(lane), waitedMs: 0 };
    }
    if (lane.waiting >= limits.queueMax) return { kind: 'queueFull', queueMax: limits.queueMax };
    return this.#wait(lane, limits, team, signal);
  }

  /** Running and waiting statements per tier, for metrics. */
  occupancy(): readonly {
    readonly tier: string;
    readonly running: number;
    readonly waiting: number;
  }[] {
    return [...this.#lanes].map(([tier, lane]) => ({
      tier,
      running: lane.running,
      waiting: lane.waiting,
    }));
  }

  /** What a statement of `team` would wait for now; nothing is taken. */
  outlook(limits: TierLimits, team: string): QueueOutlook {
    const { tier, concurrencyMax, queueMax } = limits;
    const lane = this.#lanes.get(tier);
    const { running = 0, waiting = 0 } = lane ?? {};
    const outlook = { running, waiting, concurrencyMax, queueMax };
    if (lane === undefined || (running < concurrencyMax && waiting === 0))
      return { ...outlook, ahead: 0, expectedWaitMs: 0 };
    const own = lane.queues.get(team)?.length ?? 0;
    let ahead = own;
    // Every other team has a turn before each of the team's own, the last of which is this statement's.
    for (const [other, queue] of lane.queues)
      if (other !== team) ahead += Math.min(queue.length, own + 1);
    // What runs already for longer than others did will not end as soon as they.
    const ageMs = running === 0 ? 0 : this.#realNow() - lane.takenAtSum / running;
    const heldMs = Math.max(lane.heldMs ?? 0, ageMs);
    return {
      ...outlook,
      ahead,
      expectedWaitMs: ((ahead + 1) * heldMs) / Math.max(1, concurrencyMax),
    };
  }

  #laneOf(tier: string): Lane {
    let lane = this.#lanes.get(tier);
    if (lane === undefined) {
      lane = {
        running: 0,
        takenAtSum: 0,
        heldMs: null,
        waiting: 0,
        concurrencyMax: 0,
        queues: new Map(),
      };
      this.#lanes.set(tier, lane);
    }
    return lane;
  }

  #take(lane: Lane): Permit {
    const takenAt = this.#realNow();
    lane.running += 1;
    lane.takenAtSum += takenAt;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        lane.running -= 1;
        lane.takenAtSum -= takenAt;
        const heldMs = this.#realNow() - takenAt;
        lane.heldMs =
          lane.heldMs === null ? heldMs : lane.heldMs + HELD_WEIGHT * (heldMs - lane.heldMs);
        this.#grantNext(lane);
      },
    };
  }

  #wait(lane: Lane, limits: TierLimits, team: string, signal: AbortSignal): Promise<AdmitOutcome> {
    const since = this.#realNow();
    return new Promise((resolve) => {
      const leave = (outcome: AdmitOutcome): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        lane.waiting -= 1;
        resolve(outcome);
      };
      const entry: Waiting = {
        team,
        grant: () => {
          const permit = this.#take(lane);
          leave({ kind: 'admitted', permit, waitedMs: this.#realNow() - since });
        },
      };
      const onAbort = (): void => {
        remove(lane, entry);
        leave({ kind: 'cancelled' });
      };
      const timer = setTimeout(() => {
        remove(lane, entry);
        leave({ kind: 'timeout', waitedMs: this.#realNow() - since, ahead: lane.waiting - 1 });
      }, limits.queueTimeoutMs);
      lane.waiting += 1;
      const queue = lane.queues.get(team);
      if (queue === undefined) lane.queues.set(team, [entry]);
      else queue.push(entry);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  #grantNext(lane: Lane): void {
    while (lane.running < lane.concurrencyMax) {
      const turn = lane.queues.entries().next();
      if (turn.done === true) return;
      const [team, queue] = turn.value;
      const next = queue.shift();
      // The team goes to the end of the line: a Map keeps the order of insertion.
      lane.queues.delete(team);
      if (queue.length > 0) lane.queues.set(team, queue);
      next?.grant();
    }
  }
}

function remove(lane: Lane, entry: Waiting): void {
  const queue = lane.queues.get(entry.team);
  const index = queue?.indexOf(entry) ?? -1;
  if (queue === undefined || index < 0) return;
  queue.splice(index, 1);
  if (queue.length === 0) lane.queues.delete(entry.team);
}
