/**
 * Who waits for the answer of a statement: the exchange that sent it, repeats of it, polls. One that nobody waits for
 * any more is given up after a while, so its queue place, or what its tier says of running statements, is not kept
 * for a client that went away.
 */
import type { ServerResponse } from 'node:http';
import { deferred } from '#base/deferred.js';
import type { TicketId } from '#base/ids.js';
import { sendSmall } from './relay.js';
import type { SmallReply } from './relay.js';

/**
 * An id that no other replica knows is not told before this long after its time: a poll for it would find nothing
 * elsewhere. The drivers' own patience ends soon after.
 */
const UNKNOWN_GRACE_MS = 8000;
const UNKNOWN_LOOK_MS = 50;

export class Attendance {
  #waiting = 0;
  #seenAtMs: number;
  readonly #now: () => number;

  /** `now`: a monotonic clock in milliseconds of real time. */
  constructor(now: () => number) {
    this.#now = now;
    this.#seenAtMs = now();
  }

  /** For how long nobody has waited, in real milliseconds; 0 while somebody does. */
  idleMs(): number {
    return this.#waiting > 0 ? 0 : this.#now() - this.#seenAtMs;
  }

  /** Somebody asked just now. */
  touch(): void {
    this.#seenAtMs = this.#now();
  }

  enter(): void {
    this.#waiting += 1;
  }

  leave(): void {
    this.#waiting -= 1;
    this.touch();
  }
}

/**
 * One exchange that waits. It is answered once: with the statement's reply, or, after `holdMs`, with the address
 * where the client asks again; drivers give a silent server up after a minute, and one that answers never.
 */
export class Waiting {
  readonly #response: ServerResponse;
  readonly #attendance: Attendance;
  #ticketId: TicketId;
  #timer: NodeJS.Timeout;
  readonly held: Promise<'held'>;
  #isOver = false;
  #isTaken = false;

  constructor(
    response: ServerResponse,
    attendance: Attendance,
    options: {
      readonly ticketId: TicketId;
      readonly holdMs: number;
      readonly inProgress: (ticketId: TicketId) => SmallReply;
      /** Whether other replicas would know the ticket by now. */
      readonly isKnown: () => boolean;
    },
  ) {
    this.#response = response;
    this.#attendance = attendance;
    this.#ticketId = options.ticketId;
    attendance.enter();
    const { promise, resolve: tellHeld } = deferred<'held'>();
    this.held = promise;
    const onHeld = (untilMs: number): void => {
      if (this.#isTaken) return;
      if (!options.isKnown() && performance.now() < untilMs) {
        this.#timer = setTimeout(() => onHeld(untilMs), UNKNOWN_LOOK_MS);
        return;
      }
      sendSmall(response, options.inProgress(this.#ticketId));
      this.end();
      tellHeld('held');
    };
    const untilMs = performance.now() + options.holdMs + UNKNOWN_GRACE_MS;
    this.#timer = setTimeout(() => onHeld(untilMs), options.holdMs);
    response.once('close', () => this.#left());
  }

  /** The statement turned out to be another replica's: its ticket is what the client asks for. */
  follows(ticketId: TicketId): void {
    this.#ticketId = ticketId;
  }

  /** The response, for a reply that begins now; null when the client was told to ask again, or has gone. */
  open(): ServerResponse | null {
    this.#isTaken = true;
    clearTimeout(this.#timer);
    return this.#isOver || this.#response.destroyed ? null : this.#response;
  }

  /** Sends a complete reply, unless one was sent. */
  answer(reply: SmallReply): void {
    const response = this.open();
    if (response !== null) sendSmall(response, reply);
  }

  /** Cuts the client off: drivers repeat a request whose connection broke, and another replica answers. */
  drop(): void {
    this.open()?.destroy();
  }

  /** Nobody waits here any more. */
  end(): void {
    this.#isOver = true;
    this.#left();
  }

  #hasLeft = false;
  #left(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    clearTimeout(this.#timer);
    this.#attendance.leave();
  }
}
