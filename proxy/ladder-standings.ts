/**
 * How budgets stand, for their ladders and for what a statement may still top up: read at most once a second, for those
 * whose statements come. A second does not matter there: the hold and its top-ups, which a hard limit is kept by, are judged
 * by the ledger itself.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { EpochMs } from '#base/time.js';
import type { BudgetStanding, Ledger } from '#billing/ledger.js';
import type { ControlDocument } from '#policies/control/document.js';
import { ladderStandings, type LadderStandings } from '#policies/rules/ladder.js';

const FRESH_MS = 1000;
const KNOWN_MAX = 20_000;

export interface BudgetUsesOptions {
  readonly ledger: Pick<Ledger, 'standing'>;
  readonly log: Log;
  /** Monotonic milliseconds of real time. */
  readonly realNow: () => number;
}

interface Known {
  readonly standing: BudgetStanding;
  readonly readAtMs: number;
}

export class BudgetUses {
  readonly #options: BudgetUsesOptions;
  readonly #known = new LRUCache<string, Known>({ max: KNOWN_MAX });
  readonly #reading = new Map<string, Promise<void>>();

  constructor(options: BudgetUsesOptions) {
    this.#options = options;
  }

  /** What ladders take of {@link standings}. Never throws. */
  async of(budgetIds: readonly string[], at: EpochMs): Promise<LadderStandings> {
    return ladderStandings(await this.standings(budgetIds, at));
  }

  /** Budgets whose standing is known, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#known.size, max: KNOWN_MAX };
  }

  /**
   * The standings of budgets, none older than a second; of one that cannot be read the last one that was, else none.
   * Never throws.
   */
  async standings(budgetIds: readonly string[], at: EpochMs): Promise<readonly BudgetStanding[]> {
    const oldest = this.#options.realNow() - FRESH_MS;
    const stale = budgetIds.filter((id) => (this.#known.get(id)?.readAtMs ?? -Infinity) < oldest);
    const unasked = stale.filter((id) => !this.#reading.has(id));
    if (unasked.length > 0) {
      const reading = this.#read(unasked, at);
      for (const id of unasked) this.#reading.set(id, reading);
    }
    await Promise.all(stale.flatMap((id) => this.#reading.get(id) ?? []));
    return budgetIds.flatMap((id) => this.#known.get(id)?.standing ?? []);
  }

  async #read(budgetIds: readonly string[], at: EpochMs): Promise<void> {
    const { ledger, log, realNow } = this.#options;
    try {
      const readAtMs = realNow();
      for (const standing of await ledger.standing(budgetIds, at))
        this.#known.set(standing.budgetId, { standing, readAtMs });
    } catch (thrown) {
      log.warn({ err: toError(thrown) }, 'the use of budgets was not read; ladders go by the last');
    } finally {
      for (const id of budgetIds) this.#reading.delete(id);
    }
  }
}

const withLadders = new WeakMap<ControlDocument, boolean>();

/** Whether some budget of a document has a ladder: otherwise nothing is read. */
export function hasLadders(document: ControlDocument): boolean {
  const known = withLadders.get(document);
  if (known !== undefined) return known;
  const found = document.budgets.some(({ ladder = [] }) => ladder.length > 0);
  withLadders.set(document, found);
  return found;
}
