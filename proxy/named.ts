/**
 * Whose statement an id in a request names: waiting or remembered here, running here, or known by its ticket because
 * another replica has it. Everything that is addressed by an id asks here first (I8).
 */
import { toError } from '#base/errors.js';
import type { KnownTicket } from '#billing/ledger.js';
import type { Call } from './call.js';
import { mayHave } from './owner.js';
import type { Parts } from './parts.js';
import type { Session } from './passthrough.js';
import type { RequestEntry } from './requests.js';
import type { RunningStatement } from './running/running.js';
import { knownTicket } from './tickets.js';

export type Named =
  /** Upstream has named it, and it runs here. */
  | { readonly kind: 'running'; readonly running: RunningStatement }
  /** By the id of ours that its client was told; this replica remembers its request. */
  | { readonly kind: 'here'; readonly entry: RequestEntry }
  /** By its ticket; `isOurs`: the id is one of ours, which upstream does not know. */
  | { readonly kind: 'ticket'; readonly ticket: KnownTicket; readonly isOurs: boolean }
  /** Of a free statement, or of one that did not pass here: Snowflake says who may have it. */
  | { readonly kind: 'unknown' }
  /** Another team's. */
  | { readonly kind: 'foreign' }
  /** Whose it is cannot be known now. */
  | { readonly kind: 'unreadable' };

/** Finds the statement that `id` names to a session. Never throws. */
export async function named(
  parts: Parts,
  session: Session,
  call: Call,
  id: string,
): Promise<Named> {
  const { account } = session.identity;
  const entry = parts.requests.ofTicket(id.toLowerCase());
  if (entry?.key.account === account)
    return mayHave(parts, session, call, entry.owner)
      ? { kind: 'here', entry }
      : { kind: 'foreign' };
  const running = parts.running.byQueryId(account, id);
  if (running !== undefined)
    return mayHave(parts, session, call, running.owner)
      ? { kind: 'running', running }
      : { kind: 'foreign' };
  try {
    const ticket = await knownTicket(parts, account, id);
    if (ticket === undefined) return { kind: 'unknown' };
    if (!mayHave(parts, session, call, ticket)) return { kind: 'foreign' };
    return { kind: 'ticket', ticket, isOurs: ticket.ticketId === id.toLowerCase() };
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown) }, 'whose query an id names could not be read');
    return { kind: 'unreadable' };
  }
}
