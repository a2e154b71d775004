/** The one place where a fault becomes a refusal that a driver shows; bugs show their ticket and nothing else. */
import { Fault, tgLabel } from '#base/errors.js';
import type { Refusal } from './wire/refusal.js';

/** Text per fault code that a client may see; the cause stays in the log. */
export function faultRefusal(error: Error): Refusal {
  const code = error instanceof Fault ? error.code : 'internal';
  const label = tgLabel(code);
  return { code, message: `${label} ${textOf(code, error)}`, detail: { code: label } };
}

function textOf(code: Fault['code'], error: Error): string {
  if (code === 'upstreamUnreachable' || code === 'upstreamProtocol')
    return `Not answered: ${error.message}. Send it again in a minute.`;
  return (
    TEXTS[code] ??
    'Not run: an internal error of Tollgate, which has been logged under this ticket.'
  );
}

const TEXTS: Readonly<Partial<Record<Fault['code'], string>>> = {
  ledgerUnavailable:
    'Not run, nothing charged: the ledger does not answer, so no budget can be held. Send it again in a minute.',
  controlStale:
    'Not run, nothing charged: this replica has no control document yet. Send it again in a minute.',
  shuttingDown: 'Not run, nothing charged: this replica is stopping. Connect again.',
};
