/**
 * Tickets whose end was not seen: sent by a replica that died, or answered by a broken connection. Their holds stay
 * until upstream's own query history, asked as the service user by the ticket id in the tag, says what became of
 * them. Nothing is voided without such evidence (I5). Those that run on are guarded meanwhile. One replica of the
 * deployment looks at a time.
 */
import { must } from '#base/assert.js';
import { toError } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import { alone } from '#base/postgres/alone.js';
import type { Database } from '#base/postgres/pool.js';
import type { ServiceConnection, ServiceRow } from '#base/snowflake/service-connection.js';
import type { Clock, EpochMs } from '#base/time.js';
import { NO_CREDITS, creditsForMillis } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Ledger, OpenTicket, Settlement } from '#billing/ledger.js';
import type { ControlRefresher } from '../control/refresher.js';
import type { Replica } from '../replica.js';
import { DoubtGuard } from './doubt-guard.js';
import type { Settler } from './settler.js';

const SWEEP_INTERVAL_MS = 1000;
/** The history must have had time to show a statement before its absence is evidence. */
const UNSEEN_AFTER_REAL_MS = 60_000;
/** Session-level lock of whoever sweeps. */
const SWEEP_LOCK = 8_150_401;
/** One question names so many at most; of more, the next ones are asked for in the same sweep: all of them are guarded. */
const TICKETS_PER_LOOK_MAX = 100;
const GOING: ReadonlySet<string> = new Set(['RUNNING', 'QUEUED', 'BLOCKED', 'RESUMING_WAREHOUSE']);
/** A ticket of ours that nothing here knows is given up after this long. */
const LOST_AFTER_REAL_MS = 15_000;
/** Most statements that one look at the history can tell of (Snowflake, "QUERY_HISTORY": RESULT_LIMIT). */
const HISTORY_ROWS_MAX = 10_000;

interface HistoryLook {
  readonly service: ServiceConnection;
  readonly rows: readonly ServiceRow[];
  /** Start of the oldest statement the look could have seen; -Infinity when it saw all there is. */
  readonly reachesBackTo: EpochMs;
}

export interface DoubtsOptions {
  readonly db: Database;
  readonly ledger: Ledger;
  readonly settler: Settler;
  readonly control: ControlRefresher;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Log;
  /** Monotonic milliseconds of real time: how long something has been missing. */
  readonly realNow: () => number;
  /** True for a ticket whose statement this replica is working on. */
  readonly isInHand: (ticketId: TicketId) => boolean;
  /** Signs in at an account as the service user; asked only when something is in doubt. */
  readonly connect: (account: string) => Promise<ServiceConnection>;
}

export class Doubts {
  readonly #options: DoubtsOptions;
  readonly #own = new Set<TicketId>();
  readonly #marking = new Map<TicketId, Promise<void>>();
  readonly #unseenSince = new Map<TicketId, number>();
  readonly #lostSince = new Map<TicketId, number>();
  readonly #connections = new Map<string, Promise<ServiceConnection>>();
  readonly #guard: DoubtGuard;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #inDoubt = 0;

  constructor(options: DoubtsOptions) {
    this.#options = options;
    this.#guard = new DoubtGuard({ ...options, intervalMs: SWEEP_INTERVAL_MS });
  }

  /** Tickets in doubt at the latest look, for metrics and the console. */
  get size(): number {
    return this.#inDoubt;
  }

  /** A ticket of this replica whose reply was lost. Resolves when other replicas can know, or when they cannot yet. */
  async add(ticketId: TicketId): Promise<void> {
    this.#own.add(ticketId);
    await this.#mark(ticketId);
  }

