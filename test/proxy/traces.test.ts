import { expect, test } from 'vitest';
import type { TicketId } from '#base/ids.js';
import type { SpanAttributes, SpanIds, SpanStart, TraceSpan, Tracer } from '#base/traces.js';
import type { Settlement } from '#billing/ledger.js';
import { parseCredits } from '#base/units.js';
import { createMetrics } from '../../base/metrics.js';
import { silentLog } from '../../base/log.js';
import type { TraceDetail } from '../../base/trace-settings.js';
import type { Call } from '../../proxy/call.js';
import { createEvents } from '../../proxy/events.js';
import type { Estimated } from '../../proxy/stages.js';
import { StatementTraces } from '../../proxy/traces.js';

interface Told {
  readonly start: SpanStart;
  readonly children: string[];
  readonly attributes: Record<string, unknown>;
  error: string | null;
  ends: number;
}

/** A tracer that keeps what it is told, by trace. */
class KeepingTracer implements Tracer {
  readonly told: Told[] = [];
  readonly occupancy = { used: 0, max: 1 };

  readonly #isRecorded: boolean;

  constructor(isRecorded: boolean) {
    this.#isRecorded = isRecorded;
  }

  open(start: SpanStart): TraceSpan {
    const told: Told = { start, children: [], attributes: {}, error: null, ends: 0 };
    this.told.push(told);
    return {
      traceparent: `00-${start.traceId}-${start.spanId}-01`,
      isRecorded: this.#isRecorded,
      child: (name: string, _from: number, _to: number, attributes?: SpanAttributes) => {
        told.children.push(name);
        if (attributes !== undefined) Object.assign(told.attributes, attributes);
      },
      set: (attributes) => void Object.assign(told.attributes, attributes),
      failed: (code) => void (told.error = code),
      end: () => void (told.ends += 1),
    };
  }

  readonly late: { readonly of: SpanIds; readonly name: string; readonly attributes: unknown }[] =
    [];

