/**
 * Requests of the SQL API that name a statement by its handle: its state and result, its partitions, its cancel. None
 * of them charges anything. The handle is Snowflake's or, for a statement whose client was told to ask again before
 * Snowflake had named it, that of its ticket; any replica answers.
 */
import { Fault } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { KnownTicket } from '#billing/ledger.js';
import type { Call } from '../call.js';
import type { Front } from '../front.js';
import { named } from '../named.js';
import type { Named } from '../named.js';
import type { Parts } from '../parts.js';
import { BODY_BYTES_MAX } from '../passthrough.js';
import type { Session } from '../passthrough.js';
import { relay, sendSmall, toClient } from '../relay.js';
import type { RelayOptions, RelayOutcome, SmallReply } from '../relay.js';
import { stoppedReply } from '../relay-statement.js';
import { tellingStops } from '../result.js';
import type { RequestEntry } from '../requests.js';
import type { RunningStatement } from '../running/running.js';
import { finishStatement } from '../settlement/finish.js';
import { headersForUpstream } from '../upstream/headers.js';
import { readBody } from '../wire/body.js';
import { callerRefusal, pollElsewhere, refusalOf } from '../wire/refusal.js';
import { apiSession, callerOf, NO_PLACE, roleOfOwn } from './caller.js';
import type { ApiCaller } from './caller.js';
import { sqlApiFront } from './front.js';
import {
  apiCancelDone,
  apiCancelled,
  apiInProgress,
  apiNotRunning,
  apiRefusal,
  apiUnknown,
} from './replies.js';
import { answeringFaults, turnAway } from './turn-away.js';

/** A request about one statement, from somebody whose token is proven. */
interface About {
  readonly parts: Parts;
  readonly call: Call;
  readonly caller: ApiCaller;
  readonly session: Session;
  readonly front: Front;
  /** As in the URL. */
  readonly handle: string;
  readonly what: Named;
}

/** `GET /api/v2/statements/{handle}`. */
export function handleStatus(parts: Parts, call: Call, handle: string): Promise<void> {
  return answeringFaults(parts, call, async () => {
    const about = await asked(parts, call, handle);
    if (about !== undefined) await tellStatus(about);
  });
}

/** `POST /api/v2/statements/{handle}/cancel`. */
export function handleCancel(parts: Parts, call: Call, handle: string): Promise<void> {
  return answeringFaults(parts, call, async () => {
    const about = await asked(parts, call, handle);
    if (about !== undefined) await cancel(about);
  });
}

/** Whose the statement is, under the caller's own role and, where that is another's, under the one that sent it. */
async function asked(parts: Parts, call: Call, handle: string): Promise<About | undefined> {
  const proven = await callerOf(parts, call);
  if (proven.kind !== 'caller') {
    turnAway(parts, call, proven);
    return undefined;
  }
  const { caller } = proven;
  const { headers, renew } = caller;
  let role: string | null = null;
  for (;;) {
    const opened = await apiSession(parts, call, caller, { ...NO_PLACE, role });
    if (opened.kind !== 'session') {
      turnAway(parts, call, opened);
      return undefined;
    }
    const { session } = opened;
    const front = sqlApiFront({
      headers,
      renew,
      isNullable: true,
      submitted: () => undefined,
    });
    const what = await named(parts, session, call, handle);
    const sentAs = what.kind === 'foreign' ? roleOfOwn(caller, what.sessionId) : undefined;
    if (sentAs === undefined || sentAs === '' || role !== null)
      return { parts, call, caller, session, front, handle, what };
    role = sentAs;
  }
}

