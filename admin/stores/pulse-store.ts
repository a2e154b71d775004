/** What the pages of the console show, as one short text for everything that belongs together: it changes when they would. */
import type { Queryable } from '#base/postgres/pool.js';
import { formatInstant, type EpochMs } from '#base/time.js';

/** Kinds of things that a page shows and that change by themselves. */
export const TOPICS = ['running', 'queues', 'requests', 'budgets', 'freezes', 'control'] as const;
export type Topic = (typeof TOPICS)[number];

export interface PulseRow {
  readonly topic: Topic;
  /** Of `budgets`: the node that the budgets are on; of `running` and `requests`: the team; else null. */
  readonly node: string | null;
  /** Of `running` and `requests`: who sent or asked; else null. */
  readonly principal: string | null;
  readonly digest: string;
}

/** One look at everything. Reads what is open alone: tickets in flight, requests that wait, periods that last. */
export async function readPulse(db: Queryable, at: EpochMs): Promise<readonly PulseRow[]> {
  const { rows } = await db.query<PulseRow & Record<string, unknown>>(
    `SELECT 'running' AS topic, t.team_id AS node, t.principal_id AS principal,
            sum(hashtextextended(concat_ws('|', t.id, t.state, u.used_credits), 0))::text AS digest
       FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id LEFT JOIN running_use u ON u.ticket_id = t.id
      GROUP BY 2, 3
     UNION ALL
     SELECT 'queues', NULL, NULL, sum(hashtextextended(concat_ws('|', tier, ticket_id, granted_at), 0))::text
       FROM lane_waiting
     UNION ALL
     SELECT 'requests', t.team_id, r.principal_id, sum(hashtextextended(r.ticket_id::text, 0))::text
       FROM approval_request r JOIN ticket t ON t.id = r.ticket_id WHERE r.state = 'waiting' GROUP BY 2, 3
     UNION ALL
     SELECT 'budgets', b.node_id, NULL,
            sum(hashtextextended(concat_ws('|', p.id, p.spent_credits, p.held_credits, p.leased_credits,
              p.granted_credits, p.carried_credits, p.limit_credits), 0))::text
       FROM budget_period p JOIN budget b ON b.id = p.budget_id
      WHERE p.starts_at <= $1 AND p.ends_at > $1 GROUP BY 2
     UNION ALL
     SELECT 'freezes', NULL, NULL, concat_ws('|', count(*), max(id)) FROM admission_freeze
      WHERE thawed_at IS NULL AND (until_at IS NULL OR until_at > $1)
     UNION ALL
     SELECT 'control', NULL, NULL, max(version)::text FROM control_version`,
    [formatInstant(at)],
  );
  return rows;
}
