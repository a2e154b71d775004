/** Tickets as any replica finds them: by id, by the request they stand for, or by the query id upstream gave. */
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import { parseCredits } from '#base/units.js';
import type { Ending, KnownTicket, TicketState, Told } from '../ledger.js';

interface KnownTicketRow {
  readonly id: TicketId;
  readonly state: TicketState;
  readonly account: string;
  readonly session_id: string;
  readonly request_id: string;
  readonly request_hash: string;
  readonly team_id: string;
  readonly via_principal_id: string | null;
  readonly replica: string;
  readonly snowflake_query_id: string | null;
  readonly hold_credits: string;
  readonly ceiling_credits: string | null;
  readonly ending: Ending | null;
  readonly refusal_code: string | null;
  readonly refusal_message: string | null;
  readonly refusal_detail: unknown;
  readonly stop_told: Told | null;
  readonly stands_for_request: boolean;
  readonly seen_ago_ms: number | null;
}

const COLUMNS = `id, state, account, session_id, request_id, request_hash, team_id, via_principal_id, replica,
  snowflake_query_id, hold_credits, ceiling_credits, ending, refusal_code, refusal_message, refusal_detail, stop_told,
  stands_for_request, (extract(epoch FROM now() - seen_at) * 1000)::double precision AS seen_ago_ms`;

const BY_ID = `/* prepared: billing.ticket_by_id */
SELECT ${COLUMNS} FROM ticket WHERE id = $1`;

const BY_REQUEST = `/* prepared: billing.ticket_by_request */
SELECT ${COLUMNS} FROM ticket WHERE account = $1 AND session_id = $2 AND request_id = $3 AND stands_for_request`;

// Of several tickets that have it the latest.
const BY_QUERY = `/* prepared: billing.ticket_by_query */
SELECT ${COLUMNS} FROM ticket
WHERE id = (
  SELECT ticket_id FROM ticket_of_query WHERE account = $1 AND snowflake_query_id = $2 ORDER BY ticket_id DESC LIMIT 1)`;

/** The ticket; undefined when there is none. */
export async function ticketById(
  db: Queryable,
  ticketId: TicketId,
): Promise<KnownTicket | undefined> {
  return first((await db.query<KnownTicketRow>(BY_ID, [ticketId])).rows);
}

/** The ticket that answers repeats of this request; undefined when a statement under it would be new. */
export async function ticketByRequest(
  db: Queryable,
  request: { readonly account: string; readonly sessionId: string; readonly requestId: string },
): Promise<KnownTicket | undefined> {
  const { account, sessionId, requestId } = request;
  return first((await db.query<KnownTicketRow>(BY_REQUEST, [account, sessionId, requestId])).rows);
}

/** The ticket of a query id of the account; undefined for queries that have none. */
export async function ticketByQuery(
  db: Queryable,
  account: string,
  queryId: string,
): Promise<KnownTicket | undefined> {
  return first((await db.query<KnownTicketRow>(BY_QUERY, [account, queryId])).rows);
}

function first(rows: readonly KnownTicketRow[]): KnownTicket | undefined {
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    ticketId: row.id,
    state: row.state,
    account: row.account,
    sessionId: row.session_id,
    requestId: row.request_id,
    requestHash: row.request_hash,
    teamId: row.team_id,
    viaPrincipalId: row.via_principal_id,
    replica: row.replica,
    snowflakeQueryId: row.snowflake_query_id,
    holdCredits: parseCredits(row.hold_credits),
    ceilingCredits: row.ceiling_credits === null ? null : parseCredits(row.ceiling_credits),
    ending: row.ending,
    refusal:
      row.refusal_code === null || row.refusal_message === null
        ? null
        : {
            code: row.refusal_code,
            message: row.refusal_message,
            detail: row.refusal_detail,
          },
    isRefused: row.refusal_code !== null,
    stopTold: row.stop_told,
    standsForRequest: row.stands_for_request,
    seenAgoMs: row.seen_ago_ms,
  };
}
