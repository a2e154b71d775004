/** A collector of traces on loopback: OTLP over HTTP, as JSON. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  /** null: no error. */
  readonly error: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface TraceSink {
  readonly url: string;
  readonly spans: CollectedSpan[];
  /** Everything that was received, as text. */
  readonly bodies: string[];
  readonly headers: IncomingHttpHeaders[];
  /** Of its answers; what it does not take it still keeps. */
  status: number;
  close(): Promise<void>;
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const ERROR = 2;

export async function startTraceSink(): Promise<TraceSink> {
  const spans: CollectedSpan[] = [];
  const bodies: string[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      bodies.push(text);
      headers.push(request.headers);
      const { resourceSpans } = JSON.parse(text) as OtlpTraces;
      for (const { scopeSpans } of resourceSpans)
        for (const scope of scopeSpans) spans.push(...scope.spans.map(collected));
      response.writeHead(sink.status, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sink: TraceSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    bodies,
    headers,
    status: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return sink;
}

function collected(span: OtlpSpan): CollectedSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    fromMs: Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000,
    toMs: Number(BigInt(span.endTimeUnixNano) / 1000n) / 1000,
    error: span.status.code === ERROR ? (span.status.message ?? '') : null,
    attributes: Object.fromEntries(
      span.attributes.map(({ key, value }) => [key, Object.values(value)[0] as unknown]),
    ),
  };
}
