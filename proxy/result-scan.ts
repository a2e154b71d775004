/**
 * `RESULT_SCAN('<id>')`: an id that a client was shown while its statement waited is one of ours, and Snowflake knows
 * the query by another; and Snowflake lets a user read the result of every query of that user, who may stand for
 * several teams.
 */
import { KIND, kindAt, lex, startAt } from '#base/sql/lexer.js';
import { stringValueAt } from '#base/sql/token-values.js';
import type { KnownTicket } from '#billing/ledger.js';
import { isOfOwner } from './owner.js';
import type { Parts } from './parts.js';
import type { Identified } from './stages.js';
import { knownTicket } from './tickets.js';
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

const QUERY_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export type SentTextOutcome =
  | { readonly kind: 'identified'; readonly statement: Identified }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * The statement with Snowflake's ids in place of ours. Refused: an id of another team's statement, in the words of one
 * that does not exist; an id of ours whose statement has not begun. Fault `ledgerUnavailable`.
 */
export async function withSentText(parts: Parts, statement: Identified): Promise<SentTextOutcome> {
  const { sqlText } = statement.query;
  if (!/result_scan/i.test(sqlText)) return { kind: 'identified', statement };
  const tokens = lex(sqlText);
  let sent = '';
  let from = 0;
  for (let index = 0; index < tokens.count; index += 1) {
    if (kindAt(tokens, index) !== KIND.string) continue;
    const id = stringValueAt(tokens, index) ?? '';
    if (!QUERY_ID.test(id)) continue;
    const ticket = await knownTicket(parts, statement.identity.account, id);
    if (ticket === undefined) continue;
    const queryId = queryOf(statement, ticket, id);
    if (queryId === undefined) return { kind: 'refused', refusal: unknownQuery(id) };
    sent += `${sqlText.slice(from, startAt(tokens, index))}'${queryId}'`;
    from = startAt(tokens, index + 1);
  }
  if (from === 0) return { kind: 'identified', statement };
  return {
    kind: 'identified',
    statement: { ...statement, sentText: sent + sqlText.slice(from) },
  };
}

function queryOf({ signedIn }: Identified, ticket: KnownTicket, id: string): string | undefined {
  if (!isOfOwner(signedIn, ticket)) return undefined;
  return ticket.ticketId === id.toLowerCase() ? (ticket.snowflakeQueryId ?? undefined) : id;
}

function unknownQuery(id: string): Refusal {
  return callerRefusal(
    'ticketUnknown',
    `Not run, nothing charged: there is no result of a statement ${id} that you may read, or it has not begun.`,
  );
}
