/** Tokens of the API. A secret is 256 random bits, so its SHA-256 is what is kept. */
import { must } from '#base/assert.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { ApiRole } from '../actor.js';

export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly role: ApiRole;
  readonly teamId: string | null;
  readonly principalId: string | null;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
  readonly expiresAt: EpochMs | null;
  /** At most a minute old while the token is in use. */
  readonly lastUsedAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
  readonly revokedBy: string | null;
  /** Until when the secret before the last rotation is accepted too. */
  readonly previousUntil: EpochMs | null;
}

/** What a presented token is held against. */
export interface TokenSecrets {
  readonly token: ApiToken;
  readonly secretHash: string;
  readonly previousHash: string | null;
  /** Its team, and its principal in that team, stand in the control document and are not suspended. */
  readonly isScopeKnown: boolean;
}

const COLUMNS = `t.id, t.name, t.role, t.team_id, t.principal_id, t.created_at, t.created_by, t.expires_at,
  t.last_used_at, t.revoked_at, t.revoked_by, t.previous_until`;

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: ApiRole;
  readonly team_id: string | null;
  readonly principal_id: string | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
  readonly revoked_by: string | null;
  readonly previous_until: Date | null;
}

const FIND = `/* prepared: admin.find_token */
SELECT ${COLUMNS}, t.secret_hash, t.previous_hash,
  (t.team_id IS NULL OR n.id IS NOT NULL) AND (t.principal_id IS NULL OR p.id IS NOT NULL) AS is_scope_known
FROM api_token t
LEFT JOIN org_node n ON n.id = t.team_id AND n.kind = 'team' AND n.is_active
LEFT JOIN principal p ON p.id = t.principal_id AND p.team_id = t.team_id AND p.status = 'active'
WHERE t.id = $1`;

/** The token and its hashes, or undefined. */
export async function findToken(db: Queryable, id: string): Promise<TokenSecrets | undefined> {
  const { rows } = await db.query<
    TokenRow & { secret_hash: string; previous_hash: string | null; is_scope_known: boolean }
  >(FIND, [id]);
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    token: fromRow(row),
    secretHash: row.secret_hash,
    previousHash: row.previous_hash,
    isScopeKnown: row.is_scope_known,
  };
}

/** Notes that the token was used, unless that was noted within the last minute. */
export async function noteTokenUse(db: Queryable, id: string, at: EpochMs): Promise<void> {
  await db.query(
    `UPDATE api_token SET last_used_at = $2
     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute')`,
    [id, new Date(at)],
  );
}

/** Tokens, the newest first, at most `limit`; `after`: the last row of the page before. */
export async function listTokens(
  db: Queryable,
  page: { readonly after: readonly [string, string] | undefined; readonly limit: number },
): Promise<readonly ApiToken[]> {
  const { rows } = await db.query<TokenRow>(
    `SELECT ${COLUMNS} FROM api_token t
     WHERE $1::timestamptz IS NULL OR (t.created_at, t.id) < ($1, $2)
     ORDER BY t.created_at DESC, t.id DESC LIMIT $3`,
    [page.after?.[0] ?? null, page.after?.[1] ?? null, page.limit],
  );
  return rows.map(fromRow);
}

export interface NewToken extends Pick<
  ApiToken,
  'id' | 'name' | 'role' | 'teamId' | 'principalId' | 'createdAt' | 'createdBy' | 'expiresAt'
> {
  readonly secretHash: string;
}

/** Writes a new token. Faults of Postgres propagate. */
export async function insertToken(tx: Transaction, token: NewToken): Promise<ApiToken> {
  const { rows } = await tx.query<TokenRow>(
    `INSERT INTO api_token AS t (id, name, secret_hash, role, team_id, principal_id, created_at, created_by, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ${COLUMNS}`,
    [
      token.id,
      token.name,
      token.secretHash,
      token.role,
      token.teamId,
      token.principalId,
      new Date(token.createdAt),
      token.createdBy,
      token.expiresAt === null ? null : new Date(token.expiresAt),
    ],
  );
  return fromRow(must(rows[0], 'an insert returns its row'));
}

export type TokenChange =
  | { readonly kind: 'changed'; readonly before: ApiToken; readonly after: ApiToken }
  /** It was revoked before; nothing was written. */
  | { readonly kind: 'revoked'; readonly token: ApiToken }
  | { readonly kind: 'unknown' };

/** Ends the token and every secret it has. */
export function revokeToken(
  tx: Transaction,
  change: { readonly id: string; readonly by: string; readonly at: EpochMs },
): Promise<TokenChange> {
  return changeToken(
    tx,
    change.id,
    'revoked_at = $2, revoked_by = $3, previous_hash = NULL, previous_until = NULL',
    [new Date(change.at), change.by],
  );
}

/** Gives the token a new secret; the present one is accepted until `previousUntil`, null: from now on no more. */
export function rotateToken(
  tx: Transaction,
  change: {
    readonly id: string;
    readonly secretHash: string;
    readonly previousUntil: EpochMs | null;
  },
): Promise<TokenChange> {
  return changeToken(
    tx,
    change.id,
    `previous_hash = CASE WHEN $2::timestamptz IS NULL THEN NULL ELSE secret_hash END, previous_until = $2,
     secret_hash = $3`,
    [change.previousUntil === null ? null : new Date(change.previousUntil), change.secretHash],
  );
}

async function changeToken(
  tx: Transaction,
  id: string,
  assignments: string,
  values: readonly unknown[],
): Promise<TokenChange> {
  const { rows } = await tx.query<TokenRow>(
    `SELECT ${COLUMNS} FROM api_token t WHERE t.id = $1 FOR NO KEY UPDATE`,
    [id],
  );
  const row = rows[0];
  if (row === undefined) return { kind: 'unknown' };
  const before = fromRow(row);
  if (before.revokedAt !== null) return { kind: 'revoked', token: before };
  const changed = await tx.query<TokenRow>(
    `UPDATE api_token t SET ${assignments} WHERE t.id = $1 RETURNING ${COLUMNS}`,
    [id, ...values],
  );
  return { kind: 'changed', before, after: fromRow(must(changed.rows[0], 'the row was locked')) };
}

function fromRow(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    teamId: row.team_id,
    principalId: row.principal_id,
    createdAt: row.created_at.getTime(),
    createdBy: row.created_by,
    expiresAt: row.expires_at?.getTime() ?? null,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
    revokedAt: row.revoked_at?.getTime() ?? null,
    revokedBy: row.revoked_by,
    previousUntil: row.previous_until?.getTime() ?? null,
  };
}
