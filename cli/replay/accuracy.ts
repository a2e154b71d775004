/** How good estimates were: the error, the coverage of the 90 % amount and what was held, for one group of statements. */

export interface AccuracyFigures {
  readonly rows: number;
  /** Factor between expected and used credits, whichever way. */
  readonly qErrorP50: number | null;
  readonly qErrorP90: number | null;
  readonly qErrorP99: number | null;
  /** Share of the statements that their 90 % amount was enough for. */
  readonly coverage: number | null;
  /** Sum of the 90 % amounts ÷ sum of what was used. */
  readonly heldOverActual: number | null;
  /** Factor between expected and measured seconds from start to end. */
  readonly secondsQErrorP50: number | null;
  readonly secondsQErrorP90: number | null;
  readonly secondsQErrorP99: number | null;
}

/** One statement that ended well and used a warehouse. Credits as numbers: these are ratios, not money. */
export interface Scored {
  readonly expectedCredits: number;
  readonly highCredits: number;
  readonly usedCredits: number;
  readonly isCovered: boolean;
  readonly expectedSeconds: number;
  readonly seconds: number;
}

/** Figures of one group; eight bytes a statement. */
export class Accuracy {
  readonly #creditErrors = new Floats();
  readonly #secondErrors = new Floats();
  #covered = 0;
  #held = 0;
  #used = 0;

  add(scored: Scored): void {
    this.#creditErrors.push(qError(scored.expectedCredits, scored.usedCredits));
    if (scored.seconds > 0) this.#secondErrors.push(qError(scored.expectedSeconds, scored.seconds));
    this.#covered += scored.isCovered ? 1 : 0;
    this.#held += scored.highCredits;
    this.#used += scored.usedCredits;
  }

  figures(): AccuracyFigures {
    const [credits, seconds] = [this.#creditErrors.sorted(), this.#secondErrors.sorted()];
    const rows = credits.length;
    return {
      rows,
      qErrorP50: quantile(credits, 0.5),
      qErrorP90: quantile(credits, 0.9),
      qErrorP99: quantile(credits, 0.99),
      coverage: rows === 0 ? null : rounded(this.#covered / rows),
      heldOverActual: this.#used === 0 ? null : rounded(this.#held / this.#used),
      secondsQErrorP50: quantile(seconds, 0.5),
      secondsQErrorP90: quantile(seconds, 0.9),
      secondsQErrorP99: quantile(seconds, 0.99),
    };
  }
}

function qError(expected: number, actual: number): number {
  return expected <= 0 || actual <= 0
    ? Number.POSITIVE_INFINITY
    : Math.max(expected / actual, actual / expected);
}

/** The nearest-rank quantile. */
function quantile(sorted: Float32Array, share: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  return value === undefined ? null : rounded(value);
}

const rounded = (value: number): number => Number(value.toFixed(4));

/** A list of floats that grows by doubling. */
class Floats {
  #values = new Float32Array(1_024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float32Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  sorted(): Float32Array {
    return this.#values.slice(0, this.#length).sort();
  }
}
