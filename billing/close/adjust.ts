/**
 * Adjustments: money moved from the bill of one team to that of another, by a person and for a reason. Whoever proposed one
 * does not approve it, unless it is so small that the organisation asks for no second person. It is booked in the first month
 * of which nothing is frozen, whatever it mends; nothing is ever edited, and one adjustment is undone by another.
 */
import { isSamePerson } from '#base/actors.js';
import { must } from '#base/assert.js';
import type { Transaction } from '#base/postgres/pool.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import { type Money, compareAmounts, formatAmount } from '#base/units.js';
import { storable } from '../postgres/ticket-row.js';
import { lockCloses } from './close-rows.js';
import { monthToBook } from './month-order.js';
import { readVersions } from './read-close.js';
import { type Adjustment, findAdjustment } from './read-adjustments.js';

export interface ProposedAdjustment {
  /** Its bill gets smaller by the amount: the credit note. */
  readonly creditedTeam: string;
  readonly debitedTeam: string;
  /** More than zero, in whole smallest units of the currency. */
  readonly amount: Money;
  readonly currency: string;
  readonly corrects: Adjustment['corrects'];
  /** Where it is to be booked; absent: in the month that is open. */
  readonly month?: string | undefined;
  /** Of what is of no line. */
  readonly account: string;
  readonly reason: string;
  readonly by: string;
  readonly at: EpochMs;
  /** From this amount on a second person approves. */
  readonly approvalFrom: Money;
}

export type AdjustmentRefusal =
  /** What is said to be mended is not closed. */
  | { readonly kind: 'notClosed'; readonly month: string }
  | { readonly kind: 'unknownLine'; readonly month: string; readonly lineId: string }
  /** The line is on the bill of a third team. */
  | { readonly kind: 'otherTeamsLine'; readonly teamId: string }
  /** Closed and frozen months take nothing; `open` does. */
  | { readonly kind: 'monthFrozen'; readonly open: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'decidedAlready'; readonly adjustment: Adjustment }
  | { readonly kind: 'ownWork' };

export type AdjustmentOutcome =
  { readonly kind: 'done'; readonly adjustment: Adjustment } | AdjustmentRefusal;

const PROPOSE = `/* prepared: billing.propose_adjustment */
INSERT INTO bill_adjustment (credited_team, debited_team, amount, currency, corrects_month, corrects_line_id, charge_day,
  account, reason, proposed_by, proposed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id`;

const LINE = `/* prepared: billing.corrected_line */
SELECT l.team_id, l.account, to_char(l.charge_day, 'YYYY-MM-DD') AS charge_day
FROM month_close c JOIN month_bill_line l ON l.freeze_id = c.freeze_id
WHERE c.month = $1 AND c.state = 'closed' AND l.line_id = $2`;

/** Proposes it, and approves it at once where nobody else is asked for. Faults of Postgres propagate. */
export async function proposeAdjustment(
  tx: Transaction,
  asked: ProposedAdjustment,
): Promise<AdjustmentOutcome> {
  await lockCloses(tx);
  const versions = await readVersions(tx, null);
  const { corrects, month } = asked;
  const open = monthToBook(versions, corrects?.month ?? monthOf(asked.at));
  if (month !== undefined && month !== open) return { kind: 'monthFrozen', open };
  const isClosed = versions.some(
    (each) => each.state === 'closed' && each.month === corrects?.month,
  );
  if (corrects !== null && !isClosed) return { kind: 'notClosed', month: corrects.month };
  const place = await placeOf(tx, asked);
  if ('kind' in place) return place;
  const { rows } = await tx.query<{ id: string }>(PROPOSE, [
    asked.creditedTeam,
    asked.debitedTeam,
    formatAmount(asked.amount),
    asked.currency,
    corrects?.month ?? null,
    corrects?.lineId ?? null,
    place.chargeDay,
    place.account,
    storable(asked.reason),
    storable(asked.by),
    new Date(asked.at),
  ]);
  const { id } = must(rows[0], 'an insert returns its row');
  if (compareAmounts(asked.amount, asked.approvalFrom) < 0)
    await decide(tx, id, { ...asked, decision: 'approved' }, open);
  return done(tx, id);
}

/** Account and day of what it mends. */
async function placeOf(
  tx: Transaction,
  { corrects, account, at, creditedTeam, debitedTeam }: ProposedAdjustment,
): Promise<{ readonly account: string; readonly chargeDay: string } | AdjustmentRefusal> {
  if (corrects === null) return { account, chargeDay: formatInstant(at).slice(0, 10) };
  const { month, lineId } = corrects;
  if (lineId === null) return { account, chargeDay: `${month}-01` };
  const { rows } = await tx.query<{ team_id: string; account: string; charge_day: string }>(LINE, [
    month,
    lineId,
  ]);
  const [line] = rows;
  if (line === undefined) return { kind: 'unknownLine', month, lineId };
  const { team_id: teamId } = line;
  return teamId === creditedTeam || teamId === debitedTeam
    ? { account: line.account, chargeDay: line.charge_day }
    : { kind: 'otherTeamsLine', teamId };
}

export interface AdjustmentWord {
  readonly id: string;
  readonly decision: 'approved' | 'declined';
  readonly by: string;
  readonly at: EpochMs;
  readonly reason: string;
}

/** Approves or declines one that waits, once. Whoever proposed it may only decline it. Faults of Postgres propagate. */
export async function decideAdjustment(
  tx: Transaction,
  word: AdjustmentWord,
): Promise<AdjustmentOutcome> {
  await lockCloses(tx);
  const adjustment = await findAdjustment(tx, word.id);
  if (adjustment === undefined) return { kind: 'unknown' };
  if (adjustment.decision !== null) return { kind: 'decidedAlready', adjustment };
  if (word.decision === 'approved' && isSamePerson(adjustment.proposedBy, word.by))
    return { kind: 'ownWork' };
  const versions = await readVersions(tx, null);
  await decide(tx, word.id, word, monthToBook(versions, monthOf(word.at)));
  return done(tx, word.id);
}

const DECIDE = `/* prepared: billing.decide_adjustment */
INSERT INTO bill_adjustment_decision (adjustment_id, decision, month, decided_by, decided_at, reason)
VALUES ($1, $2, $3, $4, $5, $6)`;

async function decide(
  tx: Transaction,
  id: string,
  { decision, by, at, reason }: Omit<AdjustmentWord, 'id'>,
  month: string,
): Promise<void> {
  await tx.query(DECIDE, [
    id,
    decision,
    decision === 'approved' ? month : null,
    storable(by),
    new Date(at),
    storable(reason),
  ]);
}

async function done(tx: Transaction, id: string): Promise<AdjustmentOutcome> {
  return { kind: 'done', adjustment: must(await findAdjustment(tx, id), 'it was just written') };
}

function monthOf(at: EpochMs): string {
  return formatInstant(at).slice(0, 7);
}
