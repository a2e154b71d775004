/** The one budget that is meant where somebody names a team and no budget. */
import type { BudgetDocument, ControlDocument, TeamDocument } from '#policies/control/document.js';
import { notFound } from '../problems.js';

/** The monthly budget that counts everything of a team; undefined: it has none. */
export function monthlyBudget(
  document: ControlDocument,
  team: TeamDocument,
): BudgetDocument | undefined {
  return document.budgets.find(
    (budget) =>
      budget.node === team.id &&
      budget.period.kind === 'month' &&
      budget.tier === undefined &&
      budget.workload === undefined &&
      budget.client === undefined,
  );
}

/** The monthly budget that counts everything of a team, or a 404 that says how to get one. */
export function monthlyBudgetOrProblem(
  document: ControlDocument,
  team: TeamDocument,
): BudgetDocument {
  const budget = monthlyBudget(document, team);
  if (budget === undefined)
    throw notFound(
      `Team "${team.id}" has no monthly budget.`,
      `PUT /api/v1/budgets/${team.id} makes one`,
      'team',
    );
  return budget;
}
