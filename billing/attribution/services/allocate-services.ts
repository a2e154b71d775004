/**
 * Allocates the services of every day that changed, or that other shared costs hold for now: reads what the day has, and
 * writes its lines anew as a whole.
 */
import { createHash } from 'node:crypto';
import { must } from '#base/assert.js';
import type { Database, Transaction } from '#base/postgres/pool.js';
import { formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { lockUsage } from '../../usage/import-lock.js';
import type { PayerOf } from '../allocate-hours.js';
import { allocateServiceDay } from './allocate-day.js';
import { readServiceDay } from './read-service-day.js';
import { SERVICE_METHOD_VERSION } from './service-day.js';
import type { ServiceLine, SharedCosts } from './service-day.js';

export interface ServiceOptions {
  readonly account: string;
  readonly payerOf: PayerOf;
  readonly shared: SharedCosts;
  /** Everything that `shared` says, as text: days made by another are made again. */
  readonly sharedText: string;
}

/** How many days were allocated. Faults of Postgres propagate. */
export async function allocateServices(db: Database, options: ServiceOptions): Promise<number> {
  const key = keyOf(options);
  const { rows: days } = await db.query<{ day: string }>(STALE, [options.account, key]);
  for (const { day } of days)
    await db.transaction(async (tx) => {
      await lockUsage(tx, options.account);
      await allocateDay(tx, day, key, options);
    });
  return days.length;
}

function keyOf({ sharedText }: ServiceOptions): string {
  return createHash('sha256')
    .update(`${SERVICE_METHOD_VERSION} ${sharedText}`)
    .digest('hex')
    .slice(0, 32);
}

const STALE = `/* prepared: billing.stale_service_days */
SELECT to_char(day, 'YYYY-MM-DD') AS day FROM service_day
WHERE account = $1 AND (is_stale OR shared_key IS DISTINCT FROM $2) ORDER BY day`;

// Claimed first, as hours are: what is imported after this makes the day stale again.
const CLAIM = `/* prepared: billing.claim_service_day */
UPDATE service_day SET is_stale = false, shared_key = $3, method_version = $4, allocated_at = now()
WHERE account = $1 AND day = $2`;

async function allocateDay(
  tx: Transaction,
  day: string,
  key: string,
  { account, payerOf, shared }: ServiceOptions,
): Promise<void> {
  await tx.query(CLAIM, [account, day, key, SERVICE_METHOD_VERSION]);
  const lines = allocateServiceDay(await readServiceDay(tx, account, day, payerOf), shared);
  await tx.query(CLEAR, [account, day]);
  await tx.query(WRITE, [account, day, JSON.stringify(lines.map(lineRow))]);
}

const CLEAR = `/* prepared: billing.clear_service_lines */
DELETE FROM service_line WHERE account = $1 AND day = $2`;

const WRITE = `/* prepared: billing.write_service_lines */
INSERT INTO service_line (account, day, ordinal, service_type, kind, part, entity_id, entity_name, team_id, shared_by, unit, amount)
SELECT $1, $2, r.* FROM jsonb_to_recordset($3::jsonb) AS r (ordinal integer, service_type text, kind text, part text,
  entity_id text, entity_name text, team_id text, shared_by text, unit text, amount numeric)`;

function lineRow(line: ServiceLine, ordinal: number): Readonly<Record<string, unknown>> {
  return {
    ordinal,
    service_type: line.serviceType,
    kind: line.kind,
    part: line.part,
    entity_id: line.entityId,
    entity_name: line.entityName,
    team_id: line.teamId,
    shared_by: line.sharedBy,
    unit: line.unit,
    amount: must(amountText(line), 'an amount has a text'),
  };
}

function amountText({ unit, amount }: ServiceLine): string {
  return unit === 'bytes' ? String(amount) : formatAmount(amount as Credits);
}
