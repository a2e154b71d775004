/**
 * The relational projection of a control version. Nodes and budgets that history refers to are never deleted, only
 * switched off; the rest is written anew. A changed limit goes through the ledger, so that open periods feel it.
 */
import { carryRule, periodRule } from '#billing/budget-terms.js';
import { setBudgetLimit } from '#billing/control-writes.js';
import type { Transaction } from '#base/postgres/pool.js';
import { compareAmounts, type Credits, parseCredits } from '#base/units.js';
import {
  type BudgetDocument,
  type ControlDocument,
  FORECAST_THRESHOLDS,
  USE_THRESHOLDS,
} from '#policies/control/document.js';
import type { ControlChange } from './control-change.js';

/** Writes the projection of `change.document` inside the transaction that wrote `version`. */
export async function projectControl(
  tx: Transaction,
  change: ControlChange,
  version: number,
): Promise<void> {
  const { document } = change;
  await tx.query('DELETE FROM mapping_rule');
  await tx.query('DELETE FROM principal');
  await projectNodes(tx, document);
  await projectPrincipals(tx, document);
  await projectMapping(tx, document);
  await projectBudgets(tx, change);
  await projectTiers(tx, document);
  await projectMoney(tx, document);
  await projectRules(tx, document, version);
}

async function projectNodes(tx: Transaction, document: ControlDocument): Promise<void> {
  const { organisation } = document;
  const budgeted = new Set(document.budgets.map((budget) => budget.node));
  const nodes = [
    { id: organisation.id, parent_id: null, kind: 'organisation', name: organisation.name },
    ...document.departments.map((department) => ({
      id: department.id,
      parent_id: organisation.id,
      kind: 'department',
      name: department.name,
    })),
    ...document.teams.map((team) => ({
      id: team.id,
      parent_id: team.department,
      kind: 'team',
      name: team.name,
      cost_centre: team.costCentre,
    })),
    // A principal is a node only where a budget hangs on it.
    ...document.principals
      .filter((principal) => budgeted.has(principal.id))
      .map((principal) => ({
        id: principal.id,
        parent_id: principal.team,
        kind: 'principal',
        name: principal.id,
      })),
  ];
  await tx.query(
    `INSERT INTO org_node (id, parent_id, kind, name, cost_centre, is_active)
     SELECT id, parent_id, kind, name, cost_centre, true
     FROM jsonb_to_recordset($1::jsonb) AS n (id text, parent_id text, kind text, name text, cost_centre text)
     ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, kind = excluded.kind, name = excluded.name,
       cost_centre = excluded.cost_centre, is_active = true`,
    [JSON.stringify(nodes)],
  );
  await tx.query(
    `UPDATE org_node SET is_active = false
     WHERE is_active AND NOT EXISTS (SELECT FROM unnest($1::text[]) AS kept (id) WHERE kept.id = org_node.id)`,
    [nodes.map((node) => node.id)],
  );
}

async function projectPrincipals(tx: Transaction, document: ControlDocument): Promise<void> {
  await tx.query(
    `INSERT INTO principal (id, team_id, kind, owner, is_shared, status)
     SELECT id, team, kind, owner, shared, status
     FROM jsonb_to_recordset($1::jsonb)
       AS p (id text, team text, kind text, owner text, shared boolean, status text)`,
    [JSON.stringify(document.principals)],
  );
}

async function projectMapping(tx: Transaction, document: ControlDocument): Promise<void> {
  const rules = document.mapping.map((entry, ordinal) => ({
    ordinal,
    account: entry.match.account,
    snowflake_user: entry.match.snowflakeUser,
    role: entry.match.role,
    network: entry.match.network,
    principal_id: entry.principal,
    team_id: entry.team,
  }));
  await tx.query(
    `INSERT INTO mapping_rule (ordinal, account, snowflake_user, role, network, principal_id, team_id)
     SELECT ordinal, account, snowflake_user, role, network, principal_id, team_id
     FROM jsonb_to_recordset($1::jsonb) AS m (ordinal integer, account text, snowflake_user text, role text,
       network text, principal_id text, team_id text)`,
    [JSON.stringify(rules)],
  );
}

async function projectBudgets(tx: Transaction, change: ControlChange): Promise<void> {
  const budgets = change.document.budgets.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const ids = budgets.map((budget) => budget.id);
  const { rows: before } = await tx.query<{ id: string; limit_credits: string | null }>(
    'SELECT id, limit_credits FROM budget WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
    [ids],
  );
  await tx.query(
    `INSERT INTO budget (id, node_id, limit_kind, limit_credits, is_hard, period_kind, time_zone, week_starts_on,
       counts, tier, workload, is_active, client, period_fiscal, period_custom, carry_percent, carry_max_credits, carry_debt,
       thresholds, forecast_thresholds)
     SELECT id, node_id, CASE WHEN limit_credits IS NULL THEN 'unlimited' ELSE 'limited' END, limit_credits, is_hard,
       period_kind, time_zone, week_starts_on, counts, tier, workload, true, client, period_fiscal, period_custom,
       carry_percent, carry_max_credits, carry_debt, thresholds, forecast_thresholds
     FROM jsonb_to_recordset($1::jsonb) AS b (id text, node_id text, limit_credits numeric, is_hard boolean,
       period_kind text, time_zone text, week_starts_on smallint, counts text, tier text, workload text, client text,
       period_fiscal jsonb, period_custom jsonb, carry_percent smallint, carry_max_credits numeric, carry_debt boolean,
       thresholds smallint[], forecast_thresholds smallint[])
     ORDER BY id
     ON CONFLICT (id) DO UPDATE SET node_id = excluded.node_id, is_hard = excluded.is_hard,
       period_kind = excluded.period_kind, time_zone = excluded.time_zone, week_starts_on = excluded.week_starts_on,
       counts = excluded.counts, tier = excluded.tier, workload = excluded.workload, is_active = true,
       client = excluded.client, period_fiscal = excluded.period_fiscal, period_custom = excluded.period_custom,
       carry_percent = excluded.carry_percent, carry_max_credits = excluded.carry_max_credits,
       carry_debt = excluded.carry_debt, thresholds = excluded.thresholds,
       forecast_thresholds = excluded.forecast_thresholds`,
    [JSON.stringify(budgets.map(toBudgetRow))],
  );
  await tx.query(
    `UPDATE budget SET is_active = false
     WHERE is_active AND NOT EXISTS (SELECT FROM unnest($1::text[]) AS kept (id) WHERE kept.id = budget.id)`,
    [ids],
  );
  const limitBefore = new Map(before.map((row) => [row.id, toLimit(row.limit_credits)]));
  for (const budget of budgets) {
    const earlier = limitBefore.get(budget.id);
    const limitCredits = limitOf(budget);
    if (earlier === undefined || isSameLimit(earlier, limitCredits)) continue;
    await setBudgetLimit(tx, {
      budgetId: budget.id,
      limitCredits,
      author: change.actor.id,
      reason: change.reason,
      at: change.at,
    });
  }
}

