/**
 * What a Snowflake session has become since login (role, warehouse, database, schema, its tag and timeout): one
 * `session_state` row, written before the reply that changed it is relayed, cached by this replica under a cap.
 * The token carries what login fixed; this carries what may change.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';

/** Notified by whoever revokes sessions. */
export const SESSIONS_CHANNEL = 'tollgate_sessions';

export interface SessionKey {
  readonly account: string;
  readonly sessionId: string;
}

/** What statements of a session may change. null: not set. */
export interface SessionContext {
  readonly role: string | null;
  readonly warehouse: string | null;
  readonly database: string | null;
  readonly schema: string | null;
  readonly queryTag: string | null;
  readonly statementTimeoutSeconds: number | null;
}

export interface SessionState extends SessionKey, SessionContext {
  readonly principalId: string;
  readonly snowflakeUser: string;
  /** Absent: passthrough. */
  readonly signIn?: 'passthrough' | 'terminated';
  /** What a terminated session was signed in with. */
  readonly credentialId?: string;
  /** Closed by logout or revoked by an administrator. */
  readonly isEnded: boolean;
  /** AUTOCOMMIT at login; absent: not known, or no login. What becomes of it, `own/own-statements.ts` keeps. */
  readonly isAutocommit?: boolean;
}

interface CachedSession {
  readonly state: SessionState;
  /** Monotonic clock. */
  readonly readAtMs: number;
}

interface SessionRow {
  principal_id: string;
  snowflake_user: string;
  role_name: string | null;
  warehouse: string | null;
  database_name: string | null;
  schema_name: string | null;
  query_tag: string | null;
  statement_timeout_seconds: number | null;
  sign_in: 'passthrough' | 'terminated';
  credential_id: string | null;
  is_ended: boolean;
}

export class SessionStore {
  readonly #db: Database;
  readonly #cache: LRUCache<string, CachedSession>;
  readonly #freshMs: number;
  /** Monotonic clock: what was read before is read again when it is next used. */
  #freshFromMs = 0;

  /**
   * `cachedMax`: sessions kept in memory. One is read again after `freshMs`, so that revocations are seen; while
   * Postgres is away the last known state stays in force, because a poll of a running statement must go on.
   */
  constructor(db: Database, options: { readonly cachedMax: number; readonly freshMs: number }) {
    this.#db = db;
    this.#cache = new LRUCache({ max: options.cachedMax });
    this.#freshMs = options.freshMs;
  }

