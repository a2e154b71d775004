/**
 * A statement that another replica has, or had: its ticket tells how it stands. Repeats and polls are answered from
 * there until Snowflake has named the query, and by Snowflake's own result route from then on.
 */
import { maxAmount } from '#base/units.js';
import type { TicketId } from '#base/ids.js';
import { toError } from '#base/errors.js';
import type { KnownTicket } from '#billing/ledger.js';
import type { Waiting } from './attendance.js';
import type { Asker } from './front.js';
import { doubtHold } from './hold.js';
import type { Parts } from './parts.js';
import type { Again, RequestEntry } from './requests.js';
import { fetchResult, tellingStops } from './result.js';
import type { Reserved } from './stages.js';
import { callerRefusal, refusalOf } from './wire/refusal.js';

const FIRST_LOOK_MS = 20;
const LOOKS_APART_MAX_MS = 1000;
/** How often the replica that has the statement is told that somebody waits. */
const SEEN_EVERY_MS = 10_000;

export type Followed =
  /** Answered, or told to ask again. */
  | { readonly kind: 'told' }
  /** It was given up before it was sent. */
  | { readonly kind: 'freed' }
  /** Sent, and its reply was lost: a repeat may send it again, see {@link takeOver}. */
  | { readonly kind: 'inDoubt'; readonly ticket: KnownTicket };

/**
 * Waits until the ticket tells something, and tells it to `waiting`. `canRun`: who asks has the statement and can send
 * it; a poll cannot, and waits for evidence. Fault `upstreamUnreachable`.
 */
export async function follow(
  parts: Parts,
  asker: Asker,
  ticketId: TicketId,
  waiting: Waiting,
  canRun = true,
): Promise<Followed> {
  let isHeld = false;
  const held = waiting.held.then(() => {
    isHeld = true;
  });
  let apartMs = FIRST_LOOK_MS;
  let seenAtMs = -Infinity;
  for (;;) {
    const ticket = await look(parts, ticketId);
    const step = ticket === undefined ? 'wait' : await tell(parts, asker, ticket, waiting);
    if (step !== 'wait' && (canRun || step.kind !== 'inDoubt')) return step;
    if (isHeld || asker.call.response.destroyed) return { kind: 'told' };
    if (performance.now() - seenAtMs > SEEN_EVERY_MS) {
      seenAtMs = performance.now();
      await parts.ledger.markSeen(ticketId).catch(() => undefined);
    }
    await Promise.race([held, pause(apartMs)]);
    apartMs = Math.min(LOOKS_APART_MAX_MS, apartMs * 1.5);
  }
}

/** A ledger that does not answer is asked again: the statement may be running well. */
async function look(parts: Parts, ticketId: TicketId): Promise<KnownTicket | undefined> {
  try {
    return await parts.ledger.ticket(ticketId);
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown), ticketId }, 'a ticket of another replica was not read');
    return undefined;
  }
}

async function tell(
  parts: Parts,
  asker: Asker,
  ticket: KnownTicket,
  waiting: Waiting,
): Promise<Followed | 'wait'> {
  const { front } = asker;
  const { ticketId, snowflakeQueryId } = ticket;
  const told = ticket.stopTold ?? ticket.refusal;
  switch (ticket.state) {
    case 'NEW':
    case 'RESERVED':
      return 'wait';
    case 'VOID':
      if (told !== null) waiting.answer(front.refusal(refusalOf(told), ticketId));
      else if (ticket.isRefused) return 'wait';
      else if (ticket.ending === 'cancelled') waiting.answer(front.cancelled(ticketId));
      else return { kind: 'freed' };
      return { kind: 'told' };
    case 'IN_DOUBT':
      if (snowflakeQueryId !== null) break;
      // One that is being stopped is not sent again: its end tells why.
      return told === null ? { kind: 'inDoubt', ticket } : 'wait';
    case 'SENT':
    case 'RUNNING':
      if (snowflakeQueryId === null) return 'wait';
      break;
    case 'SETTLED':
      if (told !== null) {
        waiting.answer(front.refusal(refusalOf(told), ticketId));
        return { kind: 'told' };
      }
      if (snowflakeQueryId !== null) break;
      waiting.answer(front.refusal(gone(), ticketId));
      return { kind: 'told' };
  }
  await fetchResult(asker, snowflakeQueryId, waiting, tellingStops(parts, asker, ticketId));
  return { kind: 'told' };
}

/**
 * A statement in doubt as it is sent again here, under the hold it has and the ceiling that it was sent with. Undefined:
 * it may not run under the rules that are in force here; then only evidence ends it.
 */
export async function takeOver(
  parts: Parts,
  statement: Again,
  ticket: KnownTicket,
): Promise<Reserved | undefined> {
  if (!('ceilingCredits' in statement)) {
    await pause(LOOKS_APART_MAX_MS);
    return undefined;
  }
  const { ticketId, holdCredits } = ticket;
  const ceilingCredits = ticket.ceilingCredits ?? statement.ceilingCredits;
  return {
    ...statement,
    ceilingCredits,
    call: { ...statement.call, ticketId },
    hold: doubtHold(parts, parts.replica, ticket),
    backstopCredits: maxAmount(ceilingCredits, holdCredits),
  };
}

/**
 * Watches a statement in doubt that waits here to be sent again: it gives its place up once it has ended, or is being
 * stopped, and `isOver` is true from then on. Call `stop` when it does not wait any more.
 */
export function watchDoubt(
  parts: Parts,
  entry: RequestEntry,
): { readonly isOver: () => boolean; readonly stop: () => void } {
  let isOver = false;
  let isBusy = false;
  let isStopped = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void look(parts, entry.owner.ticketId).then((ticket) => {
      isBusy = false;
      if (ticket === undefined || isStopped) return;
      if (ticket.state === 'IN_DOUBT' && ticket.stopTold === null) return;
      isOver = true;
      entry.cancel('abandoned');
    });
  }, LOOKS_APART_MAX_MS);
  timer.unref();
  return {
    isOver: () => isOver,
    stop: () => {
      isStopped = true;
      clearInterval(timer);
    },
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}

function gone(): ReturnType<typeof callerRefusal> {
  return callerRefusal(
    'requestIdReused',
    'Not run again: the statement has ended, but its answer can no longer be fetched; look at MY_QUERIES, then send it as a new statement.',
  );
}
