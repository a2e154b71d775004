/**
 * Disputes: what somebody says is wrong on a frozen bill, with who decides it and until when. An accepted one becomes an
 * adjustment that credits the team; a refused one has a reason. Nothing of a dispute is ever edited.
 */
import { isSamePerson } from '#base/actors.js';
import { must } from '#base/assert.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type Money, compareAmounts, formatAmount, parseMoney } from '#base/units.js';
import { storable } from '../postgres/ticket-row.js';
import { type AdjustmentRefusal, proposeAdjustment } from './adjust.js';
import { lockCloses } from './close-rows.js';

export const DISPUTE_OUTCOMES = ['accepted', 'refused', 'withdrawn'] as const;
export type DisputeOutcome = (typeof DISPUTE_OUTCOMES)[number];

export interface Dispute {
  readonly id: string;
  readonly month: string;
  readonly teamId: string;
  readonly lineId: string | null;
  readonly amount: Money;
  readonly currency: string;
  readonly reason: string;
  readonly raisedBy: string;
  readonly raisedAt: EpochMs;
  readonly owner: string;
  /** `YYYY-MM-DD`. */
  readonly dueOn: string;
  /** null: it waits. */
  readonly end: {
    readonly outcome: DisputeOutcome;
    readonly by: string;
    readonly at: EpochMs;
    readonly reason: string;
    readonly adjustmentId: string | null;
  } | null;
}

export type RaisedDispute = Omit<Dispute, 'id' | 'end'>;

export type DisputeRefusal =
  | AdjustmentRefusal
  /** Nothing of the month is frozen yet, or the team has no bill of it. */
  | { readonly kind: 'noBill'; readonly month: string }
  /** More than the line, or the bill where none is named, comes to. */
  | {
      readonly kind: 'moreThanBilled';
      readonly billed: Money;
      readonly currency: string;
      readonly lineId: string | null;
    }
  | { readonly kind: 'endedAlready'; readonly dispute: Dispute };

export type DisputeResult = { readonly kind: 'done'; readonly dispute: Dispute } | DisputeRefusal;

const COLUMNS = `p.id, p.month, p.team_id, p.line_id, p.amount, p.currency, p.reason, p.raised_by, p.raised_at, p.owner,
  to_char(p.due_on, 'YYYY-MM-DD') AS due_on, e.outcome, e.ended_by, e.ended_at, e.reason AS end_reason, e.adjustment_id`;

const LIST = `/* prepared: billing.disputes */
SELECT ${COLUMNS} FROM bill_dispute p LEFT JOIN bill_dispute_end e ON e.dispute_id = p.id
WHERE ($1::bigint IS NULL OR p.id < $1) AND ($2::bigint IS NULL OR p.id = $2) AND ($3::text IS NULL OR p.team_id = $3)
  AND (NOT $4 OR e.dispute_id IS NULL)
ORDER BY p.id DESC LIMIT $5`;

interface Row {
  readonly id: string;
  readonly month: string;
  readonly team_id: string;
  readonly line_id: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly reason: string;
  readonly raised_by: string;
  readonly raised_at: Date;
  readonly owner: string;
  readonly due_on: string;
  readonly outcome: DisputeOutcome | null;
  readonly ended_by: string | null;
  readonly ended_at: Date | null;
  readonly end_reason: string | null;
  readonly adjustment_id: string | null;
}

export interface DisputeRange {
  readonly beforeId: string | null;
  /** null: of every team. */
  readonly teamId: string | null;
  readonly isWaitingOnly: boolean;
  readonly limit: number;
}

/** The newest first. Faults of Postgres propagate. */
export async function listDisputes(
  db: Queryable,
  { beforeId, teamId, isWaitingOnly, limit }: DisputeRange,
): Promise<readonly Dispute[]> {
  const values = [beforeId, null, teamId, isWaitingOnly, limit];
  const { rows } = await db.query<Row & Record<string, unknown>>(LIST, values);
  return rows.map(fromRow);
}

/** One by its id, if it is of that team. @param teamId null: of any. */
export async function findDispute(
  db: Queryable,
  id: string,
  teamId: string | null,
): Promise<Dispute | undefined> {
  const { rows } = await db.query<Row & Record<string, unknown>>(LIST, [
    null,
    id,
    teamId,
    false,
    1,
  ]);
  return rows.map(fromRow)[0];
}

