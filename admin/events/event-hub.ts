/**
 * Who is told that something changed. One look a second at the database serves every reader of this process; a reader
 * learns which topics changed within its own scope and asks the routes for the rest, which stay the one place where it
 * is decided who sees what. Nobody follows: nothing is asked.
 */
import { LRUCache } from 'lru-cache';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Occupancy } from '#base/metrics.js';
import { type PulseRow, type Topic, TOPICS } from '../stores/pulse-store.js';

/** Something that changed: whose it is decides who is told. */
export type Change = Pick<PulseRow, 'topic' | 'node' | 'principal'>;

export interface Follower {
  /** Told in the order of changes; `id` is where to go on after a break. */
  readonly tell: (id: string, topics: readonly Topic[]) => void;
  /** Nothing changed; keeps what is between here and the reader from closing the connection. */
  readonly beat: () => void;
  readonly sees: (change: Change) => boolean;
  /** Whether its token is still good; asked every few seconds. */
  readonly isWelcome: () => Promise<boolean>;
  /** It is followed no more. */
  readonly end: () => void;
}

export interface EventHubOptions {
  readonly read: () => Promise<readonly PulseRow[]>;
  readonly log: Log;
  readonly followersMax: number;
  /** Tells this life of the process from others, whose ids mean nothing here. */
  readonly epoch: string;
  /** Milliseconds that never run backwards. */
  readonly realNow: () => number;
}

const LOOK_MS = 1_000;
/** Looks between two heartbeats, and between two questions whether a reader is still welcome. */
const BEAT_LOOKS = 15;
const WELCOME_LOOKS = 5;
/** Looks with a change that a reader may have missed and still learns what changed; after more, everything did. */
const KEPT_LOOKS = 300;
/** Changes of one look that are kept one by one; of more, every topic is told to whoever comes back. */
const KEPT_CHANGES_MAX = 200;

export class EventHub {
  readonly #options: EventHubOptions;
  readonly #followers = new Set<Follower>();
  readonly #kept = new LRUCache<number, readonly Change[] | 'many'>({ max: KEPT_LOOKS });
  #known: ReadonlyMap<string, PulseRow> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #last = 0;
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: EventHubOptions) {
    this.#options = options;
  }

  get occupancy(): Occupancy {
    return { used: this.#followers.size, max: this.#options.followersMax };
  }

  /** Looks with a change that are kept for whoever comes back. */
  get keptOccupancy(): Occupancy {
    return { used: this.#kept.size, max: KEPT_LOOKS };
  }

  /** Where the stream is now: `<epoch>-<number>`. */
  get id(): string {
    return `${this.#options.epoch}-${this.#last}`;
  }

  /** Adds a follower. @returns what ends it; null: there are as many as there may be, or the process ends. */
  follow(follower: Follower): (() => void) | null {
    if (this.#isClosed || this.#followers.size >= this.#options.followersMax) return null;
    this.#followers.add(follower);
    this.#timer ??= setInterval(() => void this.#turn(), LOOK_MS).unref();
    return () => this.#leave(follower);
  }

  /** What changed after `id` of what is seen; every topic where that is not known any more. */
  since(id: string | undefined, sees: Follower['sees']): readonly Topic[] {
    const from = this.#numberOf(id);
    if (from === undefined) return TOPICS;
    const changed: Change[] = [];
    for (let number = from + 1; number <= this.#last; number += 1) {
      const changes = this.#kept.get(number);
      if (changes === undefined || changes === 'many') return TOPICS;
      changed.push(...changes);
    }
    return topicsOf(changed, sees);
  }

  /** Looks, unless that was done within the last second. A failure is logged, and the next look tells what it missed. */
  look(): Promise<void> {
    if (this.#options.realNow() - this.#lookedAt < LOOK_MS) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Ends every follower and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const follower of this.#followers) this.#leave(follower);
  }

  #leave(follower: Follower): void {
    if (!this.#followers.delete(follower)) return;
    follower.end();
    if (this.#followers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #turn(): Promise<void> {
    this.#looks += 1;
    if (this.#looks % WELCOME_LOOKS === 0) await this.#dismiss();
    await this.look();
    if (this.#looks % BEAT_LOOKS === 0) for (const { beat } of this.#followers) beat();
  }

  async #dismiss(): Promise<void> {
    for (const follower of this.#followers) {
      // A database that does not answer proves nothing against anybody.
      const isWelcome = await follower.isWelcome().catch(() => true);
      if (!isWelcome) this.#leave(follower);
    }
  }

  async #look(): Promise<void> {
    const { read, log, realNow } = this.#options;
    try {
      const rows = await read();
      this.#lookedAt = realNow();
      const now = new Map(rows.map((row) => [keyOf(row), row]));
      const changes = this.#known === null ? [] : changesBetween(this.#known, now);
      this.#known = now;
      if (changes.length > 0) this.#tell(changes);
    } catch (thrown) {
      log.warn({ err: toError(thrown) }, 'what changed could not be read; pages learn it later');
    }
  }

  #tell(changes: readonly Change[]): void {
    this.#last += 1;
    this.#kept.set(this.#last, changes.length > KEPT_CHANGES_MAX ? 'many' : changes);
    for (const { tell, sees } of this.#followers) {
      const topics = topicsOf(changes, sees);
      if (topics.length > 0) tell(this.id, topics);
    }
  }

  #numberOf(id: string | undefined): number | undefined {
    const [epoch, number] = id?.split('-') ?? [];
    if (epoch !== this.#options.epoch || !/^\d{1,15}$/.test(number ?? '')) return undefined;
    const from = Number(number);
    return from <= this.#last ? from : undefined;
  }
}

function keyOf({ topic, node, principal }: Change): string {
  return JSON.stringify([topic, node, principal]);
}

function changesBetween(
  before: ReadonlyMap<string, PulseRow>,
  after: ReadonlyMap<string, PulseRow>,
): readonly Change[] {
  const changed = [...after].filter(([key, { digest }]) => before.get(key)?.digest !== digest);
  const gone = [...before].filter(([key]) => !after.has(key));
  return [...changed, ...gone].map(([, { topic, node, principal }]) => ({
    topic,
    node,
    principal,
  }));
}

function topicsOf(changes: readonly Change[], sees: Follower['sees']): readonly Topic[] {
  const found = new Set<Topic>();
  for (const change of changes)
    if (!found.has(change.topic) && sees(change)) found.add(change.topic);
  return TOPICS.filter((topic) => found.has(topic));
}
