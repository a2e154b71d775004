/**
 * Ownership of a statement's hold. Until dispatch the pipeline's scope owns it and leaving that scope gives it back;
 * from dispatch on only the settler may close it, because a cancelled or failed statement still cost something.
 */
import type { TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { EpochMs } from '#base/time.js';
import { toError } from '#base/errors.js';
import type { Credits } from '#base/units.js';
import { NO_CREDITS } from '#base/units.js';
import type { Ledger, ReleaseReason } from '#billing/ledger.js';

export interface Hold {
  readonly ticketId: TicketId;
  readonly credits: Credits;
  readonly isFree: boolean;
  /** The statement goes upstream now, up to a ceiling: from here on the settler closes the hold. False: do not send. */
  handOver(sentAt: EpochMs, ceilingCredits: Credits): Promise<boolean>;
  /** It was handed over: only the settler, or evidence, ends it now. */
  isSent(): boolean;
  /** Gives the hold back if it was not handed over. Never throws: the ledger's sweep ends what this cannot. */
  releaseUnlessSent(reason: ReleaseReason): Promise<void>;
}

/** The hold of a statement that uses no warehouse. */
export function freeHold(ticketId: TicketId): Hold {
  return {
    ticketId,
    credits: NO_CREDITS,
    isFree: true,
    handOver: () => Promise.resolve(true),
    isSent: () => false,
    releaseUnlessSent: () => Promise.resolve(),
  };
}

/** A hold that the ledger has taken; `sentAt` of one that was sent before and is sent again here. */
export function ledgerHold(
  ledger: Ledger,
  log: Log,
  ticketId: TicketId,
  credits: Credits,
  sentAt?: number,
): Hold {
  let isSent = sentAt !== undefined;
  let firstSentAt = sentAt;
  return {
    ticketId,
    credits,
    isFree: false,
    async handOver(now, ceilingCredits) {
      // A repeat of a statement that was not answered says so again with the first time: the ledger refuses when
      // evidence has closed the ticket meanwhile, and then nothing may be sent under it.
      firstSentAt ??= now;
      const mayBeSent = await ledger.markSent(ticketId, firstSentAt, ceilingCredits);
      isSent ||= mayBeSent;
      return mayBeSent;
    },
    isSent: () => isSent,
    async releaseUnlessSent(reason) {
      if (isSent) return;
      try {
        await ledger.release(ticketId, reason);
      } catch (thrown) {
        log.warn(
          { err: toError(thrown), ticketId },
          'a hold could not be given back yet; the sweep will',
        );
      }
    },
  };
}
