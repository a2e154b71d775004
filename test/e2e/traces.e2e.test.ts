/** Traces of statements of real clients, as a collector on loopback receives them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMetrics, type Metrics } from '../../base/metrics.js';
import { startTracer } from '../../base/open-telemetry.js';
import { exposeTracer, type Tracer } from '../../base/traces.js';
import { STEPS } from '../../proxy/events.js';
import { statementRequestId, startBalancer } from '../support/tcp-balancer.js';
import { startTraceSink, type CollectedSpan, type TraceSink } from '../support/trace-sink.js';
import { RawClient } from '../warehouse/support/raw-client.js';
import { eventually } from './support/eventually.js';
import { connectNode, type Client } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

let sink: TraceSink;
let metrics: Metrics;
let tracer: Tracer;
let system: System;
let client: Client;
/** Heads of statements as the proxy sent them to the warehouse. */
const heads: string[] = [];

function tracerTo(url: string, into: Metrics, queueMax = 1_000): Tracer {
  const note = exposeTracer(into, () => made.occupancy);
  const headers = { 'api-key': 'of the collector' };
  const made = startTracer({
    url,
    headers,
    share: 1,
    queueMax,
    instance: 'test',
    note,
    delayMs: 20,
  });
  return made;
}

beforeAll(async () => {
  sink = await startTraceSink();
  metrics = createMetrics();
  tracer = tracerTo(sink.url, metrics);
  system = await startSystem({
    traces: { tracer, details: [] },
    upstreamVia: (port) =>
      startBalancer({
        backends: [port],
        rewrite(request, head) {
          if (statementRequestId(request) !== undefined) heads.push(head);
          return head;
        },
      }),
    control: (document) => ({
      ...document,
      rules: [
        {
          id: 'no-cross-joins',
          mode: 'enforce',
          effect: 'refuse',
          when: 'statement.crossJoin',
          message: 'cross joins are not run here',
        },
      ],
    }),
  });
  client = await connectNode(system.proxyUrl);
}, 60_000);

afterAll(async () => {
  await client?.close();
  await system?.stop();
  await tracer?.stop(AbortSignal.timeout(1_000));
  await sink?.close();
});

/** The spans of a ticket's trace, its own first. */
async function traceOf(
  ticketId: string,
  isWhole: (spans: readonly CollectedSpan[]) => boolean = () => true,
): Promise<readonly [CollectedSpan, ...CollectedSpan[]]> {
  const found = (): [CollectedSpan, ...CollectedSpan[]] => {
    const own = sink.spans.find(({ attributes }) => attributes['tollgate.ticket_id'] === ticketId);
    if (own === undefined) throw new Error(`no span of ${ticketId}`);
    return [own, ...sink.spans.filter(({ parentSpanId }) => parentSpanId === own.spanId)];
  };
  await eventually(() => expect(isWhole(found())).toBe(true));
  return found();
}

const isSettled = (spans: readonly CollectedSpan[]): boolean =>
  spans.some(({ name }) => name === 'settle');

/** The newest ticket, once it has ended. */
async function latestTicket(): Promise<{ id: string; query: string | null }> {
  let found: { id: string; query: string | null; state: string } | undefined;
  await eventually(async () => {
    const { rows } = await system.database.db.query<{ id: string; query: string; state: string }>(
      'SELECT id::text, snowflake_query_id AS query, state FROM ticket ORDER BY id DESC LIMIT 1',
    );
    [found] = rows;
    expect(['SETTLED', 'VOID']).toContain(found?.state);
  });
  if (found === undefined) throw new Error('there is no ticket');
  return found;
}

