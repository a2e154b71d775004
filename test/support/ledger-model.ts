/**
 * A ledger of a few lines, and moves that are made on it and on a real one: what the real one answers must be what the model
 * foresees. The model is asked before the move is sent, so that moves of one path may be on their way together.
 */
import { expect } from 'vitest';
import type { Credits } from '../../base/units.js';
import type { Ledger, TicketFacts } from '../../billing/ledger.js';
import { NOON, buildSettlement, buildTicket } from './builders.js';

export interface ModelBudget {
  readonly id: string;
  limit: bigint | null;
  readonly isHard: boolean;
  spent: bigint;
  held: bigint;
}

export interface ModelTicket<Budget extends ModelBudget = ModelBudget> {
  readonly facts: TicketFacts;
  readonly path: readonly Budget[];
  hold: bigint;
  state: 'RESERVED' | 'SENT' | 'SETTLED' | 'VOID';
  used: bigint | undefined;
}

function lacks(budget: ModelBudget, added: bigint): bigint {
  if (!budget.isHard || budget.limit === null) return 0n;
  const short = budget.spent + budget.held + added - budget.limit;
  return short > 0n ? short : 0n;
}

function mostLacking(path: readonly ModelBudget[], added: bigint): bigint {
  return path.reduce(
    (most, budget) => (lacks(budget, added) > most ? lacks(budget, added) : most),
    0n,
  );
}

function close(ticket: ModelTicket, used: bigint): void {
  for (const budget of ticket.path) {
    budget.held -= ticket.hold;
    budget.spent += used;
  }
}

const isClosed = ({ state }: ModelTicket): boolean => state === 'SETTLED' || state === 'VOID';

/** A new ticket against the budgets of the path; it stands in `tickets` before it is sent. */
export async function reserve<Budget extends ModelBudget>(
  ledger: Ledger,
  tickets: ModelTicket<Budget>[],
  path: readonly Budget[],
  hold: bigint,
): Promise<void> {
  const facts = buildTicket();
  const short = mostLacking(path, hold);
  const state = short > 0n ? 'VOID' : 'RESERVED';
  tickets.push({ facts, path, hold, state, used: undefined });
  if (short === 0n) for (const budget of path) budget.held += hold;
  const outcome = await ledger.reserve({
    ticket: facts,
    budgetIds: path.map(({ id }) => id),
    holdCredits: hold as Credits,
  });
  if (short > 0n) expect(outcome).toMatchObject({ kind: 'refused', shortByCredits: short });
  else expect(outcome).toMatchObject({ kind: 'held', holdCredits: hold });
}

export async function topUp(ledger: Ledger, ticket: ModelTicket, hold: bigint): Promise<void> {
  const { state, hold: before } = ticket;
  const added = hold - before;
  const short = isClosed(ticket) || added <= 0n ? 0n : mostLacking(ticket.path, added);
  if (!isClosed(ticket) && added > 0n && short === 0n) {
    for (const budget of ticket.path) budget.held += added;
    ticket.hold = hold;
  }
  const outcome = await ledger.topUp(ticket.facts.ticketId, hold as Credits);
  if (state === 'SETTLED' || state === 'VOID') expect(outcome).toEqual({ kind: 'closed', state });
  else if (added <= 0n) expect(outcome).toEqual({ kind: 'replayed', holdCredits: before });
  else if (short > 0n) expect(outcome).toMatchObject({ kind: 'refused', shortByCredits: short });
  else expect(outcome).toEqual({ kind: 'held', holdCredits: hold });
}

export async function settle(ledger: Ledger, ticket: ModelTicket, used: bigint): Promise<void> {
  const { state, hold, used: before } = ticket;
  if (!isClosed(ticket)) {
    close(ticket, used);
    [ticket.state, ticket.used] = ['SETTLED', used];
  }
  const outcome = await ledger.settle(
    buildSettlement(ticket.facts.ticketId, { usedCredits: used as Credits }),
  );
  if (state === 'VOID') expect(outcome).toMatchObject({ kind: 'conflict', state: 'VOID' });
  else if (state === 'SETTLED')
    expect(outcome.kind).toBe(before === used ? 'replayed' : 'conflict');
  else {
    const overrunCredits = used > hold ? used - hold : 0n;
    expect(outcome).toMatchObject({ kind: 'charged', chargedCredits: used, overrunCredits });
  }
}

/** Without evidence only what was never sent is given back. */
export async function giveBack(
  ledger: Ledger,
  ticket: ModelTicket,
  hasEvidence: boolean,
): Promise<void> {
  const { state, hold } = ticket;
  const id = ticket.facts.ticketId;
  const isSent = state === 'SENT' && !hasEvidence;
  if (!isClosed(ticket) && !isSent) {
    close(ticket, 0n);
    ticket.state = 'VOID';
  }
  const outcome = hasEvidence
    ? await ledger.voidOnEvidence(id, 'evidence')
    : await ledger.release(id, { kind: 'failed', reason: 'unsent' });
  if (state === 'SETTLED' || state === 'VOID')
    expect(outcome).toEqual({ kind: 'alreadyClosed', state });
  else if (isSent) expect(outcome).toEqual({ kind: 'sent', state: 'SENT' });
  else expect(outcome).toEqual({ kind: 'released', releasedCredits: hold });
}

/** The same request once more. */
export async function again(ledger: Ledger, ticket: ModelTicket): Promise<void> {
  const { state } = ticket;
  const budgetIds = ticket.path.map(({ id }) => id);
  const outcome = await ledger.reserve({
    ticket: ticket.facts,
    budgetIds,
    holdCredits: 1n as Credits,
  });
  expect(outcome).toMatchObject({ kind: 'known', ticket: { state } });
}

export async function send(ledger: Ledger, ticket: ModelTicket): Promise<void> {
  const mayBeSent = !isClosed(ticket);
  if (mayBeSent) ticket.state = 'SENT';
  expect(await ledger.markSent(ticket.facts.ticketId, NOON)).toBe(mayBeSent);
}
