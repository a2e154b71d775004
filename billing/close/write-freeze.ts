/** Writes a month as it is frozen: its head, its bills and their lines, whole. */
import { must } from '#base/assert.js';
import type { Transaction } from '#base/postgres/pool.js';
import { type Amount, formatAmount } from '#base/units.js';
import type { BilledMonth, MonthReconciliation, TeamBill } from '../bills/billed-month.js';
import { convertedAmount } from '../bills/convert-bills.js';
import { jsonFor } from '../postgres/ticket-row.js';

const FREEZE = `/* prepared: billing.freeze_month */
INSERT INTO month_freeze (month, version, frozen_at, frozen_by, organisation_id, organisation_name, currency,
  clearing_account, rounding_team_id, reconciliation, total_credits, total_amount, merkle_root, usage_fingerprint,
  accounts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id`;

const BILLS = `/* prepared: billing.freeze_bills */
INSERT INTO month_bill (freeze_id, team_id, team_name, department_name, owner, legal_entity, cost_centre, gl_account, mode,
  total_credits, total_amount, budget_money, previous_money, trailing_money, drivers, hash, converted_currency,
  converted_amount, exchange_rate, exchange_source, exchange_day)
SELECT $1, r.* FROM jsonb_to_recordset($2::jsonb) AS r (team_id text, team_name text, department_name text, owner text,
  legal_entity text, cost_centre text, gl_account text, mode text, total_credits numeric, total_amount numeric,
  budget_money numeric, previous_money numeric, trailing_money numeric, drivers jsonb, hash text, converted_currency text,
  converted_amount numeric, exchange_rate numeric, exchange_source text, exchange_day date)`;

const LINES = `/* prepared: billing.freeze_lines */
INSERT INTO month_bill_line (freeze_id, team_id, ordinal, line_id, kind, account, resource, service_type, charge_day, used_ms,
  statements, credits, list_price, contracted_price, effective_price, effective_money, amount, method, note, corrects_month,
  corrects_line_id, measured_quantity, measured_unit, prepaid_money, converted_amount)
SELECT $1, $2, r.* FROM jsonb_to_recordset($3::jsonb) AS r (ordinal integer, line_id text, kind text, account text,
  resource text, service_type text, charge_day date, used_ms bigint, statements bigint, credits numeric, list_price numeric,
  contracted_price numeric, effective_price numeric, effective_money numeric, amount numeric, method text, note text,
  corrects_month text, corrects_line_id text, measured_quantity numeric, measured_unit text, prepaid_money numeric,
  converted_amount numeric)`;

/** The id of the new freeze. @param frozen by whom, and of which usage. Faults of Postgres propagate. */
export async function writeFreeze(
  tx: Transaction,
  month: BilledMonth,
  frozen: { readonly by: string; readonly usage: string },
): Promise<string> {
  const { rows } = await tx.query<{ id: string }>(FREEZE, [
    month.month,
    month.version,
    month.asOf,
    frozen.by,
    month.organisation.id,
    month.organisation.name,
    month.currency,
    month.clearingAccount,
    month.roundingTeamId,
    jsonFor(reconciliationRow(month.reconciliation)),
    formatAmount(month.totalCredits),
    formatAmount(month.totalAmount),
    month.merkleRoot,
    frozen.usage,
    jsonFor(month.accounts),
  ]);
  const { id } = must(rows[0], 'an insert returns its row');
  await tx.query(BILLS, [id, jsonFor(month.bills.map(billRow))]);
  for (const bill of month.bills)
    if (bill.lines.length > 0)
      await tx.query(LINES, [
        id,
        bill.teamId,
        jsonFor(bill.lines.map((line, at) => lineRow(bill, line, at))),
      ]);
  return id;
}

/** The reconciliation as it is kept; who signs it off later is a step. */
function reconciliationRow(
  of: MonthReconciliation,
): Readonly<Record<keyof Omit<MonthReconciliation, 'signedOff'>, unknown>> {
  return {
    meteredCredits: formatAmount(of.meteredCredits),
    allocatedCredits: formatAmount(of.allocatedCredits),
    computedMoney: formatAmount(of.computedMoney),
    invoicedMoney: textOf(of.invoicedMoney),
    differenceCredits: formatAmount(of.differenceCredits),
    differenceMoney: textOf(of.differenceMoney),
    open: of.open,
  };
}

function billRow(bill: TeamBill): Readonly<Record<string, unknown>> {
  const { booking, comparison, conversion } = bill;
  return {
    team_id: bill.teamId,
    team_name: bill.teamName,
    department_name: bill.departmentName,
    owner: bill.owner,
    legal_entity: booking.legalEntity,
    cost_centre: booking.costCentre,
    gl_account: booking.glAccount,
    mode: booking.mode,
    total_credits: formatAmount(bill.totalCredits),
    total_amount: formatAmount(bill.totalAmount),
    budget_money: textOf(comparison.budgetMoney),
    previous_money: textOf(comparison.previousMoney),
    trailing_money: textOf(comparison.trailingMoney),
    drivers: bill.drivers.map(({ credits, effectiveMoney, ...driver }) => ({
      ...driver,
      credits: formatAmount(credits),
      effectiveMoney: formatAmount(effectiveMoney),
    })),
    hash: bill.hash,
    converted_currency: conversion?.currency ?? null,
    converted_amount: textOf(conversion?.amount ?? null),
    exchange_rate: textOf(conversion?.rate ?? null),
    exchange_source: conversion?.source ?? null,
    exchange_day: conversion?.day ?? null,
  };
}

function lineRow(
  bill: TeamBill,
  line: TeamBill['lines'][number],
  ordinal: number,
): Readonly<Record<string, unknown>> {
  return {
    ordinal,
    line_id: line.id,
    kind: line.kind,
    account: line.account,
    resource: line.resource,
    service_type: line.serviceType,
    charge_day: line.chargeDay,
    used_ms: line.usedMs,
    statements: line.statements,
    credits: formatAmount(line.credits),
    list_price: formatAmount(line.listPrice),
    contracted_price: formatAmount(line.contractedPrice),
    effective_price: formatAmount(line.effectivePrice),
    effective_money: formatAmount(line.effectiveMoney),
    amount: formatAmount(line.amount),
    method: line.method,
    note: line.note,
    corrects_month: line.corrects?.month ?? null,
    corrects_line_id: line.corrects?.lineId ?? null,
    measured_quantity: line.measured === null ? null : formatAmount(line.measured.quantity),
    measured_unit: line.measured?.unit ?? null,
    prepaid_money: formatAmount(line.prepaidMoney),
    converted_amount: textOf(convertedAmount(bill, line)),
  };
}

function textOf(amount: Amount | null): string | null {
  return amount === null ? null : formatAmount(amount);
}
