/**
 * Steps 9 and 10 for a statement: its reply is relayed and read; session state is written first; the end, when the
 * reply shows one, is settled. What upstream never answered stays held until evidence ends it.
 */
import { tgLabel, toError } from '#base/errors.js';
import type { SessionContext } from './identity/sessions.js';
import { noteTransaction } from './own/transactions.js';
import type { Parts } from './parts.js';
import type { Admitted } from './stages.js';
import { relay, sendSmall } from './relay.js';
import type { Destination, RelayOptions, RelayOutcome, SmallReply } from './relay.js';
import type { RequestEnding } from './requests.js';
import type { Front, StatementEnd } from './front.js';
import type { RunningStatement } from './running/running.js';
import { stopRefusal } from './running/tell-stop.js';
import { finishStatement, noteStorm } from './settlement/finish.js';
import { stormKeyOf } from './storms.js';
import { showingWarehouse } from './switching/shown-warehouse.js';
import type { UpstreamRequest } from './upstream/engine.js';
import type { ScannedReply } from './wire/reply-scanner.js';
import { pollElsewhere } from './wire/refusal.js';
import { WIRE_CODES } from '#base/wire/codes.js';

/** Sends the request of an admitted statement and relays its reply; returns what a repeat is to be told. */
export async function relayStatement(
  parts: Parts,
  statement: Admitted,
  request: UpstreamRequest,
  destination: Destination,
): Promise<RequestEnding> {
  try {
    return await sendAndRelay(parts, statement, request, destination);
  } finally {
    await statement.endTurn();
  }
}

async function sendAndRelay(
  parts: Parts,
  statement: Admitted,
  request: UpstreamRequest,
  destination: Destination,
): Promise<RequestEnding> {
  const { call, front, upstream } = statement;
  const outcome = await relay(upstream.engine, request, destination, {
    ...shownTo(statement),
    beforeSmall: (reply, isGarbled) =>
      isGarbled ? Promise.resolve(garbled(statement)) : beforeReply(parts, statement, reply),
  });
  if (outcome.kind === 'unreachable') return unanswered(parts, statement, outcome, destination);
  const read = front.read(outcome.status, outcome.reply);
  let queryId: string | null;
  switch (read.kind) {
    case 'renewalAsked':
    case 'unknown':
      // The driver renews or repeats; evidence ends the hold of one that does not.
      return inDoubt(parts, statement);
    case 'running':
      if (read.queryId === null) return inDoubt(parts, statement);
      ({ queryId } = read);
      parts.events.ran(call.ticketId, queryId, null);
      noteRunning(parts, statement, read.queryId);
      break;
    case 'ended':
      ({ queryId } = read.end);
      parts.events.ran(call.ticketId, queryId, failureOf(read.end));
      finishStatement(parts, call.ticketId, read.end);
      if (statement.isFree) noteStorm(parts, stormKeyOf(statement), read.end, false);
  }
  return outcome.small === null
    ? { kind: 'streamed', queryId }
    : { kind: 'answered', reply: outcome.small };
}

function failureOf({ isSuccess, code, sqlState }: StatementEnd): string | null {
  return isSuccess ? null : (code ?? sqlState ?? 'unknown');
}

/** Its client does not know of the warehouse that a statement was moved to. */
function shownTo({ isSwitched, placement, session }: Admitted): Pick<RelayOptions, 'rewrite'> {
  const [ran, own] = [placement.warehouse, session.warehouse];
  return isSwitched === true && ran !== null && own !== null
    ? { rewrite: showingWarehouse(ran, own) }
    : {};
}

/** Told in our words: drivers repeat a bad gateway by themselves, but end with a parser's complaint after this. */
function garbled(statement: Admitted): SmallReply {
  const message = statement.isFree
    ? 'TG5002 Not answered: the reply of Snowflake was cut or garbled. Send it again.'
    : 'TG5002 Not answered: the reply of Snowflake was cut or garbled, and the statement may have run. Its cost stays held until Snowflake tells; look at MY_QUERIES before it is sent again.';
  const { front, call } = statement;
  return front.refusal({ code: 'upstreamProtocol', message, detail: {} }, call.ticketId);
}

