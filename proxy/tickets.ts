/** Tickets found by the ids that clients name: ours, while a statement waits here, and Snowflake's afterwards. */
import { tryParseTicketId } from '#base/ids.js';
import type { KnownTicket } from '#billing/ledger.js';
import type { Parts } from './parts.js';

/**
 * The ticket that an id of the account names; undefined for queries without one: free statements, and what ran beside
 * Tollgate. Fault `ledgerUnavailable`.
 */
export async function knownTicket(
  parts: Parts,
  account: string,
  id: string,
): Promise<KnownTicket | undefined> {
  // The version digit spares the look for nearly all of Snowflake's.
  const ticketId = id.charAt(14) === '7' ? tryParseTicketId(id.toLowerCase()) : undefined;
  const ticket = ticketId === undefined ? undefined : await parts.ledger.ticket(ticketId);
  if (ticket?.account === account) return ticket;
  return parts.ledger.ticketOfQuery(account, id);
}
