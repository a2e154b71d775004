/**
 * The path of a statement, top to bottom: receive, identify, analyse, estimate, decide, reserve, admit, tag and
 * dispatch, relay, settle. Each step is one call into one file and returns a value or an ending; this file only
 * decides what comes next. Compensation is by scope: a hold that was not handed over is given back on every exit.
 */
import { Fault, tgLabel, toError } from '#base/errors.js';
import type { ReleaseReason } from '#billing/ledger.js';
import { allow } from './allow.js';
import { analyse } from './analyse.js';
import { answerSurface } from './answer-surface.js';
import { approve } from './approve.js';
import type { ApproveOutcome } from './approve.js';
import { Waiting } from './attendance.js';
import { reserveUnasked } from './break-glass.js';
import { isRepeat } from './call.js';
import type { Call } from './call.js';
import { driverFront } from './driver-front.js';
import { follow, takeOver, watchDoubt } from './elsewhere.js';
import { estimateWithBound } from './estimates/explain-bound.js';
import { faultRefusal } from './faults.js';
import { forward, leave, settledMeanwhile } from './forward.js';
import { giveUpWhenFrozen } from './freezes.js';
import type { Asker } from './front.js';
import { identify, underNewestVersion } from './identity/identify.js';
import { keyOf, ownerOf } from './owner.js';
import type { Parts } from './parts.js';
import { admitReady } from './ready.js';
import { receive } from './receive.js';
import { sendSmall } from './relay.js';
import { keepBack } from './off-peak.js';
import { notSentAgain, resultGone, reusedRequestId } from './repeat-refusals.js';
import type { Again, RequestEntry, RequestEnding } from './requests.js';
import { reserve } from './reserve.js';
import { fetchResult } from './result.js';
import { withSentText } from './result-scan.js';
import { recordUnheld } from './unheld.js';
import type { Allowed, Estimated, Identified, Reserved } from './stages.js';
import { recognise } from './surface/recognise.js';
import { givenUp, refused } from './unsent.js';
import { toldOf } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

/** `POST /queries/v1/query-request`: answers the client, whatever happens. Faults are mapped by the caller. */
export async function handleStatement(parts: Parts, call: Call): Promise<void> {
  const lap = parts.events.stopwatch(call);
  const received = await receive(parts, call);
  lap('receive');
  if (received.kind === 'gone') return;
  const identified =
    received.kind === 'refused' ? received : await identify(parts, received.received);
  lap('identify');
  if (identified.kind === 'refused') {
    parts.events.refused(tgLabel(identified.refusal.code), '', call.ticketId);
    return sendSmall(call.response, driverFront.refusal(identified.refusal, call.ticketId));
  }
  return answerStatement(parts, identified.statement);
}

/** An identified statement, of whichever front: known requests get their first answer, new ones are governed. */
export async function answerStatement(parts: Parts, statement: Identified): Promise<void> {
  const state = parts.requests.enter(keyOf(statement), ownerOf(statement));
  switch (state.kind) {
    case 'reused': {
      const { reply } = refused(parts, statement, reusedRequestId());
      return sendSmall(statement.call.response, reply);
    }
    case 'new':
      return begin(parts, statement, state.entry, (waiting) =>
        govern(parts, statement, state.entry, waiting),
      );
    case 'repeat':
      return attend(parts, statement, state.entry);
  }
}

/** Waits for a statement that this replica has, on behalf of a repeat or a poll. */
export async function attend(parts: Parts, asker: Asker, entry: RequestEntry): Promise<void> {
  // A session of the same team may poll; it is not the one to send the statement in.
  if (asker.identity.sessionId === entry.key.sessionId) entry.identity = asker.identity;
  const waiting = waitFor(parts, asker, entry);
  try {
    const ending = await Promise.race([entry.ending, waiting.held]);
    if (ending !== 'held') await deliver(parts, asker, entry, ending, waiting);
  } finally {
    waiting.end();
  }
}

/** Who submits asynchronously goes on at once: so soon it is told the id, where the statement waits. */
const SUBMIT_HOLD_MS = 1_000;

function waitFor(
  parts: Parts,
  { call, front }: Asker,
  entry: RequestEntry,
  holdMs = parts.patience.holdMs,
): Waiting {
  const { ticketId, isAsync } = entry.owner;
  return new Waiting(call.response, entry.attendance, {
    ticketId,
    isKnown: () => entry.isKnown,
    holdMs,
    inProgress: (shown) => front.inProgress(shown, isAsync),
  });
}

