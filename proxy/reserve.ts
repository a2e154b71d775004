/** Step 6: the hold is taken on every budget of the path, all or none, in one transaction. */
import { fingerprint } from '#policies/sql/fingerprint.js';
import { creditsToHold } from '#policies/rules/ceiling.js';
import { budgetRefusal } from '#policies/rules/refusal-text.js';
import { isInForce } from '#billing/in-force.js';
import type { BudgetStanding, KnownTicket, TicketFacts } from '#billing/ledger.js';
import { toError } from '#base/errors.js';
import type { EpochMs } from '#base/time.js';
import { clientOf } from './decide.js';
import { hardCeiling } from './hard-ceiling.js';
import { freeHold, ledgerHold } from './hold.js';
import { holdOf } from './offline/reserve-offline.js';
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
  const ticket = ticketFacts(parts, statement);
  const budgets = isFree ? [] : budgetsOfStatement(statement, ticket.occurredAt);
  const holdCredits = creditsToHold(statement, ceilingCredits);
  const held = await holdOf(parts, statement, { ticket, budgetIds: budgets, holdCredits });
  if (held.kind === 'refused') return held;
  if (held.kind === 'offline') return { kind: 'reserved', statement: held.statement };
  const { outcome } = held;
  switch (outcome.kind) {
    case 'held': {
      const backstopCredits = await hardCeiling(parts.budgetUses, {
        ceilingCredits,
        holdCredits,
        budgets: outcome.budgets,
        at: ticket.occurredAt,
      });
      const hold = ledgerHold(parts.ledger, parts.log, ticketId, outcome.holdCredits);
      return {
        kind: 'reserved',
        statement: {
          ...statement,
          backstopCredits,
          hold,
        },
      };
    }
    case 'refused': {
      const path = await pathOf(parts, budgets, ticket.occurredAt);
      const refusal = budgetRefusal(
        standingText(outcome.budget, statement),
        { holdCredits, path: path.map((standing) => standingText(standing, statement)) },
        refusalContext(parts, statement),
      );
      await recordRefusal(parts, statement, refusal);
      return { kind: 'refused', refusal };
    }
    case 'known':
      return outcome;
  }
}

/** How the budgets of the path stand, to say what else is short; a refusal does not fail for that. */
async function pathOf(
  parts: Parts,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<readonly BudgetStanding[]> {
  if (budgetIds.length < 2) return [];
  try {
    return await parts.ledger.standing(budgetIds, at);
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown) }, 'the other budgets of a refusal could not be read');
    return [];
  }
}

/** What decides which budgets a statement counts in. */
export interface BudgetQuestion extends Pick<
  Estimated,
  'snapshot' | 'team' | 'principal' | 'placement' | 'workload'
> {
  /** null: not known. */
  readonly client: string | null;
  readonly at: EpochMs;
}

/** Ids of the budgets on the statement's path that are in force, outermost first. */
export function budgetsOf(question: BudgetQuestion): readonly string[] {
  return question.snapshot
    .budgetsFor({
      teamId: question.team.id,
      principalId: question.principal.id,
      tier: question.placement.tier.id,
      workload: question.workload,
      client: question.client,
    })
    .filter((budget) => isInForce(budget, question.at))
    .map((budget) => budget.id);
}

/** Ids of the budgets that a statement counts in at that instant, outermost first. */
export function budgetsOfStatement(
  { snapshot, team, principal, placement, workload, call }: Estimated,
  at: EpochMs,
): readonly string[] {
  const client = clientOf(call);
  return budgetsOf({ snapshot, team, principal, placement, workload, client, at });
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
    origin: statement.origin,
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
