/**
 * Key pairs by which teams sign in upstream. pending → active → retired; one of each of the first two a team and
 * account. The private half is sealed before it comes here and is only ever handed out sealed.
 */
import { must } from '#base/assert.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { appendAudit } from './audit-store.js';
import type { WriteBy } from './credential-store.js';
import type { KeySlot } from './service-key-statements.js';

export type ServiceKeyState = 'pending' | 'active' | 'retired';

export interface ServiceKeyEntry {
  readonly id: string;
  readonly account: string;
  readonly teamId: string;
  /** Upper case. */
  readonly snowflakeUser: string;
  /** PEM. */
  readonly publicKey: string;
  readonly slot: KeySlot;
  readonly state: ServiceKeyState;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
  readonly activatedAt: EpochMs | null;
  readonly retiredAt: EpochMs | null;
}

export interface NewServiceKey {
  readonly id: string;
  readonly account: string;
  readonly teamId: string;
  readonly snowflakeUser: string;
  readonly publicKey: string;
  readonly sealedPrivateKey: string;
}

export type AddOutcome =
  | { readonly kind: 'added'; readonly key: ServiceKeyEntry }
  /** One is pending already: activate or retire it first. */
  | { readonly kind: 'pending'; readonly id: string };

/** Writes a pending key, in the place upstream that the active one does not use. */
export async function addServiceKey(
  tx: Transaction,
  key: NewServiceKey,
  by: WriteBy,
): Promise<AddOutcome> {
  await lockTeam(tx, key);
  const open = await openKeys(tx, key);
  const pending = open.find((each) => each.state === 'pending');
  if (pending !== undefined) return { kind: 'pending', id: pending.id };
  const active = open.find((each) => each.state === 'active');
  const slot: KeySlot = active?.slot === 1 ? 2 : 1;
  const { rows } = await tx.query<ServiceKeyRow>(
    `INSERT INTO service_key (id, account, team_id, snowflake_user, public_key, sealed_private_key, slot, created_at,
       created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ${COLUMNS}`,
    [
      key.id,
      key.account,
      key.teamId,
      key.snowflakeUser,
      key.publicKey,
      key.sealedPrivateKey,
      slot,
      new Date(by.at),
      by.actor.id,
    ],
  );
  return { kind: 'added', key: await written(tx, rows, 'service-key.add', null, by) };
}

export type ActivateOutcome =
  | {
      readonly kind: 'activated';
      readonly key: ServiceKeyEntry;
      /** The key that signed in before, retired by this; null: there was none. */
      readonly previous: ServiceKeyEntry | null;
    }
  | { readonly kind: 'notPending' };

/** Puts a pending key, proven by the caller, in the place of the active one. Logins under way have their token already. */
export async function activateServiceKey(
  tx: Transaction,
  key: ServiceKeyEntry,
  by: WriteBy,
): Promise<ActivateOutcome> {
  await lockTeam(tx, key);
  const open = await openKeys(tx, key);
  const before = open.find((each) => each.id === key.id);
  if (before?.state !== 'pending') return { kind: 'notPending' };
  const active = open.find((each) => each.state === 'active');
  const previous = active === undefined ? null : await retire(tx, active, by);
  const { rows } = await tx.query<ServiceKeyRow>(
    `UPDATE service_key SET state = 'active', activated_at = $2 WHERE id = $1 RETURNING ${COLUMNS}`,
    [key.id, new Date(by.at)],
  );
  const after = await written(tx, rows, 'service-key.activate', before, by);
  return { kind: 'activated', key: after, previous };
}

export type RetireOutcome =
  | { readonly kind: 'retired'; readonly key: ServiceKeyEntry; readonly isRepeated: boolean }
  | { readonly kind: 'unknown' };

/** Takes a key out of use for good. Retiring the active one stops new sign-ins of its team. */
export async function retireServiceKey(
  tx: Transaction,
  key: Pick<ServiceKeyEntry, 'account' | 'id'>,
  by: WriteBy,
): Promise<RetireOutcome> {
  const known = await readServiceKey(tx, key.account, key.id);
  if (known === undefined) return { kind: 'unknown' };
  await lockTeam(tx, known);
  const before = await readServiceKey(tx, key.account, key.id);
  if (before === undefined) return { kind: 'unknown' };
  if (before.state === 'retired') return { kind: 'retired', key: before, isRepeated: true };
  return { kind: 'retired', key: await retire(tx, before, by), isRepeated: false };
}

