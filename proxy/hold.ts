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
import type { KnownTicket, Ledger, ReleaseReason, SentSoFar } from '#billing/ledger.js';

export interface Hold {
  readonly ticketId: TicketId;
  readonly credits: Credits;
  readonly isFree: boolean;
  /** The statement goes upstream now, up to a ceiling: from here on the settler closes the hold. False: do not send. */
  handOver(sentAt: EpochMs, ceilingCredits: Credits): Promise<boolean>;
  /** It was handed over: only the settler, or evidence, ends it now. */
  isSent(): boolean;
  /** What it had used when it was handed over here; absent: nobody had sent it before. */
  sentBefore?(): SentSoFar | undefined;
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

/** A hold that the ledger has taken for a statement that was not sent. */
export function ledgerHold(ledger: Ledger, log: Log, ticketId: TicketId, credits: Credits): Hold {
  let isSent = false;
  let firstSentAt: EpochMs | undefined;
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

/** Whoever looks after statements in doubt on this replica. */
interface InDoubt {
  /** The ticket is about to be sent again here: no mark of theirs may come after that. */
  resume(ticketId: TicketId): Promise<void>;
}

/**
 * The hold of a statement in doubt that is to be sent again here. Until then it stays in doubt: whoever looks after
 * those meters it, it can be ended, and it ends by evidence, and then there is nothing to hand over.
 */
export function doubtHold(
  parts: { readonly ledger: Pick<Ledger, 'takeOver'>; readonly doubts: InDoubt },
  replica: string,
  { ticketId, holdCredits }: Pick<KnownTicket, 'ticketId' | 'holdCredits'>,
): Hold {
  let sentBefore: SentSoFar | undefined;
  return {
    ticketId,
    credits: holdCredits,
    isFree: false,
    async handOver(sentAt) {
      await parts.doubts.resume(ticketId);
      sentBefore = await parts.ledger.takeOver(ticketId, replica, sentAt);
      return sentBefore !== undefined;
    },
    isSent: () => true,
    sentBefore: () => sentBefore,
    releaseUnlessSent: () => Promise.resolve(),
  };
}