/** A small reply before it is relayed: session state is written, and a statement we stopped is told in our words. */
async function beforeReply(
  parts: Parts,
  statement: Admitted,
  reply: ScannedReply,
): Promise<SmallReply | undefined> {
  await statement.endTurn();
  try {
    await parts.sessions.change(statement.session, leftOf(statement, reply));
  } catch (thrown) {
    parts.log.error(
      { err: toError(thrown) },
      'session state could not be written; other replicas do not see it',
    );
  }
  if (reply.top['success'] === true) await noteTransaction(parts, statement, 'whenSucceeded');
  const { ticketId } = statement.call;
  const elsewhere = pollElsewhere(reply);
  if (elsewhere !== undefined) return statement.front.refusal(elsewhere, ticketId);
  const running = parts.running.get(ticketId);
  return running === undefined ? undefined : stoppedReply(parts, statement.front, running, reply);
}

/** What a statement leaves its session with; not the warehouse that it was moved to, which is taken back. */
function leftOf(statement: Admitted, reply: ScannedReply): Partial<SessionContext> {
  const changes = statement.front.sessionChanges(statement, reply);
  if (statement.isSwitched !== true) return changes;
  const { warehouse: _there, ...own } = changes;
  return own;
}

/** Our text in place of upstream's "canceled", for a statement that we cancelled; undefined for every other reply. */
export function stoppedReply(
  parts: Parts,
  front: Front,
  running: RunningStatement,
  reply: ScannedReply,
): SmallReply | undefined {
  const { stop, ticketId } = running;
  if (stop === null || reply.top['code'] !== WIRE_CODES.queryCancelled) return undefined;
  const refusal = stopRefusal(running, stop);
  parts.events.stopped(tgLabel(refusal.code), ticketId);
  return front.refusal(refusal, ticketId);
}

function noteRunning(parts: Parts, statement: Admitted, queryId: string): void {
  if (statement.isFree) return;
  parts.running.identify(statement.call.ticketId, queryId);
  // The mark is an aid to recovery, which also finds the statement by its tag: nobody waits for it.
  parts.ledger.markRunning(statement.call.ticketId, queryId).catch((thrown: unknown) => {
    parts.log.warn({ err: toError(thrown) }, 'a statement could not be marked as running');
  });
}

function unanswered(
  parts: Parts,
  statement: Admitted,
  outcome: Extract<RelayOutcome, { kind: 'unreachable' }>,
  destination: Destination,
): Promise<RequestEnding> | RequestEnding {
  const { call, front, isFree } = statement;
  parts.events.upstreamFailed(outcome.mayHaveRun ? 'no reply' : 'not connected', call.ticketId);
  parts.log.warn(
    { err: outcome.cause, ticketId: call.ticketId },
    'upstream did not answer a statement',
  );
  const message = outcome.mayHaveRun && !isFree ? MAY_HAVE_RUN : NOT_RUN;
  const reply = front.refusal({ code: 'upstreamUnreachable', message, detail: {} }, call.ticketId);
  const response = destination.open();
  if (response !== null) sendSmall(response, reply);
  if (outcome.mayHaveRun) return inDoubt(parts, statement);
  parts.running.end(call.ticketId, parts.clock.now());
  if (!isFree) parts.doubts.neverRan(call.ticketId, `not connected: ${outcome.cause.message}`);
  return { kind: 'answered', reply };
}

const NOT_RUN =
  'TG5001 Not run, nothing charged: Snowflake could not be reached. Send it again in a minute.';
const MAY_HAVE_RUN =
  'TG5001 Not answered: the connection to Snowflake broke after the statement was sent, so it may be running. Its cost stays held until Snowflake tells.';

/** Takes the statement out of the meter; its hold stays until a repeat or evidence settles or voids it. */
async function inDoubt(parts: Parts, statement: Admitted): Promise<RequestEnding> {
  const { ticketId } = statement.call;
  parts.running.end(ticketId, parts.clock.now());
  if (!statement.isFree) await parts.doubts.add(ticketId);
  return { kind: 'unanswered', statement };
}
