/** Snowflake sessions that came through the proxy, as administrators see and end them. */
import { SESSIONS_CHANNEL } from '#base/postgres/channels.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';

/** An open session; times are ISO 8601 in UTC. */
export interface SessionEntry {
  readonly account: string;
  readonly sessionId: string;
  readonly principalId: string;
  readonly snowflakeUser: string;
  readonly signIn: string;
  readonly credentialId: string | null;
  readonly roleName: string | null;
  readonly warehouse: string | null;
  readonly openedAt: string;
  /** The last change of its state; heartbeats and statements write nothing. */
  readonly changedAt: string;
}

/** Where a list goes on: after this session, in the order (opened, account, session). */
export interface SessionPosition {
  readonly openedAt: string;
  readonly account: string;
  readonly sessionId: string;
}

/** Which sessions are meant; null means all. */
export interface SessionChoice {
  readonly account: string | null;
  readonly principalId: string | null;
  readonly sessionId: string | null;
  /** Opened by this credential. */
  readonly credentialId: string | null;
}

const OPEN = `closed_at IS NULL AND revoked_at IS NULL
  AND ($1::text IS NULL OR lower(account) = lower($1))
  AND ($2::text IS NULL OR principal_id = $2)
  AND ($3::text IS NULL OR session_id = $3)
  AND ($4::text IS NULL OR credential_id = $4)`;

interface SessionRow {
  readonly account: string;
  readonly session_id: string;
  readonly principal_id: string;
  readonly snowflake_user: string;
  readonly sign_in: string;
  readonly credential_id: string | null;
  readonly role_name: string | null;
  readonly warehouse: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Sessions not closed and not revoked, the oldest first, at most `limit` after `after`. */
export async function listSessions(
  db: Queryable,
  choice: SessionChoice,
  page: { readonly limit: number; readonly after: SessionPosition | null },
): Promise<readonly SessionEntry[]> {
  const { rows } = await db.query<SessionRow & Record<string, unknown>>(
    `SELECT account, session_id, principal_id, snowflake_user, sign_in, credential_id, role_name, warehouse,
       date_trunc('milliseconds', created_at) AS created_at, updated_at
     FROM session_state WHERE ${OPEN}
       AND ($5::timestamptz IS NULL
         OR (date_trunc('milliseconds', created_at), account, session_id) > ($5, $6, $7))
     ORDER BY date_trunc('milliseconds', created_at), account, session_id LIMIT $8`,
    [
      ...valuesOf(choice),
      page.after?.openedAt ?? null,
      page.after?.account ?? null,
      page.after?.sessionId ?? null,
      page.limit,
    ],
  );
  return rows.map((row) => ({
    account: row.account,
    sessionId: row.session_id,
    principalId: row.principal_id,
    snowflakeUser: row.snowflake_user,
    signIn: row.sign_in,
    credentialId: row.credential_id,
    roleName: row.role_name,
    warehouse: row.warehouse,
    openedAt: row.created_at.toISOString(),
    changedAt: row.updated_at.toISOString(),
  }));
}

function valuesOf(choice: SessionChoice): readonly (string | null)[] {
  return [choice.account, choice.principalId, choice.sessionId, choice.credentialId];
}

/**
 * Ends open sessions: proxies hear of it at once, and in five seconds at the latest refuse their statements. What runs
 * in them is stopped, and charged what it used; what waits is given up. Repeating it changes nothing.
 * @returns how many were ended.
 */
export async function revokeSessions(tx: Transaction, choice: SessionChoice): Promise<number> {
  const { rowCount } = await tx.query(
    `UPDATE session_state SET revoked_at = now(), updated_at = now() WHERE ${OPEN}`,
    valuesOf(choice),
  );
  await tx.query('SELECT pg_notify($1, $2)', [SESSIONS_CHANNEL, '']);
  return rowCount ?? 0;
}
