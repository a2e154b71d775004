/**
 * Secrets by which shared principals sign claims (HS256). The text is told once, when it is issued; at rest it is
 * sealed, because verifying needs the secret itself and not a hash of it.
 */
import { must } from '#base/assert.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import { createSealer, type Sealer, type SealKey } from '#base/sealing.js';
import type { EpochMs } from '#base/time.js';
import { CLAIM_SECRET_PREFIX } from '#policies/claim.js';
import type { Actor } from '../actor.js';
import { appendAudit } from './audit-store.js';

/** Says what the text is to people and to scanners of leaked secrets. */
const SECRET_PREFIX = 'tgcs_';
const SECRET_BYTES = 32;
const ID_BYTES = 9;

/** Secrets of one principal that count at a time: one in use, one that replaces it, and some for slow rotations. */
export const CLAIM_SECRETS_MAX = 5;

/** What is listed; never the secret. Times are ISO 8601 in UTC. */
export interface ClaimSecret {
  readonly id: string;
  readonly principal: string;
  readonly createdAt: string;
  readonly createdBy: string;
  /** null: when it is revoked. */
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
}

interface SecretRow {
  readonly id: string;
  readonly principal_id: string;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly revoked_by: string | null;
}

const COLUMNS = 'id, principal_id, created_at, created_by, expires_at, revoked_at, revoked_by';

export interface ClaimSecretOptions {
  readonly sealKeys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
}

export interface SecretWrite {
  readonly principalId: string;
  readonly actor: Pick<Actor, 'id' | 'role'>;
  readonly reason: string;
  readonly at: EpochMs;
}

export type IssueOutcome =
  | { readonly kind: 'issued'; readonly secret: ClaimSecret; readonly text: string }
  /** {@link CLAIM_SECRETS_MAX} count already; nothing was written. */
  | { readonly kind: 'tooMany' };

/** Issues a secret; the others of the principal go on to count, so that a tool can change over. */
export function issueClaimSecret(
  db: Database,
  options: ClaimSecretOptions,
  write: SecretWrite & { readonly expiresAt: EpochMs | null },
): Promise<IssueOutcome> {
  const sealer: Sealer = createSealer(CLAIM_SECRET_PREFIX, options.sealKeys, options.randomBytes);
  const id = `cs-${options.randomBytes(ID_BYTES).toString('hex')}`;
  const text = `${SECRET_PREFIX}${options.randomBytes(SECRET_BYTES).toString('base64url')}`;
  return db.transaction(async (tx) => {
    await lockSecrets(tx, write.principalId);
    const { rows: counting } = await tx.query<{ id: string }>(
      `SELECT id FROM claim_secret
       WHERE principal_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
      [write.principalId, new Date(write.at)],
    );
    if (counting.length >= CLAIM_SECRETS_MAX) return { kind: 'tooMany' };
    const { rows } = await tx.query<SecretRow & Record<string, unknown>>(
      `INSERT INTO claim_secret (id, principal_id, sealed_secret, created_at, created_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${COLUMNS}`,
      [
        id,
        write.principalId,
        sealer.seal(text, id),
        new Date(write.at),
        write.actor.id,
        write.expiresAt === null ? null : new Date(write.expiresAt),
      ],
    );
    const secret = fromRow(must(rows[0], 'an insert returns its row'));
    await audit(tx, write, 'claim-secret.issue', null, secret);
    return { kind: 'issued', secret, text };
  });
}

export type RevokeOutcome =
  | { readonly kind: 'revoked'; readonly secret: ClaimSecret }
  /** It was revoked before; nothing was written. */
  | { readonly kind: 'unchanged'; readonly secret: ClaimSecret }
  | { readonly kind: 'unknown' };

/** Ends a secret; replicas stop to believe it within 5 s. */
export function revokeClaimSecret(
  db: Database,
  write: SecretWrite & { readonly secretId: string },
): Promise<RevokeOutcome> {
  return db.transaction(async (tx) => {
    await lockSecrets(tx, write.principalId);
    const { rows } = await tx.query<SecretRow & Record<string, unknown>>(
      `SELECT ${COLUMNS} FROM claim_secret WHERE principal_id = $1 AND id = $2`,
      [write.principalId, write.secretId],
    );
    const [before] = rows.map(fromRow);
    if (before === undefined) return { kind: 'unknown' };
    if (before.revokedAt !== null) return { kind: 'unchanged', secret: before };
    await tx.query('UPDATE claim_secret SET revoked_at = $2, revoked_by = $3 WHERE id = $1', [
      write.secretId,
      new Date(write.at),
      write.actor.id,
    ]);
    const secret: ClaimSecret = {
      ...before,
      revokedAt: new Date(write.at).toISOString(),
      revokedBy: write.actor.id,
    };
    await audit(tx, write, 'claim-secret.revoke', before, secret);
    return { kind: 'revoked', secret };
  });
}

/** The newest `limit` secrets of a principal, revoked and expired ones too. */
export async function listClaimSecrets(
  db: Queryable,
  principalId: string,
  limit: number,
): Promise<readonly ClaimSecret[]> {
  const { rows } = await db.query<SecretRow & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM claim_secret WHERE principal_id = $1 ORDER BY created_at DESC, id LIMIT $2`,
    [principalId, limit],
  );
  return rows.map(fromRow);
}

/** What `proxy/identity/claim-notices.ts` wrote: claims that were not believed. */
export interface ClaimNotice {
  readonly principal: string;
  readonly problem: string;
  readonly statements: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly lastTicketId: string;
}

/** Where a list of notices goes on. */
export interface ClaimNoticePosition {
  readonly lastAt: string;
  readonly principal: string;
  readonly problem: string;
}

/** The `limit` notices that happened last. */
export async function listClaimNotices(
  db: Queryable,
  page: { readonly limit: number; readonly after: ClaimNoticePosition | null },
): Promise<readonly ClaimNotice[]> {
  const { rows } = await db.query<{
    principal_id: string;
    problem: string;
    statements: string;
    first_at: Date;
    last_at: Date;
    last_ticket_id: string;
  }>(
    `SELECT principal_id, problem, statements, first_at, last_at, last_ticket_id FROM claim_notice
     WHERE $2::timestamptz IS NULL OR date_trunc('milliseconds', last_at) < $2
       OR (date_trunc('milliseconds', last_at) = $2 AND (principal_id, problem) > ($3, $4))
     ORDER BY date_trunc('milliseconds', last_at) DESC, principal_id, problem LIMIT $1`,
    [
      page.limit,
      page.after?.lastAt ?? null,
      page.after?.principal ?? null,
      page.after?.problem ?? null,
    ],
  );
  return rows.map((row) => ({
    principal: row.principal_id,
    problem: row.problem,
    statements: Number(row.statements),
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
    lastTicketId: row.last_ticket_id,
  }));
}

/** Two people at once do not issue one secret too many, nor revoke one twice. */
async function lockSecrets(tx: Transaction, principalId: string): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `tollgate.claim-secret/${principalId}`,
  ]);
}

async function audit(
  tx: Transaction,
  { actor, reason, at, principalId }: SecretWrite,
  action: string,
  before: ClaimSecret | null,
  after: ClaimSecret,
): Promise<void> {
  const subject = `principal/${principalId}`;
  await appendAudit(tx, { actor, action, subject, reason, before, after, at });
}

function fromRow(row: SecretRow): ClaimSecret {
  return {
    id: row.id,
    principal: row.principal_id,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    revokedBy: row.revoked_by,
  };
}
