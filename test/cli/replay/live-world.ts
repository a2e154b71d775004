/** One history decided by both sides, statement by statement, from the same histories, budgets and paces. */
import { isDeepStrictEqual } from 'node:util';
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { must } from '../../../base/assert.js';
import type { EpochMs } from '../../../base/time.js';
import { approximate, type Credits, creditsForMillis } from '../../../base/units.js';
import type { Freeze } from '../../../billing/freezes.js';
import { StandingBook } from '../../../billing/standing-book.js';
import { demoTables } from '../../../cli/explanation/statistics.js';
import { admit } from '../../../cli/replay/admission.js';
import { govern } from '../../../cli/replay/judge.js';
import type { Judge, Judged } from '../../../cli/replay/judged.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { createSnapshot } from '../../../policies/control/snapshot.js';
import { HistoryStore } from '../../../policies/estimate/history-store.js';
import type { TextFacts } from '../../../policies/sql/facts.js';
import { knowAtOnce, SpendBook } from '../../../proxy/running/spend-book.js';
import { sharedAnalyser } from '../../support/shared-analyser.js';
import { type Answer, LivePath, type LivePathOptions } from './live-path.js';
import { TEXTS } from './worlds.js';

/** The ledger of the live side; both sides have admitted, and ended, the same statements when it is asked. */
export interface LiveMoney {
  readonly ledger: LivePathOptions['ledger'];
  /** What was held last is held by the statement, or, where it is refused after all, by nobody. */
  answered(queryId: string, isAdmitted: boolean): Promise<void>;
  ended(queryId: string, usedCredits: Credits, at: EpochMs): Promise<void>;
}

/** Facts of every text of the generated histories. */
export async function analysedTexts(): Promise<(text: string) => TextFacts> {
  const facts = new Map<string, TextFacts>();
  const context = { database: 'ANALYTICS', schema: 'TPCH' };
  const { catalogue } = demoTables();
  for (const text of TEXTS)
    facts.set(text, await sharedAnalyser().analyse(text, context, catalogue));
  return (text) => must(facts.get(text), 'a text of the test');
}

interface Ending {
  readonly row: ReplayRow;
  readonly judged: Judged;
  readonly isAdmitted: boolean;
}

export interface WorldOptions {
  readonly document: ControlDocument;
  readonly freezes: readonly Freeze[];
  readonly factsOf: (text: string) => TextFacts;
  /** Of the budgets of the document; the book is the replay's own. */
  readonly moneyOf: (book: StandingBook) => LiveMoney;
  /** How often each answer, and what becomes of a statement on the way, was met. */
  readonly met: Map<string, number>;
}

export class World {
  readonly #options: WorldOptions;
  readonly #book: StandingBook;
  readonly #history = new HistoryStore(10_000);
  readonly #spends = new SpendBook(1_000);
  readonly #judge: Judge;
  readonly #live: LivePath;
  readonly #money: LiveMoney;
  #running: Ending[] = [];

  constructor(options: WorldOptions) {
    const { document, freezes, factsOf, moneyOf } = options;
    this.#options = options;
    const snapshot = createSnapshot(document, 1);
    const { statistics } = demoTables();
    const book = new StandingBook(bookBudgets(snapshot.document.budgets));
    this.#book = book;
    this.#money = moneyOf(book);
    const shared = { history: this.#history, statistics, spends: this.#spends, freezes };
    this.#judge = govern(snapshot, { ...shared, standing: (ids, at) => book.standing(ids, at) });
    this.#live = new LivePath({ ...shared, snapshot, factsOf, ledger: this.#money.ledger });
  }

  /** What the two sides make of a row differently. */
  async compare(row: ReplayRow): Promise<readonly unknown[]> {
    await this.passUntil(row.submittedAt);
    const live = await this.#live.answer(row);
    const judged = this.#judge({
      row,
      facts: this.#options.factsOf(must(row.queryText, 'a text')),
      at: row.submittedAt,
    });
    const { refused } = admit(this.#book, judged, row.queryId, row.submittedAt);
    const isAdmitted = refused === null;
    await this.#money.answered(row.queryId, isAdmitted);
    this.#running.push({ row, judged, isAdmitted });
    const replayed = told(judged, refused);
    this.#count(live.kind === 'allowed' ? `allowed in ${live.tier}` : live.code);
    if (live.kind === 'allowed' && live.warehouse !== row.warehouse) this.#count('moved');
    if (live.kind === 'allowed' && live.isKeptBack) this.#count('kept back');
    if (live.isWarned) this.#count('warned');
    return isDeepStrictEqual(replayed, live)
      ? []
      : [{ row: `${row.queryText} (${row.user} on ${row.warehouse})`, live, replayed }];
  }

  /** Everything ends that had ended by then. */
  async passUntil(at: EpochMs): Promise<void> {
    const ended = this.#running.filter(({ row }) => row.endedAt <= at);
    this.#running = this.#running.filter(({ row }) => row.endedAt > at);
    ended.sort((a, b) => a.row.endedAt - b.row.endedAt);
    for (const ending of ended) await this.#end(ending);
  }

  async #end({
    row,
    judged: { answer, estimate, creditsPerHour },
    isAdmitted,
  }: Ending): Promise<void> {
    const used = creditsForMillis(creditsPerHour, row.executionMs, 'half-even');
    if (answer.kind === 'allowed' && isAdmitted) {
      this.#book.settle(row.queryId, used);
      await this.#money.ended(row.queryId, used, row.endedAt);
      if (answer.paced !== null)
        this.#spends.note(
          { ...answer.paced, ticketId: null, usedCredits: used, at: row.endedAt },
          knowAtOnce,
        );
    }
    if (estimate.shape === null) return;
    this.#history.record({
      shape: estimate.shape,
      believed: estimate.believed,
      creditsPerHour: approximate(creditsPerHour),
      seconds: row.executionMs / 1_000,
      elapsedSeconds: row.executionMs / 1_000,
      statisticsSeconds: null,
    });
  }

  #count(what: string): void {
    this.#options.met.set(what, (this.#options.met.get(what) ?? 0) + 1);
  }
}

/** The answer of the replay in the words of the other side. */
function told({ answer, isWarned }: Judged, refused: ReturnType<typeof admit>['refused']): Answer {
  if (refused !== null || answer.kind === 'refused') {
    const { code, by } = must(refused ?? undefined, 'what is refused says by what');
    const budgetId = code === 'budgetExceeded' ? by.replace('budget: ', '') : null;
    return { kind: 'refused', code, budgetId, isWarned };
  }
  const { warehouse, laneTier, holdCredits, ceilingCredits, budgetIds, isKeptBack } = answer;
  return {
    kind: 'allowed',
    warehouse,
    tier: laneTier,
    holdCredits,
    ceilingCredits,
    budgetIds,
    isKeptBack,
    isWarned,
  };
}
