/** Whose budgets an actor may see. */
import type { BudgetDocument, ControlDocument } from '#policies/control/document.js';
import type { Actor } from '../actor.js';

/** A lead sees those of the team and of its principals, an analyst those of the team and its own; null: all. */
export function visibleNodes(
  document: ControlDocument,
  { teamId, principalId }: Pick<Actor, 'teamId' | 'principalId'>,
): ReadonlySet<string> | null {
  if (teamId === null) return null;
  const nodes = new Set([teamId]);
  for (const { id, team } of document.principals)
    if (team === teamId && (principalId === null || principalId === id)) nodes.add(id);
  return nodes;
}

/** The budgets of those nodes. */
export function visibleBudgets(document: ControlDocument, actor: Actor): readonly BudgetDocument[] {
  const nodes = visibleNodes(document, actor);
  return nodes === null ? document.budgets : document.budgets.filter(({ node }) => nodes.has(node));
}
