/**
 * Requests that name a statement: its result, its state, its cancel. The id may be Snowflake's or, while the statement
 * waits here or its client was told to ask again, that of its ticket; any replica answers.
 */
import { randomUUID } from 'node:crypto';
import { WIRE_CODES } from '#base/wire/codes.js';
import { failureEnvelope, successEnvelope } from '#base/wire/envelope.js';
import type { KnownTicket } from '#billing/ledger.js';
import { Attendance, Waiting } from './attendance.js';
import type { Call } from './call.js';
import { driverFront, jsonReply } from './driver-front.js';
import { follow } from './elsewhere.js';
import type { Asker } from './front.js';
import { named } from './named.js';
import type { Parts } from './parts.js';
import { forward, send, sessionOf } from './passthrough.js';
import type { Session } from './passthrough.js';
import { attend } from './pipeline.js';
import { sendSmall } from './relay.js';
import { stoppedReply } from './relay-statement.js';
import { tellingStops } from './result.js';
import type { RequestEntry } from './requests.js';
import type { RunningStatement } from './running/running.js';
import { finishStatement } from './settlement/finish.js';
import { showingWarehouse } from './switching/shown-warehouse.js';
import { abortUpstream } from './upstream/query-facts.js';
import { decodeBody, readBody } from './wire/body.js';
import { callerRefusal, sendRefusal, toldOf } from './wire/refusal.js';

/** Of a cancel request, which has a request id and a text that nobody needs. */
const ABORT_BYTES_MAX = 64 * 1024;

/** `GET /queries/{id}/result`: a poll; its reply may be the end of the statement. */
export async function handleResult(parts: Parts, call: Call, id: string): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  const asker: Asker = { ...session, call, front: driverFront };
  const what = await named(parts, session, call, id);
  switch (what.kind) {
    case 'here':
      return attend(parts, asker, what.entry);
    case 'running':
      return pollRunning(parts, asker, session, what.running);
    case 'ticket':
      if (what.isOurs) return pollTicket(parts, asker, what.ticket);
      await parts.ledger.markSeen(what.ticket.ticketId).catch(() => undefined);
      await forward(
        parts,
        call,
        session,
        call.target,
        tellingStops(parts, asker, what.ticket.ticketId),
      );
      return;
    case 'unknown':
      await forward(parts, call, session, call.target);
      return;
    case 'foreign':
      return sendSmall(call.response, unknownQuery(id));
    case 'unreadable':
      return askLater(parts, call, id);
  }
}

/** A statement of this replica, under the id that Snowflake gave it: its end, when this poll shows it, is settled. */
async function pollRunning(
  parts: Parts,
  { call, front }: Asker,
  session: Session,
  running: RunningStatement,
): Promise<void> {
  if (running.sessionId === session.identity.sessionId)
    running.upstreamToken = session.identity.upstreamToken;
  running.attendance.enter();
  try {
    const { shownWarehouse: shown, warehouse } = running;
    const outcome = await forward(parts, call, session, call.target, {
      ...(shown === null ? {} : { rewrite: showingWarehouse(warehouse, shown) }),
      beforeSmall: (reply) => Promise.resolve(stoppedReply(parts, front, running, reply)),
    });
    const read = outcome === undefined ? undefined : front.read(outcome.status, outcome.reply);
    if (read?.kind === 'ended') finishStatement(parts, running.ticketId, read.end);
  } finally {
    running.attendance.leave();
  }
}

/** A statement of another replica, under the id of its ticket. */
async function pollTicket(parts: Parts, asker: Asker, ticket: KnownTicket): Promise<void> {
  const { ticketId } = ticket;
  const waiting = new Waiting(asker.call.response, new Attendance(() => performance.now()), {
    ticketId,
    isKnown: () => true,
    holdMs: parts.patience.holdMs,
    inProgress: (shown) => driverFront.inProgress(shown, false),
  });
  try {
    const step = await follow(parts, asker, ticketId, waiting, false);
    if (step.kind === 'freed') {
      const lost = callerRefusal('waitAbandoned', LOST);
      // Written first: somebody who is told to send it again must not find it running.
      await parts.ledger.tellLost(ticketId, toldOf(lost));
      waiting.answer(driverFront.refusal(lost, ticketId));
    }
  } finally {
    waiting.end();
  }
}

