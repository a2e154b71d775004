/**
 * What a document would have made of the last 30 days, statement by statement: those that ran, judged and held again
 * under the document in force and under the later one. Writes nothing.
 */
import type { Database } from '#base/postgres/pool.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import {
  addCredits,
  addMoney,
  compareAmounts,
  type Credits,
  formatAmount,
  type Money,
  NO_CREDITS,
  NO_MONEY,
} from '#base/units.js';
import { isInForce } from '#billing/in-force.js';
import { PastBudgets } from '#billing/past-budgets.js';
import { tryPeriodAt } from '#billing/period.js';
import type { BudgetDocument, ControlDocument } from '#policies/control/document.js';
import type { PastExample, PastReport, PastTotals } from '#policies/control/plan-past.js';
import type { PlanSides } from '#policies/control/plan-record.js';
import { type ControlSnapshot, createSnapshot } from '#policies/control/snapshot.js';
import type { ImportedPrice } from '#policies/prices/price-lookup.js';
import { ladderStandings } from '#policies/rules/ladder.js';
import { judgePast, type PastCause, type PastPath } from '#policies/rules/past.js';
import { bookBudgets } from './book-budgets.js';
import { eachPastStatement, type PastRun } from './past-statements.js';

/** How far back it looks. */
export const PAST_DAYS = 30;
/** Periods of budgets that were open then are followed from their beginning, but not longer than this. */
const LEAD_DAYS_MAX = 100;
/** Statements that are named, dearest first. */
const EXAMPLES_MAX = 1_000;
const DAY_MS = 86_400_000;

/** What `after` refuses of the days before `at` that `before` lets in. */
export async function readPastReport(
  db: Database,
  { before, after, at, imported }: PlanSides,
): Promise<PastReport> {
  const since = at - PAST_DAYS * DAY_MS;
  const [earlier, later] = [new World(before, imported), new World(after, imported)];
  const tally = new Tally();
  const startsAt = Math.min(leadOf(before, since), leadOf(after, since));
  const isCut = await eachPastStatement(db, { startsAt, endsAt: at }, (run) => {
    const [was, is] = [earlier.judge(run), later.judge(run)];
    if (run.at >= since) tally.add(run, was, is);
  });
  return { ...tally.report(), isCut };
}

/** The beginning of the earliest period, of a hard budget or one with a ladder, that was open at `since`. */
function leadOf(document: ControlDocument, since: EpochMs): EpochMs {
  const ladders = new Set(
    document.budgets.filter(({ ladder = [] }) => ladder.length > 0).map(({ id }) => id),
  );
  const starts = bookBudgets(document.budgets)
    .filter(({ id, isHard, limitCredits }) => limitCredits !== null && (isHard || ladders.has(id)))
    .flatMap(({ period }) => tryPeriodAt(period, since)?.startsAt ?? []);
  const earliest = starts.reduce((least, start) => Math.min(least, start), since);
  return Math.max(earliest, since - LEAD_DAYS_MAX * DAY_MS);
}

interface Answer {
  /** `budget growth-month`; null: it runs. */
  readonly by: string | null;
  readonly isUnjudged: boolean;
}

/** One document with its budgets as they come to stand. */
class World {
  readonly #snapshot: ControlSnapshot;
  readonly #budgets: PastBudgets;

  constructor(document: ControlDocument, imported: readonly ImportedPrice[]) {
    this.#snapshot = createSnapshot(document, 0, imported);
    this.#budgets = new PastBudgets(bookBudgets(document.budgets));
  }

