/** Step 6: the hold is taken on every budget of the path, all or none, in one transaction. */
import { fingerprint } from '#policies/sql/fingerprint.js';
import { ceilingFor, creditsToHold } from '#policies/rules/ceiling.js';
import { budgetRefusal } from '#policies/rules/refusal-text.js';
import { addCredits, maxAmount } from '#base/units.js';
import type { KnownTicket, TicketFacts } from '#billing/ledger.js';
import { toError } from '#base/errors.js';
import { freeHold, ledgerHold } from './hold.js';
import type { Parts } from './parts.js';
import { refusalContext, standingText } from './refuse.js';
import type { Allowed, Estimated, Reserved } from './stages.js';
import type { Refusal } from './wire/refusal.js';
import { tgLabel } from '#base/errors.js';

export type ReserveOutcome =
  | { readonly kind: 'reserved'; readonly statement: Reserved }
  /** Another replica has a ticket for the same request. */
  | { readonly kind: 'known'; readonly ticket: KnownTicket }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Holds the estimate's 90 % quantile, at most the ceiling. Free statements hold nothing. Refused: a hard budget has
 * less left than the hold. Fault `ledgerUnavailable` when that cannot be established: nothing runs then.
 */
export async function reserve(parts: Parts, statement: Allowed): Promise<ReserveOutcome> {
  const { ticketId } = statement.call;
  if (statement.isFree && statement.approval === null) {
    return {
      kind: 'reserved',
      statement: {
        ...statement,
        hold: freeHold(ticketId),
        backstopCredits: statement.ceilingCredits,
      },
    };
  }
  const { ceilingCredits, isFree } = statement;
  // A free statement that somebody has to approve needs a ticket to be asked for, and holds nothing.
  const budgets = isFree ? [] : budgetsOf(statement);
  const holdCredits = creditsToHold(statement, ceilingCredits);
  const outcome = await parts.ledger.reserve({
    ticket: ticketFacts(parts, statement),
    budgetIds: budgets,
    holdCredits,
  });
  switch (outcome.kind) {
    case 'held': {
      // What this statement could still top up from each hard budget, its own hold included.
      const ceiling = ceilingFor(
        ceilingCredits,
        outcome.budgets.flatMap((budget) =>
          budget.isHard && budget.availableCredits !== null
            ? [
                {
                  budgetId: budget.budgetId,
                  availableCredits: addCredits(budget.availableCredits, holdCredits),
                },
              ]
            : [],
        ),
      );
      const hold = ledgerHold(parts.ledger, parts.log, ticketId, outcome.holdCredits);
      return {
        kind: 'reserved',
        statement: {
          ...statement,
          backstopCredits: maxAmount(ceiling.ceilingCredits, holdCredits),
          hold,
        },
      };
    }
    case 'refused': {
      const refusal = budgetRefusal(
        standingText(outcome.budget, statement),
        refusalContext(parts, statement),
      );
      await recordRefusal(parts, statement, refusal);
      return { kind: 'refused', refusal };
    }
    case 'known':
      return outcome;
  }
}

/** Ids of the budgets on the statement's path, outermost first. */
export function budgetsOf(
  statement: Pick<Estimated, 'snapshot' | 'team' | 'principal' | 'placement' | 'workload'>,
): readonly string[] {
  return statement.snapshot
    .budgetsFor({
      teamId: statement.team.id,
      principalId: statement.principal.id,
      tier: statement.placement.tier.id,
      workload: statement.workload,
    })
    .map((budget) => budget.id);
}

/** What the ticket says of the statement. */
export function ticketFacts(parts: Parts, statement: Estimated): TicketFacts {
  const { call, identity, session, placement, estimate, facts, query } = statement;
  const [only] = facts.statements;
  return {
    ticketId: call.ticketId,
    account: identity.account,
    sessionId: identity.sessionId,
    requestId: statement.requestId,
    requestHash: query.hash,
    principalId: statement.principal.id,
    viaPrincipalId: statement.isOnBehalf ? statement.signedIn.principal.id : null,
    teamId: statement.team.id,
    workload: statement.workload,
    snowflakeUser: session.snowflakeUser,
    roleName: session.role,
    tier: placement.tier.id,
    warehouse: placement.warehouse,
    warehouseSize: placement.warehouseSize,
    statementClass: facts.statements.length === 1 && only !== undefined ? only.class : 'script',
    fingerprint: facts.fingerprint,
    statementShape: fingerprint(query.sqlText).shape,
    basis: estimate.basis,
    lowCredits: estimate.lowCredits,
    expectedCredits: estimate.expectedCredits,
    highCredits: estimate.highCredits,
    expectedSeconds: estimate.expectedSeconds,
    estimatedBytes: estimate.bytes,
    pricePerCredit: placement.pricePerCredit,
    currency: placement.currency,
    controlVersion: statement.snapshot.version,
    replica: parts.replica,
    occurredAt: parts.clock.now(),
  };
}

/** Keeps the refusal's text for WHY; the client is answered even when that fails. */
async function recordRefusal(parts: Parts, statement: Estimated, refusal: Refusal): Promise<void> {
  try {
    await parts.ledger.recordRefusal(statement.call.ticketId, {
      code: tgLabel(refusal.code),
      message: refusal.message,
      detail: refusal.detail,
    });
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown) }, 'the text of a refusal was not recorded');
  }
}
