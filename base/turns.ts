export interface TurnsOptions {
  /** Pieces of work of one name, the running one included. */
  readonly ofNameMax: number;
  /** Names at once. */
  readonly namesMax: number;
}

/** Runs work of one name one piece after the other, and of different names side by side. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #names = new Map<string, { last: Promise<unknown>; count: number }>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` when what came before it under that name has ended, however it ended; rejects as `work` does.
   * Undefined, and nothing run, when too much waits already.
   */
  async run<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> {
    const known = this.#names.get(name);
    if (known === undefined && this.#names.size >= this.#options.namesMax) return undefined;
    const turn = known ?? { last: Promise.resolve(), count: 0 };
    if (turn.count >= this.#options.ofNameMax) return undefined;
    this.#names.set(name, turn);
    turn.count += 1;
    const mine = turn.last.then(work);
    turn.last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      turn.count -= 1;
      if (turn.count === 0) this.#names.delete(name);
    }
  }
}
