/**
 * The path of a statement, top to bottom: receive, identify, analyse, estimate, decide, reserve, admit, tag and
 * dispatch, relay, settle. Each step is one call into one file and returns a value or an ending; this file only
 * decides what comes next. Compensation is by scope: a hold that was not handed over is given back on every exit.
 */
import { Fault, TG_CODES, tgLabel, toError } from '#base/errors.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { failureEnvelope } from '#base/wire/envelope.js';
import { admit } from './admit.js';
import { analyse } from './analyse.js';
import { answerSurface } from './answer-surface.js';
import type { Call } from './call.js';
import { decide } from './decide.js';
import { handOver, upstreamRequest } from './dispatch.js';
import { estimate } from './estimate.js';
import { faultRefusal } from './faults.js';
import { identify, underNewestVersion } from './identity/identify.js';
import { snowflakeToken } from './identity/tokens.js';
import type { Parts } from './parts.js';
import { receive } from './receive.js';
import { relay, sendSmall } from './relay.js';
import type { SmallReply } from './relay.js';
import { relayStatement } from './relay-statement.js';
import type { UpstreamRequest } from './upstream/engine.js';
import type { RequestEntry, RequestEnding } from './requests.js';
import { reserve } from './reserve.js';
import { recordUnheld } from './unheld.js';
import type { Admitted, Identified, Reserved } from './stages.js';
import { recognise } from './surface/recognise.js';
import { headersForUpstream } from './upstream/headers.js';
import { callerRefusal, refusalBody, sendRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

/** `POST /queries/v1/query-request`: answers the client, whatever happens. Faults are mapped by the caller. */
export async function handleStatement(parts: Parts, call: Call): Promise<void> {
  const received = await receive(parts, call);
  if (received.kind === 'gone') return;
  if (received.kind === 'refused') return refuse(parts, call, received.refusal, '');
  const identified = await identify(parts, received.received);
  if (identified.kind === 'refused') return refuse(parts, call, identified.refusal, '');
  const { statement } = identified;
  const session = sessionKey(statement);
  const state = parts.requests.enter(session, statement.requestId, statement.query.hash);
  switch (state.kind) {
    case 'reused':
      return refuse(parts, call, reusedRequestId(), statement.team.id);
    case 'new':
      return conclude(parts, call, state.entry, () => govern(parts, statement, state.entry));
    case 'repeat':
      return repeat(parts, statement, state.entry);
  }
}

/** Runs one forwarding and tells its ending to every repeat of the same request, also when it ends in a fault. */
async function conclude(
  parts: Parts,
  call: Call,
  entry: RequestEntry,
  work: () => Promise<RequestEnding>,
): Promise<void> {
  parts.inHand.add(call.ticketId);
  try {
    entry.finish(await work());
  } catch (thrown) {
    const fault = toError(thrown);
    parts.events.fault(fault instanceof Fault ? fault.code : 'internal', fault);
    entry.finish(answer(call, faultRefusal(fault)));
  } finally {
    parts.inHand.delete(call.ticketId);
  }
}

/** Steps 3 to 10 of a statement that was not seen before. */
async function govern(
  parts: Parts,
  statement: Identified,
  entry: RequestEntry,
): Promise<RequestEnding> {
  const { call } = statement;
  const recognised = recognise(statement.query.sqlText);
  if (recognised.kind !== 'none')
    return answered(call, await answerSurface(parts, statement, recognised));
  const analysed = await underNewestVersion(parts, await analyse(parts, statement));
  if (analysed.kind === 'refused') return refused(parts, statement, analysed.refusal);
  const estimated = estimate(parts, analysed.statement);
  if (estimated.kind === 'refused') return refused(parts, statement, estimated.refusal);
  const decided = decide(parts, estimated.statement);
  if (decided.kind === 'refused') {
    recordUnheld(parts, estimated.statement, decided.refusal);
    return refused(parts, statement, decided.refusal);
  }
  parts.events.statement(
    statement.team.id,
    decided.statement.placement.tier.id,
    decided.statement.facts.statements[0]?.class ?? 'opaque',
    decided.statement.isFree,
  );
  const reserved = await reserve(parts, decided.statement);
  if (reserved.kind === 'refused') return refused(parts, statement, reserved.refusal);
  return run(parts, reserved.statement, entry);
}

/** Steps 7 to 10, under the hold. */
async function run(parts: Parts, statement: Reserved, entry: RequestEntry): Promise<RequestEnding> {
  try {
    const admitted = await admit(parts, statement, () => entry.cancelled);
    // A repeat that is not sent again leaves its first sending in doubt.
    if (admitted.kind !== 'admitted' && statement.hold.isSent())
      parts.doubts.add(statement.call.ticketId);
    if (admitted.kind === 'refused') return refused(parts, statement, admitted.refusal);
    if (admitted.kind === 'gone') return answered(statement.call, cancelledReply(statement.call));
    return await forward(parts, admitted.statement);
  } finally {
    await statement.hold.releaseUnlessSent('not sent');
  }
}

/** Steps 8 to 10: from here on the settler owns the hold. */
async function forward(parts: Parts, statement: Admitted): Promise<RequestEnding> {
  let isHandedOver = false;
  let request: UpstreamRequest;
  try {
    // Written first: whatever fails before the hand-over gives hold and permit back.
    request = upstreamRequest(statement);
    isHandedOver = await handOver(parts, statement);
  } finally {
    if (!isHandedOver) statement.permit.release();
  }
  if (!isHandedOver) return settledMeanwhile(parts, statement);
  const sentAtMs = performance.now();
  parts.events.phase('govern', (sentAtMs - statement.call.arrivedAtMs) / 1000);
  const ending = await relayStatement(parts, statement, request);
  parts.events.phase('relay', (performance.now() - sentAtMs) / 1000);
  return ending;
}

/** A repeat whose first sending was settled by evidence before it came: it has run, so its result is fetched. */
async function settledMeanwhile(parts: Parts, statement: Admitted): Promise<RequestEnding> {
  const queryId = parts.doubts.settledQuery(statement.call.ticketId);
  if (queryId === undefined) return refused(parts, statement, closedMeanwhile());
  await fetchResult(statement, queryId);
  return { kind: 'streamed', queryId };
}

/** Relays the result of a query that has run. Fault `upstreamUnreachable` when it cannot be had. */
async function fetchResult(statement: Identified, queryId: string): Promise<void> {
  const { call, upstream, identity } = statement;
  const headers = headersForUpstream(call.request.headers, upstream.host);
  delete headers['content-encoding'];
  delete headers['content-type'];
  const outcome = await relay(
    upstream.engine,
    {
      method: 'GET',
      path: `/queries/${encodeURIComponent(queryId)}/result`,
      headers: { ...headers, authorization: snowflakeToken(identity.upstreamToken) },
      body: null,
    },
    call.response,
  );
  if (outcome.kind === 'unreachable')
    throw new Fault('upstreamUnreachable', 'Snowflake could not be reached', {
      cause: outcome.cause,
    });
}

/** What a repeat of a known request is told. */
async function repeat(parts: Parts, statement: Identified, first: RequestEntry): Promise<void> {
  const { call } = statement;
  const ending = await first.ending;
  switch (ending.kind) {
    case 'answered':
      sendSmall(call.response, ending.reply);
      return;
    case 'streamed': {
      if (ending.queryId === null) return refuse(parts, call, resultGone(), statement.team.id);
      return fetchResult(statement, ending.queryId);
    }
    case 'unanswered': {
      const state = parts.requests.again(sessionKey(statement), statement.requestId, first);
      if (state.kind === 'repeat') return repeat(parts, statement, state.entry);
      // The same statement under the same ticket and hold, with the token and connection of this repeat.
      const { ticketId } = ending.statement.call;
      const again: Admitted = {
        ...ending.statement,
        identity: statement.identity,
        call: { ...call, ticketId },
      };
      parts.doubts.resume(ticketId);
      return conclude(parts, again.call, state.entry, () => run(parts, again, state.entry));
    }
  }
}

function sessionKey(statement: Identified): string {
  return `${statement.identity.account}/${statement.identity.sessionId}`;
}

function refuse(parts: Parts, call: Call, refusal: Refusal, team: string): void {
  parts.events.refused(tgLabel(refusal.code), team);
  sendRefusal(call.response, refusal, call.ticketId);
}

function refused(parts: Parts, statement: Identified, refusal: Refusal): RequestEnding {
  parts.events.refused(tgLabel(refusal.code), statement.team.id);
  return answer(statement.call, refusal);
}

function answer(call: Call, refusal: Refusal): RequestEnding {
  return answered(call, refusalBody(refusal, call.ticketId));
}

/** Sends one complete reply and keeps it for repeats. */
function answered(call: Call, body: Buffer): RequestEnding {
  const reply: SmallReply = {
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
    body,
  };
  sendSmall(call.response, reply);
  return { kind: 'answered', reply };
}

/** What Snowflake says of a statement that was cancelled while it waited. */
function cancelledReply(call: Call): Buffer {
  return Buffer.from(
    JSON.stringify(
      failureEnvelope({
        code: WIRE_CODES.queryCancelled,
        sqlState: TG_CODES.killed.sqlState,
        message: 'SQL execution canceled',
        queryId: call.ticketId,
        type: 'TOLLGATE',
      }),
    ),
  );
}

/** Evidence, or another replica, ended the ticket between its first sending and this repeat. */
function closedMeanwhile(): Refusal {
  return callerRefusal(
    'requestIdReused',
    'Not sent again: what became of the first sending has been settled meanwhile; look at MY_QUERIES, then send it as a new statement.',
  );
}

function reusedRequestId(): Refusal {
  return callerRefusal(
    'requestIdReused',
    'Not run, nothing charged: this requestId stands for another statement of the session. Send a fresh one.',
  );
}

function resultGone(): Refusal {
  return callerRefusal(
    'requestIdReused',
    'Not run again: the statement has run, but its result can no longer be fetched.',
  );
}
