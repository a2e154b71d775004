/**
 * A history run through today's estimator and rules, one instant at a time: when a statement comes, nothing is known
 * but what had ended by then. Every statement is priced by what really ran, also where the document would have refused
 * some of it.
 */
import { setImmediate } from 'node:timers/promises';
import type { EpochMs } from '../../base/time.js';
import {
  approximate,
  type Credits,
  maxAmount,
  NO_CREDITS,
  subtractCredits,
} from '../../base/units.js';
import { type TimeShare, SharedTime } from '../../billing/shared-time.js';
import type { StandingBook } from '../../billing/standing-book.js';
import { statisticsSeconds } from '../../policies/estimate/estimator.js';
import type { HistoryStore } from '../../policies/estimate/history-store.js';
import type { Analyser, Catalogue } from '../../policies/sql/facts.js';
import { BYTES_PER_SECOND_PER_CREDIT } from '../../proxy/estimate.js';
import { knowAtOnce, type SpendBook } from '../../proxy/running/spend-book.js';
import { admit } from './admission.js';
import type { HistorySource } from './history-source.js';
import { type Guarded, lookAt, nextLook, type Stop, usedBy } from './guard.js';
import type { Allowed, Arrival, Judge, Judged } from './judged.js';
import { Moments } from './moments.js';
import type { Prediction } from './predictions.js';
import type { Refused } from './refused.js';
import type { ReplayRow } from './row.js';
import { SessionZones } from './session-zones.js';
import { factsOf } from './statement.js';
import { type Outcome, type ReplayFigures, Tally } from './tally.js';
import {
  type Columns,
  columnsOf,
  type Usage,
  usageOf,
  usesWarehouse,
  warehouseTimeKey,
} from './usage.js';

export interface ReplayParts {
  readonly source: HistorySource;
  readonly judge: Judge;
  readonly analyser: Analyser;
  readonly catalogue: Catalogue;
  readonly history: HistoryStore;
  /** null: no document, no budgets. */
  readonly book: StandingBook | null;
  /** What shapes took, where run rates are asked. */
  readonly spends: SpendBook;
  /** Statements of a tier that run at once; undefined: no bound. */
  readonly concurrencyOf: (tier: string) => number | undefined;
  /** Takes the predictions of some rows, in order. */
  readonly predict: (predictions: readonly Prediction[]) => Promise<void>;
}

/**
 * Statements that are analysed together, and how many such groups ahead of the one that comes. Between groups the event
 * loop is left to the parser's answers: a worker that waits for its next text while statements are judged is half idle.
 */
const GROUP_ROWS = 16;
const GROUPS_AHEAD = 256;

/** Runs the whole history. */
export async function replay(parts: ReplayParts): Promise<ReplayFigures> {
  const world = new World(parts);
  for await (const arrivals of arrivalsOf(parts)) {
    await parts.predict(arrivals.map((arrival) => world.arrive(arrival)));
    await setImmediate();
  }
  world.passUntil(Number.POSITIVE_INFINITY);
  return world.figures();
}

/** The statements in order, in groups. Facts do not depend on what came before, so the parser works ahead. */
async function* arrivalsOf(parts: ReplayParts): AsyncGenerator<readonly Arrival[]> {
  const ahead: Promise<readonly Arrival[]>[] = [];
  for await (const batch of parts.source.batches()) {
    for (let from = 0; from < batch.length; from += GROUP_ROWS) {
      ahead.push(analysed(batch.slice(from, from + GROUP_ROWS), parts));
      const first = ahead.length > GROUPS_AHEAD ? ahead.shift() : undefined;
      if (first !== undefined) yield await first;
    }
  }
  for (const group of ahead) yield await group;
}

async function analysed(
  rows: readonly ReplayRow[],
  { analyser, catalogue }: ReplayParts,
): Promise<readonly Arrival[]> {
  return await Promise.all(
    rows.map(async (row): Promise<Arrival> => {
      const facts = await factsOf(row, analyser, catalogue);
      return { row, facts, at: row.submittedAt };
    }),
  );
}

/** A statement between its arrival and its end. */
interface Underway {
  readonly row: ReplayRow;
  readonly judged: Judged;
  readonly outcome: Outcome;
  /** What refused it; null: it was let in. */
  readonly refused: Refused | null;
  readonly holdsBudget: boolean;
  /** null: nothing stops it. */
  readonly guarded: Guarded | null;
  stop: Stop | null;
  share: TimeShare | null;
}

