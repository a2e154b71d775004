/**
 * Credentials of the terminated sign-in: issued, rotated, revoked. Each write is one transaction with its audit event,
 * in which no secret and no hash stands.
 */
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { Actor } from '../actor.js';
import { appendAudit } from './audit-store.js';
import { revokeSessions } from './session-store.js';

export const CREDENTIAL_KINDS = ['password', 'token', 'key-pair'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

export interface CredentialEntry {
  readonly id: string;
  readonly account: string;
  readonly principalId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly fingerprint: string | null;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
  readonly expiresAt: EpochMs | null;
  readonly lastUsedAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
  readonly revokedBy: string | null;
}

export interface NewCredential {
  readonly id: string;
  readonly account: string;
  readonly principalId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly secretHash: string | null;
  readonly publicKey: string | null;
  readonly fingerprint: string | null;
  readonly expiresAt: EpochMs | null;
}

/** Who writes, when and why. */
export interface WriteBy {
  readonly actor: Pick<Actor, 'id' | 'role'>;
  readonly at: EpochMs;
  readonly reason: string | null;
}

/** Credentials in force of one principal on one account. */
export const CREDENTIALS_OF_PRINCIPAL_MAX = 20;

export type IssueOutcome =
  | { readonly kind: 'issued'; readonly credential: CredentialEntry }
  /** The public key is registered on this account already, for whomever. */
  | { readonly kind: 'keyTaken' }
  /** A password is in force: it is rotated, not joined by another. */
  | { readonly kind: 'hasPassword'; readonly id: string }
  | { readonly kind: 'tooMany' };

/** Writes a new credential. Nothing is written on any other outcome than `issued`. */
export async function issueCredential(
  tx: Transaction,
  credential: NewCredential,
  by: WriteBy,
): Promise<IssueOutcome> {
  await lockPrincipal(tx, credential);
  const inForce = await credentialsInForce(tx, credential, by.at);
  const password = inForce.find((each) => each.kind === 'password');
  if (credential.kind === 'password' && password !== undefined)
    return { kind: 'hasPassword', id: password.id };
  if (inForce.length >= CREDENTIALS_OF_PRINCIPAL_MAX) return { kind: 'tooMany' };
  const written = await insertCredential(tx, credential, by);
  if (written === undefined) return { kind: 'keyTaken' };
  await audit(tx, 'credential.issue', null, written, by);
  return { kind: 'issued', credential: written };
}

export type RotateOutcome =
  | {
      readonly kind: 'rotated';
      readonly credential: CredentialEntry;
      readonly previous: CredentialEntry;
    }
  | { readonly kind: 'unknown' }
  /** Revoked or expired: there is nothing to rotate. */
  | { readonly kind: 'over' }
  | { readonly kind: 'keyTaken' };

/**
 * Writes the successor of a credential, which from then on ends `graceMs` later, or when it would have anyway. What an
 * earlier rotation of a password left in its grace ends at once. Sessions go on.
 */
export async function rotateCredential(
  tx: Transaction,
  rotated: { readonly previousId: string; readonly graceMs: number },
  successor: NewCredential,
  by: WriteBy,
): Promise<RotateOutcome> {
  await lockPrincipal(tx, successor);
  const before = await readCredential(tx, successor.account, rotated.previousId);
  if (before === undefined) return { kind: 'unknown' };
  if (stateOf(before, by.at) !== 'active') return { kind: 'over' };
  const written = await insertCredential(tx, successor, by);
  if (written === undefined) return { kind: 'keyTaken' };
  if (successor.kind === 'password')
    await tx.query(
      `UPDATE credential SET expires_at = $4
        WHERE account = $1 AND principal_id = $2 AND kind = 'password' AND revoked_at IS NULL
          AND id NOT IN ($3, $5) AND (expires_at IS NULL OR expires_at > $4)`,
      [successor.account, successor.principalId, successor.id, new Date(by.at), before.id],
    );
  const { rows } = await tx.query<CredentialRow>(
    `UPDATE credential SET expires_at = least(expires_at, $2) WHERE id = $1 RETURNING ${COLUMNS}`,
    [before.id, new Date(by.at + rotated.graceMs)],
  );
  const previous = rows.map(toEntry)[0] ?? before;
  await audit(tx, 'credential.rotate', before, written, by);
  return { kind: 'rotated', credential: written, previous };
}

export type RevokeOutcome =
  | {
      readonly kind: 'revoked';
      readonly credential: CredentialEntry;
      readonly sessionsEnded: number;
      /** It had been revoked before; nothing was written. */
      readonly isRepeated: boolean;
    }
  | { readonly kind: 'unknown' };

/** Revokes a credential and, in the same transaction, every session that was opened by it. */
export async function revokeCredential(
  tx: Transaction,
  credential: { readonly account: string; readonly id: string },
  by: WriteBy,
): Promise<RevokeOutcome> {
  const before = await readCredential(tx, credential.account, credential.id);
  if (before === undefined) return { kind: 'unknown' };
  const { rows } = await tx.query<CredentialRow>(
    `UPDATE credential SET revoked_at = $2, revoked_by = $3
      WHERE id = $1 AND revoked_at IS NULL RETURNING ${COLUMNS}`,
    [before.id, new Date(by.at), by.actor.id],
  );
  const after = rows.map(toEntry)[0];
  if (after === undefined)
    return { kind: 'revoked', credential: before, sessionsEnded: 0, isRepeated: true };
  // After the row is locked: a login that is being recorded either waits for this or is seen here.
  const sessionsEnded = await revokeSessions(tx, {
    account: null,
    principalId: null,
    sessionId: null,
    credentialId: before.id,
  });
  await audit(tx, 'credential.revoke', before, after, by);
  return { kind: 'revoked', credential: after, sessionsEnded, isRepeated: false };
}

export type CredentialState = 'active' | 'expired' | 'revoked';

/** Whether a credential may sign in at `now`. */
export function stateOf(credential: CredentialEntry, now: EpochMs): CredentialState {
  if (credential.revokedAt !== null) return 'revoked';
  return credential.expiresAt !== null && credential.expiresAt <= now ? 'expired' : 'active';
}

/** A credential of an account, or undefined. */
export async function readCredential(
  db: Queryable,
  account: string,
  id: string,
): Promise<CredentialEntry | undefined> {
  const { rows } = await db.query<CredentialRow>(
    `SELECT ${COLUMNS} FROM credential WHERE account = $1 AND id = $2`,
    [account, id],
  );
  return rows.map(toEntry)[0];
}

/** Credentials of an account by id, at most `limit` after `afterId`; `principalIds` narrows to those principals. */
export async function listCredentials(
  db: Queryable,
  range: {
    readonly account: string;
    readonly principalIds: readonly string[] | null;
    readonly afterId: string | null;
    readonly limit: number;
  },
): Promise<readonly CredentialEntry[]> {
  const { rows } = await db.query<CredentialRow>(
    `SELECT ${COLUMNS} FROM credential
      WHERE account = $1 AND ($2::text[] IS NULL OR principal_id = ANY($2)) AND ($3::text IS NULL OR id > $3)
      ORDER BY id LIMIT $4`,
    [range.account, range.principalIds, range.afterId, range.limit],
  );
  return rows.map(toEntry);
}

const COLUMNS = `id, account, principal_id, kind, name, fingerprint, created_at, created_by, expires_at, last_used_at,
  revoked_at, revoked_by`;

interface CredentialRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly account: string;
  readonly principal_id: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly fingerprint: string | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
  readonly revoked_by: string | null;
}

