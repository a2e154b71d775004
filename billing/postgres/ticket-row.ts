/** The descriptive columns of a ticket, as one JSON value that Postgres takes apart. */
import { formatAmount } from '#base/units.js';
import type { TicketFacts } from '../ledger.js';
import { plainArray, textArray } from './columns.js';

const COLUMNS = {
  id: 'uuid',
  account: 'text',
  session_id: 'text',
  request_id: 'text',
  request_hash: 'text',
  principal_id: 'text',
  via_principal_id: 'text',
  team_id: 'text',
  workload: 'text',
  origin: 'jsonb',
  snowflake_user: 'text',
  role_name: 'text',
  tier: 'text',
  warehouse: 'text',
  warehouse_size: 'text',
  statement_class: 'text',
  fingerprint: 'text',
  statement_shape: 'text',
  basis: 'text',
  low_credits: 'numeric',
  expected_credits: 'numeric',
  high_credits: 'numeric',
  expected_seconds: 'double precision',
  estimated_bytes: 'bigint',
  price_per_credit: 'numeric',
  currency: 'text',
  control_version: 'bigint',
  replica: 'text',
  occurred_at: 'timestamptz',
} as const;

const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];

/** `id, account, …`: the columns, for an INSERT. */
export const TICKET_COLUMNS: string = NAMES.join(', ');

/** `t.id, t.account, …`: the same as read from {@link TICKET_RECORD} under the alias `t`. */
export const TICKET_VALUES: string = NAMES.map((name) => `t.${name}`).join(', ');

/** `id uuid, account text, …`: the column list for `jsonb_to_recordset`. */
export const TICKET_RECORD: string = Object.entries(COLUMNS)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ');

/**
 * `$3::uuid[], $4::text[], …`: one array a column, for `unnest`, from the parameter `first` on; the values of
 * {@link ticketArrays}.
 */
export function ticketArrayParameters(first: number): string {
  return Object.values(COLUMNS)
    .map((type, index) => `$${first + index}::${type}[]`)
    .join(', ');
}

/** The columns of many tickets, an array each. */
export function ticketArrays(tickets: readonly TicketFacts[]): readonly string[] {
  const records = tickets.map(ticketRecord);
  return NAMES.map((name) => {
    const values = records.map((record) => record[name]);
    if (COLUMNS[name] === 'text') return textArray(values as (string | null)[]);
    if (COLUMNS[name] === 'jsonb')
      return textArray(values.map((value) => (value === null ? null : jsonFor(value))));
    return plainArray(values as (string | number | null)[]);
  });
}

const SHAPE_CHARACTERS_MAX = 2_000;

/** The columns of a new ticket by their names, for {@link jsonFor}; amounts are decimals. */
export function ticketRecord(facts: TicketFacts): Readonly<Record<keyof typeof COLUMNS, unknown>> {
  return {
    id: facts.ticketId,
    account: facts.account,
    session_id: facts.sessionId,
    request_id: facts.requestId,
    request_hash: facts.requestHash,
    principal_id: facts.principalId,
    via_principal_id: facts.viaPrincipalId,
    team_id: facts.teamId,
    workload: facts.workload,
    origin: facts.origin ?? null,
    snowflake_user: facts.snowflakeUser,
    role_name: facts.roleName,
    tier: facts.tier,
    warehouse: facts.warehouse,
    warehouse_size: facts.warehouseSize,
    statement_class: facts.statementClass,
    fingerprint: facts.fingerprint,
    statement_shape: facts.statementShape.slice(0, SHAPE_CHARACTERS_MAX),
    basis: facts.basis,
    low_credits: formatAmount(facts.lowCredits),
    expected_credits: formatAmount(facts.expectedCredits),
    high_credits: formatAmount(facts.highCredits),
    expected_seconds: facts.expectedSeconds,
    estimated_bytes: facts.estimatedBytes,
    price_per_credit: formatAmount(facts.pricePerCredit),
    currency: facts.currency,
    control_version: facts.controlVersion,
    replica: facts.replica,
    occurred_at: new Date(facts.occurredAt).toISOString(),
  };
}

/** Text as Postgres can store it: a statement may hold NUL and halves of surrogate pairs. */
export function storable(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\u{FFFD}');
}

/** How JSON text says NUL and halves of surrogate pairs; and, seldom, a statement that has these letters after a backslash. */
const NOT_STORABLE = /\\u(?:0000|d[89a-f])/;

/** `value` as JSON text that Postgres accepts. */
export function jsonFor(value: unknown): string {
  // Whole, and looked at once: visiting each value takes several times as long, on the way of every statement.
  const text = JSON.stringify(value);
  if (!NOT_STORABLE.test(text)) return text;
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? storable(inner) : inner,
  );
}