function toBudgetRow(budget: BudgetDocument): object {
  const period = periodRule(budget.period);
  const carry = carryRule(budget);
  return {
    id: budget.id,
    node_id: budget.node,
    limit_credits: budget.limitCredits === 'unlimited' ? null : budget.limitCredits,
    is_hard: budget.hard,
    period_kind: period.periodKind,
    time_zone: period.timeZone,
    week_starts_on: period.weekStartsOn,
    period_fiscal: period.fiscal,
    period_custom: period.custom,
    counts: budget.counts,
    tier: budget.tier,
    workload: budget.workload,
    client: budget.client,
    carry_percent: carry.percent,
    carry_max_credits: budget.carryOver?.maxCredits,
    carry_debt: carry.debt,
    thresholds: budget.thresholds ?? USE_THRESHOLDS,
    forecast_thresholds: budget.forecastThresholds ?? FORECAST_THRESHOLDS,
  };
}

function limitOf(budget: BudgetDocument): Credits | null {
  return budget.limitCredits === 'unlimited' ? null : parseCredits(budget.limitCredits);
}

function toLimit(text: string | null): Credits | null {
  return text === null ? null : parseCredits(text);
}

function isSameLimit(a: Credits | null, b: Credits | null): boolean {
  return a === null || b === null ? a === b : compareAmounts(a, b) === 0;
}

async function projectTiers(tx: Transaction, document: ControlDocument): Promise<void> {
  await tx.query('DELETE FROM tier');
  await tx.query(
    `INSERT INTO tier (id, warehouse, weight, concurrency_max, queue_max, queue_timeout_seconds,
       statement_timeout_seconds, ceiling_credits, opaque_policy)
     SELECT id, warehouse, weight, "concurrencyMax", "queueMax", "queueTimeoutSeconds", "statementTimeoutSeconds",
       "ceilingCredits", opaque
     FROM jsonb_to_recordset($1::jsonb) AS t (id text, warehouse text, weight numeric, "concurrencyMax" integer,
       "queueMax" integer, "queueTimeoutSeconds" double precision, "statementTimeoutSeconds" double precision,
       "ceilingCredits" numeric, opaque text)`,
    [JSON.stringify(document.tiers)],
  );
}

async function projectMoney(tx: Transaction, document: ControlDocument): Promise<void> {
  await tx.query('DELETE FROM price');
  await tx.query(
    `INSERT INTO price (credit_kind, account, service_type, currency, price_per_credit, effective_from, effective_to)
     SELECT "creditKind", coalesce(account, ''), coalesce("serviceType", ''), currency, "pricePerCredit", "effectiveFrom",
       "effectiveTo"
     FROM jsonb_to_recordset($1::jsonb) AS p ("creditKind" text, account text, "serviceType" text, currency text,
       "pricePerCredit" numeric, "effectiveFrom" timestamptz, "effectiveTo" timestamptz)`,
    [JSON.stringify(document.prices)],
  );
  await tx.query('DELETE FROM warehouse_rate');
  await tx.query(
    `INSERT INTO warehouse_rate (kind, generation, size, resource_constraint, cloud, effective_from, credits_per_hour)
     SELECT kind, generation, size, coalesce("resourceConstraint", ''), coalesce(cloud, ''), "effectiveFrom", "creditsPerHour"
     FROM jsonb_to_recordset($1::jsonb) AS r (kind text, generation text, size text, "resourceConstraint" text, cloud text,
       "effectiveFrom" timestamptz, "creditsPerHour" numeric)`,
    [JSON.stringify(document.rates)],
  );
}

/** Rules keep their history: one row for every version that changed one. */
async function projectRules(
  tx: Transaction,
  document: ControlDocument,
  version: number,
): Promise<void> {
  await tx.query(
    `INSERT INTO policy_document (id, version, mode, body)
     SELECT r ->> 'id', $2, r ->> 'mode', r FROM jsonb_array_elements($1::jsonb) AS r
     WHERE r IS DISTINCT FROM
       (SELECT body FROM policy_document d WHERE d.id = r ->> 'id' ORDER BY d.version DESC LIMIT 1)`,
    [JSON.stringify(document.rules), version],
  );
}