const LOST =
  'Not run, nothing charged: the replica where the statement waited has ended; send it again.';

/** Nothing is said of a statement whose owner cannot be read; its client asks again, and nothing is lost. */
async function askLater(parts: Parts, call: Call, id: string): Promise<void> {
  const { response, ticketId } = call;
  const waiting = new Waiting(response, new Attendance(() => performance.now()), {
    ticketId,
    isKnown: () => true,
    holdMs: parts.patience.holdMs,
    inProgress: () => driverFront.inProgress(id, false),
  });
  await Promise.race([waiting.held, new Promise((resolve) => response.once('close', resolve))]);
}

/** `GET /monitoring/queries/{id}`: under an id of ours only the ticket knows it while it waits. */
export async function handleMonitoring(parts: Parts, call: Call, id: string): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  const what = await named(parts, session, call, id);
  const ticketId =
    what.kind === 'here'
      ? what.entry.owner.ticketId
      : what.kind === 'ticket' && what.isOurs
        ? what.ticket.ticketId
        : undefined;
  if (what.kind === 'foreign') return sendSmall(call.response, noQueries());
  if (ticketId === undefined) {
    await forward(parts, call, session, call.target);
    return;
  }
  const running = parts.running.get(ticketId);
  const ticket = running === undefined ? await parts.ledger.ticket(ticketId) : undefined;
  const queryId = running?.queryId ?? ticket?.snowflakeQueryId ?? null;
  if (queryId !== null) {
    await forward(parts, call, session, call.target.replace(id, queryId));
    return;
  }
  sendSmall(call.response, stateOf(ticketId, ticket));
}

/** `POST /queries/{id}/abort-request`. */
export async function handleAbortById(parts: Parts, call: Call, id: string): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  const what = await named(parts, session, call, id);
  switch (what.kind) {
    case 'here':
      call.request.resume();
      return abortEntry(parts, call, session, what.entry);
    case 'ticket':
      if (!what.isOurs) break;
      call.request.resume();
      return abortTicket(parts, call, session, what.ticket);
    case 'foreign':
      call.request.resume();
      return sendSmall(call.response, notRunning(id));
    case 'running':
    case 'unknown':
    case 'unreadable':
      break;
  }
  // Snowflake lets nobody end the statements of another user.
  await forward(parts, call, session, call.target);
}

/** `POST /queries/v1/abort-request`: also finds a statement that still waits and was never forwarded. */
export async function handleAbort(parts: Parts, call: Call): Promise<void> {
  const session = await sessionOf(parts, call);
  if (session === undefined) return;
  const body = await readBody(call.request, ABORT_BYTES_MAX, parts.limits.bodyTimeoutMs);
  if (body.kind !== 'body') {
    const refusal = callerRefusal(
      'requestMalformed',
      `The cancel request did not arrive whole, or is larger than ${ABORT_BYTES_MAX} bytes. Send it again.`,
    );
    return sendRefusal(call.response, refusal, null);
  }
  const requestId = requestIdOf(body.bytes, call.request.headers['content-encoding']);
  if (requestId !== undefined) {
    const { account, sessionId } = session.identity;
    const key = { account, sessionId, requestId };
    const running = parts.running.byRequestId(session.identity, requestId);
    if (running !== undefined) {
      // Upstream may not know the request yet: the meter cancels again what goes on.
      running.cancelledAtMs = performance.now();
    } else {
      // Not sent yet: giving up its place answers it.
      if (parts.requests.find(key)?.cancelUnsent() === true)
        return sendSmall(call.response, done());
      const ticket = await parts.ledger.ticketOfRequest(key).catch(() => undefined);
      const isAsked =
        ticket?.state === 'RESERVED' && (await parts.ledger.askCancel(ticket.ticketId));
      if (isAsked) return sendSmall(call.response, done());
    }
  }
  await send(parts, call, session, call.target, body.bytes);
}

