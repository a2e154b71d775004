/** Traces of a proxy process: nothing of OpenTelemetry is loaded unless a collector is set. */
import type { Metrics } from '../base/metrics.js';
import type { TraceConfig, TraceSecrets } from '../base/trace-settings.js';
import { exposeTracer, type Tracer } from '../base/traces.js';
import type { TraceOptions } from '../proxy/traces.js';

/** Starts what sends spans, `instance` being whose they are; null where no collector is set. */
export async function tracesOf(
  settings: TraceConfig & TraceSecrets,
  metrics: Metrics,
  instance: string,
): Promise<TraceOptions | null> {
  const { tracesUrl: url, tracesShare: share, tracesQueueMax: queueMax } = settings;
  if (url === null) return null;
  const { startTracer } = await import('../base/open-telemetry.js');
  const note = exposeTracer(metrics, () => tracer.occupancy);
  const headers = settings.tracesHeaders ?? {};
  const tracer: Tracer = startTracer({ url, headers, share, queueMax, instance, note });
  return { tracer, details: settings.tracesDetails };
}
