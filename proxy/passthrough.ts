/**
 * Requests of a session that name no statement: heartbeats, logout, telemetry. They go to the session's upstream with
 * its own token. What names one is in by-id.ts.
 */
import { Fault, tgLabel } from '#base/errors.js';
import type { Call } from './call.js';
import { driverFront } from './driver-front.js';
import { authenticate } from './identity/identify.js';
import type { Authenticated } from './identity/identify.js';
import { snowflakeToken } from './identity/tokens.js';
import type { Parts } from './parts.js';
import { relay, toClient } from './relay.js';
import type { RelayOptions, RelayOutcome } from './relay.js';
import { headersForUpstream } from './upstream/headers.js';
import { readBody } from './wire/body.js';
import { callerRefusal, pollElsewhere, sendJson, sendRefusal } from './wire/refusal.js';

export type Session = Extract<Authenticated, { kind: 'session' }>;

/** Bodies of these requests are a few hundred bytes; telemetry batches reach some hundred kilobytes. */
export const BODY_BYTES_MAX: number = 4 * 1024 * 1024;

/** Heartbeat and telemetry: relayed as they are. */
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

/** Telemetry before login: taken and dropped, there is no session to relay it for. */
export function handleSessionlessTelemetry(_parts: Parts, call: Call): Promise<void> {
  call.request.resume();
  sendJson(
    call.response,
    Buffer.from('{"data":"Log Received","code":null,"message":null,"success":true}'),
  );
  return Promise.resolve();
}

/** The session of a request; undefined when its client has been refused. */
export async function sessionOf(parts: Parts, call: Call): Promise<Session | undefined> {
  const authenticated = await authenticate(parts, call.request.headers);
  if (authenticated.kind === 'session') return authenticated;
  call.request.resume();
  parts.events.refused(tgLabel(authenticated.refusal.code), '');
  sendRefusal(call.response, authenticated.refusal, null);
  return undefined;
}

/** Relays the request to `target`; undefined when its client has been refused. Fault `upstreamUnreachable`. */
export async function forward(
  parts: Parts,
  call: Call,
  session: Session,
  target: string,
  options: RelayOptions = {},
): Promise<Extract<RelayOutcome, { kind: 'replied' }> | undefined> {
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

/** Sends a request with the body given and relays the reply. Fault `upstreamUnreachable`. */
export async function send(
  parts: Parts,
  call: Call,
  session: Session,
  target: string,
  body: Buffer | null,
  options: RelayOptions = {},
): Promise<Extract<RelayOutcome, { kind: 'replied' }>> {
  const { identity, upstream } = session;
  const outcome = await relay(
    upstream.engine,
    {
      method: call.method,
      path: target,
      headers: {
        ...headersForUpstream(call.request.headers, upstream.host),
        ...(options.rewrite === undefined ? {} : { 'accept-encoding': 'identity' }),
        authorization: snowflakeToken(identity.upstreamToken),
      },
      body,
    },
    toClient(call.response),
    {
      ...options,
      beforeSmall: async (reply, isGarbled) => {
        const elsewhere = pollElsewhere(reply);
        return elsewhere === undefined
          ? await options.beforeSmall?.(reply, isGarbled)
          : driverFront.refusal(elsewhere, null);
      },
    },
  );
  if (outcome.kind === 'replied') return outcome;
  parts.events.upstreamFailed('passthrough');
  throw new Fault('upstreamUnreachable', 'Snowflake could not be reached', {
    cause: outcome.cause,
  });
}
