import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createMetrics } from '../../base/metrics.js';
import { startTracer } from '../../base/open-telemetry.js';
import { exposeTracer, type SpanOutcome, type Tracer } from '../../base/traces.js';
import { startTraceSink, type TraceSink } from '../support/trace-sink.js';

const started: Tracer[] = [];
const sinks: TraceSink[] = [];

afterEach(async () => {
  for (const tracer of started.splice(0)) await tracer.stop(AbortSignal.abort());
  for (const sink of sinks.splice(0)) await sink.close();
});

interface Given {
  readonly url?: string;
  readonly share?: number;
  readonly queueMax?: number;
}

async function tracerOf({ url, share = 1, queueMax = 10_000 }: Given): Promise<{
  readonly tracer: Tracer;
  readonly sink: TraceSink;
  readonly counts: Record<SpanOutcome, number>;
}> {
  const sink = await startTraceSink();
  sinks.push(sink);
  const counts = { sent: 0, dropped: 0, failed: 0 };
  const tracer = startTracer({
    url: url ?? sink.url,
    headers: {},
    share,
    queueMax,
    instance: 'test',
    delayMs: 60_000,
    note: (outcome, count) => {
      counts[outcome] += count;
    },
  });
  started.push(tracer);
  return { tracer, sink, counts };
}

