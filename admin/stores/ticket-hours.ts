import type { Queryable } from '#base/postgres/pool.js';

/** When the statement of a ticket runs that waits for the off-peak hours; null: it does not wait for them. */
export async function runsAtOf(db: Queryable, ticketId: string): Promise<Date | null> {
  const { rows } = await db.query<{ runs_at: Date | null }>(
    "SELECT runs_at FROM ticket WHERE id = $1 AND state = 'RESERVED'",
    [ticketId],
  );
  return rows[0]?.runs_at ?? null;
}
