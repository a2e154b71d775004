/** What a request is told that stands for a statement which is not to be run again. */
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

/** A repeat of a statement that was settled meanwhile. */
export function closedMeanwhile(): Refusal {
  return callerRefusal(
    'requestIdReused',
    'Not sent again: what became of the first sending has been settled meanwhile; look at MY_QUERIES, then send it as a new statement.',
  );
}

/** A request id that stands for another statement. */
export function reusedRequestId(): Refusal {
  return callerRefusal(
    'requestIdReused',
    'Not run, nothing charged: this requestId stands for another statement of the session. Send a fresh one.',
  );
}

/** A repeat of a statement whose result upstream does not keep any more. */
export function resultGone(): Refusal {
  return callerRefusal(
    'requestIdReused',
    'Not run again: the statement has run, but its result can no longer be fetched.',
  );
}

const NOTHING_RAN = 'Not run, nothing charged:';

/** Why a repeat of a statement in doubt is not sent again: `refusal` is of the repeat, and its first sending may run. */
export function notSentAgain(refusal: Refusal): Refusal {
  const [head = '', ...rest] = refusal.message.split('\n');
  const lines = [
    head.replace(NOTHING_RAN, 'Not sent again:'),
    'Its first sending may run, and what that uses is charged; MY_QUERIES tells.',
    ...rest,
  ];
  return { ...refusal, message: lines.join('\n') };
}