type Event = { readonly kind: 'begin' | 'look' | 'end'; readonly statement: Underway };

class World {
  readonly #parts: ReplayParts;
  readonly #columns: Columns;
  readonly #moments = new Moments<Event>();
  readonly #sharedTime = new SharedTime();
  readonly #zones = new SessionZones();
  readonly #tally = new Tally();
  /** Statements of each tier that are let in and have not ended. */
  readonly #inTier = new Map<string, number>();

  constructor(parts: ReplayParts) {
    this.#parts = parts;
    this.#columns = columnsOf(parts.source.intake.columns);
  }

  figures(): ReplayFigures {
    return this.#tally.figures();
  }

  /** Everything that happens until then, in order. */
  passUntil(until: EpochMs): void {
    for (;;) {
      const next = this.#moments.takeUntil(until);
      if (next === undefined) return;
      const { at, event } = next;
      if (event.kind === 'begin') this.#begin(event.statement, at);
      else if (event.kind === 'look') this.#look(event.statement, at);
      else this.#end(event.statement, at);
    }
  }

  /** A statement comes: what is believed of it and what it is told. */
  arrive(arrival: Arrival): Prediction {
    const { row, at } = arrival;
    this.passUntil(at);
    const judged = this.#parts.judge({ ...arrival, timeZone: this.#zones.of(row) });
    const statement = this.#admit(row, judged, at);
    this.#tally.arrived(statement.outcome, judged.isWarned);
    if (row.ticket?.state === 'VOID') this.#endUnrun(statement);
    else {
      this.#moments.add(row.startedAt, { kind: 'begin', statement });
      this.#moments.add(row.endedAt, { kind: 'end', statement });
    }
    const { estimate, answer } = judged;
    return {
      queryId: row.queryId,
      basis: estimate.basis,
      expectedSeconds: estimate.expectedElapsedSeconds,
      expectedCredits: estimate.expectedCredits,
      holdCredits: answer.kind === 'allowed' ? answer.holdCredits : estimate.highCredits,
    };
  }

  #admit(row: ReplayRow, judged: Judged, at: EpochMs): Underway {
    const { answer } = judged;
    const { refused, holdsBudget } = admit(this.#parts.book, judged, row.queryId, at);
    const base = { row, judged, share: null, stop: null, refused, holdsBudget };
    if (refused !== null || answer.kind === 'refused')
      return { ...base, outcome: 'refused', guarded: null };
    const guarded = guardedOf(row, judged, answer, holdsBudget);
    return { ...base, guarded, outcome: this.#queue(judged, answer) };
  }

  #queue({ tier, estimate }: Judged, { isKeptBack }: Allowed): Outcome {
    if (estimate.basis === 'FREE') return 'allowed';
    const running = this.#inTier.get(tier) ?? 0;
    this.#inTier.set(tier, running + 1);
    const most = this.#parts.concurrencyOf(tier) ?? Number.POSITIVE_INFINITY;
    return isKeptBack || running >= most ? 'queued' : 'allowed';
  }

