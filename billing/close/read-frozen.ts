/** Reads a version of a month back exactly as it was frozen: every field, in its order, to the last decimal. */
import { must } from '#base/assert.js';
import { merkleProofs } from '#base/hash-chain.js';
import type { Queryable } from '#base/postgres/pool.js';
import { formatInstant } from '#base/time.js';
import { type Money, NO_MONEY, parseCredits, parseMoney, parseQuantity } from '#base/units.js';
import type {
  BilledAccount,
  BillLine,
  BilledMonth,
  Booking,
  ChargeKind,
  Driver,
  MeasuredUnit,
  MonthReconciliation,
  ReconciledItem,
  TeamBill,
} from '../bills/billed-month.js';
import { CONVERSION_COLUMNS, type ConversionRow, conversionOf } from './frozen-conversion.js';
import type { CloseVersion } from './read-close.js';

type Amounts<Keys extends string> = Readonly<Record<Keys, string>>;

interface HeadRow {
  readonly frozen_at: Date;
  readonly organisation_id: string;
  readonly organisation_name: string;
  readonly currency: string;
  readonly clearing_account: string;
  readonly rounding_team_id: string;
  readonly reconciliation: FrozenReconciliation;
  readonly accounts: readonly BilledAccount[];
  readonly total_credits: string;
  readonly total_amount: string;
  readonly merkle_root: string;
}

type FrozenReconciliation = Amounts<
  'meteredCredits' | 'allocatedCredits' | 'computedMoney' | 'differenceCredits'
> & {
  readonly invoicedMoney: string | null;
  readonly differenceMoney: string | null;
  readonly open: readonly ReconciledItem[];
};

interface BillRow extends ConversionRow, Amounts<'total_credits' | 'hash'> {
  readonly team_id: string;
  readonly team_name: string;
  readonly department_name: string;
  readonly owner: string;
  readonly legal_entity: string;
  readonly cost_centre: string;
  readonly gl_account: string;
  readonly mode: Booking['mode'];
  readonly budget_money: string | null;
  readonly previous_money: string | null;
  readonly trailing_money: string | null;
  readonly drivers: readonly (Omit<Driver, 'credits' | 'effectiveMoney'> &
    Amounts<'credits' | 'effectiveMoney'>)[];
}

interface LineRow extends Amounts<
  | 'credits'
  | 'list_price'
  | 'contracted_price'
  | 'effective_price'
  | 'effective_money'
  | 'prepaid_money'
  | 'amount'
  | 'used_ms'
  | 'statements'
> {
  readonly team_id: string;
  readonly line_id: string;
  readonly kind: ChargeKind;
  readonly account: string;
  readonly resource: string | null;
  readonly service_type: string;
  readonly charge_day: string;
  readonly measured_quantity: string | null;
  readonly measured_unit: MeasuredUnit | null;
  readonly method: string;
  readonly note: string;
  readonly corrects_month: string | null;
  readonly corrects_line_id: string | null;
  readonly converted_amount: string | null;
}

const HEAD = `/* prepared: billing.frozen_head */
SELECT frozen_at, organisation_id, organisation_name, currency, clearing_account, rounding_team_id, reconciliation, accounts,
  total_credits, total_amount, merkle_root
FROM month_freeze WHERE id = $1`;

const BILLS = `/* prepared: billing.frozen_bills */
SELECT team_id, team_name, department_name, owner, legal_entity, cost_centre, gl_account, mode, total_credits, total_amount,
  budget_money, previous_money, trailing_money, drivers, hash, ${CONVERSION_COLUMNS}
FROM month_bill WHERE freeze_id = $1 ORDER BY team_id COLLATE "C"`;

const LINES = `/* prepared: billing.frozen_lines */
SELECT team_id, line_id, kind, account, resource, service_type, to_char(charge_day, 'YYYY-MM-DD') AS charge_day, used_ms,
  statements, credits, list_price, contracted_price, effective_price, effective_money, prepaid_money,
  measured_quantity, measured_unit, amount, method, note, corrects_month, corrects_line_id, converted_amount
FROM month_bill_line WHERE freeze_id = $1 ORDER BY team_id COLLATE "C", ordinal`;

