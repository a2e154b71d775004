/** Tickets that never hold anything, refused by a rule or free, written in batches off the path of the statement. */
import type { Parts } from './parts.js';
import { ticketFacts } from './reserve.js';
import type { Estimated } from './stages.js';
import { tgLabel } from '#base/errors.js';
import type { Refusal } from './wire/refusal.js';

/** Notes the ticket; `refusal` null: a free statement. */
export function recordUnheld(parts: Parts, statement: Estimated, refusal: Refusal | null): void {
  parts.ticketLog.add({
    ticket: ticketFacts(parts, statement),
    state: refusal === null ? 'SETTLED' : 'VOID',
    refusal:
      refusal === null
        ? null
        : { code: tgLabel(refusal.code), message: refusal.message, detail: refusal.detail },
    snowflakeQueryId: null,
  });
}