  #leaveTier({ refused, judged: { tier, estimate } }: Underway): void {
    if (refused !== null || estimate.basis === 'FREE') return;
    this.#inTier.set(tier, (this.#inTier.get(tier) ?? 1) - 1);
  }

  /** The ledger says that it never ran. */
  #endUnrun(statement: Underway): void {
    this.#leaveTier(statement);
    if (statement.holdsBudget) this.#parts.book?.release(statement.row.queryId);
    this.#noteRefusal(statement, NO_CREDITS);
  }

  #begin(statement: Underway, at: EpochMs): void {
    const { row } = statement;
    if (!usesWarehouse(row, this.#columns)) return;
    statement.share = this.#sharedTime.begin(warehouseTimeKey(row), at);
    this.#lookAgain(statement, NO_CREDITS, at);
  }

  /** The guard looks, and stops what has nothing more; what ran, runs on. */
  #look(statement: Underway, at: EpochMs): void {
    const { guarded, holdsBudget, row } = statement;
    if (guarded === null || statement.stop !== null || statement.share === null) return;
    const used = this.#usedSoFar(statement, statement.share, at);
    const { book } = this.#parts;
    const stop = lookAt(guarded, used, book ?? NO_BOOK);
    if (stop === undefined) return this.#lookAgain(statement, used, at);
    statement.stop = stop;
    if (holdsBudget) book?.settle(row.queryId, stop.at);
  }

  #lookAgain(statement: Underway, used: Credits, at: EpochMs): void {
    const { guarded, row } = statement;
    if (guarded === null) return;
    const next = nextLook(guarded, used, at, creditsPerHourAtMost(row, guarded));
    if (next < row.endedAt) this.#moments.add(next, { kind: 'look', statement });
  }

  #usedSoFar({ row, judged }: Underway, share: TimeShare, at: EpochMs): Credits {
    const sharedMs = this.#sharedTime.usedMs(share, at);
    const used = usageOf(row, sharedMs, judged.creditsPerHour).credits;
    return row.credits === null ? used : usedBy(used, row, at);
  }

  #end(statement: Underway, at: EpochMs): void {
    const { row, judged, share } = statement;
    this.#zones.ended(row);
    this.#leaveTier(statement);
    const usage =
      share === null
        ? { credits: NO_CREDITS, seconds: 0, elapsedSeconds: row.executionMs / 1_000 }
        : usageOf(row, this.#sharedTime.end(share, at), judged.creditsPerHour);
    this.#tally.used(usage.credits);
    if (statement.refused !== null) this.#noteRefusal(statement, usage.credits);
    else {
      this.#settle(statement, usage.credits);
      this.#count(statement, usage.credits, at);
    }
    if (share === null || !row.isSuccess || usage.credits === NO_CREDITS) return;
    if (judged.estimate.basis === 'FREE') return;
    this.#tally.scored(judged, row.warehouse ?? '', usage);
    this.#learn(judged, usage);
  }

  #noteRefusal({ refused, judged }: Underway, used: Credits): void {
    if (refused === null) return;
    this.#tally.turned(refused, used, judged.pricePerCredit, refused.limitCredits);
  }

  /** Charges what it used, or tells what the guard's stop would have saved. */
  #settle({ row, judged, stop, outcome, holdsBudget }: Underway, used: Credits): void {
    if (stop === null) {
      if (holdsBudget) this.#parts.book?.settle(row.queryId, used);
      return;
    }
    this.#tally.stopped(outcome);
    const saved = maxAmount(subtractCredits(used, stop.at), NO_CREDITS);
    this.#tally.turned(stop, saved, judged.pricePerCredit, null);
  }

  /** For the run rates: what it used, or up to where it was stopped. */
  #count({ judged: { answer }, stop }: Underway, used: Credits, at: EpochMs): void {
    const usedCredits = stop?.at ?? used;
    if (answer.kind === 'refused' || answer.paced === null || usedCredits <= NO_CREDITS) return;
    this.#parts.spends.note({ ...answer.paced, ticketId: null, usedCredits, at }, knowAtOnce);
  }

  #learn({ estimate, creditsPerHour }: Judged, usage: Usage): void {
    const { shape, believed, bytes } = estimate;
    if (shape === null) return;
    const broken = this.#parts.history.record({
      shape,
      believed,
      creditsPerHour: approximate(creditsPerHour),
      seconds: usage.seconds,
      elapsedSeconds: usage.elapsedSeconds,
      statisticsSeconds: statisticsSeconds(bytes, creditsPerHour, BYTES_PER_SECOND_PER_CREDIT),
    });
    if (broken.includes('shape-size')) this.#tally.broke();
  }
}

/** Where no budget is asked, nothing is topped up. */
const NO_BOOK: Pick<StandingBook, 'topUp'> = { topUp: () => ({ kind: 'notHeld' }) };

/** What the guard watches of a statement that is let in; null: it has no ceiling. */
function guardedOf(
  { queryId, startedAt }: ReplayRow,
  { creditsPerHour, estimate }: Judged,
  { ceilingCredits, holdCredits }: Allowed,
  isHeldByBudgets: boolean,
): Guarded | null {
  if (ceilingCredits === null || estimate.basis === 'FREE') return null;
  return { id: queryId, startedAt, ceilingCredits, creditsPerHour, isHeldByBudgets, holdCredits };
}

/** The rate of its warehouse; more where an export attributes more to it. */
function creditsPerHourAtMost(row: ReplayRow, { creditsPerHour }: Guarded): number {
  const rate = approximate(creditsPerHour);
  if (row.credits === null) return rate;
  const used = approximate(usageOf(row, 0, creditsPerHour).credits);
  return Math.max(rate, (used * 3_600_000) / Math.max(1, row.endedAt - row.startedAt));
}
