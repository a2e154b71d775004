/**
 * Turns in a session: statements go side by side, and one that switches the warehouse goes alone. First come, first
 * served, so that none waits for ever; a turn lasts from before the statement is sent until upstream has answered.
 */

/** A turn; call it when it is over. */
export type EndTurn = () => void;

interface Asked {
  readonly isAlone: boolean;
  readonly begin: () => void;
}

export class Turns {
  #running = 0;
  #isAlone = false;
  readonly #asked: Asked[] = [];

  /** Nobody has or wants a turn. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#asked.length === 0;
  }

  /** Waits for a turn beside others. */
  beside(): Promise<EndTurn> {
    return this.#take(false);
  }

  /** Waits for a turn alone. */
  alone(): Promise<EndTurn> {
    return this.#take(true);
  }

  #take(isAlone: boolean): Promise<EndTurn> {
    return new Promise((resolve) => {
      this.#asked.push({ isAlone, begin: () => resolve(this.#begin(isAlone)) });
      this.#next();
    });
  }

  #begin(isAlone: boolean): EndTurn {
    this.#running += 1;
    this.#isAlone = isAlone;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#running -= 1;
      this.#isAlone = false;
      this.#next();
    };
  }

  #next(): void {
    for (;;) {
      const [first] = this.#asked;
      const mayBegin = this.#running === 0 || (first?.isAlone === false && !this.#isAlone);
      if (first === undefined || !mayBegin) return;
      this.#asked.shift();
      first.begin();
    }
  }
}
