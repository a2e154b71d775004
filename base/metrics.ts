/**
 * The only module that knows the metrics client (`prom-client`; its successor has another name and needs a newer
 * Node). Labels must be bounded: never a statement, principal or query id.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export interface CounterMetric {
  inc(labels?: Readonly<Record<string, string>>, by?: number): void;
}
export interface GaugeMetric {
  set(value: number, labels?: Readonly<Record<string, string>>): void;
}
export interface HistogramMetric {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** Creates instruments and renders them for Prometheus. One per process. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): CounterMetric;
  gauge(name: string, help: string, labels?: readonly string[]): GaugeMetric;
  /** `read` is asked at every scrape. */
  gaugeFrom(name: string, help: string, read: () => number): void;
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ): HistogramMetric;
  /** Text exposition and its content type. */
  render(): Promise<{ readonly body: string; readonly contentType: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    counter(name, help, labels = []) {
      const metric = new Counter({ name, help, labelNames: [...labels], registers: [registry] });
      return { inc: (values = {}, by = 1) => metric.inc({ ...values }, by) };
    },
    gauge(name, help, labels = []) {
      const metric = new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
      return { set: (value, values = {}) => metric.set({ ...values }, value) };
    },
    gaugeFrom(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    histogram(name, help, buckets, labels = []) {
      const metric = new Histogram({
        name,
        help,
        buckets: [...buckets],
        labelNames: [...labels],
        registers: [registry],
      });
      return { observe: (value, values = {}) => metric.observe({ ...values }, value) };
    },
    render: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
  };
}
