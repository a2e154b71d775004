/** The private keys by which teams sign in upstream: read from Postgres when needed, opened with the seal keys. */
import type { Occupancy } from '#base/metrics.js';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '#base/errors.js';
import { publicKeyOf } from '#base/key-pairs.js';
import type { Database } from '#base/postgres/pool.js';
import { createSealer, type Sealer, type SealKey } from '#base/sealing.js';
import { SERVICE_KEY_PREFIX, serviceKeyContext } from '#base/service-keys.js';

/** A team that signs in upstream for the first time. */
export interface ServiceUserNeed {
  readonly account: string;
  readonly teamId: string;
  /** Upper case. */
  readonly snowflakeUser: string;
}

/** Opened keys kept in memory; a deployment has one a team. */
const OPENED_MAX = 1000;

export interface ServiceKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly fingerprint: string;
}

export class ServiceKeys {
  readonly #db: Database;
  readonly #sealer: Sealer;
  readonly #sealKeyIds: string;
  readonly #opened = new LRUCache<string, ServiceKey>({ max: OPENED_MAX });

  constructor(db: Database, sealKeys: readonly SealKey[], randomBytes: (size: number) => Buffer) {
    this.#db = db;
    this.#sealer = createSealer(SERVICE_KEY_PREFIX, sealKeys, randomBytes);
    this.#sealKeyIds = sealKeys.map((each) => each.id).join(', ');
  }

  /** Keys that are open in memory, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#opened.size, max: OPENED_MAX };
  }

  /**
   * The active key of a team's service user; undefined when there is none. Fault `ledgerUnavailable` when Postgres
   * does not answer, `internal` when no seal key of this replica opens it.
   */
  async active(need: ServiceUserNeed): Promise<ServiceKey | undefined> {
    const row = await this.#read(need);
    if (row === undefined) return undefined;
    const known = this.#opened.get(row.id);
    if (known !== undefined) return known;
    const pem = this.#sealer.open(
      row.sealed_private_key,
      serviceKeyContext(need.account, need.teamId, row.id),
    );
    if (pem === undefined)
      throw new Fault(
        'internal',
        `The service key ${row.id} of team ${need.teamId} on account ${need.account} opens with none of the seal keys ${this.#sealKeyIds}. Add the key that sealed it to TOLLGATE_SEAL_KEYS, or make and activate a new service key.`,
      );
    const privateKey = createPrivateKey(pem);
    const { fingerprint } = publicKeyOf(privateKey);
    const opened: ServiceKey = { id: row.id, privateKey, fingerprint };
    this.#opened.set(row.id, opened);
    return opened;
  }

  async #read(
    need: ServiceUserNeed,
  ): Promise<{ readonly id: string; readonly sealed_private_key: string } | undefined> {
    try {
      const { rows } = await this.#db.query<{ id: string; sealed_private_key: string }>(
        `SELECT id, sealed_private_key FROM service_key
          WHERE account = $1 AND team_id = $2 AND snowflake_user = $3 AND state = 'active'`,
        [need.account, need.teamId, need.snowflakeUser],
      );
      return rows[0];
    } catch (cause) {
      throw new Fault('ledgerUnavailable', 'the service key could not be read from Postgres', {
        cause,
      });
    }
  }
}
