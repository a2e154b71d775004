/**
 * What one replica may admit while the ledger does not answer: a pure account of outages and of the allowances of soft
 * budgets. An outage lasts until the ledger has answered for a minute and has everything that was admitted without it,
 * so that a connection that comes and goes does not give an allowance twice. Times are monotonic milliseconds.
 */
import { NO_CREDITS, addCredits, priceCredits, subtractCredits } from '#base/units.js';
import type { Credits, Money } from '#base/units.js';

/** An outage is over when the ledger has answered for this long. */
export const CALM_MS = 60_000;

export type Allowance =
  | { readonly kind: 'credits'; readonly credits: Credits }
  | { readonly kind: 'money'; readonly money: Money };

/** A budget of the path that no lease carries. */
export interface AllowedBudget {
  readonly budgetId: string;
  readonly allowance: Allowance;
}

export interface OfflineClaim {
  readonly budgets: readonly AllowedBudget[];
  readonly credits: Credits;
  readonly pricePerCredit: Money;
}

/** The account of one replica. An allowance is counted anew with each outage. */
export class OfflineAllowances {
  readonly #usedCredits = new Map<string, Credits>();
  readonly #usedMoney = new Map<string, bigint>();
  #outage = 0;
  #isOpen = false;
  #answeringSinceMs: number | null = null;

  /** Counts outages; 0 before the first. */
  get outage(): number {
    return this.#outage;
  }

  /** An outage has begun and is not over, also while the ledger answers again. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The ledger did not answer. */
  failed(): void {
    this.#answeringSinceMs = null;
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#outage += 1;
  }

  /** The ledger answered; `unposted`: statements that it has not been told of. True: this ended an outage. */
  answered(nowMs: number, unposted: number): boolean {
    if (!this.#isOpen) return false;
    this.#answeringSinceMs ??= nowMs;
    if (unposted > 0 || nowMs - this.#answeringSinceMs < CALM_MS) return false;
    this.#isOpen = false;
    this.#answeringSinceMs = null;
    this.#usedCredits.clear();
    this.#usedMoney.clear();
    return true;
  }

  /** Takes the claim from the allowances of all its budgets, or names the first that does not have it. */
  take(
    claim: OfflineClaim,
  ): { readonly kind: 'taken' } | { readonly kind: 'short'; readonly budgetId: string } {
    const short = claim.budgets.find((budget) => !this.#has(budget, claim));
    if (short !== undefined) return { kind: 'short', budgetId: short.budgetId };
    const money = priceCredits(claim.credits, claim.pricePerCredit, 'up');
    for (const { budgetId } of claim.budgets) {
      this.#usedCredits.set(budgetId, addCredits(this.#creditsOf(budgetId), claim.credits));
      this.#usedMoney.set(budgetId, (this.#usedMoney.get(budgetId) ?? 0n) + money);
    }
    return { kind: 'taken' };
  }

  /** Of a claim that was taken and whose statement was not sent. */
  giveBack(claim: OfflineClaim): void {
    const money = priceCredits(claim.credits, claim.pricePerCredit, 'up');
    for (const { budgetId } of claim.budgets) {
      const credits = this.#creditsOf(budgetId);
      // An outage that ended meanwhile has forgotten it.
      if (credits < claim.credits) continue;
      this.#usedCredits.set(budgetId, subtractCredits(credits, claim.credits));
      this.#usedMoney.set(budgetId, (this.#usedMoney.get(budgetId) ?? 0n) - money);
    }
  }

  /** What statements were admitted for from the allowance of a budget in this outage. */
  usedCredits(budgetId: string): Credits {
    return this.#creditsOf(budgetId);
  }

  #creditsOf(budgetId: string): Credits {
    return this.#usedCredits.get(budgetId) ?? NO_CREDITS;
  }

  #has({ budgetId, allowance }: AllowedBudget, claim: OfflineClaim): boolean {
    if (allowance.kind === 'credits')
      return addCredits(this.#creditsOf(budgetId), claim.credits) <= allowance.credits;
    const money = priceCredits(claim.credits, claim.pricePerCredit, 'up');
    return (this.#usedMoney.get(budgetId) ?? 0n) + money <= allowance.money;
  }
}