async function tellStatus(about: About): Promise<void> {
  const { call, handle, what } = about;
  switch (what.kind) {
    case 'here':
      return tellEntry(about, what.entry);
    case 'running':
      return tellRunning(about, what.running, handle);
    case 'ticket':
      return tellTicket(about, what.ticket);
    case 'unknown':
      await forward(about, handle);
      return;
    case 'foreign':
      return sendSmall(call.response, apiUnknown(handle));
    case 'unreadable':
      // Nothing is said of a statement whose owner cannot be read; its client asks again, and nothing is lost.
      return sendSmall(call.response, apiInProgress(handle));
  }
}

/** A statement that runs here: its end, when this poll shows it, is settled. */
async function tellRunning(
  about: About,
  running: RunningStatement,
  queryId: string,
): Promise<void> {
  const { parts, caller, session, front } = about;
  if (roleOfOwn(caller, running.sessionId) !== undefined)
    running.upstreamToken = session.identity.upstreamToken;
  running.attendance.touch();
  const outcome = await forward(about, queryId, {
    beforeSmall: (reply) => Promise.resolve(stoppedReply(parts, front, running, reply)),
  });
  const read = front.read(outcome.status, outcome.reply);
  if (read.kind === 'ended') finishStatement(parts, running.ticketId, read.end);
}

/** A statement of this replica, under the id of its ticket. */
async function tellEntry(about: About, entry: RequestEntry): Promise<void> {
  const { parts, call, session } = about;
  const { ticketId } = entry.owner;
  entry.attendance.touch();
  if (entry.key.sessionId === session.identity.sessionId) entry.identity = session.identity;
  if (!entry.isEnded) return sendSmall(call.response, apiInProgress(ticketId));
  const running = parts.running.get(ticketId);
  if (running !== undefined && running.queryId !== null)
    return tellRunning(about, running, running.queryId);
  const ending = await entry.ending;
  if (ending.kind === 'streamed' && ending.queryId !== null) {
    await forward(about, ending.queryId);
    return;
  }
  const ticket = await parts.ledger.ticket(ticketId);
  if (ticket !== undefined && ticket.snowflakeQueryId !== null) return tellTicket(about, ticket);
  if (ending.kind === 'answered') return sendSmall(call.response, ending.reply);
  if (ticket !== undefined) return tellTicket(about, ticket);
  return sendSmall(call.response, apiUnknown(ticketId));
}

/** A statement of another replica, or one that has ended. */
async function tellTicket(about: About, ticket: KnownTicket): Promise<void> {
  const { parts, call } = about;
  const { ticketId, snowflakeQueryId } = ticket;
  await parts.ledger.markSeen(ticketId).catch(() => undefined);
  const stands = standing(ticket);
  if (stands !== undefined) return sendSmall(call.response, stands);
  if (snowflakeQueryId === null) return sendSmall(call.response, apiInProgress(ticketId));
  // A child of several statements is asked for by its own handle.
  const handle = about.handle.toLowerCase() === ticketId ? snowflakeQueryId : about.handle;
  await forward(
    about,
    handle,
    tellingStops(parts, { ...about.session, call, front: about.front }, ticketId),
  );
}

/** What the ticket alone tells of a statement; undefined: Snowflake is asked, or it is not known yet. */
function standing(ticket: KnownTicket): SmallReply | undefined {
  const { ticketId, state, ending } = ticket;
  const told = ticket.stopTold ?? ticket.refusal;
  if (state !== 'VOID' && state !== 'SETTLED') return undefined;
  if (told !== null) return apiRefusal(refusalOf(told), ticketId);
  if (state === 'SETTLED')
    return ticket.snowflakeQueryId === null ? apiRefusal(gone(), ticketId) : undefined;
  if (ticket.isRefused) return undefined;
  if (ending === 'cancelled') return apiCancelled(ticketId);
  return apiRefusal(callerRefusal('waitAbandoned', LOST), ticketId);
}

const LOST =
  'Not run, nothing charged: the replica where the statement waited has ended; send it again.';

function gone(): ReturnType<typeof callerRefusal> {
  return callerRefusal(
    'requestIdReused',
    'Not run again: the statement has ended, but its answer can no longer be fetched; look at MY_QUERIES, then send it as a new statement.',
  );
}

