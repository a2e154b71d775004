/**
 * The audit log: every write of the control plane with who, what, before, after and why, in one chain of hashes. An
 * event is written in the transaction of the write that it tells of, so that neither stands without the other.
 */
import { createHash } from 'node:crypto';
import { jsonFor, storable } from '#billing/postgres/ticket-row.js';
import { canonicalJson } from '#base/canonical-json.js';
import { GENESIS_HASH } from '#base/hash-chain.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import type { Actor } from '../actor.js';

export interface AuditEntry {
  readonly actor: Pick<Actor, 'id' | 'role'>;
  /** What was done, as `<thing>.<verb>`: `control.apply`, `credential.revoke`. */
  readonly action: string;
  /** What it was done to: `budget/marketing-monthly`. */
  readonly subject: string;
  /** null: the write asks for none. */
  readonly reason: string | null;
  /** What stood before and stands after, without secrets; null where there was or is nothing. */
  readonly before: unknown;
  readonly after: unknown;
  readonly at: EpochMs;
}

/** An event as it stands in the log; times are ISO 8601 in UTC. */
export interface AuditEvent {
  readonly sequence: number;
  readonly occurredAt: string;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly previousHash: string;
  readonly hash: string;
}

/** What the first event carries in place of the hash before it. */
export const AUDIT_GENESIS: string = GENESIS_HASH;

/**
 * Writes one event at the end of the chain. Writers wait for each other until they commit: control writes are rare,
 * and a chain has one end.
 */
export async function appendAudit(tx: Transaction, entry: AuditEntry): Promise<AuditEvent> {
  await awaitAuditWriters(tx);
  const last = await readAuditHead(tx);
  const unsealed: Omit<AuditEvent, 'hash'> = {
    sequence: (last?.sequence ?? 0) + 1,
    occurredAt: formatInstant(entry.at),
    actor: storable(entry.actor.id),
    role: entry.actor.role,
    action: entry.action,
    subject: storable(entry.subject),
    reason: entry.reason === null ? null : storable(entry.reason),
    before: storedJson(entry.before),
    after: storedJson(entry.after),
    previousHash: last?.hash ?? AUDIT_GENESIS,
  };
  const event: AuditEvent = { ...unsealed, hash: hashOfEvent(unsealed) };
  await tx.query(
    `INSERT INTO audit_event (sequence, occurred_at, actor, role, action, subject, reason, before, after,
       previous_hash, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      event.sequence,
      event.occurredAt,
      event.actor,
      event.role,
      event.action,
      event.subject,
      event.reason,
      event.before === null ? null : JSON.stringify(event.before),
      event.after === null ? null : JSON.stringify(event.after),
      event.previousHash,
      event.hash,
    ],
  );
  return event;
}

/** Until this transaction ends no other one writes an event; for who writes by what those before have left. */
export async function awaitAuditWriters(tx: Transaction): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tollgate.audit', 0))");
}

/** The hash that seals an event: SHA-256 over every other field, the hash before it included. */
export function hashOfEvent(event: Omit<AuditEvent, 'hash'>): string {
  const { sequence, occurredAt, actor, role, action, subject, reason, previousHash } = event;
  const { before, after } = event;
  return createHash('sha256')
    .update(
      canonicalJson({
        sequence,
        occurredAt,
        actor,
        role,
        action,
        subject,
        reason,
        before,
        after,
        previousHash,
      }),
    )
    .digest('hex');
}

/**
 * The value as `jsonb` gives it back: without undefined members, undefined itself as null, and text as Postgres keeps
 * it. What is hashed must be what is read later.
 */
function storedJson(value: unknown): unknown {
  return value === undefined || value === null ? null : JSON.parse(jsonFor(value));
}

interface AuditRow {
  readonly sequence: string;
  readonly occurred_at: Date;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly previous_hash: string;
  readonly hash: string;
}

const COLUMNS =
  'sequence, occurred_at, actor, role, action, subject, reason, before, after, previous_hash, hash';

/** Events after `afterSequence` in the order of the chain, at most `limit`; `subject` narrows to one. */
export async function readAudit(
  db: Queryable,
  range: { readonly afterSequence: number; readonly limit: number; readonly subject?: string },
): Promise<readonly AuditEvent[]> {
  const { rows } = await db.query<AuditRow & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM audit_event
     WHERE sequence > $1 AND ($3::text IS NULL OR subject = $3) ORDER BY sequence LIMIT $2`,
    [range.afterSequence, range.limit, range.subject ?? null],
  );
  return rows.map(fromRow);
}

/** Events before `beforeSequence` (absent: from the last one on), the newest first, at most `limit`. */
export async function listAudit(
  db: Queryable,
  range: {
    readonly beforeSequence: number | undefined;
    readonly subject?: string | undefined;
    readonly action?: string | undefined;
    readonly actor?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly AuditEvent[]> {
  const { rows } = await db.query<AuditRow & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM audit_event
     WHERE ($1::bigint IS NULL OR sequence < $1) AND ($3::text IS NULL OR subject = $3)
       AND ($4::text IS NULL OR action = $4) AND ($5::text IS NULL OR actor = $5)
     ORDER BY sequence DESC LIMIT $2`,
    [
      range.beforeSequence ?? null,
      range.limit,
      range.subject ?? null,
      range.action ?? null,
      range.actor ?? null,
    ],
  );
  return rows.map(fromRow);
}

/** The last event of the chain, or undefined while it is empty. */
export async function readAuditHead(
  db: Queryable,
): Promise<Pick<AuditEvent, 'sequence' | 'hash'> | undefined> {
  const { rows } = await db.query<{ sequence: string; hash: string }>(
    'SELECT sequence, hash FROM audit_event ORDER BY sequence DESC LIMIT 1',
  );
  const row = rows[0];
  return row === undefined ? undefined : { sequence: Number(row.sequence), hash: row.hash };
}

function fromRow(row: AuditRow): AuditEvent {
  return {
    sequence: Number(row.sequence),
    occurredAt: row.occurred_at.toISOString(),
    actor: row.actor,
    role: row.role,
    action: row.action,
    subject: row.subject,
    reason: row.reason,
    before: row.before ?? null,
    after: row.after ?? null,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}
