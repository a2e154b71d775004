import type { Database } from '#base/postgres/pool.js';
import { readLane } from '#billing/postgres/lane-rows.js';
import { decideInLane } from '#billing/postgres/lanes.js';
import type { LaneStore } from './lane.js';

/** Lanes in Postgres. */
export function laneStore(db: Database): LaneStore {
  return {
    decide: (tier, replica, reach, decide) => decideInLane(db, tier, replica, reach, decide),
    read: (tier, replica) => readLane(db, tier, replica),
  };
}
