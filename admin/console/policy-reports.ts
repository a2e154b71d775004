/**
 * `POST /console/policy-reports`: what browsers tell of a broken content policy, in the form of the Reporting API and
 * in the older one. Anybody may send it, so that little is read and nothing is believed: it is counted by directive,
 * and logged without addresses, hosts and pages. OWASP ASVS 5.0, 3.4.7.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Log } from '#base/log.js';
import type { CounterMetric, Metrics } from '#base/metrics.js';
import { createAttempts } from '../attempts.js';
import { crossSite, isFromElsewhere } from '../auth.js';
import { readJsonBody } from '../json-body.js';
import { badField, sendProblem } from '../problems.js';

const PATH = '/console/policy-reports';
const GROUP = 'console';

/**
 * The directives by which a page's policy asks for reports, and the header beside it.
 * @param isSecure people come by https. Chromium takes `Reporting-Endpoints` from nothing else, and tells nobody where
 *   `report-to` names what it has not taken.
 */
export function reportingOf(isSecure: boolean): {
  readonly directives: string;
  readonly endpoints: string | null;
} {
  return isSecure
    ? {
        directives: `report-uri ${PATH}; report-to ${GROUP}`,
        endpoints: `${GROUP}="${PATH}"`,
      }
    : { directives: `report-uri ${PATH}`, endpoints: null };
}

const BODY_BYTES_MAX = 16 * 1024;
/** Of one request. */
const REPORTS_READ_MAX = 20;

const DIRECTIVES = [
  'default-src',
  'script-src',
  'script-src-elem',
  'script-src-attr',
  'style-src',
  'style-src-elem',
  'style-src-attr',
  'img-src',
  'font-src',
  'connect-src',
  'frame-src',
  'frame-ancestors',
  'form-action',
  'base-uri',
  'object-src',
  'media-src',
  'worker-src',
  'manifest-src',
] as const;

const text = z.string().max(10_000).optional().catch(undefined);
const number = z.int().min(0).optional().catch(undefined);
const modern = z.object({
  body: z.object({
    effectiveDirective: text,
    blockedURL: text,
    sourceFile: text,
    lineNumber: number,
  }),
});
const older = z.object({
  'csp-report': z.object({
    'effective-directive': text,
    'violated-directive': text,
    'blocked-uri': text,
    'source-file': text,
    'line-number': number,
  }),
});

/** What of a report counts. */
interface Broken {
  readonly directive: (typeof DIRECTIVES)[number] | 'other';
  readonly blocked: 'inline' | 'eval' | 'data' | 'extension' | 'address' | 'unknown';
  /** A file of the console; null: something else, of which nothing is told. */
  readonly file: string | null;
  readonly line: number | null;
}

export interface PolicyReportMetrics {
  readonly reports: CounterMetric;
  readonly unread: CounterMetric;
}

/** Counts what browsers tell. */
export function exposePolicyReports(metrics: Metrics): PolicyReportMetrics {
  return {
    reports: metrics.counter(
      'tollgate_console_policy_reports_total',
      'What browsers reported of a broken content policy of the console, by directive',
      ['directive'],
    ),
    unread: metrics.counter(
      'tollgate_console_policy_reports_unread_total',
      'Requests with such reports beyond those that are read in a minute',
    ),
  };
}

export interface PolicyReportOptions {
  readonly metrics: PolicyReportMetrics;
  readonly log: Log;
  /** Names of the console's files. */
  readonly files: Pick<ReadonlySet<string>, 'has'>;
  /** Milliseconds that never run backwards. */
  readonly realNow: () => number;
}

/** Adds the route: 204, 413 and 415 for what is no report, 429 beyond sixty requests a minute of all browsers together. */
export async function addPolicyReports(
  app: FastifyInstance,
  { metrics, log, files, realNow }: PolicyReportOptions,
): Promise<void> {
  const requests = createAttempts(realNow);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      ['application/reports+json', 'application/csp-report'],
      { parseAs: 'string', bodyLimit: BODY_BYTES_MAX },
      (_request, body, done) => {
        const read = readJsonBody(String(body));
        if (read.ok) done(null, read.value);
        else done(badField(read.field, read.rule, read.wayOut));
      },
    );
    scope.addHook('onRequest', async (request, reply): Promise<FastifyReply | undefined> => {
      if (isFromElsewhere(request)) return crossSite(reply);
      const waitSeconds = requests.failed('of all browsers');
      if (waitSeconds === null) return undefined;
      metrics.unread.inc();
      return sendProblem(reply.header('retry-after', String(waitSeconds)), {
        status: 429,
        title: 'Too many reports',
        detail: `More reports of browsers have come than are read. They are read again in ${waitSeconds} s.`,
      });
    });
    scope.post(PATH, { schema: { hide: true } }, (request, reply) => {
      for (const broken of readReports(request.body, files)) {
        metrics.reports.inc({ directive: broken.directive });
        log.warn({ ...broken }, 'a browser reported that the content policy was broken');
      }
      return reply.code(204).send();
    });
    await Promise.resolve();
  });
}

interface Told {
  readonly directive: string | undefined;
  readonly blocked: string | undefined;
  readonly source: string | undefined;
  readonly line: number | undefined;
}

/** The reports of a body in either form; what has another form says nothing. */
export function readReports(body: unknown, files: PolicyReportOptions['files']): readonly Broken[] {
  const each: readonly unknown[] = Array.isArray(body) ? body : [body];
  return each
    .slice(0, REPORTS_READ_MAX)
    .map((report) => toldIn(report))
    .filter((told) => told !== undefined)
    .map((told) => brokenOf(told, files));
}

function toldIn(report: unknown): Told | undefined {
  const { body } = modern.safeParse(report).data ?? {};
  if (body !== undefined)
    return {
      directive: body.effectiveDirective,
      blocked: body.blockedURL,
      source: body.sourceFile,
      line: body.lineNumber,
    };
  const before = older.safeParse(report).data?.['csp-report'];
  return (
    before && {
      directive: before['effective-directive'] ?? before['violated-directive'],
      blocked: before['blocked-uri'],
      source: before['source-file'],
      line: before['line-number'],
    }
  );
}

function brokenOf(told: Told, files: PolicyReportOptions['files']): Broken {
  // Older browsers tell the whole directive, with what it allows.
  const name = told.directive?.split(' ', 1)[0];
  const directive = DIRECTIVES.find((each) => each === name) ?? 'other';
  const file = told.source?.split(/[?#]/, 1)[0]?.split('/').at(-1) ?? '';
  const isOurs = files.has(file);
  return {
    directive,
    blocked: kindOf(told.blocked ?? ''),
    file: isOurs ? file : null,
    line: isOurs ? (told.line ?? null) : null,
  };
}

/** What was blocked, without its address. */
function kindOf(blocked: string): Broken['blocked'] {
  if (/^(?:inline|self)$/.test(blocked)) return 'inline';
  if (/^(?:eval|wasm-eval|trusted-types)/.test(blocked)) return 'eval';
  if (/^(?:data|blob)(?:$|:)/.test(blocked)) return 'data';
  if (/^[a-z-]+-extension(?:$|:)/.test(blocked)) return 'extension';
  return /^(?:https?|wss?):/.test(blocked) ? 'address' : 'unknown';
}
