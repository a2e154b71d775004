/**
 * A history run through today's estimator and rules, one instant at a time: when a statement comes, nothing is known
 * but what had ended by then. Every statement is priced by what really ran, also where the document would have refused
 * some of it.
 */
import { setImmediate } from 'node:timers/promises';
import { must } from '../../base/assert.js';
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
import { lookAt, nextLook, usedBy } from './guard.js';
import type { Allowed, Arrival, Judge, Judged } from './judged.js';
import { Lanes } from './lanes.js';
import { Moments } from './moments.js';
import type { Prediction } from './predictions.js';
import { type Refused, refusedFor } from './refused.js';
import type { ReplayRow } from './row.js';
import { SessionZones } from './session-zones.js';
import { factsOf } from './statement.js';
import { type ReplayFigures, Tally } from './tally.js';
import {
  creditsPerHourAtMost,
  type Event,
  guardedOf,
  isStopped,
  type Underway,
} from './underway.js';
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

class World {
  readonly #parts: ReplayParts;
  readonly #columns: Columns;
  readonly #moments = new Moments<Event>();
  readonly #sharedTime = new SharedTime();
  readonly #zones = new SessionZones();
  readonly #tally = new Tally();
  readonly #lanes = new Lanes<Underway>();

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
      this.#pass(next.event, next.at);
    }
  }

  #pass(event: Event, at: EpochMs): void {
    const { statement } = event;
    switch (event.kind) {
      case 'begin':
        return this.#begin(statement, at);
      case 'look':
        return this.#look(statement, at);
      case 'end':
        return this.#end(statement, at);
      case 'looked':
        return this.#looked(statement, event.usedCredits, at);
      case 'leave':
        return this.#finish(statement, must(statement.usedCredits ?? undefined, 'it ended'), at);
      case 'timeout':
        return this.#timeOut(statement, at);
    }
  }

  /** A statement comes: what is believed of it and what it is told. */
  arrive(arrival: Arrival): Prediction {
    const { row, at } = arrival;
    this.passUntil(at);
    const judged = this.#parts.judge({ ...arrival, timeZone: this.#zones.of(row) });
    const statement = this.#admit(row, judged, at);
    this.#tally.arrived(statement.outcome, judged.isWarned);
    if (row.ticket?.state === 'VOID') this.#endUnrun(statement, at);
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
    const isLetIn = refused === null && answer.kind === 'allowed';
    const statement: Underway = {
      row,
      judged,
      refused,
      holdsBudget,
      outcome: isLetIn ? 'allowed' : 'refused',
      guarded: isLetIn ? guardedOf(row, judged, answer, holdsBudget) : null,
      stop: null,
      share: null,
      seat: null,
      waitedMs: 0,
      looks: [],
      usedCredits: null,
    };
    if (isLetIn) this.#queue(statement, answer, at);
    return statement;
  }

  /** Who waits for off-peak hours, or because his shape is slowed, meets no queue: when he would come to it moves nothing. */
  #queue(statement: Underway, { lane, laneTier, isKeptBack }: Allowed, at: EpochMs): void {
    if (isKeptBack) statement.outcome = 'queued';
    if (isKeptBack || lane === null) return;
    const entered = this.#lanes.enter(statement, lane, at);
    if (entered.kind === 'full') {
      statement.outcome = 'refused';
      return this.#refuse(statement, refusedFor('queueFull', `queue: ${laneTier}`));
    }
    statement.seat = entered.seat;
    if (entered.kind === 'granted') return;
    statement.outcome = 'queued';
    statement.waitedMs = null;
    this.#moments.add(entered.untilAt, { kind: 'timeout', statement });
  }

  /** It was let in, and is not: it holds nothing any more. */
  #refuse(statement: Underway, refused: Refused): void {
    statement.refused = refused;
    if (statement.holdsBudget) this.#parts.book?.release(statement.row.queryId);
    statement.holdsBudget = false;
  }

  /** Its time in the queue is over. */
  #timeOut(statement: Underway, at: EpochMs): void {
    if (statement.waitedMs !== null) return;
    const { usedCredits } = statement;
    this.#tally.became('refused', statement.outcome);
    const { tier } = must(statement.seat ?? undefined, 'it waits').limits;
    this.#refuse(statement, refusedFor('queueTimeout', `queue: ${tier}`));
    this.#leaveLane(statement, at);
    if (usedCredits !== null) this.#noteRefusal(statement, usedCredits);
  }

  /** Gives its permit, or its place in the queue, back; those who have it next begin. */
  #leaveLane(statement: Underway, at: EpochMs): void {
    const { seat } = statement;
    if (seat === null) return;
    statement.waitedMs ??= 0;
    for (const next of this.#lanes.leave(seat, at)) this.#granted(next.statement, at);
  }

  #granted(statement: Underway, at: EpochMs): void {
    const { row, looks, usedCredits } = statement;
    const waitedMs = at - row.submittedAt;
    statement.waitedMs = waitedMs;
    for (const look of looks.splice(0))
      this.#moments.add(look.at + waitedMs, { ...look, kind: 'looked', statement });
    if (usedCredits !== null)
      this.#moments.add(row.endedAt + waitedMs, { kind: 'leave', statement });
  }

  /** The ledger says that it never ran. */
  #endUnrun(statement: Underway, at: EpochMs): void {
    this.#leaveLane(statement, at);
    if (statement.holdsBudget) this.#parts.book?.release(statement.row.queryId);
    this.#noteRefusal(statement, NO_CREDITS);
  }

  #begin(statement: Underway, at: EpochMs): void {
    const { row } = statement;
    if (!usesWarehouse(row, this.#columns)) return;
    statement.share = this.#sharedTime.begin(warehouseTimeKey(row), at);
    this.#lookAgain(statement, NO_CREDITS, at);
  }

  /** The guard looks, or would, had the statement not waited. */
  #look(statement: Underway, at: EpochMs): void {
    const { guarded, share, refused, waitedMs } = statement;
    if (guarded === null || share === null || refused !== null || statement.stop !== null) return;
    const usedCredits = this.#usedSoFar(statement, share, at);
    if (waitedMs === 0) this.#looked(statement, usedCredits, at);
    else if (waitedMs === null) statement.looks.push({ at, usedCredits });
    else this.#moments.add(at + waitedMs, { kind: 'looked', statement, usedCredits });
    if (!isStopped(statement)) this.#lookAgain(statement, usedCredits, at);
  }

  /** It is stopped when it has nothing more; what ran, runs on. */
  #looked(statement: Underway, usedCredits: Credits, at: EpochMs): void {
    const { guarded, holdsBudget, row } = statement;
    if (guarded === null || statement.stop !== null) return;
    const { book } = this.#parts;
    const stop = lookAt(guarded, usedCredits, book ?? NO_BOOK);
    if (stop === undefined) return;
    statement.stop = stop;
    if (holdsBudget) book?.settle(row.queryId, stop.at);
    this.#leaveLane(statement, at);
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
    const usage =
      share === null
        ? { credits: NO_CREDITS, seconds: 0, elapsedSeconds: row.executionMs / 1_000 }
        : usageOf(row, this.#sharedTime.end(share, at), judged.creditsPerHour);
    this.#tally.used(usage.credits);
    this.#ended(statement, usage.credits, at);
    if (share === null || !row.isSuccess || usage.credits === NO_CREDITS) return;
    if (judged.estimate.basis === 'FREE') return;
    this.#tally.scored(judged, row.warehouse ?? '', usage);
    this.#learn(judged, usage);
  }

  /** What it used is known; it has it on its bill when it would have ended. */
  #ended(statement: Underway, usedCredits: Credits, at: EpochMs): void {
    const { refused, waitedMs } = statement;
    if (refused !== null) return this.#noteRefusal(statement, usedCredits);
    if (waitedMs === 0) return this.#finish(statement, usedCredits, at);
    statement.usedCredits = usedCredits;
    if (waitedMs !== null) this.#moments.add(at + waitedMs, { kind: 'leave', statement });
  }

  #finish(statement: Underway, usedCredits: Credits, at: EpochMs): void {
    this.#settle(statement, usedCredits);
    this.#count(statement, usedCredits, at);
    this.#leaveLane(statement, at);
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
    this.#tally.became('stopped', outcome);
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
