/** Credentials as the proxy reads them at every login: no cache, so that a revocation holds for the next one. */
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

export interface Credential {
  readonly id: string;
  readonly principalId: string;
  readonly kind: 'password' | 'token' | 'key-pair';
  /** Of a password or a token. */
  readonly secretHash: string | null;
  /** PEM, of a key pair. */
  readonly publicKey: string | null;
  /** null: does not expire. */
  readonly expiresAt: EpochMs | null;
  readonly isRevoked: boolean;
}

interface CredentialRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly principal_id: string;
  readonly kind: Credential['kind'];
  readonly secret_hash: string | null;
  readonly public_key: string | null;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

const COLUMNS =
  'id, principal_id, kind, secret_hash, public_key, expires_at, revoked_at FROM credential';
/** Passwords of one principal that are tried: the one in use and one that a rotation left a grace. */
const PASSWORDS_MAX = 2;

/** Every method: Fault `ledgerUnavailable` when Postgres does not answer, so that nobody is told "wrong password". */
export class CredentialStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Passwords of a principal that may sign in at `now`, the newest first. */
  passwordsOf(account: string, principalId: string, now: EpochMs): Promise<readonly Credential[]> {
    return this.#read(
      `SELECT ${COLUMNS}
        WHERE account = $1 AND principal_id = $2 AND kind = 'password' AND revoked_at IS NULL
          AND (expires_at IS NULL OR expires_at > $3)
        ORDER BY created_at DESC LIMIT $4`,
      [account, principalId, new Date(now), PASSWORDS_MAX],
    );
  }

  /** A credential of an account by its id, whatever became of it. */
  async byId(account: string, id: string): Promise<Credential | undefined> {
    const [found] = await this.#read(`SELECT ${COLUMNS} WHERE account = $1 AND id = $2`, [
      account,
      id,
    ]);
    return found;
  }

  /** A key pair of an account by its fingerprint, whatever became of it. */
  async byFingerprint(account: string, fingerprint: string): Promise<Credential | undefined> {
    const [found] = await this.#read(`SELECT ${COLUMNS} WHERE account = $1 AND fingerprint = $2`, [
      account,
      fingerprint,
    ]);
    return found;
  }

  /** Notes that a credential has signed somebody in, at most once a minute. */
  async touch(id: string, now: EpochMs): Promise<void> {
    await this.#query(
      `UPDATE credential SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute')`,
      [id, new Date(now)],
    );
  }

  async #read(text: string, values: readonly unknown[]): Promise<readonly Credential[]> {
    const rows = await this.#query(text, values);
    return rows.map((row) => ({
      id: row.id,
      principalId: row.principal_id,
      kind: row.kind,
      secretHash: row.secret_hash,
      publicKey: row.public_key,
      expiresAt: row.expires_at?.getTime() ?? null,
      isRevoked: row.revoked_at !== null,
    }));
  }

  async #query(text: string, values: readonly unknown[]): Promise<readonly CredentialRow[]> {
    try {
      return (await this.#db.query<CredentialRow>(text, values)).rows;
    } catch (cause) {
      throw new Fault('ledgerUnavailable', 'credentials could not be read from Postgres', {
        cause,
      });
    }
  }
}
