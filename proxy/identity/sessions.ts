/**
 * What a Snowflake session has become since login (role, warehouse, database, schema, its tag and timeout): one
 * `session_state` row, written before the reply that changed it is relayed, cached by this replica under a cap.
 * The token carries what login fixed; this carries what may change. Once two replicas have served a session, each reads
 * it for every request: what one of them remembers, the other may have changed.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import { LIVE_REPLICAS } from '#billing/postgres/replicas.js';

/** Notified by a replica that serves a session of another one for the first time. */
export const SHARED_SESSIONS_CHANNEL = 'tollgate_shared_sessions';

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
  /** Name of the zone that its clock goes by; null: not known. */
  readonly timeZone: string | null;
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
  /** More than one replica has served it. */
  readonly isShared: boolean;
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
  time_zone: string | null;
  sign_in: 'passthrough' | 'terminated';
  credential_id: string | null;
  is_ended: boolean;
  is_shared: boolean;
  home_replica: string | null;
}

// Of an older binary's session nobody knows who has served it. A replica that is dead gives its sessions up.
const SHARE = `/* prepared: proxy.session_share */
WITH shared AS (
  UPDATE session_state AS s SET updated_at = now(),
    is_shared = s.home_replica IS NULL OR s.home_replica IN (${LIVE_REPLICAS}),
    home_replica = CASE WHEN s.home_replica IN (${LIVE_REPLICAS}) THEN s.home_replica ELSE $3 END
  WHERE account = $1 AND session_id = $2 AND NOT is_shared AND home_replica IS DISTINCT FROM $3
  RETURNING is_shared)
SELECT is_shared, pg_notify('${SHARED_SESSIONS_CHANNEL}', '') FROM shared`;

export interface SessionStoreOptions {
  /** This one's id: a session is its own until another replica has served it. */
  readonly replica: string;
  /** Sessions kept in memory. */
  readonly cachedMax: number;
  /** A session of its own is read again after so long, so that revocations are seen. */
  readonly freshMs: number;
}

export class SessionStore {
  readonly #db: Database;
  readonly #replica: string;
  readonly #cache: LRUCache<string, CachedSession>;
  readonly #freshMs: number;
  #isHearing = true;
  /** Monotonic clock: what was read before is read again when it is next used. */
  #freshFromMs = 0;

  /** While Postgres is away the last known state of a session stays in force: a poll of a running statement must go on. */
  constructor(db: Database, options: SessionStoreOptions) {
    this.#db = db;
    this.#replica = options.replica;
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
         updated_at, transaction_state, home_replica, time_zone)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::integer, $11, $12::text, now(), now(), $13::text, $14, $15::text
        WHERE $12::text IS NULL OR EXISTS (SELECT FROM held)
       ON CONFLICT (account, session_id) DO UPDATE SET principal_id = excluded.principal_id,
         snowflake_user = excluded.snowflake_user, role_name = excluded.role_name, warehouse = excluded.warehouse,
         database_name = excluded.database_name, schema_name = excluded.schema_name, sign_in = excluded.sign_in,
         credential_id = excluded.credential_id, updated_at = now(), own_query_ids = '{}',
         transaction_state = excluded.transaction_state, home_replica = excluded.home_replica, is_shared = false,
         time_zone = excluded.time_zone`,
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
        this.#replica,
        state.timeZone,
      ],
    );
    if (written === 0) return false;
    this.#remember({ state, readAtMs: openedAtMs, isShared: false });
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

  /** Some session was revoked, or is served by another replica too: none is believed without being read again. */
  doubtAll(): void {
    this.#freshFromMs = performance.now();
  }

  /** Whether this replica hears of what others do: while it does not, no session is believed without being read. */
  hear(isHearing: boolean): void {
    this.#isHearing = isHearing;
    this.doubtAll();
  }

  #isFresh({ readAtMs, isShared }: CachedSession): boolean {
    if (isShared || !this.#isHearing) return false;
    return readAtMs > this.#freshFromMs && performance.now() - readAtMs < this.#freshMs;
  }

  async #readAgain(key: SessionKey): Promise<SessionState | undefined> {
    // Taken first: what is revoked while it is read must be read again.
    const readAtMs = performance.now();
    const { rows } = await this.#query<SessionRow>(
      `SELECT principal_id, snowflake_user, role_name, warehouse, database_name, schema_name, query_tag,
              statement_timeout_seconds, time_zone, sign_in, credential_id, (closed_at IS NOT NULL OR revoked_at IS NOT NULL) AS is_ended,
              is_shared, home_replica
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
      timeZone: row.time_zone,
      ...(row.sign_in === 'passthrough' ? {} : { signIn: row.sign_in }),
      ...(row.credential_id === null ? {} : { credentialId: row.credential_id }),
      isEnded: row.is_ended,
    };
    const isShared =
      row.is_shared || (row.home_replica !== this.#replica && (await this.#share(key)));
    this.#remember({ state, readAtMs, isShared });
    return state;
  }

  /** This replica serves a session of another one: whether that one lives, and so has to read it from now on too. */
  async #share(key: SessionKey): Promise<boolean> {
    const { rows } = await this.#query<{ is_shared: boolean }>(SHARE, [
      key.account,
      key.sessionId,
      this.#replica,
    ]);
    // Without a row somebody else was first.
    return rows[0]?.is_shared ?? true;
  }

  #remember(cached: CachedSession): void {
    this.#cache.set(keyOf(cached.state), cached);
  }

  /** Writes what a statement changed; nothing when nothing changed. Returns the new state. */
  async change(state: SessionState, changed: Partial<SessionContext>): Promise<SessionState> {
    const next: SessionState = { ...state, ...changed };
    if (sameContext(state, next)) return state;
    // As old as what it was made from: a session that changes all the time is read again like any other.
    const cached = this.#cache.get(keyOf(state));
    const { readAtMs, isShared } = cached ?? { readAtMs: 0, isShared: false };
    this.#remember({ state: next, readAtMs, isShared });
    await this.#write(
      `UPDATE session_state SET role_name = $3, warehouse = $4, database_name = $5, schema_name = $6, query_tag = $7,
              statement_timeout_seconds = $8, time_zone = $9, updated_at = now()
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
        next.timeZone,
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
    a.statementTimeoutSeconds === b.statementTimeoutSeconds &&
    a.timeZone === b.timeZone
  );
}