  within(of: SpanIds): Pick<TraceSpan, 'child'> {
    return { child: (name, _from, _to, attributes) => this.late.push({ of, name, attributes }) };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

function ticket(index: number): TicketId {
  return `01890a5d-ac96-774b-bcce-${index.toString(16).padStart(12, '0')}` as TicketId;
}

function call(index: number, traceparent?: string): Call {
  const headers = traceparent === undefined ? {} : { traceparent };
  return { ticketId: ticket(index), arrivedAtMs: 1, request: { headers } } as unknown as Call;
}

function made(
  options: { details?: readonly TraceDetail[]; rememberedMax?: number; isRecorded?: boolean } = {},
): { readonly tracer: KeepingTracer; readonly traces: StatementTraces } {
  const { details = [], isRecorded = true, ...others } = options;
  const tracer = new KeepingTracer(isRecorded);
  return { tracer, traces: new StatementTraces({ tracer, details, ...others }) };
}

const SETTLEMENT = {
  ticketId: ticket(1),
  ending: 'succeeded',
  snowflakeQueryId: '01b2',
  usedCredits: parseCredits('0.5'),
} as unknown as Settlement;

test('a statement is remembered until it is answered and, where it is held, settled, in either order', () => {
  const { tracer, traces } = made();
  for (const isSettledFirst of [false, true]) {
    traces.arrived(call(1));
    traces.arrived(call(1));
    expect(traces.occupancy.used).toBe(1);
    traces.held(ticket(1));
    if (isSettledFirst) traces.settled(SETTLEMENT, 'charged', 0.01);
    traces.answered(ticket(1));
    expect(traces.occupancy.used).toBe(isSettledFirst ? 0 : 1);
    if (!isSettledFirst) traces.settled(SETTLEMENT, 'charged', 0.01);
    expect(traces.occupancy.used).toBe(0);
  }
  traces.arrived(call(2));
  traces.answered(ticket(2));
  expect(traces.occupancy.used).toBe(0);
  expect(tracer.told.map(({ ends }) => ends)).toEqual([1, 1, 1]);
  expect(tracer.told[0]).toMatchObject({
    children: ['settle'],
    attributes: { 'tollgate.used_credits': '0.500000000000', 'snowflake.query_id': '01b2' },
  });
});

test('trace and span have the digits of the ticket; what the client sent is handed on', () => {
  const { tracer, traces } = made();
  traces.arrived(call(1, '00-a-b-01'));
  expect(tracer.told[0]?.start).toMatchObject({
    traceId: '01890a5dac96774bbcce000000000001',
    spanId: 'bcce000000000001',
    traceparent: '00-a-b-01',
  });
  expect(traces.carried(ticket(1))).toBe('00-01890a5dac96774bbcce000000000001-bcce000000000001-01');
  expect(traces.carried(ticket(2))).toBeUndefined();
});

test('beyond the cap the oldest ends early, and what is unknown is passed over', () => {
  const { tracer, traces } = made({ rememberedMax: 2 });
  for (const index of [1, 2, 3]) traces.arrived(call(index));
  expect(traces.occupancy).toEqual({ used: 2, max: 2 });
  expect(tracer.told.map(({ ends }) => ends)).toEqual([1, 0, 0]);
  traces.step(ticket(1), 'relay', 1, 2);
  traces.refused(ticket(1), 'TG2001', '');
  traces.failed(ticket(1), 'internal');
  traces.settled(SETTLEMENT, 'charged', 1);
  expect(tracer.told[0]).toMatchObject({ children: [], attributes: {}, error: null });
});

test('what another replica was sent is settled in the trace of its ticket, and told once', () => {
  const { tracer, traces } = made();
  for (const outcome of ['replayed', 'charged', 'conflict'])
    traces.settled(SETTLEMENT, outcome, 0.01);
  expect(tracer.told).toEqual([]);
  expect(tracer.late).toEqual([
    {
      of: { traceId: '01890a5dac96774bbcce000000000001', spanId: 'bcce000000000001' },
      name: 'settle',
      attributes: {
        'tollgate.ticket_id': ticket(1),
        'tollgate.ending': 'succeeded',
        'tollgate.used_credits': '0.500000000000',
        'tollgate.outcome': 'charged',
        'snowflake.query_id': '01b2',
      },
    },
  ]);
  expect(traces.occupancy.used).toBe(0);
  // One that this replica was sent is settled in its own span, whose caller may have named the trace.
  traces.arrived(call(1));
  traces.held(ticket(1));
  traces.settled(SETTLEMENT, 'charged', 0.01);
  expect([tracer.late.length, tracer.told[0]?.children]).toEqual([1, ['settle']]);
});

test('the text and the name of a person are told where a setting asks for them, and only there', () => {
  const statement = {
    call: call(1),
    identity: { account: 'demo' },
    team: { id: 'sales' },
    principal: { id: 'ann' },
    placement: { tier: { id: 'batch' }, warehouse: 'BATCH_WH' },
    query: { sqlText: 'SELECT 1' },
    isFree: false,
  } as unknown as Estimated;
  const wanted: readonly (readonly TraceDetail[])[] = [[], ['principal'], ['principal', 'sql']];
  const told = wanted.map((details) => {
    const { tracer, traces } = made({ details });
    traces.arrived(call(1));
    traces.allowed(statement, 'query');
    return tracer.told[0]?.attributes;
  });
  const always = {
    'tollgate.account': 'demo',
    'tollgate.team': 'sales',
    'tollgate.tier': 'batch',
    'tollgate.class': 'query',
    'tollgate.free': false,
    'tollgate.decision': 'allowed',
    'tollgate.warehouse': 'BATCH_WH',
  };
  expect(told).toEqual([
    always,
    { ...always, 'tollgate.principal': 'ann' },
    { ...always, 'tollgate.principal': 'ann', 'db.query.text': 'SELECT 1' },
  ]);
});

test('the watch that steps are timed by hangs them on the span; of one that is not recorded nothing is kept', () => {
  for (const isRecorded of [true, false]) {
    const { tracer, traces } = made({ isRecorded });
    const lap = createEvents(createMetrics(), silentLog, traces).stopwatch(call(1));
    lap('receive');
    lap('identify');
    expect(tracer.told[0]?.children).toEqual(isRecorded ? ['receive', 'identify'] : []);
  }
});

test('without a collector the watch is the one that knows of no traces', () => {
  const lap = createEvents(createMetrics(), silentLog).stopwatch(undefined as unknown as Call);
  expect(() => lap('receive')).not.toThrow();
});