/** Runs one forwarding and tells its ending to everybody who waits for the request, also when it ends in a fault. */
async function begin(
  parts: Parts,
  asker: Asker,
  entry: RequestEntry,
  work: (waiting: Waiting) => Promise<RequestEnding>,
): Promise<void> {
  const { ticketId, isAsync } = entry.owner;
  const { holdMs } = parts.patience;
  const waiting = waitFor(parts, asker, entry, isAsync ? Math.min(SUBMIT_HOLD_MS, holdMs) : holdMs);
  parts.inHand.add(ticketId);
  let ending: RequestEnding;
  try {
    ending = await work(waiting);
  } catch (thrown) {
    const fault = toError(thrown);
    parts.events.fault(fault instanceof Fault ? fault.code : 'internal', fault, ticketId);
    const refusal = faultRefusal(fault, isRepeat(asker.call));
    ending = { kind: 'answered', reply: asker.front.refusal(refusal, ticketId) };
  } finally {
    parts.inHand.delete(ticketId);
  }
  entry.finish(ending);
  try {
    await toldFirst(parts, asker, entry, ending, waiting);
  } finally {
    waiting.end();
    parts.events.answered(ticketId);
  }
}

/** Whoever sent the statement is told by the relay, unless there was nothing to relay. */
async function toldFirst(
  parts: Parts,
  asker: Asker,
  entry: RequestEntry,
  ending: RequestEnding,
  waiting: Waiting,
): Promise<void> {
  if (ending.kind === 'unanswered' || ending.kind === 'streamed') return;
  return deliver(parts, asker, entry, ending, waiting);
}

/** What somebody is told who waited for an ending. */
async function deliver(
  parts: Parts,
  asker: Asker,
  entry: RequestEntry,
  ending: RequestEnding,
  waiting: Waiting,
): Promise<void> {
  switch (ending.kind) {
    case 'answered':
      waiting.answer(ending.reply);
      return;
    case 'streamed':
      if (ending.queryId !== null) return fetchResult(asker, ending.queryId, waiting);
      waiting.answer(refused(parts, asker, resultGone()).reply);
      return;
    case 'dropped':
      waiting.drop();
      return;
    case 'unanswered': {
      const { statement } = ending;
      if (statement.isFree) return sendAgain(parts, asker, entry, statement);
      const { ticketId } = statement.call;
      return deliver(parts, asker, entry, { kind: 'elsewhere', ticketId, statement }, waiting);
    }
    case 'elsewhere': {
      waiting.follows(ending.ticketId);
      entry.isKnown = true;
      const step = await follow(parts, asker, ending.ticketId, waiting);
      switch (step.kind) {
        case 'told':
          return;
        case 'freed':
          return runHere(parts, asker, entry, ending.statement);
        case 'inDoubt': {
          const taken = await takeOver(parts, ending.statement, step.ticket);
          if (taken === undefined) return deliver(parts, asker, entry, ending, waiting);
          return sendAgain(parts, asker, entry, taken);
        }
      }
    }
  }
}

/** The same statement under the same ticket and hold, with the token and connection of who asks now. */
async function sendAgain(
  parts: Parts,
  asker: Asker,
  ended: RequestEntry,
  statement: Reserved,
): Promise<void> {
  const { ticketId } = statement.call;
  const state = parts.requests.again(ended, ticketId);
  if (state.kind === 'repeat') return attend(parts, asker, state.entry);
  state.entry.isKnown = !statement.isFree;
  const target = statement.front.repeatTarget(statement.call.target, Date.now());
  const again: Reserved = {
    ...statement,
    identity: asker.identity,
    call: { ...statement.call, response: asker.call.response, target },
  };
  return begin(parts, asker, state.entry, (waiting) => run(parts, again, state.entry, waiting));
}

/** Another replica had it and gave it up before it was sent: it is a new statement here. */
async function runHere(
  parts: Parts,
  asker: Asker,
  ended: RequestEntry,
  statement: Again,
): Promise<void> {
  const ticketId = parts.ids.ticket(Date.now());
  const state = parts.requests.again(ended, ticketId);
  if (state.kind === 'repeat') return attend(parts, asker, state.entry);
  const call = { ...statement.call, response: asker.call.response, ticketId };
  const fresh = { ...statement, identity: asker.identity, call };
  return begin(parts, asker, state.entry, (waiting) => govern(parts, fresh, state.entry, waiting));
}

/** Steps 3 to 10 of a statement that was not seen before. */
async function govern(
  parts: Parts,
  identified: Identified,
  entry: RequestEntry,
  waiting: Waiting,
): Promise<RequestEnding> {
  const lap = parts.events.stopwatch(identified.call);
  const recognised = recognise(identified.query.sqlText);
  if (recognised.kind !== 'none')
    return { kind: 'answered', reply: await answerSurface(parts, identified, recognised) };
  const scanned = await withSentText(parts, identified);
  if (scanned.kind === 'refused') return refused(parts, identified, scanned.refusal);
  const analysed = await underNewestVersion(parts, await analyse(parts, scanned.statement));
  lap('analyse');
  if (analysed.kind === 'refused') return refused(parts, identified, analysed.refusal);
  const storm = parts.storms.ask(analysed.statement);
  if (storm !== null) return refused(parts, identified, storm);
  const estimated = await estimateWithBound(parts, analysed.statement, false);
  lap('estimate');
  if (estimated.kind === 'refused') return refused(parts, identified, estimated.refusal);
  const allowed = await allow(parts, estimated.statement);
  lap('decide');
  if (allowed.kind === 'refused') return refusedByRule(parts, estimated.statement, allowed.refusal);
  const { breakGlass } = allowed.statement;
  const reserved =
    breakGlass === undefined
      ? await reserve(parts, allowed.statement)
      : await reserveUnasked(parts, allowed.statement, breakGlass);
  lap('reserve');
  if (reserved.kind === 'refused') {
    parts.storms.refused(allowed.statement, reserved.refusal);
    return refused(parts, identified, reserved.refusal);
  }
  if (reserved.kind === 'known') return elsewhere(parts, allowed.statement, reserved.ticket);
  entry.isKnown = !reserved.statement.isFree;
  return run(parts, reserved.statement, entry, waiting);
}

