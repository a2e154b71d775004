/** What is collected in memory and written a moment later in batches, off the path of statements. */
import type { Occupancy } from './metrics.js';

export interface FlushLoopOptions {
  /** Writes what there is. What it could not write it keeps, for the next time. */
  readonly write: () => Promise<void>;
  readonly everyMs: number;
  /** Told when a write failed; the next one tries again. */
  readonly onProblem: (thrown: unknown) => void;
}

/** Writes again and again, never twice at once. */
export class FlushLoop {
  readonly #options: FlushLoopOptions;
  readonly #timer: NodeJS.Timeout;
  #flushing: Promise<void> = Promise.resolve();
  #isWriting = false;

  constructor(options: FlushLoopOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.flush(), options.everyMs);
    this.#timer.unref();
  }

  /** A write is under way. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Writes what there is once what is under way has ended. Never rejects. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  /** Writes for the last time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      await this.#options.write();
    } catch (thrown) {
      this.#options.onProblem(thrown);
    } finally {
      this.#isWriting = false;
    }
  }
}

/** Things that wait to be written, at most so many; over that the oldest go, and are counted. */
export class Backlog<T> {
  readonly #max: number;
  #waiting: T[] = [];
  #dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get occupancy(): Occupancy {
    return { used: this.#waiting.length, max: this.#max };
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** @returns what had to go for it. */
  add(one: T): T | undefined {
    this.#waiting.push(one);
    if (this.#waiting.length <= this.#max) return undefined;
    this.#dropped += 1;
    return this.#waiting.shift();
  }

  /** The oldest, at most so many; they stay until they are {@link written}. */
  first(count: number): readonly T[] {
    return this.#waiting.slice(0, count);
  }

  written(batch: readonly T[]): void {
    const gone = new Set(batch);
    // What is over the cap may have gone from the front meanwhile.
    this.#waiting = this.#waiting.filter((each) => !gone.has(each));
  }
}