async function cancel(about: About): Promise<void> {
  const { parts, handle, what } = about;
  switch (what.kind) {
    case 'here': {
      const { entry } = what;
      const { ticketId } = entry.owner;
      // Not sent yet: giving up its place answers whoever sent it.
      if (parts.running.get(ticketId) === undefined && entry.cancelUnsent())
        return told(about, apiCancelDone(ticketId));
      const ticket = await parts.ledger.ticket(ticketId);
      if (ticket !== undefined) return cancelTicket(about, ticket);
      if (entry.isEnded) return told(about, apiNotRunning(ticketId));
      // A free statement has no ticket.
      await cancelUpstream(about, ticketId, { queryId: null, requestId: entry.key.requestId });
      return told(about, apiCancelDone(ticketId));
    }
    case 'ticket':
      if (what.isOurs) return cancelTicket(about, what.ticket);
      break;
    case 'foreign':
      return told(about, apiUnknown(handle));
    case 'running':
    case 'unknown':
    case 'unreadable':
      break;
  }
  // Snowflake lets nobody end the statements of another user.
  await forward(about, handle);
}

/** Cancels what is named by its ticket, wherever it waits or runs. */
async function cancelTicket(about: About, ticket: KnownTicket): Promise<void> {
  const { parts } = about;
  const { ticketId, state, requestId } = ticket;
  if (state === 'RESERVED' && (await parts.ledger.askCancel(ticketId)))
    return told(about, apiCancelDone(ticketId));
  if (state === 'SETTLED' || state === 'VOID') return told(about, apiNotRunning(ticketId));
  const running = parts.running.get(ticketId);
  if (running !== undefined) running.cancelledAtMs = performance.now();
  const queryId = running?.queryId ?? ticket.snowflakeQueryId;
  await cancelUpstream(about, ticketId, { queryId, requestId });
  return told(about, apiCancelDone(ticketId));
}

/** Fault `upstreamUnreachable`. */
function cancelUpstream(
  { parts, session, front }: About,
  ticketId: TicketId,
  target: Parameters<Front['abort']>[2],
): Promise<void> {
  const { upstream, identity } = session;
  const own = parts.running.get(ticketId)?.front ?? front;
  return own.abort(upstream, identity.upstreamToken, target, ticketId);
}

function told({ call }: About, reply: SmallReply): void {
  call.request.resume();
  sendSmall(call.response, reply);
}

/** Relays the request for `handle`. Fault `upstreamUnreachable`. */
async function forward(
  about: About,
  handle: string,
  options: RelayOptions = {},
): Promise<Extract<RelayOutcome, { kind: 'replied' }>> {
  const { parts, call, session, front } = about;
  const body =
    call.method === 'GET'
      ? null
      : await readBody(call.request, BODY_BYTES_MAX, parts.limits.bodyTimeoutMs);
  if (body !== null && body.kind !== 'body')
    throw new Fault('requestMalformed', 'the body did not arrive whole');
  const outcome = await relay(
    session.upstream.engine,
    {
      method: call.method,
      path: call.target.replace(about.handle, handle),
      headers: {
        ...headersForUpstream(call.request.headers, session.upstream.host),
        ...front.authorization(session.identity),
      },
      body: body === null ? null : body.bytes,
    },
    toClient(call.response),
    {
      beforeSmall: async (reply, isGarbled) => {
        const elsewhere = pollElsewhere(reply);
        return elsewhere === undefined
          ? await options.beforeSmall?.(reply, isGarbled)
          : front.refusal(elsewhere, null);
      },
    },
  );
  if (outcome.kind === 'replied') return outcome;
  parts.events.upstreamFailed('passthrough');
  throw new Fault('upstreamUnreachable', 'Snowflake could not be reached', {
    cause: outcome.cause,
  });
}