test('a statement is one trace, under the digits of its ticket, with a span for every step that is timed', async () => {
  heads.length = 0;
  const result = await client.run(
    "SELECT count(*) AS secret_name FROM region WHERE r_name <> 'hidden literal'",
  );
  expect(result.kind).toBe('rows');
  const { id, query } = await latestTicket();
  const [own, ...steps] = await traceOf(id, isSettled);
  expect(own).toMatchObject({
    name: 'statement',
    traceId: id.replaceAll('-', ''),
    parentSpanId: undefined,
    error: null,
    attributes: {
      'tollgate.account': 'demo',
      'tollgate.team': 'marketing',
      'tollgate.tier': 'standard',
      'tollgate.class': 'query',
      'tollgate.decision': 'allowed',
      'tollgate.warehouse': 'STANDARD_WH',
      'snowflake.query_id': query,
    },
  });
  expect(steps.map(({ name }) => name)).toEqual(expect.arrayContaining([...STEPS]));
  expect(steps).toHaveLength(STEPS.length);
  for (const { name, traceId, fromMs, toMs } of steps) {
    expect(traceId).toBe(own.traceId);
    expect(toMs, name).toBeGreaterThanOrEqual(fromMs);
    expect(fromMs, name).toBeGreaterThanOrEqual(own.fromMs - 0.01);
    if (name !== 'settle') expect(toMs, name).toBeLessThanOrEqual(own.toMs + 0.01);
  }
  expect(steps.find(({ name }) => name === 'settle')?.attributes).toMatchObject({
    'tollgate.ending': 'succeeded',
    'tollgate.outcome': 'charged',
    'tollgate.used_credits': expect.stringMatching(/^0\.\d+$/) as string,
    'snowflake.query_id': query,
  });
  expect(heads.join('\n')).toContain(`traceparent: 00-${own.traceId}-${own.spanId}-01`);
  expect(sink.headers[0]).toMatchObject({ 'api-key': 'of the collector' });
});

test('a refused statement tells its code, a failed one its error, and neither is held for a settlement', async () => {
  const refused = await client.run('SELECT count(*) FROM region CROSS JOIN nation');
  expect(refused).toMatchObject({ kind: 'error', code: '712101' });
  const ticket = await latestTicket();
  const [own, ...steps] = await traceOf(ticket.id);
  expect(own.attributes).toMatchObject({
    'tollgate.decision': 'TG2101',
    'tollgate.team': 'marketing',
  });
  expect(own.error).toBeNull();
  expect(steps.map(({ name }) => name)).not.toContain('relay');
  const failed = await client.run('SELECT no_such_column FROM region');
  expect(failed.kind).toBe('error');
  const { id } = await latestTicket();
  const [other] = await traceOf(id, isSettled);
  expect(other.error).toMatch(/^\d{6}$/);
});

test('the trace of a client is gone on with, and its word on whether it is recorded is kept', async () => {
  heads.length = 0;
  const raw = new RawClient(Number(new URL(system.proxyUrl).port));
  await raw.login();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const run = (flags: string): ReturnType<RawClient['send']> =>
    raw.send(
      'POST',
      `/queries/v1/query-request?requestId=${crypto.randomUUID()}`,
      { sqlText: 'SELECT count(*) FROM ANALYTICS.TPCH.NATION' },
      { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-${flags}` } },
    );
  expect((await run('01')).body.success).toBe(true);
  const { id } = await latestTicket();
  const [own] = await traceOf(id, isSettled);
  expect(own).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331' });
  expect(own.spanId).toBe(id.replaceAll('-', '').slice(16));
  expect(heads.join('\n')).toContain(`traceparent: 00-${traceId}-${own.spanId}-01`);
  expect((await run('00')).body.success).toBe(true);
  const unrecorded = await latestTicket();
  expect(unrecorded.id).not.toBe(id);
  expect(heads.at(-1)).toMatch(new RegExp(`traceparent: 00-${traceId}-[0-9a-f]{16}-00`));
  await client.rows('SELECT count(*) FROM supplier');
  await traceOf((await latestTicket()).id, isSettled);
  expect(sink.bodies.join('')).not.toContain(unrecorded.id);
});

test('no text and no name of a person leaves, and nothing is remembered of what is over', async () => {
  expect(sink.spans.length).toBeGreaterThan(30);
  const all = sink.bodies.join('').toLowerCase();
  for (const word of ['hidden', 'secret_name', '_analyst', 'region'])
    expect(all).not.toContain(word);
  await eventually(async () => {
    const { body } = await metrics.render();
    expect(body).toContain(`tollgate_trace_spans_total{outcome="sent"} ${sink.spans.length}`);
    expect(body).toContain('tollgate_limit_used{resource="trace-spans",unit="spans"} 0');
  });
});
