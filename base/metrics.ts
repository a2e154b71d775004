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

/** One value of a gauge that is read, with its labels. */
export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** How much there is of what has a limit. */
export interface Occupancy {
  readonly used: number;
  readonly max: number;
}

/** Something of which a process takes only so much: a queue, a cache, a pool, a file. */
export interface LimitedResource {
  /** Which one, in kebab case; one of a fixed list, so that it may be a label. */
  readonly resource: string;
  /** What is counted: `statements`, `bytes`, … */
  readonly unit: string;
  /** For people: what becomes of one too many. */
  readonly whenFull: string;
  readonly read: () => Occupancy;
}

/** What an instrument is, for the table of docs/metrics.md. */
export interface MetricDescription {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** Creates instruments and renders them for Prometheus. One per process. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): CounterMetric;
  gauge(name: string, help: string, labels?: readonly string[]): GaugeMetric;
  /** `read` is asked at every scrape. */
  gaugeFrom(name: string, help: string, read: () => number): void;
  /** As `gaugeFrom`, for several values at once; what is not read any more is not shown any more. */
  gaugesFrom(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly LabelledValue[],
  ): void;
  /** Shows a limit and its use, as `tollgate_limit_max` and `tollgate_limit_used`. */
  limited(resource: LimitedResource): void;
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ): HistogramMetric;
  /** Every instrument of ours, by name. */
  describe(): readonly MetricDescription[];
  /** Everything that was given to `limited`, by name. */
  limits(): readonly LimitedResource[];
  /** Text exposition and its content type. */
  render(): Promise<{ readonly body: string; readonly contentType: string }>;
}

const LIMIT_LABELS = ['resource', 'unit'] as const;

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const described: MetricDescription[] = [];
  const resources: LimitedResource[] = [];
  const gaugesFrom: Metrics['gaugesFrom'] = (name, help, labels, read) => {
    described.push({ name, kind: 'gauge', help, labels });
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels: values, value } of read()) this.set({ ...values }, value);
      },
    });
  };
  const showLimits = (name: string, help: string, of: (each: Occupancy) => number): void =>
    gaugesFrom(name, help, LIMIT_LABELS, () =>
      resources.map((each) => ({
        labels: { resource: each.resource, unit: each.unit },
        value: of(each.read()),
      })),
    );
  return {
    ...createInstruments(registry, described),
    gaugesFrom,
    limited(resource) {
      if (resources.length === 0) {
        showLimits(
          'tollgate_limit_max',
          'The most that there may be of a resource',
          ({ max }) => max,
        );
        showLimits('tollgate_limit_used', 'What there is of a resource', ({ used }) => used);
      }
      resources.push(resource);
    },
    describe: () => described.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    limits: () => resources.toSorted((one, other) => (one.resource < other.resource ? -1 : 1)),
    render: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
  };
}

function createInstruments(
  registry: Registry,
  described: MetricDescription[],
): Pick<Metrics, 'counter' | 'gauge' | 'gaugeFrom' | 'histogram'> {
  return {
    counter(name, help, labels = []) {
      described.push({ name, kind: 'counter', help, labels });
      const metric = new Counter({ name, help, labelNames: [...labels], registers: [registry] });
      return { inc: (values = {}, by = 1) => metric.inc({ ...values }, by) };
    },
    gauge(name, help, labels = []) {
      described.push({ name, kind: 'gauge', help, labels });
      const metric = new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
      return { set: (value, values = {}) => metric.set({ ...values }, value) };
    },
    gaugeFrom(name, help, read) {
      described.push({ name, kind: 'gauge', help, labels: [] });
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
      described.push({ name, kind: 'histogram', help, labels });
      const metric = new Histogram({
        name,
        help,
        buckets: [...buckets],
        labelNames: [...labels],
        registers: [registry],
      });
      return { observe: (value, values = {}) => metric.observe({ ...values }, value) };
    },
  };
}
