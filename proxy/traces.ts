/**
 * Traces of statements, where somebody collects them: one span a statement, one within it a step, from the same watch
 * that `tollgate_step_seconds` is read off. Trace and span carry the digits of the ticket id, so that the trace of a
 * ticket is found without a search; a client that traces itself names the trace. No text and no name of a person
 * unless a setting asks for them.
 */
import type { TicketId } from '#base/ids.js';
import type { Occupancy } from '#base/metrics.js';
import { formatAmount } from '#base/units.js';
import type { SpanAttributes, SpanIds, TraceSpan, Tracer } from '#base/traces.js';
import type { TraceDetail } from '#base/trace-settings.js';
import type { Settlement } from '#billing/ledger.js';
import type { Call } from './call.js';
import type { Estimated } from './stages.js';

export interface TraceOptions {
  readonly tracer: Tracer;
  readonly details: readonly TraceDetail[];
  /** Statements whose span is remembered; 20,000 unless given. */
  readonly rememberedMax?: number;
}

/** A span that is remembered until its statement is answered and, where it was sent under a hold, settled. */
interface Remembered {
  readonly span: TraceSpan;
  /** A settlement will be heard of. */
  isHeld: boolean;
  isAnswered: boolean;
}

export const REMEMBERED_MAX = 20_000;

export class StatementTraces {
  readonly #tracer: Tracer;
  readonly #details: ReadonlySet<TraceDetail>;
  readonly #rememberedMax: number;
  /** Oldest first. */
  readonly #remembered = new Map<TicketId, Remembered>();

  constructor({ tracer, details, rememberedMax = REMEMBERED_MAX }: TraceOptions) {
    this.#tracer = tracer;
    this.#details = new Set(details);
    this.#rememberedMax = rememberedMax;
  }

  get occupancy(): Occupancy {
    return { used: this.#remembered.size, max: this.#rememberedMax };
  }

  /** Opens the span of a statement that arrived; does nothing for one that is known. */
  arrived(call: Call): void {
    const { ticketId } = call;
    if (this.#remembered.has(ticketId)) return;
    const { traceparent } = call.request.headers;
    const span = this.#tracer.open({
      name: 'statement',
      ...idsOf(ticketId),
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      startedAtMs: epochMs(call.arrivedAtMs),
      attributes: { 'db.system.name': 'snowflake', 'tollgate.ticket_id': ticketId },
    });
    this.#remembered.set(ticketId, { span, isHeld: false, isAnswered: false });
    if (this.#remembered.size > this.#rememberedMax) this.#forgetOldest();
  }

  /** A step of it took from `fromMs` to `toMs`, monotonic. */
  step(ticketId: TicketId, name: string, fromMs: number, toMs: number): void {
    const span = this.#recorded(ticketId);
    span?.child(name, epochMs(fromMs), epochMs(toMs));
  }

  /** It passed the rules and is about to be held. */
  allowed(statement: Estimated, statementClass: string): void {
    const { call, team, placement, isFree, identity } = statement;
    const span = this.#recorded(call.ticketId);
    if (span === undefined) return;
    const { principal, query } = statement;
    span.set({
      'tollgate.account': identity.account,
      'tollgate.team': team.id,
      'tollgate.tier': placement.tier.id,
      'tollgate.class': statementClass,
      'tollgate.free': isFree,
      'tollgate.decision': 'allowed',
      ...(placement.warehouse === null ? {} : { 'tollgate.warehouse': placement.warehouse }),
      ...(this.#details.has('principal') ? { 'tollgate.principal': principal.id } : {}),
      ...(this.#details.has('sql') ? { 'db.query.text': query.sqlText } : {}),
    });
  }

  /** It was refused, or stopped while it ran. */
  refused(ticketId: TicketId, code: string, team: string): void {
    this.#recorded(ticketId)?.set({
      'tollgate.decision': code,
      ...(team === '' ? {} : { 'tollgate.team': team }),
    });
  }

  failed(ticketId: TicketId, code: string): void {
    this.#recorded(ticketId)?.failed(code);
  }

  /** It is sent under a hold, and a settlement will follow. */
  held(ticketId: TicketId): void {
    const remembered = this.#remembered.get(ticketId);
    if (remembered !== undefined) remembered.isHeld = true;
  }

  /** What goes upstream as `traceparent`; undefined: the client's own, if it sent one. */
  carried(ticketId: TicketId): string | undefined {
    return this.#remembered.get(ticketId)?.span.traceparent;
  }

  /** Snowflake named it, and where it has ended, how; a null code is a success. */
  ran(ticketId: TicketId, queryId: string | null, failure: string | null): void {
    const span = this.#recorded(ticketId);
    if (queryId !== null) span?.set({ 'snowflake.query_id': queryId });
    if (failure !== null) span?.failed(failure);
  }

  /** Its request is answered: its span ends. Its settlement may be yet to come. */
  answered(ticketId: TicketId): void {
    const remembered = this.#remembered.get(ticketId);
    if (remembered === undefined) return;
    remembered.isAnswered = true;
    remembered.span.end(epochMs(performance.now()));
    if (!remembered.isHeld) this.#remembered.delete(ticketId);
  }

  /**
   * The ledger took its settlement, `seconds` after its outcome. A statement that another replica was sent, or this one in an
   * earlier life, is settled in the trace of its ticket: what its client named is not known here.
   */
  settled(settlement: Settlement, outcome: string, seconds: number): void {
    const { ticketId } = settlement;
    const nowMs = performance.now();
    const remembered = this.#remembered.get(ticketId);
    const isFirst = outcome === 'charged';
    const span =
      remembered !== undefined || !isFirst
        ? this.#recorded(ticketId)
        : this.#tracer.within(idsOf(ticketId));
    span?.child('settle', epochMs(nowMs - seconds * 1000), epochMs(nowMs), {
      ...endOf(settlement),
      'tollgate.outcome': outcome,
      ...(remembered === undefined ? { 'tollgate.ticket_id': ticketId } : {}),
    });
    if (remembered === undefined) return;
    remembered.isHeld = false;
    if (remembered.isAnswered) this.#remembered.delete(ticketId);
  }

  #recorded(ticketId: TicketId): TraceSpan | undefined {
    const span = this.#remembered.get(ticketId)?.span;
    return span?.isRecorded === true ? span : undefined;
  }

  #forgetOldest(): void {
    const [oldest] = this.#remembered;
    if (oldest === undefined) return;
    const [ticketId, { span }] = oldest;
    span.end(epochMs(performance.now()));
    this.#remembered.delete(ticketId);
  }
}

/** The digits of the ticket, so that whoever knows it finds the trace. */
function idsOf(ticketId: TicketId): SpanIds {
  const traceId = ticketId.replaceAll('-', '');
  return { traceId, spanId: traceId.slice(16) };
}

function endOf({ ending, snowflakeQueryId, usedCredits }: Settlement): SpanAttributes {
  return {
    'tollgate.ending': ending,
    'tollgate.used_credits': formatAmount(usedCredits),
    ...(snowflakeQueryId === null ? {} : { 'snowflake.query_id': snowflakeQueryId }),
  };
}

function epochMs(monotonicMs: number): number {
  return performance.timeOrigin + monotonicMs;
}
