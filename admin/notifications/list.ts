/** Notifications as people look at them, with what became of each at each channel; and trying again what was given up. */
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { Fact, NotificationKind, Severity } from './notification.js';

export const DELIVERY_STATES = ['pending', 'sent', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface ListedNotification {
  readonly id: string;
  readonly kind: NotificationKind;
  readonly severity: Severity;
  readonly team_id: string | null;
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly occurred_at: Date;
  /** `ended_at` is null while it is tried. */
  readonly deliveries: readonly {
    readonly channel: string;
    readonly state: DeliveryState;
    readonly attempts: number;
    readonly problem: string | null;
    readonly endedAt: string | null;
  }[];
}

export interface Asked {
  /** Null: of every team, and of none. */
  readonly teamId: string | null;
  /** Only with a delivery in this state. */
  readonly state: DeliveryState | null;
  /** Ids below it. */
  readonly before: string | null;
  readonly limit: number;
}

/** The newest first. */
export async function listNotifications(
  db: Queryable,
  { teamId, state, before, limit }: Asked,
): Promise<readonly ListedNotification[]> {
  const { rows } = await db.query<ListedNotification & Record<string, unknown>>(
    `SELECT n.id, n.kind, n.severity, n.team_id, n.title, n.facts, n.occurred_at,
      coalesce((SELECT jsonb_agg(jsonb_build_object('channel', d.channel_id, 'state', d.state, 'attempts', d.attempts,
          'problem', d.problem, 'endedAt', to_char(d.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
          ORDER BY d.channel_id)
        FROM notification_delivery d WHERE d.notification_id = n.id), '[]') AS deliveries
    FROM notification n
    WHERE ($1::text IS NULL OR n.team_id = $1) AND ($2::bigint IS NULL OR n.id < $2)
      AND ($3::text IS NULL OR EXISTS (SELECT FROM notification_delivery d
        WHERE d.notification_id = n.id AND d.state = $3))
    ORDER BY n.id DESC LIMIT $4`,
    [teamId, before, state, limit],
  );
  return rows;
}

/** Begins anew at the channels where one was given up; how many these are, or undefined where there is no such notification. */
export async function retryDead(tx: Transaction, id: string): Promise<number | undefined> {
  const { rows } = await tx.query('SELECT id FROM notification WHERE id = $1', [id]);
  if (rows.length === 0) return undefined;
  const { rowCount } = await tx.query(
    `UPDATE notification_delivery SET state = 'pending', attempts = 0, ended_at = NULL, next_at = clock_timestamp()
      WHERE notification_id = $1 AND state = 'dead'`,
    [id],
  );
  return rowCount ?? 0;
}
