/**
 * Query ids in a client's text that Snowflake would read otherwise. `RESULT_SCAN('<id>')`: an id that a client was shown
 * while its statement waited is one of ours, and Snowflake knows the query by another; and Snowflake lets a user read
 * the result of every query of that user, who may stand for several teams. `LAST_QUERY_ID()` counts statements of ours.
 */
import { KIND, kindAt, lex, startAt } from '#base/sql/lexer.js';
import { stringValueAt } from '#base/sql/token-values.js';
import type { KnownTicket } from '#billing/ledger.js';
import { isOfOwner } from './owner.js';
import { hideOwnStatements } from './own/hide.js';
import type { HideOutcome, TextEdit } from './own/hide.js';
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
 * The statement with the ids that the client means. Refused: an id of another team's statement, in the words of one
 * that does not exist; an id of ours whose statement has not begun; a count of queries that cannot be told. Fault
 * `ledgerUnavailable`.
 */
export async function withSentText(parts: Parts, statement: Identified): Promise<SentTextOutcome> {
  const { sqlText } = statement.query;
  const named = await namedResults(parts, statement);
  if (named.kind === 'refused') return named;
  const counted = await hideOwnStatements(parts, statement);
  if (counted.kind === 'refused') return counted;
  const edits = [...named.edits, ...counted.edits];
  if (edits.length === 0) return { kind: 'identified', statement };
  return { kind: 'identified', statement: { ...statement, sentText: edited(sqlText, edits) } };
}

function edited(text: string, edits: readonly TextEdit[]): string {
  let sent = '';
  let from = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    sent += text.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return sent + text.slice(from);
}

/** Snowflake's ids in place of ours. */
async function namedResults(parts: Parts, statement: Identified): Promise<HideOutcome> {
  const { sqlText } = statement.query;
  const edits: TextEdit[] = [];
  if (!/result_scan/i.test(sqlText)) return { kind: 'edits', edits };
  const tokens = lex(sqlText);
  for (let index = 0; index < tokens.count; index += 1) {
    if (kindAt(tokens, index) !== KIND.string) continue;
    const id = stringValueAt(tokens, index) ?? '';
    if (!QUERY_ID.test(id)) continue;
    const ticket = await knownTicket(parts, statement.identity.account, id);
    if (ticket === undefined) continue;
    const queryId = queryOf(statement, ticket, id);
    if (queryId === undefined) return { kind: 'refused', refusal: unknownQuery(id) };
    edits.push({
      start: startAt(tokens, index),
      end: startAt(tokens, index + 1),
      text: `'${queryId}'`,
    });
  }
  return { kind: 'edits', edits };
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
