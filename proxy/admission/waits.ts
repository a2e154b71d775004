import type { Queryable } from '#base/postgres/pool.js';
import { readLane } from '#billing/postgres/lane-rows.js';
import { tiersWaitedIn } from '#billing/postgres/lanes.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import { laneState } from '#policies/lanes/decision.js';
import { type Expectation, expectationsOf } from '#policies/lanes/expectation.js';

/** What a statement that waits can be told. */
export interface ToldWait extends Expectation {
  readonly ticketId: string;
}

/** What the waiting statements of a team can be told, whatever replica they wait at, by the document in force. */
export function waitsOf(
  db: Queryable,
  control: { current(): ControlSnapshot | undefined },
): (teamId: string) => Promise<readonly ToldWait[]> {
  return (teamId) => waitsOfTeam(db, control.current(), teamId);
}

async function waitsOfTeam(
  db: Queryable,
  snapshot: ControlSnapshot | undefined,
  teamId: string,
): Promise<readonly ToldWait[]> {
  const told: ToldWait[] = [];
  for (const tier of await tiersWaitedIn(db, teamId)) {
    const limits = snapshot?.tier(tier)?.lane;
    if (limits === undefined) continue;
    const state = laneState(await readLane(db, tier));
    const found = expectationsOf(limits, state);
    for (const { ticketId, teamId: of } of state.waiting) {
      const expectation = of === teamId ? found.get(ticketId) : undefined;
      if (expectation !== undefined) told.push({ ticketId, ...expectation });
    }
  }
  return told;
}
