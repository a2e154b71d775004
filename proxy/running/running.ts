/**
 * Statements that are upstream now, and what each has used so far. Statements that run at once on one warehouse
 * share its time equally per instant (the sweep method): a warehouse's *shared time* advances by `elapsed ÷ number
 * running`, and a statement has used as much shared time as passed since it began. That makes joining, leaving and
 * asking O(1), and the shares of a moment sum to the moment.
 */
import type { TicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import type { Credits, Money } from '#base/units.js';
import type { Estimate } from '#policies/estimate/estimate.js';
import { NO_CREDITS, creditsForMillis } from '#base/units.js';
import type { Attendance } from '../attendance.js';
import type { Front } from '../front.js';
import type { RequestOwner } from '../requests.js';
import type { Upstream } from '../upstream/upstreams.js';

/** Why Tollgate stopped a statement; told to the client in place of upstream's "canceled". */
export interface StopReason {
  readonly code: 'ceilingReached' | 'budgetExhausted' | 'killed' | 'clientGone';
  /** The budget, the ceiling or the person that stopped it. */
  readonly source: string;
  readonly usedCredits: Credits;
  readonly limitCredits: Credits;
  readonly elapsedMs: number;
}

export interface RunningStatement {
  readonly ticketId: TicketId;
  /** The protocol that it came by, and is asked for and cancelled by. */
  readonly front: Front;
  readonly upstream: Upstream;
  readonly sessionId: string;
  /** Upstream's session token, as of the latest request about this statement; for cancel and status. */
  upstreamToken: string;
  readonly requestId: string;
  /** Who waits for it on this replica. */
  readonly attendance: Attendance;
  /** Submitted to be fetched later: nobody has to wait. */
  readonly isAsync: boolean;
  readonly clientGone: 'keep' | 'cancel';
  readonly owner: RequestOwner;
  readonly teamId: string;
  readonly tier: string;
  readonly warehouse: string;
  readonly warehouseSize: string;
  /** What was expected of it, and what the history learns from its end. */
  readonly estimate: Pick<
    Estimate,
    'basis' | 'expectedCredits' | 'highCredits' | 'shape' | 'believed' | 'bytes'
  >;
  readonly creditsPerHour: Credits;
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly ceilingCredits: Credits;
  readonly startedAt: EpochMs;
  holdCredits: Credits;
  queryId: string | null;
  stop: StopReason | null;
  /** Runs after the statement left the running set: gives its permit back. */
  readonly onEnd: () => void;
}

interface WarehouseTime {
  sharedMs: number;
  changedAt: EpochMs;
  running: number;
}

interface Member {
  readonly statement: RunningStatement;
  readonly joinedSharedMs: number;
}

export class RunningStatements {
  readonly #members = new Map<TicketId, Member>();
  readonly #byQueryId = new Map<string, TicketId>();
  readonly #warehouses = new Map<string, WarehouseTime>();

  get size(): number {
    return this.#members.size;
  }

  begin(statement: RunningStatement): void {
    const time = this.#advance(warehouseKey(statement), statement.startedAt);
    time.running += 1;
    this.#members.set(statement.ticketId, { statement, joinedSharedMs: time.sharedMs });
  }

  /** Notes the query id upstream gave, so that polls and aborts by id find the statement. */
  identify(ticketId: TicketId, queryId: string): void {
    const member = this.#members.get(ticketId);
    if (member === undefined) return;
    const earlier = member.statement.queryId;
    const { account } = member.statement.upstream;
    if (earlier !== null) this.#byQueryId.delete(queryKey(account, earlier));
    member.statement.queryId = queryId;
    this.#byQueryId.set(queryKey(account, queryId), ticketId);
  }

  get(ticketId: TicketId): RunningStatement | undefined {
    return this.#members.get(ticketId)?.statement;
  }

  byQueryId(account: string, queryId: string): RunningStatement | undefined {
    const ticketId = this.#byQueryId.get(queryKey(account, queryId));
    return ticketId === undefined ? undefined : this.get(ticketId);
  }

  /** The statement of a request of one session; accounts number their sessions by themselves. */
  byRequestId(
    session: { readonly account: string; readonly sessionId: string },
    requestId: string,
  ): RunningStatement | undefined {
    for (const { statement } of this.#members.values()) {
      const isOfSession =
        statement.upstream.account === session.account && statement.sessionId === session.sessionId;
      if (isOfSession && statement.requestId === requestId) return statement;
    }
    return undefined;
  }

  list(): readonly RunningStatement[] {
    return [...this.#members.values()].map((member) => member.statement);
  }

  /** Warehouse-milliseconds used so far, whole. */
  usedMs(statement: RunningStatement, at: EpochMs): number {
    const member = this.#members.get(statement.ticketId);
    if (member === undefined) return 0;
    const time = this.#advance(warehouseKey(statement), at);
    return Math.max(0, Math.round(time.sharedMs - member.joinedSharedMs));
  }

  /** Credits used so far: what the hold must cover. */
  usedCredits(statement: RunningStatement, at: EpochMs): Credits {
    return creditsForMillis(statement.creditsPerHour, this.usedMs(statement, at), 'up');
  }

  /** Takes the statement out; what it used. Undefined when it had left already: only the first caller settles. */
  end(
    ticketId: TicketId,
    at: EpochMs,
  ): { readonly statement: RunningStatement; readonly usedMs: number } | undefined {
    const member = this.#members.get(ticketId);
    if (member === undefined) return undefined;
    const { statement } = member;
    const usedMs = this.usedMs(statement, at);
    const key = warehouseKey(statement);
    const time = this.#advance(key, at);
    time.running -= 1;
    if (time.running === 0) this.#warehouses.delete(key);
    this.#members.delete(ticketId);
    if (statement.queryId !== null)
      this.#byQueryId.delete(queryKey(statement.upstream.account, statement.queryId));
    statement.onEnd();
    return { statement, usedMs };
  }

  /** Sum of open holds, for metrics. */
  heldCredits(): Credits {
    let sum = NO_CREDITS;
    for (const { statement } of this.#members.values())
      sum = (sum + statement.holdCredits) as Credits;
    return sum;
  }

  #advance(key: string, at: EpochMs): WarehouseTime {
    let time = this.#warehouses.get(key);
    if (time === undefined) {
      time = { sharedMs: 0, changedAt: at, running: 0 };
      this.#warehouses.set(key, time);
    }
    // A clock that stepped back adds nothing; it never takes away.
    const elapsed = Math.max(0, at - time.changedAt);
    if (time.running > 0) time.sharedMs += elapsed / time.running;
    time.changedAt = Math.max(time.changedAt, at);
    return time;
  }
}

function queryKey(account: string, queryId: string): string {
  return `${account}/${queryId}`;
}

function warehouseKey(statement: RunningStatement): string {
  return `${statement.upstream.account}/${statement.warehouse}`;
}
