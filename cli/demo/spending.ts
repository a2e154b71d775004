/** What the teams have spent, by the ledger, as the API tells it. */
import { z } from 'zod';
import { type Credits, parseCredits } from '../../base/units.js';
import type { AdminClient } from '../admin-client.js';

const BUDGETS = z.object({
  budgets: z.array(
    z.object({
      id: z.string(),
      node: z.string(),
      standing: z.object({ spentCredits: z.string(), heldCredits: z.string() }).nullable(),
    }),
  ),
  nextCursor: z.string().nullable(),
});

/** Of one budget. */
export interface Spent {
  readonly spentCredits: Credits;
  readonly heldCredits: Credits;
}

/** By team: what the first budget of each has spent and holds in its open period. */
export async function readSpending(client: AdminClient): Promise<ReadonlyMap<string, Spent>> {
  const spent = new Map<string, Spent>();
  for (const { budgets } of await client.pages('/api/v1/budgets', BUDGETS))
    for (const { node, standing } of budgets)
      if (standing !== null && !spent.has(node))
        spent.set(node, {
          spentCredits: parseCredits(standing.spentCredits),
          heldCredits: parseCredits(standing.heldCredits),
        });
  return spent;
}
