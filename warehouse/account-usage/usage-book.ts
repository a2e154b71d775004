/** What the views of hours and days need of the statements, summed up as the log grows. */
import { NO_CREDITS, addCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import { Attributor, hourKey } from '../metering/attribution.js';
import type { Attributed, Attribution } from '../metering/attribution.js';
import type { EventRecord, StatementEnded, StatementStarted } from '../metering/events.js';
import { cloudServices } from './query-rows.js';
import { NO_WAREHOUSE } from './view-cells.js';

export const HOUR_MS = 3_600_000;
/** Grain of WAREHOUSE_LOAD_HISTORY. */
export const LOAD_INTERVAL_MS = 300_000;

/** What one warehouse did in one interval of the load history, in milliseconds of statements. */
export interface Load {
  readonly startsAt: EpochMs;
  readonly warehouse: string;
  runningMs: number;
  queuedMs: number;
  provisioningMs: number;
}

/** A session as its statements tell of it. */
export interface SessionSeen {
  readonly id: number;
  readonly user: string;
  /** Name and version of its driver; null where it said none. */
  readonly client: string | null;
  /** What the tool above it called itself; null where it did not. */
  readonly application: string | null;
  readonly firstAt: EpochMs;
}

export class UsageBook {
  readonly #open = new Map<string, StatementStarted>();
  readonly #attributor = new Attributor();
  readonly #cloudServices = new Map<string, Credits>();
  readonly #loads = new Map<string, Load>();
  readonly #sessions = new Map<number, SessionSeen>();

  /** Takes in the next event of the log. */
  add(record: EventRecord): void {
    this.#attributor.add(record);
    if (record.type === 'started') {
      this.#open.set(record.id, record);
      const { sessionId: id, user, at: firstAt, client = null, application = null } = record;
      if (!this.#sessions.has(id))
        this.#sessions.set(id, { id, user, client, application, firstAt });
    }
    if (record.type !== 'ended') return;
    const started = this.#open.get(record.id);
    this.#open.delete(record.id);
    const hour = hourKey(
      Math.floor(record.at / HOUR_MS) * HOUR_MS,
      record.warehouse ?? NO_WAREHOUSE,
    );
    const sum = this.#cloudServices.get(hour) ?? NO_CREDITS;
    this.#cloudServices.set(hour, addCredits(sum, cloudServices(record)));
    if (started !== undefined && record.warehouse !== null)
      this.#addLoad(record.warehouse, started, record);
  }

  /** Statements whose attribution became final since the last call, in the order in which they ended. */
  settle(): readonly Attribution[] {
    return this.#attributor.settle();
  }

  /** Every attribution that ended by then is final. */
  get settledTo(): EpochMs {
    return this.#attributor.settledTo;
  }

  /** Attributions that are not final, and the sums of every hour with them. */
  provisional(): Attributed {
    return this.#attributor.provisional();
  }

  /** Cloud services by {@link hourKey} of the hour in which a statement ended. */
  get cloudServices(): ReadonlyMap<string, Credits> {
    return this.#cloudServices;
  }

  /** Intervals of warehouses that had statements, in no order. */
  get loads(): Iterable<Load> {
    return this.#loads.values();
  }

  get sessions(): Iterable<SessionSeen> {
    return this.#sessions.values();
  }

  #addLoad(warehouse: string, started: StatementStarted, ended: StatementEnded): void {
    const provisionedAt = Math.min(ended.runningSince, started.at + (ended.provisioningMs ?? 0));
    this.#spread(warehouse, started.at, provisionedAt, 'provisioningMs');
    this.#spread(warehouse, provisionedAt, ended.runningSince, 'queuedMs');
    this.#spread(warehouse, ended.runningSince, ended.at, 'runningMs');
  }

  #spread(
    warehouse: string,
    from: EpochMs,
    to: EpochMs,
    what: 'runningMs' | 'queuedMs' | 'provisioningMs',
  ): void {
    for (let at = from; at < to;) {
      const startsAt = Math.floor(at / LOAD_INTERVAL_MS) * LOAD_INTERVAL_MS;
      const until = Math.min(to, startsAt + LOAD_INTERVAL_MS);
      const key = `${startsAt} ${warehouse}`;
      const load = this.#loads.get(key) ?? {
        startsAt,
        warehouse,
        runningMs: 0,
        queuedMs: 0,
        provisioningMs: 0,
      };
      load[what] += until - at;
      this.#loads.set(key, load);
      at = until;
    }
  }
}
