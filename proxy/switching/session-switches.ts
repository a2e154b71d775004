/**
 * Which sessions are switched to another warehouse, for every replica. Only the first replica that saw a session may
 * switch it, as long as no other has: then its turns alone decide what is sent in between. A replica that is dead gives
 * its sessions up.
 */
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import { LIVE_REPLICAS } from '#billing/postgres/replicas.js';
import type { SessionKey } from '../identity/sessions.js';

/** Rows of sessions that nobody has used for so long go. */
const KEPT_DAYS = 2;

export interface SwitchState {
  /** The warehouse to go back to before anything else is sent; null: the session is on it. */
  readonly switchedFrom: string | null;
  /** The replica that switched it lives, and is another one. */
  readonly isElsewhere: boolean;
}

const ENTER = `/* prepared: proxy.switch_enter */
INSERT INTO session_switch AS s (account, session_id, home_replica) VALUES ($1, $2, $3)
ON CONFLICT (account, session_id) DO UPDATE SET updated_at = now(),
  is_shared = s.is_shared OR (s.home_replica <> $3 AND s.home_replica IN (${LIVE_REPLICAS})),
  home_replica = CASE WHEN s.home_replica IN (${LIVE_REPLICAS}) THEN s.home_replica ELSE $3 END
RETURNING switched_from, coalesce(switched_by <> $3 AND switched_by IN (${LIVE_REPLICAS}), false) AS is_elsewhere`;

// What BEGIN and AUTOCOMMIT do is noted before they are sent, in a turn of the same session.
const BEGIN = `/* prepared: proxy.switch_begin */
UPDATE session_switch AS s SET switched_from = $4, switched_by = $3, updated_at = now()
WHERE account = $1 AND session_id = $2 AND home_replica = $3 AND NOT is_shared AND switched_from IS NULL
  AND EXISTS (SELECT FROM session_state t WHERE t.account = $1 AND t.session_id = $2 AND t.closed_at IS NULL
    AND t.revoked_at IS NULL AND t.transaction_state = 'none')
  AND NOT EXISTS (SELECT FROM open_ticket o JOIN ticket k ON k.id = o.ticket_id
    WHERE k.account = $1 AND k.session_id = $2 AND k.replica <> $3)
RETURNING 1`;

const END = `/* prepared: proxy.switch_end */
UPDATE session_switch SET switched_from = NULL, switched_by = NULL, updated_at = now()
WHERE account = $1 AND session_id = $2`;

const FORGET = `DELETE FROM session_switch WHERE updated_at < now() - make_interval(days => $1)`;

/** Faults of all: `ledgerUnavailable`. */
export class SessionSwitches {
  readonly #db: Database;
  readonly #replica: string;

  constructor(db: Database, replica: string) {
    this.#db = db;
    this.#replica = replica;
  }

  /** This replica has a statement of the session. */
  async enter(key: SessionKey): Promise<SwitchState> {
    const rows = await this.#query<{ switched_from: string | null; is_elsewhere: boolean }>(ENTER, [
      key.account,
      key.sessionId,
      this.#replica,
    ]);
    const [row] = rows;
    return { switchedFrom: row?.switched_from ?? null, isElsewhere: row?.is_elsewhere ?? false };
  }

  /**
   * Writes that the session is about to be switched. False, and nothing may be sent: another replica has seen it, a
   * transaction is open or may be, or it has ended.
   */
  async begin(key: SessionKey, from: string): Promise<boolean> {
    const values = [key.account, key.sessionId, this.#replica, from];
    return (await this.#query(BEGIN, values)).length > 0;
  }

  /** The session is back. */
  async end(key: SessionKey): Promise<void> {
    await this.#query(END, [key.account, key.sessionId]);
  }

  /** Rows of sessions that ended long ago go. */
  async forget(): Promise<void> {
    await this.#query(FORGET, [KEPT_DAYS]);
  }

  async #query<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      const { rows } = await this.#db.query<Row & Record<string, unknown>>(text, values);
      return rows;
    } catch (cause) {
      throw new Fault('ledgerUnavailable', 'switched sessions are kept in Postgres', { cause });
    }
  }
}
