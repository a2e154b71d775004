/**
 * A history under the guards of the proxy, in simulated time: its own steps up to the hold, then its meter over what runs, one
 * replica for each warehouse, over a ledger that is given. What a statement of the history used, it would use again.
 */
import { must } from '../../../base/assert.js';
import type { TgName } from '../../../base/errors.js';
import type { TicketId } from '../../../base/ids.js';
import type { EpochMs } from '../../../base/time.js';
import { type Credits, creditsForMillis, NO_CREDITS } from '../../../base/units.js';
import type { Ledger } from '../../../billing/ledger.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ControlSnapshot } from '../../../policies/control/snapshot.js';
import type { TextFacts } from '../../../policies/sql/facts.js';
import { driverFront } from '../../../proxy/driver-front.js';
import { Meter } from '../../../proxy/running/meter.js';
import type { RunningStatement, StopReason } from '../../../proxy/running/running.js';
import type { StopParts } from '../../../proxy/running/stop.js';
import { aRunningStatement, stopParts } from '../../proxy/running/running-statement.js';
import { buildSettlement } from '../../support/builders.js';
import type { ManualClock } from '../../support/clock.js';
import { type LivePath, tellingHolds } from './live-path.js';
import { taughtPath, type Teacher } from './teacher.js';

/** Between two looks of a meter. */
export const LOOK_MS = 3_000;

/** What kept a statement from running, or from running to its end. */
export interface Ended {
  readonly queryId: string;
  readonly code: TgName;
  /** The budget that refused or stopped it. */
  readonly budgetId: string | null;
  /** What it used until then. */
  readonly usedCredits: Credits;
}

export interface GuardedWorldOptions {
  readonly snapshot: ControlSnapshot;
  readonly ledger: Ledger;
  readonly clock: ManualClock;
  readonly factsOf: (text: string) => TextFacts;
}

/** What runs on one warehouse, with the meter of its replica. */
interface Replica {
  readonly parts: StopParts;
  readonly meter: Meter;
  /** null: nothing runs. */
  nextLookAt: EpochMs | null;
}

/** A statement that had not ended in the history. */
interface UnderWay {
  readonly row: ReplayRow;
  /** null: the proxy did not let it run, or it uses nothing. */
  readonly ticketId: TicketId | null;
}

export class GuardedWorld {
  readonly #options: GuardedWorldOptions;
  readonly #teacher: Teacher;
  readonly #live: LivePath;
  readonly #replicas = new Map<string, Replica>();
  readonly #ended: Ended[] = [];
  /** In the order in which they came. */
  #underWay: UnderWay[] = [];
  #taken: TicketId | null = null;

  constructor(options: GuardedWorldOptions) {
    this.#options = options;
    const { snapshot, factsOf, ledger } = options;
    const { teacher, live } = taughtPath({
      snapshot,
      factsOf,
      ledger: tellingHolds(ledger, (ticketId) => {
        this.#taken = ticketId;
      }),
    });
    this.#teacher = teacher;
    this.#live = live;
  }

  /** Everything that was refused or stopped; rows come one after the other on each warehouse. */
  async run(rows: readonly ReplayRow[]): Promise<readonly Ended[]> {
    for (const row of rows) {
      await this.#passUntil(row.submittedAt);
      await this.#arrive(row);
    }
    await this.#passUntil(Infinity);
    return this.#ended;
  }