  judge(run: PastRun): Answer {
    const judged = judgePast(this.#snapshot, run, (budgets) => this.#pathOf(budgets, run.at));
    if (judged.kind === 'refused') return { by: causeText(judged.cause), isUnjudged: false };
    const { budgetIds, holdCredits, ceilingCredits, unapproved, isUnjudged } = judged;
    const hold = {
      id: run.ticketId,
      at: run.at,
      endsAt: run.endsAt,
      budgetIds,
      holdCredits,
      ceilingCredits,
      usedCredits: run.credits,
    };
    if (unapproved === null) {
      const budget = this.#budgets.arrive(hold);
      return { by: budget === undefined ? null : `budget ${budget}`, isUnjudged };
    }
    // As on the live path, it waits for somebody's word under its hold; nobody is known to have given his.
    const budget = this.#budgets.refusing(hold);
    const by = budget === undefined ? causeText(unapproved) : `budget ${budget}`;
    return { by, isUnjudged };
  }

  #pathOf(budgets: readonly BudgetDocument[], at: EpochMs): PastPath {
    const budgetIds = budgets.filter((each) => isInForce(each, at)).map(({ id }) => id);
    return { budgetIds, standings: ladderStandings(this.#budgets.standing(budgetIds, at)) };
  }
}

const CAUSES: Readonly<Record<PastCause['kind'], (id: string) => string>> = {
  identity: (id) => `principal ${id}`,
  warehouse: (id) => `warehouse ${id} without tier, rate or price`,
  access: (id) => `access list ${id}`,
  rule: (id) => (id.startsWith('ladder:') ? `the ladder of budget ${id.slice(7)}` : `rule ${id}`),
  hours: (tier) => `tier ${tier}, which has no off-peak hours to wait for`,
  move: (id) => `the warehouse that ${id} asks for`,
  approval: (id) => `the approval that ${id} asks for`,
  ceiling: (id) => `the ceiling of ${id}`,
  opaque: () => 'the tier, because its text is opaque,',
  'external-location': () => 'the wall around the account',
};

function causeText({ kind, id }: PastCause): string {
  return CAUSES[kind](id);
}

/** Sums of some statements. */
class Sum {
  #statements = 0;
  #credits: Credits = NO_CREDITS;
  readonly #money = new Map<string, Money>();

  get credits(): Credits {
    return this.#credits;
  }

  add({ credits, money, currency }: PastRun): void {
    this.#statements += 1;
    this.#credits = addCredits(this.#credits, credits);
    this.#money.set(currency, addMoney(this.#money.get(currency) ?? NO_MONEY, money));
  }

  totals(): PastTotals {
    return {
      statements: this.#statements,
      credits: formatAmount(this.#credits),
      amounts: [...this.#money].map(([currency, money]) => ({
        currency,
        amount: formatAmount(money),
      })),
    };
  }
}

class Tally {
  #statements = 0;
  #unjudged = 0;
  readonly #refused = new Sum();
  readonly #freed = new Sum();
  readonly #causes = new Map<string, Sum>();
  #dearest: { readonly run: PastRun; readonly by: string }[] = [];

  add(run: PastRun, was: Answer, is: Answer): void {
    this.#statements += 1;
    if (was.isUnjudged || is.isUnjudged) this.#unjudged += 1;
    if (was.by !== null && is.by === null) this.#freed.add(run);
    if (was.by !== null || is.by === null) return;
    this.#refused.add(run);
    const cause = this.#causes.get(is.by) ?? new Sum();
    this.#causes.set(is.by, cause);
    cause.add(run);
    this.#dearest.push({ run, by: is.by });
    if (this.#dearest.length >= 2 * EXAMPLES_MAX) this.#keepDearest();
  }

  report(): Omit<PastReport, 'isCut'> {
    this.#keepDearest();
    return {
      statements: this.#statements,
      refused: this.#refused.totals(),
      causes: [...this.#causes]
        .sort(([, a], [, b]) => compareAmounts(b.credits, a.credits))
        .map(([by, sum]) => ({ by, ...sum.totals() })),
      examples: this.#dearest.map(({ run, by }) => toExample(run, by)),
      freed: this.#freed.totals(),
      unjudgedStatements: this.#unjudged,
    };
  }

  #keepDearest(): void {
    this.#dearest.sort((a, b) => compareAmounts(b.run.credits, a.run.credits));
    this.#dearest = this.#dearest.slice(0, EXAMPLES_MAX);
  }
}

function toExample(run: PastRun, by: string): PastExample {
  return {
    ticketId: run.ticketId,
    team: run.teamId,
    principal: run.principalId,
    occurredAt: formatInstant(run.at),
    by,
    credits: formatAmount(run.credits),
    amount: formatAmount(run.money),
    currency: run.currency,
  };
}
