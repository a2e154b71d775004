/** The statement of the demo that runs away, and its end. */
import { z } from 'zod';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import type { AdminClient } from '../admin-client.js';
import { DEMO_RUNAWAY } from '../../policies/control/demo.js';
import { type Outcome, send } from './analyst.js';
import { RUNAWAY_TEAM, runawayStatement } from './statements.js';

const RUNNING = z.object({ ticketId: z.string(), workload: z.string().nullable() });

/** A runaway on its way: what it comes to, and how an administrator ends it. */
export interface Runaway {
  readonly ended: Promise<Outcome>;
  /** Kills it where the ceiling has not, as on a document without the demo's rule; a kill that comes too late is none. */
  kill(): Promise<void>;
}

/** Sends it, in a session of its own. @param run makes it a shape of its own. */
export async function startRunaway(
  session: ServiceConnection,
  client: AdminClient,
  run: number,
): Promise<Runaway> {
  await session.query(`USE WAREHOUSE ${DEMO_RUNAWAY.warehouse}`);
  return {
    ended: send(session, runawayStatement(run)),
    async kill() {
      const path = `/api/v1/running?team=${RUNAWAY_TEAM}`;
      const { rows } = await client.list(path, 'running', RUNNING);
      const own = rows.filter(({ workload }) => workload === DEMO_RUNAWAY.workload);
      for (const { ticketId } of own)
        await client.call(`/api/v1/tickets/${ticketId}/kill`, { reason: 'the demo is over' });
    },
  };
}
