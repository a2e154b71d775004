/**
 * The only module that knows OpenTelemetry. It is imported where `TOLLGATE_TRACES_URL` is set and nowhere else: loading
 * it takes a tenth of a second and some 15 MB.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Context, Span, SpanContext, Tracer as OtelTracer } from '@opentelemetry/api';
import { ExportResultCode, parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { NoteSpans, SpanIds, SpanStart, TraceSpan, Tracer } from './traces.js';

export interface TracerOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** From 0 to 1. */
  readonly share: number;
  readonly queueMax: number;
  /** Which process the spans are of. */
  readonly instance: string;
  readonly note: NoteSpans;
  /** How long a span waits for others to be sent with; 1 s unless given. */
  readonly delayMs?: number;
}

const DELAY_MS = 1_000;
const BATCH_MAX = 512;
/** For one batch, its repeats included. */
const EXPORT_TIMEOUT_MS = 10_000;
/** What a drain gives the collector to take the rest. */
const LAST_FLUSH_MS = 2_000;
const TEXT_MAX = 2_000;

/** Starts to send spans to `url`; whether somebody is there shows in the metrics only. */
export function startTracer(options: TracerOptions): Tracer {
  const queue = new CountedQueue(options);
  const ids = new GivenIds();
  const root = new TraceIdRatioBasedSampler(options.share);
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root }),
    resource: resourceFromAttributes({
      'service.name': 'tollgate',
      'service.instance.id': options.instance,
    }),
    spanLimits: { attributeValueLengthLimit: TEXT_MAX, attributeCountLimit: 64 },
    spanProcessors: [queue],
    idGenerator: ids,
  });
  const tracer = provider.getTracer('tollgate');
  return {
    open: (start) => open(tracer, ids, start),
    within: (of) => ({
      child(...child) {
        const { decision } = root.shouldSample(ROOT_CONTEXT, of.traceId);
        if (decision === SamplingDecision.RECORD_AND_SAMPLED)
          startChild(tracer, withinOf(of), child);
      },
    }),
    get occupancy() {
      return { used: queue.waiting, max: options.queueMax };
    },
    async stop(signal) {
      await atMost(LAST_FLUSH_MS, signal, provider.shutdown());
    },
  };
}

/** A span of another process begins or goes on a trace; its ids are those of the ticket, so that others find it. */
function open(tracer: OtelTracer, ids: GivenIds, start: SpanStart): TraceSpan {
  const parent = parentOf(start.traceparent);
  const options = {
    kind: SpanKind.SERVER,
    startTime: start.startedAtMs,
    attributes: { ...start.attributes },
  };
  const span = ids.give(start, () => tracer.startSpan(start.name, options, parent));
  return traceSpan(tracer, span, trace.setSpan(parent, span));
}

function traceSpan(tracer: OtelTracer, span: Span, within: Context): TraceSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`,
    isRecorded: span.isRecording(),
    child: (...child) => startChild(tracer, within, child),
    set: (attributes) => void span.setAttributes({ ...attributes }),
    failed: (code) => void span.setStatus({ code: SpanStatusCode.ERROR, message: code }),
    end: (atMs) => span.end(atMs),
  };
}

function startChild(
  tracer: OtelTracer,
  within: Context,
  [name, fromMs, toMs, attributes = {}]: Parameters<TraceSpan['child']>,
): void {
  const options = { startTime: fromMs, attributes: { ...attributes } };
  tracer.startSpan(name, options, within).end(toMs);
}

function withinOf({ traceId, spanId }: SpanIds): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

function parentOf(traceparent: string | undefined): Context {
  const parsed: SpanContext | null =
    traceparent === undefined ? null : parseTraceParent(traceparent);
  return parsed === null
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, { ...parsed, isRemote: true });
}

/** Ids of a statement's span are given; those of its steps are random. */
class GivenIds extends RandomIdGenerator {
  #given: SpanIds | undefined;

  constructor() {
    super();
    const random = { traceId: this.generateTraceId, spanId: this.generateSpanId };
    this.generateTraceId = () => this.#given?.traceId ?? random.traceId();
    this.generateSpanId = () => this.#given?.spanId ?? random.spanId();
  }

  /** Runs `start`, whose span takes these ids. */
  give(ids: SpanIds, start: () => Span): Span {
    this.#given = ids;
    try {
      return start();
    } finally {
      this.#given = undefined;
    }
  }
}

/** The library's batches, with their length and losses counted: it tells neither. */
class CountedQueue implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #max: number;
  readonly #note: NoteSpans;
  #waiting = 0;

  constructor({ url, headers, queueMax, note, delayMs = DELAY_MS }: TracerOptions) {
    this.#max = queueMax;
    this.#note = note;
    const exporter = new OTLPTraceExporter({
      url,
      headers: { ...headers },
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    this.#batches = new BatchSpanProcessor({
      exporter: this.#counted(exporter),
      maxQueueSize: queueMax,
      maxExportBatchSize: Math.min(BATCH_MAX, queueMax),
      scheduledDelayMillis: delayMs,
      // Above the exporter's own, so that its answer is what counts.
      exportTimeoutMillis: EXPORT_TIMEOUT_MS + 1_000,
    });
  }

  get waiting(): number {
    return this.#waiting;
  }

  onStart(): void {
    // Only what has ended is sent.
  }

  onEnd(span: ReadableSpan): void {
    if (this.#waiting >= this.#max) {
      this.#note('dropped', 1);
      return;
    }
    this.#waiting += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #counted(exporter: OTLPTraceExporter): SpanExporter {
    return {
      export: (spans, done) => {
        const count = spans.length;
        exporter.export(spans, (result) => {
          this.#waiting -= count;
          this.#note(result.code === ExportResultCode.SUCCESS ? 'sent' : 'failed', count);
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: () => exporter.forceFlush(),
    };
  }
}

/** Settles with the work, its failure, the time or the signal, whichever is first; a lost trace is no failure. */
function atMost(limitMs: number, signal: AbortSignal, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    signal.addEventListener('abort', () => resolve(), { once: true });
    work
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(timer);
        resolve();
      });
  });
}