/** Faults of Postgres propagate. */
export async function readFrozen(db: Queryable, version: CloseVersion): Promise<BilledMonth> {
  const { freezeId } = version;
  const heads = await db.query<HeadRow & Record<string, unknown>>(HEAD, [freezeId]);
  const head = must(heads.rows[0], 'a version has what it was frozen as');
  const bills = await db.query<BillRow & Record<string, unknown>>(BILLS, [freezeId]);
  const lines = await db.query<LineRow & Record<string, unknown>>(LINES, [freezeId]);
  const byTeam = new Map<string, LineRow[]>();
  for (const row of lines.rows) {
    const known = byTeam.get(row.team_id);
    if (known === undefined) byTeam.set(row.team_id, [row]);
    else known.push(row);
  }
  const proofs = merkleProofs(bills.rows.map(({ hash }) => hash));
  return {
    organisation: { id: head.organisation_id, name: head.organisation_name },
    currency: head.currency,
    accounts: head.accounts.map(({ id, cloud, region, edition }) => ({
      id,
      cloud,
      region,
      edition,
    })),
    month: version.month,
    version: version.version,
    state: version.state,
    asOf: formatInstant(head.frozen_at.getTime()),
    approvals: version.approvals.map(({ by, at }) => ({ by, at: formatInstant(at) })),
    closedAt: version.closedAt === null ? null : formatInstant(version.closedAt),
    bills: bills.rows.map((row, index) => ({
      id: `${version.month}-v${version.version}-${row.team_id}`,
      ...billOf(row, byTeam.get(row.team_id) ?? []),
      proof: proofs[index] ?? [],
    })),
    totalCredits: parseCredits(head.total_credits),
    totalAmount: parseMoney(head.total_amount),
    clearingAccount: head.clearing_account,
    roundingTeamId: head.rounding_team_id,
    reconciliation: reconciliationOf(head.reconciliation, version),
    merkleRoot: head.merkle_root,
  };
}

function billOf(row: BillRow, lines: readonly LineRow[]): Omit<TeamBill, 'id' | 'proof'> {
  const conversion = conversionOf(row);
  return {
    teamId: row.team_id,
    teamName: row.team_name,
    departmentName: row.department_name,
    owner: row.owner,
    booking: {
      legalEntity: row.legal_entity,
      costCentre: row.cost_centre,
      glAccount: row.gl_account,
      mode: row.mode,
    },
    lines: lines.map(lineOf),
    totalCredits: parseCredits(row.total_credits),
    totalAmount: parseMoney(row.total_amount),
    conversion: conversion === null ? null : { ...conversion, lineAmounts: lineAmountsOf(lines) },
    comparison: {
      budgetMoney: moneyOf(row.budget_money),
      previousMoney: moneyOf(row.previous_money),
      trailingMoney: moneyOf(row.trailing_money),
      forecastMoney: null,
    },
    drivers: row.drivers.map((driver) => ({
      kind: driver.kind,
      name: driver.name,
      statements: driver.statements,
      credits: parseCredits(driver.credits),
      effectiveMoney: parseMoney(driver.effectiveMoney),
    })),
    hash: row.hash,
  };
}

/** The amount of each line in the currency of a converted bill. */
function lineAmountsOf(lines: readonly LineRow[]): ReadonlyMap<string, Money> {
  return new Map(lines.map((line) => [line.line_id, moneyOf(line.converted_amount) ?? NO_MONEY]));
}

function lineOf(row: LineRow): BillLine {
  return {
    id: row.line_id,
    kind: row.kind,
    account: row.account,
    resource: row.resource,
    serviceType: row.service_type,
    chargeDay: row.charge_day,
    usedMs: Number(row.used_ms),
    statements: Number(row.statements),
    credits: parseCredits(row.credits),
    measured:
      row.measured_quantity === null || row.measured_unit === null
        ? null
        : { quantity: parseQuantity(row.measured_quantity), unit: row.measured_unit },
    listPrice: parseMoney(row.list_price),
    contractedPrice: parseMoney(row.contracted_price),
    effectivePrice: parseMoney(row.effective_price),
    effectiveMoney: parseMoney(row.effective_money),
    prepaidMoney: parseMoney(row.prepaid_money),
    amount: parseMoney(row.amount),
    method: row.method,
    note: row.note,
    corrects:
      row.corrects_month === null
        ? null
        : { month: row.corrects_month, lineId: row.corrects_line_id },
  };
}

function reconciliationOf(
  of: FrozenReconciliation,
  { signedOff }: CloseVersion,
): MonthReconciliation {
  return {
    meteredCredits: parseCredits(of.meteredCredits),
    allocatedCredits: parseCredits(of.allocatedCredits),
    computedMoney: parseMoney(of.computedMoney),
    invoicedMoney: moneyOf(of.invoicedMoney),
    differenceCredits: parseCredits(of.differenceCredits),
    differenceMoney: moneyOf(of.differenceMoney),
    open: of.open.map(({ what, subject, ours, theirs, difference, cause }) => ({
      what,
      subject,
      ours,
      theirs,
      difference,
      cause,
    })),
    signedOff:
      signedOff === null
        ? null
        : { by: signedOff.by, at: formatInstant(signedOff.at), reason: signedOff.reason ?? '' },
  };
}

function moneyOf(text: string | null): Money | null {
  return text === null ? null : parseMoney(text);
}
