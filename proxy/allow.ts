/** Step 5 with its guards: break-glass, freezes, the rules, the pace of the shape. */
import { askBreakGlass } from './break-glass.js';
import { decide } from './decide.js';
import { frozen } from './freezes.js';
import { hasLadders } from './ladder-standings.js';
import type { Parts } from './parts.js';
import { budgetsOfStatement } from './reserve.js';
import { refuseAtPace } from './run-rate.js';
import type { Allowed, Estimated } from './stages.js';
import type { Refusal } from './wire/refusal.js';

export type AllowOutcome =
  | { readonly kind: 'allowed'; readonly statement: Allowed }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Refused by a freeze, a rule, a ceiling, a run rate, or because break-glass was asked for by one who may not. */
export async function allow(parts: Parts, statement: Estimated): Promise<AllowOutcome> {
  const asked = await askBreakGlass(parts, statement);
  if (asked.kind === 'refused') return asked;
  if (asked.kind === 'allowed') {
    count(parts, asked.statement);
    return asked;
  }
  const decided = await decideWhere(parts, statement);
  if (decided.kind === 'refused') return decided;
  count(parts, decided.statement);
  const refusal = refuseAtPace(parts, decided.statement);
  return refusal === null ? decided : { kind: 'refused', refusal };
}

/**
 * On its own warehouse, or on the one that it is moved to: there it is as if it had come there, with the freezes, the budgets
 * and the ladders of there.
 */
async function decideWhere(parts: Parts, statement: Estimated): Promise<AllowOutcome> {
  const freeze = frozen(parts, statement);
  if (freeze !== null) return { kind: 'refused', refusal: freeze };
  const decided = decide(parts, await withStandings(parts, statement));
  return decided.kind === 'moved' ? decideWhere(parts, decided.statement) : decided;
}

/** The statement with how the budgets of its path stand, where some budget has a ladder. */
async function withStandings(parts: Parts, statement: Estimated): Promise<Estimated> {
  if (statement.isFree || !hasLadders(statement.snapshot.document)) return statement;
  const at = parts.clock.now();
  const path = budgetsOfStatement(statement, at);
  return { ...statement, standings: await parts.budgetUses.of(path, at) };
}

function count({ events }: Parts, statement: Allowed): void {
  events.allowed(statement, statement.facts.statements[0]?.class ?? 'opaque');
}
