/** Adjustments as they stand, and as lines of the month that they are booked in: what one team is given another bears. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type Money, NO_CREDITS, NO_MONEY, parseMoney, subtractMoney } from '#base/units.js';
import { type ExactLine, lineId } from '../bills/month-lines.js';

export interface Adjustment {
  readonly id: string;
  readonly creditedTeam: string;
  readonly debitedTeam: string;
  readonly amount: Money;
  readonly currency: string;
  readonly corrects: { readonly month: string; readonly lineId: string | null } | null;
  readonly chargeDay: string;
  readonly account: string;
  readonly reason: string;
  readonly proposedBy: string;
  readonly proposedAt: EpochMs;
  /** null: it waits. */
  readonly decision: {
    readonly decision: 'approved' | 'declined';
    /** Where it is booked. */
    readonly month: string | null;
    readonly by: string;
    readonly at: EpochMs;
    readonly reason: string;
  } | null;
}

const COLUMNS = `a.id, a.credited_team, a.debited_team, a.amount, a.currency, a.corrects_month, a.corrects_line_id,
  to_char(a.charge_day, 'YYYY-MM-DD') AS charge_day, a.account, a.reason, a.proposed_by, a.proposed_at, d.decision, d.month,
  d.decided_by, d.decided_at, d.reason AS decision_reason`;

const LIST = `/* prepared: billing.adjustments */
SELECT ${COLUMNS} FROM bill_adjustment a LEFT JOIN bill_adjustment_decision d ON d.adjustment_id = a.id
WHERE ($1::bigint IS NULL OR a.id < $1) AND ($2::bigint IS NULL OR a.id = $2) ORDER BY a.id DESC LIMIT $3`;

const BOOKED = `/* prepared: billing.booked_adjustments */
SELECT ${COLUMNS} FROM bill_adjustment a JOIN bill_adjustment_decision d ON d.adjustment_id = a.id
WHERE d.month = $1 AND d.decision = 'approved' AND a.currency = $2 ORDER BY a.id`;

interface Row {
  readonly id: string;
  readonly credited_team: string;
  readonly debited_team: string;
  readonly amount: string;
  readonly currency: string;
  readonly corrects_month: string | null;
  readonly corrects_line_id: string | null;
  readonly charge_day: string;
  readonly account: string;
  readonly reason: string;
  readonly proposed_by: string;
  readonly proposed_at: Date;
  readonly decision: 'approved' | 'declined' | null;
  readonly month: string | null;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
  readonly decision_reason: string | null;
}

/** The newest first, before the one of `beforeId`. Faults of Postgres propagate. */
export async function listAdjustments(
  db: Queryable,
  range: { readonly beforeId: string | null; readonly limit: number },
): Promise<readonly Adjustment[]> {
  const { rows } = await db.query<Row & Record<string, unknown>>(LIST, [
    range.beforeId,
    null,
    range.limit,
  ]);
  return rows.map(fromRow);
}

/** One by its id. */
export async function findAdjustment(db: Queryable, id: string): Promise<Adjustment | undefined> {
  const { rows } = await db.query<Row & Record<string, unknown>>(LIST, [null, id, 1]);
  return rows.map(fromRow)[0];
}

/** Lines of those that are booked in `month`. Faults of Postgres propagate. */
export async function readBookedAdjustments(
  db: Queryable,
  month: string,
  currency: string,
): Promise<readonly ExactLine[]> {
  const { rows } = await db.query<Row & Record<string, unknown>>(BOOKED, [month, currency]);
  return rows
    .map(fromRow)
    .flatMap((each) => [
      lineOf(month, each, each.creditedTeam, subtractMoney(NO_MONEY, each.amount)),
      lineOf(month, each, each.debitedTeam, each.amount),
    ]);
}

function lineOf(month: string, of: Adjustment, teamId: string, money: Money): ExactLine {
  const other = teamId === of.creditedTeam ? of.debitedTeam : of.creditedTeam;
  return {
    id: lineId(month, ['adjustment', of.id, teamId]),
    teamId,
    kind: 'adjustment',
    account: of.account,
    resource: null,
    serviceType: 'ADJUSTMENT',
    chargeDay: of.chargeDay,
    usedMs: 0,
    statements: 0,
    credits: NO_CREDITS,
    listPrice: NO_MONEY,
    contractedPrice: NO_MONEY,
    effectivePrice: NO_MONEY,
    effectiveMoney: money,
    measured: null,
    prepaidMoney: NO_MONEY,
    method: `adjustment/${of.id}`,
    note: `${money < NO_MONEY ? 'Credit note' : 'Adjustment'} ${of.id}, ${money < NO_MONEY ? 'borne by' : 'for'} ${other}: ${of.reason}`,
    corrects: of.corrects,
  };
}

function fromRow(row: Row): Adjustment {
  const { decision, decided_by: by, decided_at: at, decision_reason: why } = row;
  return {
    id: row.id,
    creditedTeam: row.credited_team,
    debitedTeam: row.debited_team,
    amount: parseMoney(row.amount),
    currency: row.currency,
    corrects:
      row.corrects_month === null
        ? null
        : { month: row.corrects_month, lineId: row.corrects_line_id },
    chargeDay: row.charge_day,
    account: row.account,
    reason: row.reason,
    proposedBy: row.proposed_by,
    proposedAt: row.proposed_at.getTime(),
    decision:
      decision === null || by === null || at === null
        ? null
        : { decision, month: row.month, by, at: at.getTime(), reason: why ?? '' },
  };
}
