/**
 * What a traced process says of its work, whoever listens. `base/open-telemetry.ts` is what listens; it is loaded only
 * where an address of a collector is set.
 */
import type { Metrics, Occupancy } from './metrics.js';
import type { Stoppable } from './lifecycle.js';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work that is being traced. Times are milliseconds since the epoch, with fractions. */
export interface TraceSpan {
  /** For whoever works on behalf of this: W3C Trace Context, version 00. */
  readonly traceparent: string;
  /** False: its calls do nothing. */
  readonly isRecorded: boolean;
  /** Work within it that has ended; also after its own end. */
  child(name: string, fromMs: number, toMs: number, attributes?: SpanAttributes): void;
  /** Later values replace earlier ones; after the end nothing changes. */
  set(attributes: SpanAttributes): void;
  /** It ended in an error of this code. */
  failed(code: string): void;
  /** Later calls do nothing. */
  end(atMs: number): void;
}

export interface SpanIds {
  /** 32 hex digits, of the trace where the caller names none. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

export interface SpanStart extends SpanIds {
  readonly name: string;
  /** As the caller sent it; one that is malformed, or none, begins a trace. */
  readonly traceparent: string | undefined;
  readonly startedAtMs: number;
  readonly attributes: SpanAttributes;
}

/** What became of a span: the collector took it, the queue was full, or the collector did not take it. */
export type SpanOutcome = 'sent' | 'dropped' | 'failed';
export type NoteSpans = (outcome: SpanOutcome, count: number) => void;

/** Opens spans and sends what has ended, in batches, beside the work. Never throws, never waits. */
export interface Tracer extends Stoppable {
  open(start: SpanStart): TraceSpan;
  /** Work within a span that another process has opened; recorded where the share has its trace, as no caller is here. */
  within(of: SpanIds): Pick<TraceSpan, 'child'>;
  /** Spans that wait for the collector or are on their way. */
  readonly occupancy: Occupancy;
}

/** Shows the queue of spans; what is returned counts those that leave it. */
export function exposeTracer(metrics: Metrics, occupancy: () => Occupancy): NoteSpans {
  metrics.limited({
    resource: 'trace-spans',
    unit: 'spans',
    whenFull: 'new spans are dropped and counted',
    read: occupancy,
  });
  const spans = metrics.counter(
    'tollgate_trace_spans_total',
    'Spans by what became of them: sent, dropped before a full queue, failed at the collector',
    ['outcome'],
  );
  return (outcome, count) => spans.inc({ outcome }, count);
}
