/** Step 7: a permit of the tier's queue. Free statements pass at once: a `SHOW` does not wait behind a report. */
import type { Permit } from './admission/gate.js';
import type { Parts } from './parts.js';
import type { Admitted, Reserved } from './stages.js';
import type { Refusal } from './wire/refusal.js';
import { queueRefusal } from '#policies/rules/refusal-text.js';
import { refusalContext } from './refuse.js';

const NO_PERMIT: Permit = { release: () => undefined };

export type AdmitOutcome =
  | { readonly kind: 'admitted'; readonly statement: Admitted }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'gone' };

/** Waits for the team's turn in the tier. `signal` gives the place up: the client aborted the statement. */
export async function admit(
  parts: Parts,
  statement: Reserved,
  signal: () => AbortSignal,
): Promise<AdmitOutcome> {
  if (statement.isFree) return { kind: 'admitted', statement: { ...statement, permit: NO_PERMIT } };
  const { tier } = statement.placement;
  const outcome = await parts.gate.admit(
    {
      tier: tier.id,
      concurrencyMax: tier.concurrencyMax,
      queueMax: tier.queueMax,
      queueTimeoutMs: tier.queueTimeoutSeconds * 1000,
    },
    statement.team.id,
    signal(),
  );
  switch (outcome.kind) {
    case 'admitted':
      return { kind: 'admitted', statement: { ...statement, permit: outcome.permit } };
    case 'cancelled':
      return { kind: 'gone' };
    case 'queueFull':
      return {
        kind: 'refused',
        refusal: queueRefusal(
          { kind: 'full', waiting: outcome.queueMax, queueMax: outcome.queueMax },
          refusalContext(parts, statement),
        ),
      };
    case 'timeout':
      return {
        kind: 'refused',
        refusal: queueRefusal(
          {
            kind: 'timeout',
            waitedMs: outcome.waitedMs,
            timeoutMs: tier.queueTimeoutSeconds * 1000,
          },
          refusalContext(parts, statement),
        ),
      };
  }
}
