/**
 * In place of decide, reserve and admit for a statement that asks for break-glass and may: no rule, no budget and no
 * queue, up to a ceiling of its own. Every use is written and told before anything is sent.
 */
import { formatInstant } from '#base/time.js';
import { NO_CREDITS } from '#base/units.js';
import type { BreakGlassReason, BreakGlassUse } from '#billing/break-glass.js';
import { breakGlassReason, breakGlassWay } from '#policies/break-glass.js';
import { ledgerHold } from './hold.js';
import type { Parts } from './parts.js';
import { budgetsOfStatement, ticketFacts } from './reserve.js';
import type { ReserveOutcome } from './reserve.js';
import type { Allowed, Estimated } from './stages.js';
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

export type BreakGlassAsked =
  | { readonly kind: 'notAsked' }
  | { readonly kind: 'allowed'; readonly statement: Allowed }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Refused: the caller may not, gives no reason, or a reason that has had its time. */
export async function askBreakGlass(parts: Parts, statement: Estimated): Promise<BreakGlassAsked> {
  const { query, session, snapshot, signedIn, isFree } = statement;
  const reason = breakGlassReason(query.sqlText, query.clientTag ?? session.queryTag);
  if (reason === null || isFree) return { kind: 'notAsked' };
  const caller = { principalId: signedIn.principal.id, role: session.role };
  const way = breakGlassWay(snapshot.document, caller);
  if (way === undefined)
    return refused(`${caller.principalId} may not use break-glass; ask the platform admins.`);
  if (reason === '')
    return refused('break-glass wants a reason: /* tollgate: break-glass <reason> */ SELECT …');
  const by: BreakGlassReason = { principalId: caller.principalId, wayId: way.id, reason };
  const at = parts.clock.now();
  const endsAt = await parts.breakGlass.open(by, at, way.minutes);
  if (endsAt <= at)
    return refused(
      `the time of this reason ended at ${formatInstant(endsAt)}; give the reason of now, in other words.`,
    );
  await tell(parts, statement, { ...by, endsAt, at });
  const { ceilingCredits } = way;
  return {
    kind: 'allowed',
    statement: {
      ...statement,
      ceilingCredits,
      lane: statement.placement.tier.lane,
      approval: null,
      breakGlass: by,
    },
  };
}

/** Holds nothing, on every budget of the path; what is used goes into debt. */
export async function reserveUnasked(
  parts: Parts,
  statement: Allowed,
  by: BreakGlassReason,
): Promise<ReserveOutcome> {
  const ticket = ticketFacts(parts, statement);
  const budgetIds = budgetsOfStatement(statement, ticket.occurredAt);
  const outcome = await parts.breakGlass.reserve({ ticket, budgetIds }, by);
  if (outcome.kind === 'known') return outcome;
  return {
    kind: 'reserved',
    statement: {
      ...statement,
      hold: ledgerHold(parts.ledger, parts.log, ticket.ticketId, NO_CREDITS),
      backstopCredits: statement.ceilingCredits,
    },
  };
}

async function tell(
  parts: Parts,
  { call, team, facts }: Estimated,
  opened: Omit<BreakGlassUse, 'ticketId' | 'teamId' | 'fingerprint'>,
): Promise<void> {
  const use: BreakGlassUse = {
    ...opened,
    ticketId: call.ticketId,
    teamId: team.id,
    fingerprint: facts.fingerprint,
  };
  parts.events.brokeGlass(team.id, use.wayId);
  parts.log.warn(use, 'a statement passes budgets and rules by break-glass');
  await parts.breakGlass.tell(use);
}

function refused(why: string): BreakGlassAsked {
  return {
    kind: 'refused',
    refusal: callerRefusal('ruleRefused', `Not run, nothing charged: ${why}`),
  };
}