async function refusedByRule(
  parts: Parts,
  statement: Estimated,
  refusal: Refusal,
): Promise<RequestEnding> {
  parts.storms.refused(statement, refusal);
  if (!(await recordUnheld(parts, statement, refusal))) {
    const known = await parts.ledger.ticketOfRequest(keyOf(statement));
    if (known !== undefined) return elsewhere(parts, statement, known);
  }
  return refused(parts, statement, refusal);
}

/** A ticket of another replica stands for this request: its statement is followed, or it is another statement. */
function elsewhere(
  parts: Parts,
  statement: Allowed | Estimated,
  known: { readonly ticketId: RequestEntry['owner']['ticketId']; readonly requestHash: string },
): RequestEnding {
  if (known.requestHash !== statement.query.hash)
    return refused(parts, statement, reusedRequestId());
  return { kind: 'elsewhere', ticketId: known.ticketId, statement };
}

const CANCELLED: ReleaseReason = {
  kind: 'cancelled',
  reason: 'cancelled by the client while it waited',
};

/** Steps 7 to 10, under the hold. */
async function run(
  parts: Parts,
  statement: Reserved,
  entry: RequestEntry,
  waiting: Waiting,
): Promise<RequestEnding> {
  const { call, hold } = statement;
  let unsent: ReleaseReason = { kind: 'failed', reason: 'not sent' };
  // A repeat of what was sent waits in doubt.
  const doubt = hold.isSent() ? watchDoubt(parts, entry) : undefined;
  const unwatch = doubt?.stop ?? giveUpWhenFrozen(parts, statement, entry);
  try {
    const lap = parts.events.stopwatch(call);
    const approved = await approveIfAsked(parts, statement, entry);
    lap('approve');
    // A repeat of what was sent waited before.
    const paced =
      approved.kind === 'approved' && !hold.isSent()
        ? await keepBack(parts, approved.statement, entry)
        : approved;
    lap('slow-down');
    const admitted =
      paced.kind === 'approved' ? await admitReady(parts, paced.statement, entry) : paced;
    lap('admit');
    doubt?.stop();
    if (doubt?.isOver() === true) {
      if (admitted.kind === 'admitted') await leave(admitted.statement);
      return settledMeanwhile(parts, statement);
    }
    if (admitted.kind === 'refused') {
      const told = hold.isSent() ? notSentAgain(admitted.refusal) : admitted.refusal;
      unsent = { kind: 'refused', refusal: toldOf(told) };
      return refused(parts, statement, told);
    }
    if (admitted.kind === 'dropped') return admitted;
    if (admitted.kind === 'cancelled' || (entry.isCancelled && !hold.isSent())) {
      if (admitted.kind === 'admitted') await leave(admitted.statement);
      if (hold.isSent()) abortFirst(parts, statement);
      unsent = entry.ended === null ? CANCELLED : { kind: 'refused', refusal: toldOf(entry.ended) };
      return givenUp(parts, statement, entry);
    }
    return await forward(parts, admitted.statement, entry, waiting);
  } finally {
    unwatch();
    await hold.releaseUnlessSent(unsent);
  }
}

/** A repeat that is not to be sent again: its first sending may run, and is cancelled; evidence tells what became of it. */
function abortFirst(parts: Parts, { front, upstream, identity, requestId, call }: Reserved): void {
  const target = { queryId: null, requestId };
  front
    .abort(upstream, identity.upstreamToken, target, parts.ids.ticket(Date.now()))
    .catch((thrown: unknown) => {
      parts.log.warn(
        { err: toError(thrown), ticketId: call.ticketId },
        'the first sending of a statement could not be cancelled; it is guarded as any in doubt',
      );
    });
}

/** A statement that was sent before was approved before. */
async function approveIfAsked(
  parts: Parts,
  statement: Reserved,
  entry: RequestEntry,
): Promise<ApproveOutcome> {
  const { approval, hold } = statement;
  if (approval === null || hold.isSent()) return { kind: 'approved', statement };
  return approve(parts, statement, approval, entry);
}