const BILL = `/* prepared: billing.disputed_bill */
SELECT CASE WHEN $3::text IS NULL THEN b.total_amount ELSE l.amount END AS billed
FROM month_close c JOIN month_bill b ON b.freeze_id = c.freeze_id
  LEFT JOIN month_bill_line l ON l.freeze_id = b.freeze_id AND l.team_id = b.team_id AND l.line_id = $3
WHERE c.month = $1 AND b.team_id = $2 AND c.state <> 'superseded' ORDER BY c.state = 'closed' DESC, c.version DESC LIMIT 1`;

const RAISE = `/* prepared: billing.raise_dispute */
INSERT INTO bill_dispute (month, team_id, line_id, amount, currency, reason, raised_by, raised_at, owner, due_on)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`;

/** Raises it against a bill that is frozen, over what it comes to at most. Faults of Postgres propagate. */
export async function raiseDispute(tx: Transaction, raised: RaisedDispute): Promise<DisputeResult> {
  const { month, teamId, lineId, currency } = raised;
  const bills = await tx.query<{ billed: string | null }>(BILL, [month, teamId, lineId]);
  const [bill] = bills.rows;
  if (bill === undefined) return { kind: 'noBill', month };
  if (bill.billed === null) return { kind: 'unknownLine', month, lineId: lineId ?? '' };
  const billed = parseMoney(bill.billed);
  if (compareAmounts(raised.amount, billed) > 0)
    return { kind: 'moreThanBilled', billed, currency, lineId };
  const { rows } = await tx.query<{ id: string }>(RAISE, [
    month,
    teamId,
    lineId,
    formatAmount(raised.amount),
    currency,
    storable(raised.reason),
    storable(raised.raisedBy),
    new Date(raised.raisedAt),
    storable(raised.owner),
    raised.dueOn,
  ]);
  return done(tx, must(rows[0], 'an insert returns its row').id);
}

export interface DisputeWord {
  readonly id: string;
  readonly outcome: DisputeOutcome;
  readonly by: string;
  readonly at: EpochMs;
  readonly reason: string;
  /** Who bears it, of an accepted one. */
  readonly debitedTeam: string;
  readonly account: string;
  readonly approvalFrom: Money;
}

const END = `/* prepared: billing.end_dispute */
INSERT INTO bill_dispute_end (dispute_id, outcome, ended_by, ended_at, reason, adjustment_id) VALUES ($1, $2, $3, $4, $5, $6)`;

/** Ends one that waits, once. An accepted one proposes its adjustment in the same transaction. Faults of Postgres propagate. */
export async function endDispute(tx: Transaction, word: DisputeWord): Promise<DisputeResult> {
  await lockCloses(tx);
  const dispute = await findDispute(tx, word.id, null);
  if (dispute === undefined) return { kind: 'unknown' };
  if (dispute.end !== null) return { kind: 'endedAlready', dispute };
  // Whoever raised it takes it back; another person accepts it.
  if (word.outcome === 'accepted' && isSamePerson(dispute.raisedBy, word.by))
    return { kind: 'ownWork' };
  const { month, teamId, lineId, amount, currency } = dispute;
  let adjustmentId: string | null = null;
  if (word.outcome === 'accepted') {
    const adjusted = await proposeAdjustment(tx, {
      creditedTeam: teamId,
      debitedTeam: word.debitedTeam,
      amount,
      currency,
      corrects: { month, lineId },
      account: word.account,
      reason: `Dispute ${word.id}: ${word.reason}`,
      by: word.by,
      at: word.at,
      approvalFrom: word.approvalFrom,
    });
    if (adjusted.kind !== 'done') return adjusted;
    adjustmentId = adjusted.adjustment.id;
  }
  await tx.query(END, [
    word.id,
    word.outcome,
    storable(word.by),
    new Date(word.at),
    storable(word.reason),
    adjustmentId,
  ]);
  return done(tx, word.id);
}

async function done(tx: Transaction, id: string): Promise<DisputeResult> {
  return { kind: 'done', dispute: must(await findDispute(tx, id, null), 'it was just written') };
}

function fromRow(row: Row): Dispute {
  const { outcome, ended_by: by, ended_at: at, end_reason: reason } = row;
  return {
    id: row.id,
    month: row.month,
    teamId: row.team_id,
    lineId: row.line_id,
    amount: parseMoney(row.amount),
    currency: row.currency,
    reason: row.reason,
    raisedBy: row.raised_by,
    raisedAt: row.raised_at.getTime(),
    owner: row.owner,
    dueOn: row.due_on,
    end:
      outcome === null || by === null || at === null
        ? null
        : {
            outcome,
            by,
            at: at.getTime(),
            reason: reason ?? '',
            adjustmentId: row.adjustment_id,
          },
  };
}