  async #arrive(row: ReplayRow): Promise<void> {
    const { clock, ledger } = this.#options;
    clock.set(row.submittedAt);
    this.#taken = null;
    this.#teacher.came(row);
    const answer = await this.#live.answer(row);
    const ticketId = this.#taken as TicketId | null;
    if (answer.kind === 'refused') {
      const { code, budgetId } = answer;
      this.#ended.push({ queryId: row.queryId, code, budgetId, usedCredits: NO_CREDITS });
      if (ticketId !== null) await ledger.release(ticketId, { kind: 'failed', reason: 'not sent' });
    }
    const isRunning = answer.kind === 'allowed' && ticketId !== null;
    this.#underWay.push({ row, ticketId: isRunning ? ticketId : null });
    if (!isRunning) return;
    await ledger.markSent(ticketId, row.submittedAt);
    const replica = this.#begun(row);
    replica.parts.running.begin(
      aRunningStatement({
        ticketId,
        requestId: row.queryId,
        warehouse: must(row.warehouse, 'a warehouse'),
        creditsPerHour: this.#rateOf(row),
        ceilingCredits: must(answer.ceilingCredits, 'a ceiling'),
        holdCredits: answer.holdCredits,
        startedAt: row.startedAt,
        // Upstream ends it at once.
        front: { ...driverFront, abort: () => Promise.resolve() },
      }),
    );
  }

  /** Ends and looks until then, in their order. */
  async #passUntil(until: EpochMs): Promise<void> {
    for (;;) {
      const ends = this.#underWay.map(({ row }) => row.endedAt);
      const looks = [...this.#replicas.values()].map(({ nextLookAt }) => nextLookAt ?? Infinity);
      const at = Math.min(...ends, ...looks);
      if (at > until || at === Infinity) return;
      this.#options.clock.set(at);
      for (const replica of this.#replicas.values())
        if (replica.nextLookAt === at) await this.#look(replica, at);
      const ended = this.#underWay.filter(({ row }) => row.endedAt === at);
      this.#underWay = this.#underWay.filter(({ row }) => row.endedAt !== at);
      for (const each of ended) await this.#end(each);
    }
  }

  async #look(replica: Replica, at: EpochMs): Promise<void> {
    replica.meter.look();
    await replica.meter.settled();
    replica.nextLookAt = at + LOOK_MS;
    for (const statement of replica.parts.running.list())
      if (statement.stop !== null) await this.#stopped(replica, statement, statement.stop);
  }

  async #stopped(replica: Replica, statement: RunningStatement, stop: StopReason): Promise<void> {
    const usedCredits = await this.#settle(replica, statement.ticketId, 'stopped');
    this.#ended.push({
      queryId: statement.requestId,
      code: stop.code,
      budgetId: stop.source === 'ceiling' ? null : stop.source,
      usedCredits,
    });
  }

  async #end({ row, ticketId }: UnderWay): Promise<void> {
    const replica = this.#replicas.get(row.warehouse ?? '');
    if (ticketId !== null && replica?.parts.running.get(ticketId) !== undefined)
      await this.#settle(replica, ticketId, 'succeeded');
    this.#teacher.ended(row);
  }

  async #settle(
    replica: Replica,
    ticketId: TicketId,
    ending: 'stopped' | 'succeeded',
  ): Promise<Credits> {
    const { ledger, clock } = this.#options;
    replica.nextLookAt = null;
    const { usedMs, statement } = must(replica.parts.running.end(ticketId, clock.now()), 'it runs');
    const usedCredits = creditsForMillis(statement.creditsPerHour, usedMs, 'half-even');
    const times = { startedAt: statement.startedAt, endedAt: clock.now() };
    const settlement = { usedCredits, warehouseMs: usedMs, ending, ...times };
    const settled = await ledger.settle(buildSettlement(ticketId, settlement));
    must(settled.kind === 'charged' ? settled : null, 'it is charged once');
    return usedCredits;
  }

  #rateOf(row: ReplayRow): Credits {
    const warehouse = must(row.warehouse, 'a warehouse');
    return must(this.#options.snapshot.rateOfWarehouse(warehouse, row.submittedAt), 'a rate');
  }

  /** Its replica, whose meter looked last when the statement began. */
  #begun({ warehouse, startedAt }: ReplayRow): Replica {
    const parts = stopParts(this.#options.clock, this.#options.ledger);
    const meter = new Meter(parts, LOOK_MS);
    const replica: Replica = { parts, meter, nextLookAt: startedAt + LOOK_MS };
    this.#replicas.set(must(warehouse, 'a warehouse'), replica);
    return replica;
  }
}
