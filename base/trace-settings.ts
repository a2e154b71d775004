/** Options of traces; a part of the table in settings.ts. */
import { asIs, latencyScale, pattern, wholeNumber, type Parsed } from './setting-parsers.js';
import type { Setting } from './setting.js';

/** What a span tells of a statement beyond who pays and what became of it. */
export const TRACE_DETAILS = ['principal', 'sql'] as const;
export type TraceDetail = (typeof TRACE_DETAILS)[number];

export interface TraceConfig {
  /** Null: nothing is traced, and nothing is loaded for it. */
  readonly tracesUrl: string | null;
  /** Of the statements whose caller does not decide it; 1: all. */
  readonly tracesShare: number;
  readonly tracesQueueMax: number;
  readonly tracesDetails: readonly TraceDetail[];
}

export interface TraceSecrets {
  readonly tracesHeaders: Readonly<Record<string, string>> | null;
}

type Options = TraceConfig & TraceSecrets;

export const TRACE_SETTINGS: { readonly [K in keyof Options]: Setting<Options[K]> } = {
  tracesUrl: {
    environment: 'TOLLGATE_TRACES_URL',
    yaml: 'traces.url',
    parse: collectorUrl,
    fallback: null,
    fallbackText: 'nothing is traced',
    secret: false,
    help: 'Address of an OpenTelemetry collector that takes spans by OTLP over HTTP, with its path.',
    wayOut: 'write for example http://collector:4318/v1/traces, or unset it',
  },
  tracesHeaders: {
    environment: 'TOLLGATE_TRACES_HEADERS',
    yaml: null,
    parse: headers,
    fallback: null,
    fallbackText: 'none',
    secret: true,
    help: 'Headers for the collector, such as a key: name=value, separated by commas.',
    wayOut: 'write for example api-key=…',
  },
  tracesShare: {
    environment: 'TOLLGATE_TRACES_SHARE',
    yaml: 'traces.share',
    parse: latencyScale,
    fallback: 1,
    fallbackText: '1',
    secret: false,
    help: 'Share of statements that are traced, where the client does not say whether its own is.',
    wayOut: 'write for example 0.05, or 1 for all',
  },
  tracesQueueMax: {
    environment: 'TOLLGATE_TRACES_QUEUE_MAX',
    yaml: 'traces.queueMax',
    parse: wholeNumber(100, 1_000_000),
    fallback: 8192,
    fallbackText: '8192',
    secret: false,
    help: 'Spans that wait for the collector; more are dropped and counted.',
    wayOut: 'write for example 8192',
  },
  tracesDetails: {
    environment: 'TOLLGATE_TRACES_DETAILS',
    yaml: 'traces.details',
    parse: details,
    fallback: [],
    fallbackText: 'none',
    secret: false,
    help: 'What spans tell beside team, tier and outcome: principal, sql (the text with its literals), or both.',
    wayOut: 'write none, principal, sql, or principal,sql',
  },
};

/** An http(s) address without credentials, query or fragment. */
function collectorUrl(text: string): Parsed<string> {
  const rule = 'an http(s) address without password, query or fragment';
  if (!URL.canParse(text)) return { rule };
  const url = new URL(text);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  const isBare = url.username === '' && url.search === '' && url.hash === '';
  return isHttp && isBare ? { value: url.href } : { rule };
}

const HEADER = pattern(/^[A-Za-z0-9-]{1,100}=[\x21-\x2b\x2d-\x7e][\x20-\x2b\x2d-\x7e]*$/, '', asIs);

function headers(text: string): Parsed<Readonly<Record<string, string>>> {
  const pairs = text.split(',').map((pair) => pair.trim());
  if (pairs.length > 20 || !pairs.every((pair) => 'value' in HEADER(pair)))
    return { rule: 'a list of at most 20 headers, name=value, without commas in a value' };
  const at = (pair: string): number => pair.indexOf('=');
  return {
    value: Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, at(pair)).toLowerCase(), pair.slice(at(pair) + 1)]),
    ),
  };
}

function details(text: string): Parsed<readonly TraceDetail[]> {
  if (text === 'none') return { value: [] };
  const names = text.split(',').map((name) => name.trim());
  const known = TRACE_DETAILS.filter((detail) => names.includes(detail));
  return known.length === names.length
    ? { value: known }
    : { rule: `none, or a list, each once, of ${TRACE_DETAILS.join(', ')}` };
}
