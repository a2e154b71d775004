/** Statements that are upstream now, and what each has used so far of its warehouse's time, which they share. */
import type { TicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import type { Credits, Money } from '#base/units.js';
import type { Estimate } from '#policies/estimate/estimate.js';
import { NO_CREDITS, creditsForMillis } from '#base/units.js';
import { SharedTime } from '#billing/shared-time.js';
import type { TimeShare } from '#billing/shared-time.js';
import type { Attendance } from '../attendance.js';
import type { Front } from '../front.js';
import type { RequestOwner } from '../requests.js';
import type { StormKey } from '../storms.js';
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
  readonly principalId: string;
  readonly fingerprint: string;
  /** Whose loop it would be, should it fail. */
  readonly stormKey: StormKey;
  readonly tier: string;
  readonly warehouse: string;
  readonly warehouseSize: string;
  /** The warehouse that its client believes in, where it was moved to another one; null: it was not. */
  readonly shownWarehouse: string | null;
  /** What was expected of it, and what the history learns from its end. */
  readonly estimate: Pick<
    Estimate,
    'basis' | 'expectedCredits' | 'highCredits' | 'shape' | 'believed' | 'bytes'
  >;
  readonly creditsPerHour: Credits;
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly ceilingCredits: Credits;
  /** When it was first sent. */
  readonly startedAt: EpochMs;
  /** Warehouse-milliseconds it had used when this replica went on with it; of one that began here 0. */
  usedBeforeMs: number;
  /** False: break-glass; it may use its ceiling whatever budgets have. */
  readonly isHeldByBudgets: boolean;
  holdCredits: Credits;
  queryId: string | null;
  stop: StopReason | null;
  /** When it was last cancelled upstream, by whomever; monotonic. Null: nobody did. */
  cancelledAtMs: number | null;
  /** Runs after the statement left the running set: gives its permit back. */
  readonly onEnd: () => void;
}

interface Member {
  readonly statement: RunningStatement;
  readonly share: TimeShare;
}

export class RunningStatements {
  readonly #members = new Map<TicketId, Member>();
  readonly #byQueryId = new Map<string, TicketId>();
  readonly #time = new SharedTime();

  get size(): number {
    return this.#members.size;
  }

  /** From `at` on it uses time of its warehouse: since it began, unless another replica had it until then. */
  begin(statement: RunningStatement, at: EpochMs = statement.startedAt): void {
    const share = this.#time.begin(warehouseKey(statement), at);
    this.#members.set(statement.ticketId, { statement, share });
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
    return statement.usedBeforeMs + this.#time.usedMs(member.share, at);
  }

  /** Credits used so far: what the hold must cover. */
  usedCredits(statement: RunningStatement, at: EpochMs): Credits {
    return creditsForMillis(statement.creditsPerHour, this.usedMs(statement, at), 'up');
  }

  /** Credits used so far by every running statement of a team. */
  usedOfTeam(
    teamId: string,
    at: EpochMs,
  ): readonly { readonly ticketId: TicketId; readonly usedCredits: Credits }[] {
    return this.list()
      .filter((statement) => statement.teamId === teamId)
      .map((statement) => ({
        ticketId: statement.ticketId,
        usedCredits: this.usedCredits(statement, at),
      }));
  }

  /** Takes the statement out; what it used. Undefined when it had left already: only the first caller settles. */
  end(
    ticketId: TicketId,
    at: EpochMs,
  ): { readonly statement: RunningStatement; readonly usedMs: number } | undefined {
    const member = this.#members.get(ticketId);
    if (member === undefined) return undefined;
    const { statement, share } = member;
    const usedMs = statement.usedBeforeMs + this.#time.end(share, at);
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
}

function queryKey(account: string, queryId: string): string {
  return `${account}/${queryId}`;
}

function warehouseKey(statement: RunningStatement): string {
  return `${statement.upstream.account}/${statement.warehouse}`;
}
