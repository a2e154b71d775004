/** What the teams have spent, by the ledger, as the API tells it. */
import { z } from 'zod';
import { type Credits, parseCredits } from '../../base/units.js';
import type { AdminClient } from '../admin-client.js';

const BUDGET = z.object({
  id: z.string(),
  node: z.string(),
  standing: z.object({ spentCredits: z.string(), heldCredits: z.string() }).nullable(),
});

/** Of one budget. */
export interface Spent {
  readonly spentCredits: Credits;
  readonly heldCredits: Credits;
}

/** By team: what the first budget of each has spent and holds in its open period. */
export async function readSpending(client: AdminClient): Promise<ReadonlyMap<string, Spent>> {
  const spent = new Map<string, Spent>();
  const { rows } = await client.list('/api/v1/budgets', 'budgets', BUDGET);
  for (const { node, standing } of rows)
    if (standing !== null && !spent.has(node))
      spent.set(node, {
        spentCredits: parseCredits(standing.spentCredits),
        heldCredits: parseCredits(standing.heldCredits),
      });
  return spent;
}
