/**
 * Start and stop in order: what was started last is stopped first. Stands in for AsyncDisposableStack, which
 * Node 20 does not have. *Drain* lets work in flight end; *abort* (second signal) skips the waiting.
 */
export interface Stoppable {
  /** Stops the part. `signal` aborts the waiting for work in flight. Must not throw for being stopped twice. */
  stop(signal: AbortSignal): Promise<void>;
}

export class Lifecycle {
  readonly #parts: { readonly name: string; readonly part: Stoppable }[] = [];
  readonly #abort = new AbortController();
  #stopping: Promise<readonly Error[]> | undefined;

  /** Registers a started part; returns it, so that `const x = life.add('x', await startX())` reads in one line. */
  add<T extends Stoppable>(name: string, part: T): T {
    this.#parts.push({ name, part });
    return part;
  }

  /** Stops everything in reverse order. Always settles; the errors of parts that failed are returned. */
  drain(): Promise<readonly Error[]> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Makes a running or later drain stop waiting for work in flight. */
  abort(): void {
    this.#abort.abort();
  }

  async #stopAll(): Promise<readonly Error[]> {
    const failures: Error[] = [];
    for (const { name, part } of this.#parts.reverse()) {
      try {
        await part.stop(this.#abort.signal);
      } catch (cause) {
        failures.push(new Error(`stopping ${name} failed`, { cause }));
      }
    }
    return failures;
  }
}