function toEntry(row: CredentialRow): CredentialEntry {
  return {
    id: row.id,
    account: row.account,
    principalId: row.principal_id,
    kind: row.kind,
    name: row.name,
    fingerprint: row.fingerprint,
    createdAt: row.created_at.getTime(),
    createdBy: row.created_by,
    expiresAt: row.expires_at?.getTime() ?? null,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
    revokedAt: row.revoked_at?.getTime() ?? null,
    revokedBy: row.revoked_by,
  };
}

/** Writes about one principal's credentials wait for each other, so that limits hold. */
async function lockPrincipal(
  tx: Transaction,
  { account, principalId }: Pick<NewCredential, 'account' | 'principalId'>,
): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `tollgate.credential ${account} ${principalId}`,
  ]);
}

async function credentialsInForce(
  tx: Transaction,
  { account, principalId }: NewCredential,
  at: EpochMs,
): Promise<readonly CredentialEntry[]> {
  const { rows } = await tx.query<CredentialRow>(
    `SELECT ${COLUMNS} FROM credential
      WHERE account = $1 AND principal_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)`,
    [account, principalId, new Date(at)],
  );
  return rows.map(toEntry);
}

/** The row as written; undefined when the key is registered on the account already. */
async function insertCredential(
  tx: Transaction,
  credential: NewCredential,
  by: WriteBy,
): Promise<CredentialEntry | undefined> {
  const { rows } = await tx.query<CredentialRow>(
    `INSERT INTO credential (id, account, principal_id, kind, name, secret_hash, public_key, fingerprint, created_at,
       created_by, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (account, fingerprint) WHERE fingerprint IS NOT NULL DO NOTHING RETURNING ${COLUMNS}`,
    [
      credential.id,
      credential.account,
      credential.principalId,
      credential.kind,
      credential.name,
      credential.secretHash,
      credential.publicKey,
      credential.fingerprint,
      new Date(by.at),
      by.actor.id,
      credential.expiresAt === null ? null : new Date(credential.expiresAt),
    ],
  );
  return rows.map(toEntry)[0];
}

async function audit(
  tx: Transaction,
  action: string,
  before: CredentialEntry | null,
  after: CredentialEntry,
  by: WriteBy,
): Promise<void> {
  await appendAudit(tx, {
    actor: by.actor,
    action,
    subject: `credential/${(before ?? after).id}`,
    reason: by.reason,
    before,
    after,
    at: by.at,
  });
}
