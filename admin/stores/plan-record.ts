/** Answers what a plan asks of the ledger; see `policies/control/plan-record.ts` for the questions. */
import type { BudgetStanding, Ledger } from '#billing/ledger.js';
import type { Database, Transaction } from '#base/postgres/pool.js';
import { sqlStateOf } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, parseCredits, parseMoney, subtractCredits } from '#base/units.js';
import type { ControlDocument } from '#policies/control/document.js';
import {
  type PlanRecord,
  RECORD_DAYS,
  type RecordQuestions,
  type RecordStanding,
  type Spending,
} from '#policies/control/plan-record.js';
import { limitOf } from '#policies/control/plan-words.js';

/** Most keys of one kind that are looked up; a plan that drops more tells of these. */
const KEYS_MAX = 500;
/** Longest that one look at the charges may take: a plan without it is better than none. */
const LOOK_MS_MAX = 5_000;
const DAY_MS = 86_400_000;
const QUERY_CANCELED = '57014';

const SPENDING = {
  teams: `SELECT team_id AS key, count(*) AS statements, sum(credits) AS credits,
      coalesce(sum(money) FILTER (WHERE currency = $4), 0) AS money
    FROM charge WHERE occurred_at >= $2 AND occurred_at <= $3 AND team_id = ANY($1) GROUP BY team_id`,
  principals: `SELECT principal_id AS key, count(*) AS statements, sum(credits) AS credits,
      coalesce(sum(money) FILTER (WHERE currency = $4), 0) AS money
    FROM charge WHERE occurred_at >= $2 AND occurred_at <= $3 AND principal_id = ANY($1) GROUP BY principal_id`,
  warehouses: `SELECT upper(warehouse) AS key, count(*) AS statements, sum(credits) AS credits,
      coalesce(sum(money) FILTER (WHERE currency = $4), 0) AS money
    FROM charge WHERE occurred_at >= $2 AND occurred_at <= $3 AND upper(warehouse) = ANY($1) GROUP BY upper(warehouse)`,
  tiers: `SELECT tier AS key, count(*) AS statements, sum(credits) AS credits,
      coalesce(sum(money) FILTER (WHERE currency = $4), 0) AS money
    FROM charge WHERE occurred_at >= $2 AND occurred_at <= $3 AND tier = ANY($1) GROUP BY tier`,
  total: `SELECT 'total' AS key, count(*) AS statements, coalesce(sum(credits), 0) AS credits,
      coalesce(sum(money) FILTER (WHERE currency = $4), 0) AS money
    FROM charge WHERE occurred_at >= $2 AND occurred_at <= $3 AND $1::text[] IS NOT NULL`,
} as const;

interface SpendingRow extends Record<string, unknown> {
  readonly key: string;
  readonly statements: string;
  readonly credits: string;
  readonly money: string;
}

/**
 * The answers for a plan made from `before`; writes nothing.
 * @returns undefined when the charges could not be looked through in time.
 */
export async function readPlanRecord(
  db: Database,
  ledger: Ledger,
  questions: RecordQuestions,
  before: ControlDocument,
  at: EpochMs,
): Promise<PlanRecord | undefined> {
  const budgets = await standings(ledger, questions.budgets.slice(0, KEYS_MAX), before, at);
  try {
    return await db.transaction(async (tx) => {
      await tx.query(`SELECT set_config('statement_timeout', $1, true)`, [String(LOOK_MS_MAX)]);
      const ask = (
        kind: keyof typeof SPENDING,
        keys: readonly string[],
      ): ReturnType<typeof spending> =>
        spending(tx, SPENDING[kind], keys, before.organisation.currency, at);
      const total = questions.isPriceChanged ? await ask('total', ['total']) : undefined;
      return {
        budgets,
        teams: await ask('teams', questions.teams),
        principals: await ask('principals', questions.principals),
        warehouses: await ask('warehouses', questions.warehouses),
        tiers: await ask('tiers', questions.tiers),
        total: total?.get('total') ?? null,
      };
    });
  } catch (thrown) {
    if (thrown instanceof Error && sqlStateOf(thrown) === QUERY_CANCELED) return undefined;
    throw thrown;
  }
}

async function spending(
  tx: Transaction,
  sql: string,
  keys: readonly string[],
  currency: string,
  at: EpochMs,
): Promise<ReadonlyMap<string, Spending>> {
  if (keys.length === 0) return new Map();
  const since = new Date(at - RECORD_DAYS * DAY_MS);
  const values = [keys.slice(0, KEYS_MAX), since, new Date(at), currency];
  const { rows } = await tx.query<SpendingRow>(sql, values);
  return new Map(
    rows.map((row) => [
      row.key,
      {
        statements: Number(row.statements),
        credits: parseCredits(row.credits),
        money: parseMoney(row.money),
      },
    ]),
  );
}

async function standings(
  ledger: Ledger,
  ids: readonly string[],
  before: ControlDocument,
  at: EpochMs,
): Promise<ReadonlyMap<string, RecordStanding>> {
  if (ids.length === 0) return new Map();
  const limits = new Map(before.budgets.map((budget) => [budget.id, limitOf(budget)]));
  const rows = await ledger.standing(ids, at);
  return new Map(
    rows.map((row) => [row.budgetId, toStanding(row, limits.get(row.budgetId) ?? null)]),
  );
}

function toStanding(row: BudgetStanding, limit: ReturnType<typeof limitOf>): RecordStanding {
  return {
    spentCredits: row.spentCredits,
    heldCredits: row.heldCredits,
    extraCredits:
      row.limitCredits === null || limit === null
        ? NO_CREDITS
        : subtractCredits(row.limitCredits, limit),
    periodEndsAt: row.periodEndsAt,
  };
}
