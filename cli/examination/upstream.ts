/** Checks of one upstream from outside: its name, its certificate, that Snowflake's protocol answers, its clock. */
import { connect as connectTls } from 'node:tls';
import { toError } from '../../base/errors.js';
import { assertReachableName } from '../../base/snowflake/addresses.js';
import { reason } from '../admin-client.js';
import { checkClock } from './clock.js';
import { finderOf, type Finding } from './finding.js';

const ANSWER_TIMEOUT_MS = 5000;
const ANSWER_CHARACTERS_MAX = 1024 * 1024;
const DAY_MS = 86_400_000;
const CERTIFICATE_NOTE_DAYS = 14;
const { ok, note, failed } = finderOf('Upstream');

/** `suffix` names the account where there are several. */
export interface UpstreamPlace {
  readonly origin: string;
  readonly suffix: string;
  readonly mayBeLocal: boolean;
}

/** Every check of one upstream; later ones only where the earlier ones got through. */
export async function checkUpstream(
  place: UpstreamPlace,
  now: () => number,
): Promise<readonly Finding[]> {
  const check = `upstream${place.suffix}`;
  if (!place.mayBeLocal) {
    try {
      await assertReachableName(place.origin);
    } catch (thrown) {
      const fix = 'Check TOLLGATE_UPSTREAM or TOLLGATE_ACCOUNTS, and name resolution.';
      return [failed(check, `${place.origin}: ${wordsOf(thrown)}`, fix)];
    }
  }
  const certificate = await checkTls(place, now());
  const answer = await askLogin(place.origin, now);
  if ('why' in answer) {
    const fix = 'Check the origin, name resolution and the way through firewalls.';
    const says = `${place.origin} does not answer (${answer.why})`;
    return [failed(check, says, fix), ...certificate];
  }
  return [
    judgeAnswer(place, answer),
    ...certificate,
    ...(answer.skewMs === null
      ? []
      : [
          checkClock('Upstream', `clock${place.suffix}`, 'the upstream', {
            skewMs: answer.skewMs,
            // The Date header tells whole seconds.
            exactToMs: answer.tookMs + 1000,
          }),
        ]),
  ];
}

function wordsOf(thrown: unknown): string {
  const error = toError(thrown) as NodeJS.ErrnoException;
  return error.code === 'ELOCALADDRESS'
    ? error.message
    : `its name does not resolve (${reason(error)})`;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
  readonly tookMs: number;
  /** Ours minus its Date header; null when it has none. */
  readonly skewMs: number | null;
}

/** A login without a user: Snowflake refuses it in JSON with a code, and counts it against nobody. */
async function askLogin(
  origin: string,
  now: () => number,
): Promise<UpstreamAnswer | { readonly why: string }> {
  const sentAt = now();
  try {
    const answer = await fetch(`${origin}/session/v1/login-request`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: '{"data":{}}',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const tookMs = now() - sentAt;
    const date = Date.parse(answer.headers.get('date') ?? '');
    return {
      status: answer.status,
      location: answer.headers.get('location'),
      body: (await answer.text()).slice(0, ANSWER_CHARACTERS_MAX),
      tookMs,
      // The header is cut to its second: on average half of one later.
      skewMs: Number.isNaN(date) ? null : sentAt + tookMs / 2 - (date + 500),
    };
  } catch (thrown) {
    return { why: reason(thrown) };
  }
}

/** Whether that is how Snowflake answers. */
export function judgeAnswer(place: UpstreamPlace, answer: UpstreamAnswer): Finding {
  const check = `upstream${place.suffix}`;
  const fix =
    'Write the account’s own origin, https://<organisation>-<account>.snowflakecomputing.com.';
  if (answer.status >= 300 && answer.status < 400) {
    const where = (answer.location ?? 'nowhere').slice(0, 100);
    return failed(check, `${place.origin} redirects to ${where}; that is never followed`, fix);
  }
  let code: unknown;
  try {
    const parsed = JSON.parse(answer.body) as {
      readonly success?: unknown;
      readonly code?: unknown;
    };
    code = parsed.success === false ? parsed.code : undefined;
  } catch {
    // No JSON: not Snowflake.
  }
  if (typeof code !== 'string' && typeof code !== 'number')
    return failed(
      check,
      `${place.origin} answers (HTTP ${answer.status}), but not as Snowflake does`,
      fix,
    );
  return ok(check, `${place.origin} speaks Snowflake's protocol (${Math.round(answer.tookMs)} ms)`);
}

export interface CertificateFacts {
  readonly isTrusted: boolean;
  /** Why not, in the words of TLS. */
  readonly why: string | null;
  readonly subject: string;
  /** Real time in milliseconds. */
  readonly validTo: number;
}

async function checkTls(place: UpstreamPlace, nowMs: number): Promise<readonly Finding[]> {
  const check = `certificate${place.suffix}`;
  const url = new URL(place.origin);
  if (url.protocol !== 'https:') return [judgePlain(check, url)];
  try {
    return [judgeCertificate(check, url.hostname, await readCertificate(url), nowMs)];
  } catch (thrown) {
    const says = `no TLS at ${url.host} (${reason(thrown)})`;
    return [failed(check, says, 'Check what terminates TLS there.')];
  }
}

function judgePlain(check: string, url: URL): Finding {
  const isHere = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (isHere) return ok(check, 'none needed: plain HTTP on this machine');
  const says = `${url.origin} is plain HTTP: passwords and rows cross the network readable`;
  return note(check, says, 'Use https:// with anything but a trial.');
}

function readCertificate(url: URL): Promise<CertificateFacts> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: url.hostname,
      port: url.port === '' ? 443 : Number(url.port),
      servername: url.hostname,
      // Nothing is sent: the connection only shows the certificate, and its faults are what we report.
      rejectUnauthorized: false,
      timeout: ANSWER_TIMEOUT_MS,
    });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      socket.destroy();
      resolve({
        isTrusted: socket.authorized,
        why: socket.authorized ? null : String(socket.authorizationError),
        subject: String(certificate.subject?.CN ?? certificate.subjectaltname ?? 'no name'),
        validTo: Date.parse(certificate.valid_to),
      });
    });
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
  });
}

/** Trusted for that name, and for how long. */
export function judgeCertificate(
  check: string,
  host: string,
  facts: CertificateFacts,
  nowMs: number,
): Finding {
  const days = Math.floor((facts.validTo - nowMs) / DAY_MS);
  if (days < 0) {
    const says = `of ${facts.subject} ended ${-days} days ago`;
    return failed(check, says, 'Renew it, or check the clock of this machine.');
  }
  if (!facts.isTrusted) {
    const says = `of ${facts.subject} is not trusted for ${host} (${facts.why ?? 'no reason given'})`;
    const fix = 'Check the name; trust a private authority by NODE_EXTRA_CA_CERTS.';
    return failed(check, says, fix);
  }
  const says = `of ${facts.subject}, trusted, ${days} days left`;
  return days < CERTIFICATE_NOTE_DAYS
    ? note(check, says, 'See that it is renewed.')
    : ok(check, says);
}
