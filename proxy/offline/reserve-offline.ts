/** The hold of a statement: by the ledger, or, while it is known not to answer, by what budgets promised for that. */
import { Fault, tgLabel } from '#base/errors.js';
import type { ReserveOutcome as LedgerOutcome, ReserveRequest } from '#billing/ledger.js';
import { isRepeat } from '../call.js';
import type { Parts } from '../parts.js';
import type { Allowed, Reserved } from '../stages.js';
import type { Refusal } from '../wire/refusal.js';

export type HeldOutcome =
  | { readonly kind: 'asked'; readonly outcome: LedgerOutcome }
  | { readonly kind: 'offline'; readonly statement: Reserved }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Asks the ledger unless it is known to be away. One that fails while it is asked leaves it open what became of the hold,
 * so that this statement is not admitted otherwise. Nor is one that its driver has sent before: another replica may have it.
 */
export async function holdOf(
  parts: Parts,
  statement: Allowed,
  request: ReserveRequest,
): Promise<HeldOutcome> {
  const { offline, ledger } = parts;
  if (!offline.isAway || statement.approval !== null) {
    try {
      return { kind: 'asked', outcome: await ledger.reserve(request) };
    } catch (thrown) {
      offline.suspect(thrown);
      throw thrown;
    }
  }
  if (isRepeat(statement.call))
    throw new Fault(
      'ledgerUnavailable',
      'The ledger does not answer, and the request is a repeat.',
    );
  const { ticket, budgetIds, holdCredits } = request;
  const { tier, concurrencyMax } = statement.placement.tier.lane;
  const outcome = offline.admit({
    ticket,
    budgets: budgetIds.flatMap((id) => statement.snapshot.budget(id) ?? []),
    holdCredits,
    ceilingCredits: statement.ceilingCredits,
    tier,
    concurrencyMax,
  });
  if (outcome.kind === 'refused') return { kind: 'refused', refusal: refusalOf(outcome) };
  const { hold, permit } = outcome;
  return {
    kind: 'offline',
    statement: {
      ...statement,
      ceilingCredits: hold.credits,
      backstopCredits: hold.credits,
      hold,
      offlinePermit: permit,
    },
  };
}

function refusalOf({
  budgetId,
  why,
}: {
  readonly budgetId: string | null;
  readonly why: string;
}): Refusal {
  const code = 'ledgerUnavailable';
  const label = tgLabel(code);
  return {
    code,
    message: `${label} Not run, nothing charged: the ledger does not answer, and ${why}. Send it again in a minute.`,
    detail: { code: label, charged: false, ...(budgetId === null ? {} : { budget: budgetId }) },
  };
}