function hex(index: number, digits: number): string {
  // Spread over the whole range, as ids are.
  return ((BigInt(index + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 16n ** BigInt(digits))
    .toString(16)
    .padStart(digits, '0');
}

function start(index: number, traceparent?: string): Parameters<Tracer['open']>[0] {
  return {
    name: 'work',
    traceId: hex(index, 32),
    spanId: hex(index, 16),
    traceparent,
    startedAtMs: 1_700_000_000_000.25,
    attributes: { 'a.b': 'c' },
  };
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('a tracer', () => {
  test('sends what has ended when it is stopped, with the ids and times it was given', async () => {
    const { tracer, sink, counts } = await tracerOf({});
    const span = tracer.open(start(1));
    expect(span.isRecorded).toBe(true);
    expect(span.traceparent).toBe(`00-${hex(1, 32)}-${hex(1, 16)}-01`);
    span.child('part', 1_700_000_000_001, 1_700_000_000_002.5, { of: 'it' });
    span.failed('000904');
    span.end(1_700_000_000_003);
    span.child('late', 1_700_000_000_004, 1_700_000_000_005);
    tracer.open(start(2));
    expect(tracer.occupancy).toEqual({ used: 3, max: 10_000 });
    await tracer.stop(AbortSignal.timeout(5_000));
    const named = Object.fromEntries(sink.spans.map((each) => [each.name, each]));
    expect(Object.keys(named).sort()).toEqual(['late', 'part', 'work']);
    expect(named['work']).toMatchObject({
      traceId: hex(1, 32),
      spanId: hex(1, 16),
      parentSpanId: undefined,
      fromMs: 1_700_000_000_000.25,
      toMs: 1_700_000_000_003,
      error: '000904',
      attributes: { 'a.b': 'c' },
    });
    expect(named['part']).toMatchObject({
      parentSpanId: hex(1, 16),
      toMs: 1_700_000_000_002.5,
      attributes: { of: 'it' },
    });
    expect(named['late']).toMatchObject({ parentSpanId: hex(1, 16), error: null });
    expect(counts).toEqual({ sent: 3, dropped: 0, failed: 0 });
  });

  test('goes on the trace of a caller, and begins one where a caller sends nonsense', async () => {
    const { tracer } = await tracerOf({ share: 0 });
    const caller = '0af7651916cd43dd8448eb211c80319c';
    const sampled = tracer.open(start(1, `00-${caller}-b7ad6b7169203331-01`));
    expect(sampled.traceparent).toBe(`00-${caller}-${hex(1, 16)}-01`);
    for (const nonsense of [
      '',
      '00-',
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      'x'.repeat(5_000),
    ])
      expect(tracer.open(start(2, nonsense)).traceparent).toBe(`00-${hex(2, 32)}-${hex(2, 16)}-00`);
  });

  test('records its share of what nobody has decided about', async () => {
    const { tracer } = await tracerOf({ share: 0.25 });
    const recorded = Array.from({ length: 4_000 }, (_, index) => tracer.open(start(index)));
    const count = recorded.filter(({ isRecorded }) => isRecorded).length;
    expect(count).toBeGreaterThan(850);
    expect(count).toBeLessThan(1_150);
  });

  test('records work within a span of another process for the traces that one recorded, and for no others', async () => {
    const { tracer, sink } = await tracerOf({ share: 0.25 });
    const recorded = new Set<string>();
    for (let index = 0; index < 400; index += 1) {
      const ids = { traceId: hex(index, 32), spanId: hex(index, 16) };
      if (tracer.open(start(index)).isRecorded) recorded.add(ids.traceId);
      tracer.within(ids).child('late', 1_700_000_000_004, 1_700_000_000_005, { of: 'it' });
    }
    await tracer.stop(AbortSignal.timeout(5_000));
    expect(recorded.size).toBeGreaterThan(60);
    expect(new Set(sink.spans.map(({ traceId }) => traceId))).toEqual(recorded);
    expect(sink.spans.length).toBe(recorded.size);
    for (const { name, traceId, parentSpanId, attributes } of sink.spans)
      expect([
        name,
        parentSpanId?.length,
        traceId.endsWith(parentSpanId ?? '?'),
        attributes,
      ]).toEqual(['late', 16, true, { of: 'it' }]);
  });

  test('whose collector is away neither waits nor grows: what is too much is dropped and counted', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/v1/traces`;
    const { tracer, counts } = await tracerOf({ url, queueMax: 1_000 });
    for (let index = 0; index < 5_000; index += 1) {
      tracer.open(start(index)).end(1_700_000_000_001);
      expect(tracer.occupancy.used).toBeLessThanOrEqual(1_000);
    }
    expect(counts).toEqual({ sent: 0, dropped: 4_000, failed: 0 });
    const stopping = tracer.stop(AbortSignal.timeout(20));
    await expect(stopping).resolves.toBeUndefined();
  });

  test('whose collector refuses says so, and has room again', async () => {
    const sink = await startTraceSink();
    const url = sink.url.replace('/v1/traces', '/refused');
    const { tracer, counts } = await tracerOf({ url });
    sink.status = 400;
    tracer.open(start(1)).end(1_700_000_000_001);
    await tracer.stop(AbortSignal.timeout(5_000));
    expect(counts).toEqual({ sent: 0, dropped: 0, failed: 1 });
    expect(tracer.occupancy.used).toBe(0);
    await sink.close();
  });

  test('shows its queue and what left it', async () => {
    const metrics = createMetrics();
    const note = exposeTracer(metrics, () => ({ used: 3, max: 5 }));
    note('failed', 2);
    const { body } = await metrics.render();
    expect(body).toContain('tollgate_limit_used{resource="trace-spans",unit="spans"} 3');
    expect(body).toContain('tollgate_trace_spans_total{outcome="failed"} 2');
  });
});

test('one module knows the library, and it is loaded by nobody who was not asked to trace', () => {
  const root = new URL('../../', import.meta.url);
  const sources = ['base', 'policies', 'billing', 'proxy', 'admin', 'warehouse', 'cli']
    .flatMap((folder) =>
      readdirSync(new URL(`${folder}/`, root), { recursive: true }).map(
        (name) => `${folder}/${String(name)}`,
      ),
    )
    .filter((name) => name.endsWith('.ts'));
  expect(sources.length).toBeGreaterThan(300);
  const having = (what: RegExp): readonly string[] =>
    sources.filter((name) => what.test(readFileSync(new URL(name, root), 'utf8')));
  expect(having(/from '@opentelemetry\//)).toEqual(['base/open-telemetry.ts']);
  expect(having(/from '[^']*open-telemetry\.js'/)).toEqual([]);
  expect(having(/import\('[^']*open-telemetry\.js'\)/)).toEqual(['cli/tracing.ts']);
});
