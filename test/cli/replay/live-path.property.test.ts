/**
 * `tollgate replay` against the path of the proxy: generated histories under generated documents, each statement answered by
 * both from the same history, budgets and paces. Ladders, moves, hours, rules, ceilings, freezes, run rates and approvals
 * are all met, or the test fails.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { must } from '../../../base/assert.js';
import type { EpochMs } from '../../../base/time.js';
import { approximate, creditsForMillis } from '../../../base/units.js';
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
import { type Answer, LivePath } from './live-path.js';
import { documents, freezes, rowsOf, TEXTS } from './worlds.js';

/** Statements of one history, and histories, each under a document of its own. */
const ROWS = 40;
const WORLDS = 60;
/** Differences that a failure prints. */
const SHOWN_MAX = 5;

const facts = new Map<string, TextFacts>();
beforeAll(async () => {
  const context = { database: 'ANALYTICS', schema: 'TPCH' };
  const { catalogue } = demoTables();
  for (const text of TEXTS)
    facts.set(text, await sharedAnalyser().analyse(text, context, catalogue));
});
const factsOf = (text: string): TextFacts => must(facts.get(text), 'a text of the test');

/** What has been met, so that documents which decide nothing would be noticed. */
const met = new Map<string, number>();

interface Ending {
  readonly row: ReplayRow;
  readonly judged: Judged;
  readonly isAdmitted: boolean;
}

/** One history, one book of budgets, one of paces: both sides read them, the replay alone moves them. */
class World {
  readonly #book: StandingBook;
  readonly #history = new HistoryStore(10_000);
  readonly #spends = new SpendBook(1_000);
  readonly #judge: Judge;
  readonly #live: LivePath;
  #running: Ending[] = [];

  constructor(document: ControlDocument, frozen: readonly Freeze[]) {
    const snapshot = createSnapshot(document, 1);
    const { statistics } = demoTables();
    const book = new StandingBook(bookBudgets(snapshot.document.budgets));
    this.#book = book;
    const shared = { history: this.#history, statistics, spends: this.#spends, freezes: frozen };
    this.#judge = govern(snapshot, { ...shared, standing: (ids, at) => book.standing(ids, at) });
    this.#live = new LivePath({ ...shared, snapshot, factsOf, ledger: probing(book) });
  }

  /** What the two sides make of a row differently. */
  async compare(row: ReplayRow): Promise<readonly unknown[]> {
    this.#passUntil(row.submittedAt);
    const live = await this.#live.answer(row);
    const judged = this.#judge({
      row,
      facts: factsOf(must(row.queryText, 'a text')),
      at: row.submittedAt,
    });
    const { refused } = admit(this.#book, judged, row.queryId, row.submittedAt);
    this.#running.push({ row, judged, isAdmitted: refused === null });
    const replayed = told(judged, refused);
    count(live.kind === 'allowed' ? `allowed in ${live.tier}` : live.code);
    if (live.kind === 'allowed' && live.warehouse !== row.warehouse) count('moved');
    if (live.kind === 'allowed' && live.isKeptBack) count('kept back');
    if (live.isWarned) count('warned');
    return isDeepStrictEqual(replayed, live)
      ? []
      : [{ row: `${row.queryText} (${row.user} on ${row.warehouse})`, live, replayed }];
  }

  #passUntil(at: EpochMs): void {
    const ended = this.#running.filter(({ row }) => row.endedAt <= at);
    this.#running = this.#running.filter(({ row }) => row.endedAt > at);
    ended.sort((a, b) => a.row.endedAt - b.row.endedAt);
    for (const ending of ended) this.#end(ending);
  }

  #end({ row, judged: { answer, estimate, creditsPerHour }, isAdmitted }: Ending): void {
    const used = creditsForMillis(creditsPerHour, row.executionMs, 'half-even');
    if (answer.kind === 'allowed' && isAdmitted) {
      this.#book.settle(row.queryId, used);
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
}

function count(what: string): void {
  met.set(what, (met.get(what) ?? 0) + 1);
}

/** Asks the book as the ledger would be asked, and takes nothing. */
function probing(book: StandingBook): ConstructorParameters<typeof LivePath>[0]['ledger'] {
  return {
    reserve({ ticket, budgetIds, holdCredits }) {
      const id = ticket.ticketId;
      const held = book.reserve({ id, budgetIds, holdCredits, at: ticket.occurredAt });
      if (held.kind === 'held') book.release(id);
      return Promise.resolve(
        must(held.kind === 'known' ? undefined : held, 'a ticket id comes once'),
      );
    },
    standing: (ids, at) => Promise.resolve(book.standing(ids, at)),
    recordRefusal: () => Promise.resolve(),
  };
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

/** Every way in which a statement is let in or refused, and what becomes of some on the way. */
const TO_BE_MET = [
  'allowed in interactive',
  'allowed in standard',
  'allowed in batch',
  'moved',
  'kept back',
  'warned',
  'principalUnknown',
  'principalSuspended',
  'frozen',
  'accessRefused',
  'ruleRefused',
  'opaqueRefused',
  'offPeakOnly',
  'ceilingExceeded',
  'runRateExceeded',
  'budgetExceeded',
  'approvalNeeded',
];

test('a replay answers every statement as the proxy does', async () => {
  const worlds = fc.sample(fc.tuple(documents, freezes, rowsOf(ROWS)), {
    seed: 20_261_127,
    numRuns: WORLDS,
  });
  const differences: unknown[] = [];
  for (const [document, frozen, rows] of worlds) {
    const world = new World(document, frozen);
    for (const row of rows) differences.push(...(await world.compare(row)));
  }
  expect(differences.slice(0, SHOWN_MAX)).toEqual([]);
  expect([...met.keys()].toSorted()).toEqual(TO_BE_MET.toSorted());
  // Seldom is not enough: what comes once may agree by chance.
  const seldom = [...met].filter(([, times]) => times < 10);
  expect(seldom).toEqual([]);
}, 120_000);
