/**
 * Steps 9 and 10 for a statement: its reply is relayed and read; session state is written first; the end, when the
 * reply shows one, is settled. What upstream never answered stays held until evidence ends it.
 */
import { tgLabel, toError } from '#base/errors.js';
import { priceCredits } from '#base/units.js';
import { stoppedText } from '#policies/rules/refusal-text.js';
import type { StopCause } from '#policies/rules/refusal-text.js';
import type { Parts } from './parts.js';
import type { Admitted } from './stages.js';
import { sessionChanges } from './identity/session-effects.js';
import { relay, sendSmall } from './relay.js';
import type { RelayOutcome, SmallReply } from './relay.js';
import type { RequestEnding } from './requests.js';
import type { RunningStatement } from './running/running.js';
import { endOf, finishStatement, isRenewalAsked, isStillRunning } from './settlement/finish.js';
import type { UpstreamRequest } from './upstream/engine.js';
import type { ScannedReply } from './wire/reply-scanner.js';
import { refusalBody } from './wire/refusal.js';
import { WIRE_CODES } from '#base/wire/codes.js';

/** Sends the request of an admitted statement and relays its reply; returns what a repeat is to be told. */
export async function relayStatement(
  parts: Parts,
  statement: Admitted,
  request: UpstreamRequest,
): Promise<RequestEnding> {
  const { call, upstream } = statement;
  const outcome = await relay(upstream.engine, request, call.response, {
    beforeSmall: (reply, isGarbled) =>
      isGarbled ? Promise.resolve(garbled(statement)) : beforeReply(parts, statement, reply),
  });
  if (outcome.kind === 'unreachable') return unanswered(parts, statement, outcome);
  const { reply } = outcome;
  const queryId = typeof reply.data['queryId'] === 'string' ? reply.data['queryId'] : null;
  // It has not run, and the driver renews and repeats; evidence ends the hold of one that does not.
  if (isRenewalAsked(reply)) return inDoubt(parts, statement);
  if (isStillRunning(reply) && queryId !== null) {
    noteRunning(parts, statement, queryId);
  } else {
    const end = endOf(reply);
    // A page of a gateway, a 503, a cut body: nobody said whether it ran. The driver repeats, or evidence tells.
    if (end === undefined) return inDoubt(parts, statement);
    finishStatement(parts, call.ticketId, end);
  }
  return outcome.small === null
    ? { kind: 'streamed', queryId }
    : { kind: 'answered', reply: outcome.small };
}

/** Told in our words: drivers repeat a bad gateway by themselves, but end with a parser's complaint after this. */
function garbled(statement: Admitted): Buffer {
  const message = statement.isFree
    ? 'TG5002 Not answered: the reply of Snowflake was cut or garbled. Send it again.'
    : 'TG5002 Not answered: the reply of Snowflake was cut or garbled, and the statement may have run. Its cost stays held until Snowflake tells; look at MY_QUERIES before it is sent again.';
  return refusalBody({ code: 'upstreamProtocol', message, detail: {} }, statement.call.ticketId);
}

/** A small reply before it is relayed: session state is written, and a statement we stopped is told in our words. */
async function beforeReply(
  parts: Parts,
  statement: Admitted,
  reply: ScannedReply,
): Promise<Buffer | undefined> {
  const changes = sessionChanges(statement.query.sqlText, reply);
  try {
    await parts.sessions.change(statement.session, changes);
  } catch (thrown) {
    parts.log.error(
      { err: toError(thrown) },
      'session state could not be written; other replicas do not see it',
    );
  }
  const running = parts.running.get(statement.call.ticketId);
  return running === undefined ? undefined : stoppedReply(parts, running, reply);
}

/** Our text in place of upstream's "canceled", for a statement that we cancelled; undefined for every other reply. */
export function stoppedReply(
  parts: Parts,
  running: RunningStatement,
  reply: ScannedReply,
): Buffer | undefined {
  const { stop } = running;
  if (stop === null || reply.top['code'] !== WIRE_CODES.queryCancelled) return undefined;
  const money = (credits: RunningStatement['holdCredits']): ReturnType<typeof priceCredits> =>
    priceCredits(credits, running.pricePerCredit, 'half-even');
  const causes: Record<typeof stop.code, StopCause> = {
    ceilingReached: { kind: 'ceiling', ceilingMoney: money(stop.limitCredits) },
    budgetExhausted: { kind: 'budget', budgetId: stop.source },
    killed: { kind: 'killed', by: stop.source },
  };
  const refusal = stoppedText(causes[stop.code], {
    ticketId: running.ticketId,
    tier: running.tier,
    elapsedMs: stop.elapsedMs,
    chargedMoney: money(stop.usedCredits),
    currency: running.currency,
    expectedMoney: null,
  });
  parts.events.stopped(tgLabel(refusal.code));
  return refusalBody(refusal, running.ticketId);
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
): RequestEnding {
  const { call, isFree } = statement;
  parts.events.upstreamFailed(outcome.mayHaveRun ? 'no reply' : 'not connected');
  parts.log.warn(
    { err: outcome.cause, ticketId: call.ticketId },
    'upstream did not answer a statement',
  );
  const told = outcome.mayHaveRun && !isFree ? MAY_HAVE_RUN : NOT_RUN;
  const body = refusalBody(
    { code: 'upstreamUnreachable', message: told, detail: {} },
    call.ticketId,
  );
  const reply: SmallReply = {
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
    body,
  };
  sendSmall(call.response, reply);
  if (outcome.mayHaveRun) return inDoubt(parts, statement);
  parts.running.end(call.ticketId, parts.clock.now());
  if (!isFree) parts.doubts.neverRan(call.ticketId, `not connected: ${outcome.cause.message}`);
  return { kind: 'answered', reply };
}

const NOT_RUN =
  'TG5001 Not run, nothing charged: Snowflake could not be reached. Send it again in a minute.';
const MAY_HAVE_RUN =
  'TG5001 Not answered: the connection to Snowflake broke after the statement was sent, so it may be running. Its cost stays held until Snowflake tells.';

/** Takes the statement out of the meter; its hold stays until evidence settles or voids it. */
function inDoubt(parts: Parts, statement: Admitted): RequestEnding {
  const { ticketId } = statement.call;
  parts.running.end(ticketId, parts.clock.now());
  if (!statement.isFree) parts.doubts.add(ticketId);
  return { kind: 'unanswered', statement };
}
