/**
 * Requests of a session that carry no statement: polls, results, status, cancels, heartbeats, logout, telemetry.
 * They go to the session's upstream with its own token; replies are read where they can show a statement's end.
 */
import { Fault, tgLabel } from '#base/errors.js';
import type { Call } from './call.js';
import { authenticate } from './identity/identify.js';
import type { Authenticated } from './identity/identify.js';
import { snowflakeToken } from './identity/tokens.js';
import type { Parts } from './parts.js';
import { relay } from './relay.js';
import type { RelayOptions, RelayOutcome } from './relay.js';
import { stoppedReply } from './relay-statement.js';
import type { RunningStatement } from './running/running.js';
import { endOf, finishStatement, isRenewalAsked, isStillRunning } from './settlement/finish.js';
import { headersForUpstream } from './upstream/headers.js';
import { decodeBody, readBody } from './wire/body.js';
import { callerRefusal, sendJson, sendRefusal } from './wire/refusal.js';

type Session = Extract<Authenticated, { kind: 'session' }>;

/** Bodies of these requests are a few hundred bytes; telemetry batches reach some hundred kilobytes. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Heartbeat, status and telemetry: relayed as they are. */
export async function handlePlain(parts: Parts, call: Call): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session !== undefined) await forward(parts, call, session, call.target);
}

/** `POST /session?delete=true`: the session ends here too. */
export async function handleLogout(parts: Parts, call: Call): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  await forward(parts, call, session, call.target);
  if (call.query.get('delete') === 'true') await parts.sessions.close(session.identity);
}

/** `GET /queries/{id}/result`: a poll; its reply may be the end of the statement. */
export async function handleResult(parts: Parts, call: Call, queryId: string): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  const running = runningOf(parts, session, queryId);
  if (running !== undefined) running.upstreamToken = session.identity.upstreamToken;
  const target = call.target.replace(queryId, running?.queryId ?? queryId);
  const outcome = await forward(parts, call, session, target, {
    beforeSmall: (reply) =>
      Promise.resolve(running === undefined ? undefined : stoppedReply(parts, running, reply)),
  });
  if (running === undefined || outcome === undefined || outcome.kind === 'unreachable') return;
  if (isStillRunning(outcome.reply) || isRenewalAsked(outcome.reply)) return;
  const end = endOf(outcome.reply);
  if (end !== undefined) finishStatement(parts, running.ticketId, end);
}

/** `GET /monitoring/queries/{id}` and `POST /queries/{id}/abort-request`. */
export async function handleById(parts: Parts, call: Call, queryId: string): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  const running = runningOf(parts, session, queryId);
  await forward(parts, call, session, call.target.replace(queryId, running?.queryId ?? queryId));
}

/** `POST /queries/v1/abort-request`: also finds a statement that still waits here and was never forwarded. */
export async function handleAbort(parts: Parts, call: Call): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  const body = await readBody(call.request, BODY_BYTES_MAX, parts.limits.bodyTimeoutMs);
  if (body.kind !== 'body') {
    return sendRefusal(
      call.response,
      callerRefusal('requestMalformed', 'The cancel request did not arrive whole.'),
      null,
    );
  }
  const requestId = requestIdOf(body.bytes, call.request.headers['content-encoding']);
  const key = `${session.identity.account}/${session.identity.sessionId}`;
  const entry = requestId === undefined ? undefined : parts.requests.find(key, requestId);
  const isUpstream =
    requestId === undefined || parts.running.byRequestId(session.identity, requestId) !== undefined;
  // Waiting here: giving up its place answers it. Harmless if it was forwarded in this very moment.
  entry?.cancel();
  if (entry !== undefined && !isUpstream) {
    return sendJson(
      call.response,
      Buffer.from(
        JSON.stringify({ data: null, code: null, message: null, success: true, headers: null }),
      ),
    );
  }
  await send(parts, call, session, call.target, body.bytes, {});
}

/** Telemetry before login: taken and dropped, there is no session to relay it for. */
export function handleSessionlessTelemetry(_parts: Parts, call: Call): Promise<void> {
  call.request.resume();
  sendJson(
    call.response,
    Buffer.from('{"data":"Log Received","code":null,"message":null,"success":true}'),
  );
  return Promise.resolve();
}

async function sessionOf(parts: Parts, call: Call): Promise<Session | undefined> {
  const authenticated = await authenticate(parts, call.request.headers);
  if (authenticated.kind === 'session') return authenticated;
  call.request.resume();
  parts.events.refused(tgLabel(authenticated.refusal.code), '');
  sendRefusal(call.response, authenticated.refusal, null);
  return undefined;
}

/** The running statement an id of ours or of upstream's names, if it belongs to this session. */
function runningOf(parts: Parts, session: Session, queryId: string): RunningStatement | undefined {
  const running =
    parts.running.byQueryId(session.identity.account, queryId) ??
    parts.running.list().find((candidate) => candidate.ticketId === queryId);
  if (running === undefined) return undefined;
  const isOurs =
    running.upstream.account === session.identity.account &&
    running.sessionId === session.identity.sessionId;
  return isOurs ? running : undefined;
}

async function forward(
  parts: Parts,
  call: Call,
  session: Session,
  target: string,
  options: RelayOptions = {},
): Promise<RelayOutcome | undefined> {
  if (call.method === 'GET') return send(parts, call, session, target, null, options);
  const body = await readBody(call.request, BODY_BYTES_MAX, parts.limits.bodyTimeoutMs);
  if (body.kind === 'body') return send(parts, call, session, target, body.bytes, options);
  sendRefusal(
    call.response,
    callerRefusal(
      body.kind === 'tooLarge' ? 'requestTooLarge' : 'requestMalformed',
      `The body did not arrive whole, or is larger than ${BODY_BYTES_MAX} bytes.`,
    ),
    null,
  );
  return undefined;
}

async function send(
  parts: Parts,
  call: Call,
  session: Session,
  target: string,
  body: Buffer | null,
  options: RelayOptions,
): Promise<RelayOutcome> {
  const { identity, upstream } = session;
  const outcome = await relay(
    upstream.engine,
    {
      method: call.method,
      path: target,
      headers: {
        ...headersForUpstream(call.request.headers, upstream.host),
        authorization: snowflakeToken(identity.upstreamToken),
      },
      body,
    },
    call.response,
    options,
  );
  if (outcome.kind === 'unreachable') {
    parts.events.upstreamFailed('passthrough');
    throw new Fault('upstreamUnreachable', 'Snowflake could not be reached', {
      cause: outcome.cause,
    });
  }
  return outcome;
}

function requestIdOf(bytes: Buffer, encoding: string | undefined): string | undefined {
  const decoded = decodeBody(bytes, encoding, BODY_BYTES_MAX);
  if (decoded.kind !== 'decoded') return undefined;
  try {
    const { requestId } = JSON.parse(decoded.bytes.toString('utf8')) as { requestId?: unknown };
    return typeof requestId === 'string' ? requestId : undefined;
  } catch {
    return undefined;
  }
}