/** A key of an account, or undefined. */
export async function readServiceKey(
  db: Queryable,
  account: string,
  id: string,
): Promise<ServiceKeyEntry | undefined> {
  const { rows } = await db.query<ServiceKeyRow>(
    `SELECT ${COLUMNS} FROM service_key WHERE account = $1 AND id = $2`,
    [account, id],
  );
  return rows.map(toEntry)[0];
}

/** The sealed private half of a key; for the proof of an activation only. */
export async function readSealedPrivateKey(db: Queryable, id: string): Promise<string | undefined> {
  const { rows } = await db.query<{ sealed_private_key: string }>(
    'SELECT sealed_private_key FROM service_key WHERE id = $1',
    [id],
  );
  return rows[0]?.sealed_private_key;
}

/** Keys of an account by id, at most `limit` after `afterId`; `teamId` narrows to one team. */
export async function listServiceKeys(
  db: Queryable,
  range: {
    readonly account: string;
    readonly teamId: string | null;
    readonly afterId: string | null;
    readonly limit: number;
  },
): Promise<readonly ServiceKeyEntry[]> {
  const { rows } = await db.query<ServiceKeyRow>(
    `SELECT ${COLUMNS} FROM service_key
      WHERE account = $1 AND ($2::text IS NULL OR team_id = $2) AND ($3::text IS NULL OR id > $3)
      ORDER BY id LIMIT $4`,
    [range.account, range.teamId, range.afterId, range.limit],
  );
  return rows.map(toEntry);
}

/** The key that a team signs in by, or undefined. */
export async function readActiveServiceKey(
  db: Queryable,
  of: { readonly account: string; readonly teamId: string },
): Promise<ServiceKeyEntry | undefined> {
  return (await openKeys(db, of)).find((each) => each.state === 'active');
}

const COLUMNS = `id, account, team_id, snowflake_user, public_key, slot, state, created_at, created_by, activated_at,
  retired_at`;

interface ServiceKeyRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly account: string;
  readonly team_id: string;
  readonly snowflake_user: string;
  readonly public_key: string;
  readonly slot: number;
  readonly state: ServiceKeyState;
  readonly created_at: Date;
  readonly created_by: string;
  readonly activated_at: Date | null;
  readonly retired_at: Date | null;
}

function toEntry(row: ServiceKeyRow): ServiceKeyEntry {
  return {
    id: row.id,
    account: row.account,
    teamId: row.team_id,
    snowflakeUser: row.snowflake_user,
    publicKey: row.public_key,
    slot: row.slot === 1 ? 1 : 2,
    state: row.state,
    createdAt: row.created_at.getTime(),
    createdBy: row.created_by,
    activatedAt: row.activated_at?.getTime() ?? null,
    retiredAt: row.retired_at?.getTime() ?? null,
  };
}

async function openKeys(
  db: Queryable,
  { account, teamId }: { readonly account: string; readonly teamId: string },
): Promise<readonly ServiceKeyEntry[]> {
  const { rows } = await db.query<ServiceKeyRow>(
    `SELECT ${COLUMNS} FROM service_key WHERE account = $1 AND team_id = $2 AND state <> 'retired'`,
    [account, teamId],
  );
  return rows.map(toEntry);
}

async function lockTeam(
  tx: Transaction,
  { account, teamId }: { readonly account: string; readonly teamId: string },
): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `tollgate.service-key ${account} ${teamId}`,
  ]);
}

async function retire(
  tx: Transaction,
  before: ServiceKeyEntry,
  by: WriteBy,
): Promise<ServiceKeyEntry> {
  const { rows } = await tx.query<ServiceKeyRow>(
    `UPDATE service_key SET state = 'retired', retired_at = $2 WHERE id = $1 RETURNING ${COLUMNS}`,
    [before.id, new Date(by.at)],
  );
  return written(tx, rows, 'service-key.retire', before, by);
}

async function written(
  tx: Transaction,
  rows: readonly ServiceKeyRow[],
  action: string,
  before: ServiceKeyEntry | null,
  by: WriteBy,
): Promise<ServiceKeyEntry> {
  const after = must(rows.map(toEntry)[0], 'the row was locked and is there');
  await appendAudit(tx, {
    actor: by.actor,
    action,
    subject: `service-key/${after.id}`,
    reason: by.reason,
    before,
    after,
    at: by.at,
  });
  return after;
}