  /** Sessions in memory, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#cache.size, max: this.#cache.max };
  }

  /**
   * Records a session that upstream just opened. False, and nothing recorded, when its credential has been revoked
   * meanwhile: the credential's row is locked, so that a revocation either sees this session or is seen here.
   * Fault `ledgerUnavailable` when Postgres does not take it.
   */
  async open(state: SessionState): Promise<boolean> {
    // Taken first: a revocation that is heard while it is written must be read.
    const openedAtMs = performance.now();
    const written = await this.#write(
      `WITH held AS (SELECT id FROM credential WHERE id = $12 AND revoked_at IS NULL FOR SHARE)
       INSERT INTO session_state (account, session_id, principal_id, snowflake_user, role_name, warehouse,
         database_name, schema_name, query_tag, statement_timeout_seconds, sign_in, credential_id, created_at,
         updated_at, transaction_state)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::integer, $11, $12::text, now(), now(), $13::text
        WHERE $12::text IS NULL OR EXISTS (SELECT FROM held)
       ON CONFLICT (account, session_id) DO UPDATE SET principal_id = excluded.principal_id,
         snowflake_user = excluded.snowflake_user, role_name = excluded.role_name, warehouse = excluded.warehouse,
         database_name = excluded.database_name, schema_name = excluded.schema_name, sign_in = excluded.sign_in,
         credential_id = excluded.credential_id, updated_at = now(), own_query_ids = '{}',
         transaction_state = excluded.transaction_state`,
      [
        state.account,
        state.sessionId,
        state.principalId,
        state.snowflakeUser,
        state.role,
        state.warehouse,
        state.database,
        state.schema,
        state.queryTag,
        state.statementTimeoutSeconds,
        state.signIn ?? 'passthrough',
        state.credentialId ?? null,
        state.isAutocommit === undefined ? null : state.isAutocommit ? 'none' : 'manual',
      ],
    );
    if (written === 0) return false;
    this.#remember(state, openedAtMs);
    return true;
  }

  /** The session as it stands; undefined for one this deployment never opened. */
  async read(key: SessionKey): Promise<SessionState | undefined> {
    const cached = this.#cache.get(keyOf(key));
    if (cached !== undefined && this.#isFresh(cached)) return cached.state;
    try {
      return await this.#readAgain(key);
    } catch (thrown) {
      if (cached === undefined) throw thrown;
      return cached.state;
    }
  }

  /** Some session was revoked: none is believed without being read again. */
  doubtAll(): void {
    this.#freshFromMs = performance.now();
  }

  #isFresh(cached: CachedSession): boolean {
    const { readAtMs } = cached;
    return readAtMs > this.#freshFromMs && performance.now() - readAtMs < this.#freshMs;
  }

  async #readAgain(key: SessionKey): Promise<SessionState | undefined> {
    // Taken first: what is revoked while it is read must be read again.
    const readAtMs = performance.now();
    const { rows } = await this.#query<SessionRow>(
      `SELECT principal_id, snowflake_user, role_name, warehouse, database_name, schema_name, query_tag,
              statement_timeout_seconds, sign_in, credential_id, (closed_at IS NOT NULL OR revoked_at IS NOT NULL) AS is_ended
         FROM session_state WHERE account = $1 AND session_id = $2`,
      [key.account, key.sessionId],
    );
    const row = rows[0];
    if (row === undefined) return undefined;
    const state: SessionState = {
      account: key.account,
      sessionId: key.sessionId,
      principalId: row.principal_id,
      snowflakeUser: row.snowflake_user,
      role: row.role_name,
      warehouse: row.warehouse,
      database: row.database_name,
      schema: row.schema_name,
      queryTag: row.query_tag,
      statementTimeoutSeconds: row.statement_timeout_seconds,
      ...(row.sign_in === 'passthrough' ? {} : { signIn: row.sign_in }),
      ...(row.credential_id === null ? {} : { credentialId: row.credential_id }),
      isEnded: row.is_ended,
    };
    this.#remember(state, readAtMs);
    return state;
  }

  #remember(state: SessionState, readAtMs: number): void {
    this.#cache.set(keyOf(state), { state, readAtMs });
  }

  /** Writes what a statement changed; nothing when nothing changed. Returns the new state. */
  async change(state: SessionState, changed: Partial<SessionContext>): Promise<SessionState> {
    const next: SessionState = { ...state, ...changed };
    if (sameContext(state, next)) return state;
    // As old as what it was made from: a session that changes all the time is read again like any other.
    this.#remember(next, this.#cache.get(keyOf(state))?.readAtMs ?? 0);
    await this.#write(
      `UPDATE session_state SET role_name = $3, warehouse = $4, database_name = $5, schema_name = $6, query_tag = $7,
              statement_timeout_seconds = $8, updated_at = now()
        WHERE account = $1 AND session_id = $2`,
      [
        next.account,
        next.sessionId,
        next.role,
        next.warehouse,
        next.database,
        next.schema,
        next.queryTag,
        next.statementTimeoutSeconds,
      ],
    );
    return next;
  }

  /** Keeps the session's token after a renewal, sealed: statements of other replicas are followed with it. */
  async renewed(key: SessionKey, sealedToken: string): Promise<void> {
    await this.#write(
      'UPDATE session_state SET sealed_token = $3, updated_at = now() WHERE account = $1 AND session_id = $2',
      [key.account, key.sessionId, sealedToken],
    );
  }

  /** The session's sealed token after its latest renewal; undefined when it was never renewed. */
  async newestToken(key: SessionKey): Promise<string | undefined> {
    const { rows } = await this.#query<{ sealed_token: string | null }>(
      'SELECT sealed_token FROM session_state WHERE account = $1 AND session_id = $2',
      [key.account, key.sessionId],
    );
    return rows[0]?.sealed_token ?? undefined;
  }

  /** Those of these sessions that an administrator has revoked. */
  async revokedOf(keys: readonly SessionKey[]): Promise<readonly SessionKey[]> {
    if (keys.length === 0) return [];
    const { rows } = await this.#query<{ account: string; session_id: string }>(
      `SELECT account, session_id FROM session_state WHERE revoked_at IS NOT NULL
         AND (account, session_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      [keys.map(({ account }) => account), keys.map(({ sessionId }) => sessionId)],
    );
    return rows.map((row) => ({ account: row.account, sessionId: row.session_id }));
  }

  /** Marks a session as logged out. */
  async close(key: SessionKey): Promise<void> {
    this.#cache.delete(keyOf(key));
    await this.#write(
      'UPDATE session_state SET closed_at = now(), updated_at = now() WHERE account = $1 AND session_id = $2',
      [key.account, key.sessionId],
    );
  }

  async #query<Row extends object>(
    text: string,
    values: readonly unknown[],
  ): Promise<{ readonly rows: Row[] }> {
    try {
      return await this.#db.query<Row & Record<string, unknown>>(text, values);
    } catch (cause) {
      throw new Fault('ledgerUnavailable', 'the session could not be read from Postgres', {
        cause,
      });
    }
  }

  async #write(text: string, values: readonly unknown[]): Promise<number> {
    try {
      return (await this.#db.query(text, values)).rowCount ?? 0;
    } catch (cause) {
      throw new Fault('ledgerUnavailable', 'the session could not be written to Postgres', {
        cause,
      });
    }
  }
}

function keyOf(key: SessionKey): string {
  return `${key.account}\u0000${key.sessionId}`;
}

function sameContext(a: SessionContext, b: SessionContext): boolean {
  return (
    a.role === b.role &&
    a.warehouse === b.warehouse &&
    a.database === b.database &&
    a.schema === b.schema &&
    a.queryTag === b.queryTag &&
    a.statementTimeoutSeconds === b.statementTimeoutSeconds
  );
}
