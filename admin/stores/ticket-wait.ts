import type { Queryable } from '#base/postgres/pool.js';
import { readLane } from '#billing/postgres/lane-rows.js';
import { tierWaitedIn } from '#billing/postgres/lanes.js';
import type { ControlDocument } from '#policies/control/document.js';
import { laneState } from '#policies/lanes/decision.js';
import { type Expectation, expectationsOf } from '#policies/lanes/expectation.js';
import { laneLimits } from '#policies/lanes/limits.js';

/** What the statement of a ticket waits for, by the document in force; null: it does not wait for a permit. */
export async function waitOfTicket(
  db: Queryable,
  document: ControlDocument,
  ticketId: string,
): Promise<Expectation | null> {
  const lane = await tierWaitedIn(db, ticketId);
  const tier = document.tiers.find(({ id }) => id === lane);
  if (tier === undefined) return null;
  const state = laneState(await readLane(db, tier.id));
  return expectationsOf(laneLimits(tier), state).get(ticketId) ?? null;
}