  /**
   * Marks once at a time: a second mark of the same doubt would come after a repeat has taken the ticket over, and put
   * in doubt what is being sent again.
   */
  #mark(ticketId: TicketId): Promise<void> {
    const marking =
      this.#marking.get(ticketId) ??
      this.#markOnce(ticketId).finally(() => this.#marking.delete(ticketId));
    this.#marking.set(ticketId, marking);
    return marking;
  }

  /** Of a ticket that could not be marked only this replica knows; every sweep tries again. */
  async #markOnce(ticketId: TicketId): Promise<void> {
    try {
      await this.#options.ledger.markInDoubt(ticketId, this.#options.replica.id);
      this.#own.delete(ticketId);
    } catch (thrown) {
      this.#options.log.warn(
        { err: toError(thrown), ticketId },
        'a ticket could not be marked as in doubt yet; the next sweep will',
      );
    }
  }

  /** This replica has taken the ticket over and is about to send it again: no mark may come after that. */
  async resume(ticketId: TicketId): Promise<void> {
    this.#own.delete(ticketId);
    await this.#marking.get(ticketId);
  }

  /** A ticket whose request never left this machine: that is evidence enough. */
  neverRan(ticketId: TicketId, evidence: string): void {
    this.#options.ledger.voidOnEvidence(ticketId, evidence).catch((thrown: unknown) => {
      this.#options.log.warn(
        { err: toError(thrown) },
        'a ticket that never ran could not be voided yet',
      );
      void this.add(ticketId);
    });
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#sweeping = this.#sweeping.then(() => this.sweep());
    }, SWEEP_INTERVAL_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
    for (const connection of this.#connections.values()) {
      await connection.then((open) => open.close()).catch(() => undefined);
    }
  }

  /** Adopts tickets of dead replicas and resolves what the history tells. Never throws. */
  async sweep(): Promise<void> {
    for (const ticketId of this.#own) await this.#mark(ticketId);
    try {
      await alone(this.#options.db, SWEEP_LOCK, () => this.#resolveAll());
    } catch (thrown) {
      this.#options.log.warn(
        { err: toError(thrown) },
        'tickets in doubt could not be looked at; the next sweep will',
      );
    }
  }

  async #resolveAll(): Promise<void> {
    const { ledger, replica, clock } = this.#options;
    await ledger.adoptOrphans(await replica.live(), clock.now());
    const open = await ledger.openTickets();
    await this.#reclaim(open.filter((ticket) => ticket.replica === replica.id));
    const doubtful = open.filter(
      (ticket) => ticket.state === 'IN_DOUBT' && !this.#options.settler.isPending(ticket.ticketId),
    );
    this.#inDoubt = doubtful.length;
    for (const ticketId of this.#unseenSince.keys()) {
      // Sent again, or ended: the next doubt begins anew.
      if (!doubtful.some((ticket) => ticket.ticketId === ticketId))
        this.#unseenSince.delete(ticketId);
    }
    if (doubtful.length > 0) await this.#guard.begin();
    const accounts = new Set(doubtful.map((ticket) => ticket.account));
    for (const account of accounts) {
      const tickets = doubtful.filter((ticket) => ticket.account === account);
      try {
        for (let from = 0; from < tickets.length; from += TICKETS_PER_LOOK_MAX)
          await this.#resolve(account, tickets.slice(from, from + TICKETS_PER_LOOK_MAX));
      } catch (thrown) {
        // One account that does not answer must not keep the others' tickets open.
        this.#options.log.warn(
          { err: toError(thrown), account },
          'an account gave no evidence; the next sweep asks again',
        );
      }
    }
    await this.#guard.lookedAtAll();
  }

  /**
   * Tickets of this very replica that nothing here knows any more: the answer of a reserve, a release or a mark was
   * lost. Seen so for a while, one that was never sent gives its hold back, one that was sent is in doubt.
   */
  async #reclaim(tickets: readonly OpenTicket[]): Promise<void> {
    const now = this.#options.realNow();
    const lost = tickets.filter(
      (ticket) => !this.#options.isInHand(ticket.ticketId) && !this.#own.has(ticket.ticketId),
    );
    for (const ticketId of this.#lostSince.keys()) {
      if (!lost.some((ticket) => ticket.ticketId === ticketId)) this.#lostSince.delete(ticketId);
    }
    for (const ticket of lost) {
      const since = this.#lostSince.get(ticket.ticketId) ?? now;
      this.#lostSince.set(ticket.ticketId, since);
      if (now - since < LOST_AFTER_REAL_MS) continue;
      if (ticket.state === 'RESERVED')
        await this.#options.ledger.release(ticket.ticketId, {
          kind: 'failed',
          reason: 'its answer was lost before it was sent',
        });
      else await this.add(ticket.ticketId);
    }
  }

  async #resolve(account: string, tickets: readonly OpenTicket[]): Promise<void> {
    const { service, rows, reachesBackTo } = await this.#history(account, tickets);
    for (const ticket of tickets) {
      const own = rows.filter((row) => (row['QUERY_TAG'] ?? '').includes(ticket.ticketId));
      if (own.length === 0) await this.#unseen(ticket, reachesBackTo);
      else await this.#seen(service, ticket, own);
    }
  }

  async #history(account: string, tickets: readonly OpenTicket[]): Promise<HistoryLook> {
    const wanted = tickets.map(() => 'QUERY_TAG LIKE ?').join(' OR ');
    let connection = this.#connections.get(account);
    if (connection === undefined) {
      connection = this.#options.connect(account);
      this.#connections.set(account, connection);
    }
    try {
      const open = await connection;
      const rows = await open.query(
        `SELECT QUERY_ID, QUERY_TAG, QUERY_TYPE, EXECUTION_STATUS, ERROR_CODE, EXECUTION_TIME, BYTES_SCANNED, ROWS_PRODUCED,
                DATE_PART(EPOCH_SECOND, START_TIME) AS STARTED_S, DATE_PART(EPOCH_SECOND, END_TIME) AS ENDED_S
           FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => ${HISTORY_ROWS_MAX})) WHERE ${wanted}`,
        tickets.map((ticket) => `%"tg":"${ticket.ticketId}"%`),
      );
      const [span] = await open.query(
        `SELECT COUNT(*) AS N, MIN(DATE_PART(EPOCH_SECOND, START_TIME)) AS FIRST_S
           FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => ${HISTORY_ROWS_MAX}))`,
      );
      const isWhole = wholeOr(span?.['N'], HISTORY_ROWS_MAX) < HISTORY_ROWS_MAX;
      return {
        service: open,
        rows,
        reachesBackTo: isWhole ? -Infinity : (secondsToMs(span?.['FIRST_S']) ?? Infinity),
      };
    } catch (thrown) {
      this.#connections.delete(account);
      throw thrown;
    }
  }

  /** Upstream has seen it: running on, or ended with a time that can be charged. */
  async #seen(
    service: ServiceConnection,
    ticket: OpenTicket,
    rows: readonly ServiceRow[],
  ): Promise<void> {
    const going = rows.filter((row) => GOING.has(statusOf(row)));
    if (going.length > 0) {
      const starts = rows.map((row) => secondsToMs(row['STARTED_S']) ?? -Infinity);
      return this.#guard.look(service, {
        ticket,
        queryIds: going.flatMap((row) => row['QUERY_ID'] ?? []),
        startedAt: Math.min(...starts),
        creditsPerHour: this.#rateOf(ticket),
      });
    }
    this.#unseenSince.delete(ticket.ticketId);
    const settlement = this.#settlementOf(ticket, rows);
    this.#options.settler.submit(ticket.ticketId, settlement);
  }

  /** Of a multi-statement the history shows its queries and one that contains them, whose time is theirs. */
  #settlementOf(ticket: OpenTicket, rows: readonly ServiceRow[]): Settlement {
    const { clock } = this.#options;
    const parent = rows.find((row) => row['QUERY_TYPE'] === 'MULTI_STATEMENT');
    const run = rows.length === 1 ? rows : rows.filter((row) => row !== parent);
    const row = must(parent ?? rows[0], 'evidence is at least one row');
    const sum = (name: string): number =>
      run.reduce((total, each) => total + wholeOr(each[name], 0), 0);
    const endedAt = secondsToMs(row['ENDED_S']) ?? clock.now();
    const warehouseMs = sum('EXECUTION_TIME');
    const failed = rows.find((each) => statusOf(each) !== 'SUCCESS');
    const rate = this.#rateOf(ticket);
    return {
      ticketId: ticket.ticketId,
      ending: failed === undefined ? 'succeeded' : ticket.isStopTold ? 'stopped' : 'failed',
      endCode: failed?.['ERROR_CODE'] ?? null,
      snowflakeQueryId: row['QUERY_ID'] ?? null,
      // The history shows the latest first.
      childQueryIds: run.length < 2 ? [] : run.map((each) => each['QUERY_ID'] ?? '').toReversed(),
      // Alone on its warehouse is the most it can have cost; metering corrects it by a delta.
      usedCredits:
        rate === undefined
          ? ticket.holdCredits
          : warehouseMs === 0
            ? NO_CREDITS
            : creditsForMillis(rate, warehouseMs, 'half-even'),
      warehouseMs,
      bytesScanned: sum('BYTES_SCANNED'),
      rowsProduced: wholeOrNull(row['ROWS_PRODUCED']),
      startedAt: secondsToMs(row['STARTED_S']) ?? ticket.occurredAt,
      endedAt,
    };
  }

  #rateOf({ warehouse, occurredAt }: OpenTicket): Credits | undefined {
    return warehouse === null
      ? undefined
      : this.#options.control.current()?.rateOfWarehouse(warehouse, occurredAt);
  }

  /** Absence is evidence only when the look reached back to before the ticket was made. */
  async #unseen(ticket: OpenTicket, reachesBackTo: number): Promise<void> {
    if (reachesBackTo >= ticket.occurredAt) return;
    const now = this.#options.realNow();
    const since = this.#unseenSince.get(ticket.ticketId) ?? now;
    this.#unseenSince.set(ticket.ticketId, since);
    if (now - since < UNSEEN_AFTER_REAL_MS) return;
    await this.#options.ledger.voidOnEvidence(
      ticket.ticketId,
      'the query history of the account has no statement with this ticket',
      true,
    );
    this.#unseenSince.delete(ticket.ticketId);
  }
}

function statusOf(row: ServiceRow): string {
  return (row['EXECUTION_STATUS'] ?? '').toUpperCase();
}

function secondsToMs(text: string | null | undefined): number | undefined {
  const seconds = text === null || text === undefined ? NaN : Number(text);
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined;
}

function wholeOrNull(text: string | null | undefined): number | null {
  return text === undefined || text === null ? null : wholeOr(text, 0);
}

function wholeOr(text: string | null | undefined, fallback: number): number {
  const value = text === null || text === undefined ? NaN : Number(text);
  return Number.isFinite(value) ? Math.max(0, Math.round(value)) : fallback;
}