async function abortEntry(
  parts: Parts,
  call: Call,
  session: Session,
  entry: RequestEntry,
): Promise<void> {
  const { ticketId } = entry.owner;
  if (parts.running.get(ticketId) === undefined && entry.cancelUnsent())
    return sendSmall(call.response, done());
  const ticket = await parts.ledger.ticket(ticketId);
  if (ticket === undefined) {
    if (entry.isEnded) return sendSmall(call.response, notRunning(ticketId));
    // A free statement has no ticket.
    const target = { queryId: null, requestId: entry.key.requestId };
    await abortUpstream(session.upstream, session.identity.upstreamToken, target, randomUUID());
    return sendSmall(call.response, done());
  }
  return abortTicket(parts, call, session, ticket);
}

async function abortTicket(
  parts: Parts,
  call: Call,
  session: Session,
  ticket: KnownTicket,
): Promise<void> {
  const { ticketId, state, requestId, snowflakeQueryId: queryId } = ticket;
  if (state === 'RESERVED' && (await parts.ledger.askCancel(ticketId)))
    return sendSmall(call.response, done());
  if (state === 'SETTLED' || state === 'VOID')
    return sendSmall(call.response, notRunning(ticketId));
  const { upstream, identity } = session;
  const running = parts.running.get(ticketId);
  if (running !== undefined) running.cancelledAtMs = performance.now();
  await abortUpstream(upstream, identity.upstreamToken, { queryId, requestId }, randomUUID());
  sendSmall(call.response, done());
}

function requestIdOf(bytes: Buffer, encoding: string | undefined): string | undefined {
  const decoded = decodeBody(bytes, encoding, ABORT_BYTES_MAX);
  if (decoded.kind !== 'decoded') return undefined;
  try {
    const { requestId } = JSON.parse(decoded.bytes.toString('utf8')) as { requestId?: unknown };
    return typeof requestId === 'string' ? requestId : undefined;
  } catch {
    return undefined;
  }
}

/** Status of a statement that Snowflake does not know yet, or never will, in the fields that drivers read. */
function stateOf(ticketId: string, ticket: KnownTicket | undefined): ReturnType<typeof jsonReply> {
  const told = ticket?.stopTold ?? ticket?.refusal ?? null;
  const hasEnded = ticket?.state === 'VOID' || ticket?.state === 'SETTLED';
  const isSent = ticket?.state === 'SENT' || ticket?.state === 'RUNNING';
  const going = isSent ? 'RUNNING' : 'QUEUED';
  const status = !hasEnded ? going : told === null ? 'ABORTED' : 'FAILED_WITH_ERROR';
  const query = {
    id: ticketId,
    status,
    state: status,
    errorCode: told === null ? '' : told.code,
    errorMessage: told?.message ?? '',
    sqlText: '',
    totalDuration: 0,
    stats: {},
  };
  return jsonReply(JSON.stringify(successEnvelope({ queries: [query] })));
}

function noQueries(): ReturnType<typeof jsonReply> {
  return jsonReply(JSON.stringify(successEnvelope({ queries: [] })));
}

function done(): ReturnType<typeof jsonReply> {
  return jsonReply(JSON.stringify(successEnvelope(null)));
}

function unknownQuery(id: string): ReturnType<typeof jsonReply> {
  return failed(WIRE_CODES.queryUnknown, `Statement ${id} not found`, id);
}

function notRunning(id: string): ReturnType<typeof jsonReply> {
  const message = 'Identified SQL statement is not currently executing.';
  return failed(WIRE_CODES.queryNotRunning, message, id);
}

function failed(code: string, message: string, queryId: string): ReturnType<typeof jsonReply> {
  return jsonReply(
    JSON.stringify(
      failureEnvelope({ code, sqlState: '02000', message, queryId, type: 'TOLLGATE' }),
    ),
  );
}
