/**
 * Start and stop in order: what was started last is stopped first. Stands in for AsyncDisposableStack, which
 * Node 20 does not have. *Drain* lets work in flight end; *abort* (second signal) skips the waiting.
 */
export interface Stoppable {
  /** Stops the part. `signal` aborts the waiting for work in flight. Must not throw for being stopped twice. */
  stop(signal: AbortSignal): Promise<void>;
}

/** What each part gets after the abort, for what it does then, such as giving back what it holds. */
const AFTER_ABORT_MS = 10_000;

/** Settles once `signal` is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What a start ends with that goes on although everything is being stopped. */
export class StartInterrupted extends Error {
  constructor(part: string) {
    super(`stopped before ${part} was started`);
    this.name = 'StartInterrupted';
  }
}

export class Lifecycle {
  readonly #parts: { readonly name: string; readonly part: Stoppable }[] = [];
  readonly #abort = new AbortController();
  #stopping: Promise<readonly Error[]> | undefined;

  /**
   * Registers a started part; returns it, so that `const x = life.add('x', await startX())` reads in one line.
   * @throws StartInterrupted once a drain has begun: the part is stopped by it, or by the next, and nothing more is to be started.
   */
  add<T extends Stoppable>(name: string, part: T): T {
    this.#parts.push({ name, part });
    if (this.#stopping !== undefined) throw new StartInterrupted(name);
    return part;
  }

  /**
   * Stops everything in reverse order. Always settles; the errors of parts that failed are returned. A later call stops
   * what was added since, and has the errors of all.
   */
  drain(): Promise<readonly Error[]> {
    const before = this.#stopping ?? Promise.resolve([]);
    this.#stopping = before.then(async (failures) => [...failures, ...(await this.#stopAll())]);
    return this.#stopping;
  }

  /** Settles once nobody waits for work in flight any more. */
  get aborted(): Promise<void> {
    return whenAborted(this.#abort.signal);
  }

  /** Makes a running or later drain stop waiting for work in flight; a part that goes on is left ten seconds later. */
  abort(): void {
    this.#abort.abort();
  }

  async #stopAll(): Promise<readonly Error[]> {
    const failures: Error[] = [];
    for (let last = this.#parts.pop(); last !== undefined; last = this.#parts.pop()) {
      const { name, part } = last;
      try {
        await Promise.race([part.stop(this.#abort.signal), this.#patience()]);
      } catch (cause) {
        failures.push(new Error(`stopping ${name} failed`, { cause }));
      }
    }
    return failures;
  }

  /** Rejects some time after the abort: what hangs must not keep a process that is told to end. */
  async #patience(): Promise<never> {
    await this.aborted;
    await new Promise((resolve) => setTimeout(resolve, AFTER_ABORT_MS).unref());
    throw new Error('it went on although the waiting was aborted');
  }
}
