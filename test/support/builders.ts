/** One builder per noun, with valid defaults: a test states only what matters to it. */
import type { TicketId } from '../../base/ids.js';
import { systemIds } from '../../base/ids.js';
import type { Queryable } from '../../base/postgres/pool.js';
import { NO_CREDITS, formatAmount, parseCredits, parseMoney } from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import type { Settlement, TicketFacts } from '../../billing/ledger.js';
import type { CarryRule } from '../../billing/carry.js';
import type { FiscalRule } from '../../billing/fiscal.js';
import type { CustomRule, PeriodKind } from '../../billing/period.js';

const ids = systemIds();
/** 2026-07-15T12:00:00Z, where the manual clock starts. */
export const NOON: number = Date.UTC(2026, 6, 15, 12);

/** Credits from a decimal such as `'1.5'`. */
export function credits(text: string): Credits {
  return parseCredits(text);
}

export function buildTicketId(atMs: number = NOON): TicketId {
  return ids.ticket(atMs);
}

export function buildTicket(changes: Partial<TicketFacts> = {}): TicketFacts {
  const ticketId = changes.ticketId ?? buildTicketId();
  return {
    ticketId,
    account: 'demo',
    sessionId: '101',
    requestId: `request-${ticketId}`,
    requestHash: 'hash',
    principalId: 'marketing_analyst',
    viaPrincipalId: null,
    teamId: 'marketing',
    workload: null,
    snowflakeUser: 'MARKETING_ANALYST',
    roleName: 'ANALYST',
    tier: 'interactive',
    warehouse: 'INTERACTIVE_WH',
    warehouseSize: 'XSMALL',
    statementClass: 'select',
    fingerprint: 'fingerprint',
    statementShape: 'SELECT ? FROM t',
    basis: 'HISTORY',
    lowCredits: NO_CREDITS,
    expectedCredits: credits('0.5'),
    highCredits: credits('1'),
    expectedSeconds: 3,
    estimatedBytes: 1_000_000,
    pricePerCredit: parseMoney('3'),
    currency: 'USD',
    controlVersion: 1,
    replica: 'replica-a',
    occurredAt: NOON,
    ...changes,
  };
}

export function buildSettlement(ticketId: TicketId, changes: Partial<Settlement> = {}): Settlement {
  return {
    ticketId,
    ending: 'succeeded',
    endCode: null,
    snowflakeQueryId: `query-${ticketId}`,
    usedCredits: credits('0.4'),
    warehouseMs: 1_440_000,
    bytesScanned: 1_000_000,
    rowsProduced: 10,
    startedAt: NOON,
    endedAt: NOON + 1_000,
    ...changes,
  };
}

export interface BudgetSetup {
  readonly id: string;
  readonly nodeId: string;
  readonly limit: Credits | null;
  readonly isHard: boolean;
  readonly periodKind: PeriodKind;
  readonly timeZone: string;
  readonly weekStartsOn: number;
  readonly fiscal: FiscalRule | null;
  readonly custom: CustomRule | null;
  readonly carry: CarryRule | null;
}

/** Writes a budget (and its node) as the control plane would: monthly, hard, UTC, unlimited unless told otherwise. */
export async function insertBudget(
  db: Queryable,
  changes: Partial<BudgetSetup> & { readonly id: string },
): Promise<void> {
  const {
    id,
    nodeId = 'marketing',
    limit = null,
    isHard = true,
    periodKind = 'month',
    timeZone = 'UTC',
    weekStartsOn = 1,
    fiscal = null,
    custom = null,
    carry = null,
  } = changes;
  await db.query(
    `INSERT INTO org_node (id, parent_id, kind, name) VALUES ($1, NULL, 'team', $1) ON CONFLICT DO NOTHING`,
    [nodeId],
  );
  await db.query(
    `INSERT INTO budget (id, node_id, limit_kind, limit_credits, is_hard, period_kind, time_zone, week_starts_on,
       period_fiscal, period_custom, carry_percent, carry_max_credits, carry_debt)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      id,
      nodeId,
      limit === null ? 'unlimited' : 'limited',
      limit === null ? null : formatAmount(limit),
      isHard,
      periodKind,
      timeZone,
      weekStartsOn,
      fiscal,
      custom,
      carry?.percent ?? null,
      carry === null || carry.maxCredits === null ? null : formatAmount(carry.maxCredits),
      carry?.debt ?? false,
    ],
  );
}
