/** What a statement and its warehouse say to each other. All times are of the warehouse clock. */
import type { EpochMs } from '#base/time.js';
import type { WarehouseMake } from './rates.js';
import type { WarehouseSize } from './rates.js';

/** Who asked for a change. */
export interface Actor {
  readonly user: string;
  readonly role: string;
}

/** What a statement runs on. */
export interface Servers {
  readonly size: WarehouseSize;
  readonly make: WarehouseMake;
}

/** What a place came to: given, left before it was, not given within the limit, or no room in the queue. */
export interface Placed {
  readonly how: 'placed' | 'left' | 'limit' | 'full';
  readonly at: EpochMs;
}

/** The end of a statement that was weighed; `left` also for one that had no place any more. */
export interface Ended {
  readonly how: 'done' | 'limit' | 'left';
  readonly at: EpochMs;
  /** When it began to run: when it was placed, or when its cluster was ready. */
  readonly runningSince: EpochMs;
  /** From its place to `runningSince`, in which its cluster was being started. */
  readonly provisioningMs: number;
  readonly size: WarehouseSize;
  readonly make: WarehouseMake;
  readonly cluster: number;
}

/** What a statement says when it asks for a place. */
export interface Entering {
  /**
   * When it came; a place that is free at once is given from then on, so that what this machine did in between does
   * not count as waiting.
   */
  readonly arrivedAt?: EpochMs;
  /** Longest stay in the queue from `arrivedAt` on; 0 or left out = no limit. */
  readonly queueLimitMs?: number;
  /** Its work where that is known beforehand; only the scaling policy looks at it. */
  readonly expectedMs?: number;
  /** Called when an administrator aborts everything on the warehouse. */
  readonly onAbort?: () => void;
}

/** A statement's hold on a place. */
export interface Place {
  /**
   * Settles when the place is given (at once, or when the queue reaches it), when it left before, when the queue
   * limit passed, or when the queue is full.
   */
  readonly placed: Promise<Placed>;
  /**
   * The statement needs `workMs` at full speed on the servers it is on, and ends after `limitMs` (0 = no limit)
   * whatever is left. Starts the cluster where it does not run. Ends `left` without a place.
   */
  weigh(workMs: (servers: Servers) => number, limitMs: number): Promise<Ended>;
  /** Leaves now: cancelled, failed, or free. A statement that was not weighed leaves no trace. */
  leave(): void;
}
