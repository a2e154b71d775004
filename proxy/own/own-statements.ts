/**
 * What every replica must know of the statements that Tollgate sends in a client's session: their query ids, which
 * LAST_QUERY_ID in the client's text must not count, and whether a transaction is open. Kept in the `session_state` row
 * and read from there when it is asked for, which is seldom; nothing of it is cached.
 */
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import type { SessionKey } from '../identity/sessions.js';

/** Ids kept of one session; the oldest are forgotten, and are then counted again. */
export const OWN_IDS_MAX = 64;
/** From so many on no statement is sent for an estimate: what is left is for finding ids. */
const EXPLAINS_MAX = 48;
/** Before a request id whose query id is not known. */
const PENDING = '?';

/** `manual`: AUTOCOMMIT is switched off; `automatic`: on; `unclear`: nobody can tell any more. */
export type TransactionMark = 'opened' | 'closed' | 'manual' | 'automatic' | 'unclear';

export interface OwnIds {
  readonly queryIds: ReadonlySet<string>;
  /** Request ids of ours that may have become a query. */
  readonly pending: readonly string[];
  /** Older ids of ours may have been forgotten. */
  readonly isFull: boolean;
}

export class OwnStatements {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Our statements in a session. Fault `ledgerUnavailable`. */
  async read(key: SessionKey): Promise<OwnIds> {
    const rows = await this.#query<{ own_query_ids: string[] }>(
      'SELECT own_query_ids FROM session_state WHERE account = $1 AND session_id = $2',
      [key.account, key.sessionId],
    );
    const ids = rows[0]?.own_query_ids ?? [];
    return {
      queryIds: new Set(ids.filter((id) => !id.startsWith(PENDING))),
      pending: ids.filter((id) => id.startsWith(PENDING)).map((id) => id.slice(PENDING.length)),
      isFull: ids.length >= OWN_IDS_MAX,
    };
  }

  /**
   * Writes that a plan is about to be asked for, before it is sent: a reply that is lost leaves its trace. False, and
   * nothing may be sent: a transaction is open or may be, a ticket of the session is open on any replica, one of ours
   * is under way or was lost, or there were many. Fault `ledgerUnavailable`.
   */
  async beginExplain(key: SessionKey, requestId: string): Promise<boolean> {
    const rows = await this.#query(
      `UPDATE session_state AS s SET own_query_ids = array_append(own_query_ids, $3), updated_at = now()
        WHERE account = $1 AND session_id = $2 AND closed_at IS NULL AND revoked_at IS NULL
          AND transaction_state = 'none' AND cardinality(own_query_ids) < $4
          AND NOT EXISTS (SELECT FROM unnest(own_query_ids) AS own (id) WHERE starts_with(own.id, $5))
          AND NOT EXISTS (
            SELECT FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id
             WHERE t.account = s.account AND t.session_id = s.session_id)
       RETURNING 1`,
      [key.account, key.sessionId, PENDING + requestId, EXPLAINS_MAX, PENDING],
    );
    return rows.length > 0;
  }

  /** The same for a statement that a client's text with LAST_QUERY_ID needs, which is sent whatever is open. */
  async beginLookUp(key: SessionKey, requestId: string): Promise<boolean> {
    const rows = await this.#query(
      `UPDATE session_state SET updated_at = now(),
              own_query_ids = own_query_ids[greatest(1, cardinality(own_query_ids) - $4::integer + 2):] || $3::text
        WHERE account = $1 AND session_id = $2 RETURNING 1`,
      [key.account, key.sessionId, PENDING + requestId, OWN_IDS_MAX],
    );
    return rows.length > 0;
  }

  /** Which query a request of ours became; null: none. Fault `ledgerUnavailable`. */
  async end(key: SessionKey, requestId: string, queryId: string | null): Promise<void> {
    await this.#query(
      `UPDATE session_state SET updated_at = now(), own_query_ids =
              CASE WHEN $4::text IS NULL THEN array_remove(own_query_ids, $3)
                   ELSE array_replace(own_query_ids, $3, $4) END
        WHERE account = $1 AND session_id = $2`,
      [key.account, key.sessionId, PENDING + requestId, queryId],
    );
  }

  /** Notes what a statement does to the session's transaction. Fault `ledgerUnavailable`. */
  async markTransaction(key: SessionKey, mark: TransactionMark): Promise<void> {
    const { to, from } = MOVES[mark];
    await this.#query(
      `UPDATE session_state SET transaction_state = $3, updated_at = now()
        WHERE account = $1 AND session_id = $2 AND transaction_state = ANY ($4::text[])`,
      [key.account, key.sessionId, to, from],
    );
  }

  async #query<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      const { rows } = await this.#db.query<Row & Record<string, unknown>>(text, values);
      return rows;
    } catch (cause) {
      throw new Fault('ledgerUnavailable', 'our statements in a session are in Postgres', {
        cause,
      });
    }
  }
}

/** What a mark makes of which states; all others stay, and what is not known stays so. */
const MOVES: Readonly<
  Record<TransactionMark, { readonly to: string | null; readonly from: readonly string[] }>
> = {
  opened: { to: 'open', from: ['none'] },
  closed: { to: 'none', from: ['open'] },
  manual: { to: 'manual', from: ['none', 'open'] },
  // What was begun while it was off may still be open.
  automatic: { to: null, from: ['manual'] },
  unclear: { to: null, from: ['none', 'open', 'manual'] },
};
