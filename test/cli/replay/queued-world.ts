/**
 * A history at the queues of the proxy, in simulated time: its own steps up to the hold, then its own lanes, over budgets in memory.
 * Timers have to be simulated. What is let in later than it came takes as long as it took, from then on.
 */
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { must } from '../../../base/assert.js';
import { silentLog } from '../../../base/log.js';
import { type Credits, creditsForMillis, NO_CREDITS } from '../../../base/units.js';
import { StandingBook } from '../../../billing/standing-book.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import { type ControlSnapshot } from '../../../policies/control/snapshot.js';
import type { TextFacts } from '../../../policies/sql/facts.js';
import { laneMember } from '../../../proxy/admit.js';
import { Lane } from '../../../proxy/admission/lane.js';
import type { Allowed } from '../../../proxy/stages.js';
import { MemoryLanes } from '../../proxy/admission/memory-lanes.js';
import type { Ended } from './guarded-world.js';
import type { LivePath } from './live-path.js';
import { taughtPath, type Teacher } from './teacher.js';

export interface QueuedWorldOptions {
  readonly snapshot: ControlSnapshot;
  readonly factsOf: (text: string) => TextFacts;
}

export class QueuedWorld {
  readonly book: StandingBook;
  /** What was refused. */
  readonly ended: Ended[] = [];
  /** Statements that waited and had their turn, or wait for their hours. */
  waited = 0;
  #open = 0;
  readonly #lanes = new Map<string, Lane>();
  readonly #store = new MemoryLanes(() => Date.now());
  readonly #snapshot: ControlSnapshot;
  readonly #teacher: Teacher;
  readonly #live: LivePath;
  #heldId: string | null = null;
  #reserved: Allowed | null = null;

  constructor({ snapshot, factsOf }: QueuedWorldOptions) {
    this.#snapshot = snapshot;
    this.book = new StandingBook(bookBudgets(snapshot.document.budgets));
    const { teacher, live } = taughtPath({
      snapshot,
      factsOf,
      reserved: (statement) => {
        this.#reserved = statement;
      },
      ledger: {
        reserve: ({ ticket, budgetIds, holdCredits }) => {
          const id = ticket.ticketId;
          const held = this.book.reserve({ id, budgetIds, holdCredits, at: ticket.occurredAt });
          if (held.kind === 'held') this.#heldId = id;
          return Promise.resolve(must(held.kind === 'known' ? undefined : held, 'it comes once'));
        },
        standing: (ids, at) => Promise.resolve(this.book.standing(ids, at)),
        recordRefusal: () => Promise.resolve(),
      },
    });
    this.#teacher = teacher;
    this.#live = live;
  }

  /** Statements that have not come yet, wait or run. */
  get open(): number {
    return this.#open;
  }

  /** Sets the timers of a whole history. */
  begin(rows: readonly ReplayRow[]): void {
    this.#open += rows.length;
    for (const row of rows) {
      setTimeout(() => void this.#arrive(row), row.submittedAt - Date.now());
      setTimeout(() => this.#teacher.ended(row), row.endedAt - Date.now());
    }
  }

  async #arrive(row: ReplayRow): Promise<void> {
    this.#teacher.came(row);
    this.#heldId = null;
    this.#reserved = null;
    const answer = await this.#live.answer(row);
    const heldId = this.#heldId as string | null;
    if (answer.kind === 'refused') {
      this.#refuse(row, answer, heldId);
      return;
    }
    const statement = must((this.#reserved as Allowed | null) ?? undefined, 'it has its hold');
    if (statement.isFree) {
      this.#open -= 1;
      return;
    }
    if (answer.isKeptBack) {
      this.waited += 1;
      setTimeout(() => this.#finish(row, heldId), row.executionMs);
    } else await this.#queue(row, statement, heldId);
  }

  async #queue(row: ReplayRow, statement: Allowed, heldId: string | null): Promise<void> {
    const { lane } = statement;
    const member = laneMember(statement, lane);
    const { signal } = new AbortController();
    const outcome = await this.#laneOf(lane.tier, statement).admit(lane, member, signal);
    switch (outcome.kind) {
      case 'admitted':
        this.waited += outcome.waitedMs > 0 ? 1 : 0;
        setTimeout(() => {
          this.#finish(row, heldId);
          outcome.permit.release();
        }, row.executionMs);
        return;
      case 'queueFull':
      case 'timeout': {
        const code = outcome.kind === 'queueFull' ? 'queueFull' : 'queueTimeout';
        this.#refuse(row, { code, budgetId: null }, heldId);
        return;
      }
      case 'cancelled':
        throw new Error('nobody cancels');
    }
  }

  #laneOf(tier: string, { lane }: Allowed): Lane {
    const known = this.#lanes.get(tier);
    if (known !== undefined) return known;
    const made = new Lane(
      {
        store: this.#store,
        replica: 'replica-a',
        isHeard: () => true,
        log: silentLog,
        now: () => Date.now(),
      },
      lane,
    );
    this.#lanes.set(tier, made);
    return made;
  }

  #refuse(
    { queryId }: ReplayRow,
    { code, budgetId }: Pick<Ended, 'code' | 'budgetId'>,
    heldId: string | null,
  ): void {
    this.#open -= 1;
    this.ended.push({ queryId, code, budgetId, usedCredits: NO_CREDITS });
    if (heldId !== null) this.book.release(heldId);
  }

  #finish(row: ReplayRow, heldId: string | null): void {
    this.#open -= 1;
    if (heldId !== null) this.book.settle(heldId, this.#usedBy(row));
  }

  #usedBy({ warehouse, executionMs, submittedAt }: ReplayRow): Credits {
    const rate = must(this.#snapshot.rateOfWarehouse(warehouse ?? '', submittedAt), 'a rate');
    return creditsForMillis(rate, executionMs, 'half-even');
  }
}
