/** The one place where a fault becomes a refusal that a driver shows; bugs show their ticket and nothing else. */
import { Fault, tgLabel } from '#base/errors.js';
import type { Refusal } from './wire/refusal.js';

/**
 * Text per fault code that a client may see; the cause stays in the log. `isRepeat`: the driver has sent the request
 * before, so nothing can be said of its first sending.
 */
export function faultRefusal(error: Error, isRepeat = false): Refusal {
  const code = error instanceof Fault ? error.code : 'internal';
  const label = tgLabel(code);
  const text = isRepeat && code === 'ledgerUnavailable' ? UNKNOWN_FIRST : textOf(code, error);
  return { code, message: `${label} ${text}`, detail: { code: label } };
}

function textOf(code: Fault['code'], error: Error): string {
  if (code === 'upstreamUnreachable' || code === 'upstreamProtocol')
    return `Not answered: ${error.message}. Send it again in a minute.`;
  return (
    TEXTS[code] ??
    'Not run: an internal error of Tollgate, which has been logged under this ticket.'
  );
}

/** Another replica may have run the first sending, and only the ledger could tell. */
const UNKNOWN_FIRST =
  'Not answered: the ledger does not answer, and this repeats a request whose first sending may have run. Look at MY_QUERIES before you send it as a new statement.';

const TEXTS: Readonly<Partial<Record<Fault['code'], string>>> = {
  ledgerUnavailable:
    'Not run, nothing charged: the ledger does not answer, so no budget can be held. Send it again in a minute.',
  controlStale:
    'Not run, nothing charged: this replica has no control document yet. Send it again in a minute.',
  shuttingDown: 'Not run, nothing charged: this replica is stopping. Connect again.',
};
