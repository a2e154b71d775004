/** What a replay found, counted as it goes: how good estimates were, and who would have been told what. */
import type { TgName } from '../../base/errors.js';
import {
  addCredits,
  sumCredits,
  approximate,
  type Credits,
  type Money,
  NO_CREDITS,
  NO_MONEY,
} from '../../base/units.js';
import {
  addMoney,
  sumMoney,
  compareAmounts,
  priceCredits,
  subtractCredits,
} from '../../base/units.js';
import { BASES, type Basis } from '../../policies/estimate/estimate.js';
import { Accuracy, type AccuracyFigures } from './accuracy.js';
import type { Judged } from './judged.js';
import type { Usage } from './usage.js';

/** Statements that one rule, ceiling or budget would have refused, or would have stopped. */
export interface Turned {
  readonly by: string;
  /** What its authors would have been told. */
  readonly code: TgName;
  readonly statements: number;
  /** Credits that they used, and would not have. */
  readonly savedCredits: Credits;
  readonly savedMoney: Money;
  /** Refused for an estimate, although what they used would have been allowed. */
  readonly falseAlarms: number;
}

export interface ReplayFigures {
  readonly rows: number;
  /** Statements that used no warehouse, or that failed: they are decided about, and score no estimate. */
  readonly unscored: number;
  readonly overall: AccuracyFigures;
  readonly byBasis: readonly (AccuracyFigures & { readonly basis: Basis })[];
  readonly byWarehouse: readonly (AccuracyFigures & { readonly warehouse: string })[];
  readonly decisions: Readonly<Record<Outcome, number>>;
  readonly warned: number;
  readonly turned: readonly Turned[];
  readonly savedCredits: Credits;
  readonly savedMoney: Money;
  readonly falseAlarms: number;
  readonly usedCredits: Credits;
  readonly breaks: number;
}

export const OUTCOMES = ['allowed', 'queued', 'refused', 'stopped'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Warehouses that are told apart; the others are one. */
const WAREHOUSES_MAX = 200;
const OTHER_WAREHOUSES = 'others';

export class Tally {
  readonly #overall = new Accuracy();
  readonly #byBasis = new Map<Basis, Accuracy>();
  readonly #byWarehouse = new Map<string, Accuracy>();
  readonly #turned = new Map<string, Turned>();
  readonly #decisions: Record<Outcome, number> = { allowed: 0, queued: 0, refused: 0, stopped: 0 };
  #rows = 0;
  #scored = 0;
  #warned = 0;
  #breaks = 0;
  #usedCredits: Credits = NO_CREDITS;

  /** A statement came and was answered. */
  arrived(outcome: Outcome, isWarned: boolean): void {
    this.#rows += 1;
    this.#decisions[outcome] += 1;
    this.#warned += isWarned ? 1 : 0;
  }

  /** One that was let in would have been stopped while it ran, or refused while it waited. */
  became(outcome: Outcome, from: Outcome): void {
    this.#decisions[from] -= 1;
    this.#decisions[outcome] += 1;
  }

  broke(): void {
    this.#breaks += 1;
  }

  /** What a statement used that ended, however. */
  used(credits: Credits): void {
    this.#usedCredits = addCredits(this.#usedCredits, credits);
  }

  /** A statement ended well on a warehouse. */
  scored({ estimate }: Judged, warehouse: string, usage: Usage): void {
    const { expectedCredits, highCredits, expectedElapsedSeconds } = estimate;
    this.#scored += 1;
    const scored = {
      expectedCredits: approximate(expectedCredits),
      highCredits: approximate(highCredits),
      usedCredits: approximate(usage.credits),
      isCovered: compareAmounts(usage.credits, highCredits) <= 0,
      expectedSeconds: expectedElapsedSeconds,
      seconds: usage.elapsedSeconds,
    };
    this.#overall.add(scored);
    accuracyOf(this.#byBasis, estimate.basis).add(scored);
    const isFull = this.#byWarehouse.size >= WAREHOUSES_MAX && !this.#byWarehouse.has(warehouse);
    accuracyOf(this.#byWarehouse, isFull ? OTHER_WAREHOUSES : warehouse).add(scored);
  }

  /**
   * A statement that would not have run, or not to its end.
   * @param what it was turned by.
   * @param used credits that would not have been used.
   * @param limit what an estimate was refused for being above; null: not an amount.
   */
  turned(
    { by, code }: Pick<Turned, 'by' | 'code'>,
    used: Credits,
    pricePerCredit: Money,
    limit: Credits | null,
  ): void {
    const key = `${code} ${by}`;
    const before = this.#turned.get(key);
    const isFalse = limit !== null && compareAmounts(used, limit) <= 0;
    this.#turned.set(key, {
      by,
      code,
      statements: (before?.statements ?? 0) + 1,
      savedCredits: addCredits(before?.savedCredits ?? NO_CREDITS, used),
      savedMoney: addMoney(
        before?.savedMoney ?? NO_MONEY,
        priceCredits(used, pricePerCredit, 'half-even'),
      ),
      falseAlarms: (before?.falseAlarms ?? 0) + (isFalse ? 1 : 0),
    });
  }

  figures(): ReplayFigures {
    const turned = [...this.#turned.values()].sort((a, b) =>
      compareAmounts(subtractCredits(b.savedCredits, a.savedCredits), NO_CREDITS),
    );
    return {
      rows: this.#rows,
      unscored: this.#rows - this.#scored,
      overall: this.#overall.figures(),
      byBasis: BASES.flatMap((basis) => {
        const found = this.#byBasis.get(basis);
        return found === undefined ? [] : [{ basis, ...found.figures() }];
      }),
      byWarehouse: [...this.#byWarehouse]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([warehouse, found]) => ({ warehouse, ...found.figures() })),
      decisions: { ...this.#decisions },
      warned: this.#warned,
      turned,
      savedCredits: sumCredits(turned.map((each) => each.savedCredits)),
      savedMoney: sumMoney(turned.map((each) => each.savedMoney)),
      falseAlarms: turned.reduce((sum, each) => sum + each.falseAlarms, 0),
      usedCredits: this.#usedCredits,
      breaks: this.#breaks,
    };
  }
}

function accuracyOf<Key>(groups: Map<Key, Accuracy>, key: Key): Accuracy {
  let found = groups.get(key);
  if (found === undefined) {
    found = new Accuracy();
    groups.set(key, found);
  }
  return found;
}
