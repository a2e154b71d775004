/**
 * Tickets of statements that a rule refused: they hold nothing and are written in batches off the path of the
 * statement. Free statements get no row: they would outnumber all others, and the account's own history has them
 * with the ticket id in their tag.
 */
import type { Parts } from './parts.js';
import { ticketFacts } from './reserve.js';
import type { Estimated } from './stages.js';
import { tgLabel } from '#base/errors.js';
import type { Refusal } from './wire/refusal.js';

/**
 * Notes the refused ticket. False: another replica has a ticket for the same request, and what that one was told
 * counts. A ledger that does not answer soon is not waited for.
 */
export async function recordUnheld(
  parts: Parts,
  statement: Estimated,
  refusal: Refusal,
): Promise<boolean> {
  return parts.ticketLog.add({
    ticket: ticketFacts(parts, statement),
    state: 'VOID',
    refusal: { code: tgLabel(refusal.code), message: refusal.message, detail: refusal.detail },
    snowflakeQueryId: null,
  });
}
