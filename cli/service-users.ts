/**
 * Service users of the terminated sign-in, as the composition root knows how to reach upstream: the proof of a key by
 * a real sign-in, and, in front of the embedded warehouse, users and keys that are made when a team first needs them.
 */
import { must } from '../base/assert.js';
import { uuidV7 } from '../base/ids.js';
import { newRsaKeyPair, readRsaPublicKey } from '../base/key-pairs.js';
import type { Log } from '../base/log.js';
import type { Database } from '../base/postgres/pool.js';
import { createSealer, type SealKey } from '../base/sealing.js';
import { SERVICE_KEY_PREFIX, serviceKeyContext } from '../base/service-keys.js';
import type { ServiceConnection } from '../base/snowflake/service-connection.js';
import type { Clock } from '../base/time.js';
import type { UpstreamProbe } from '../admin/sign-in.js';
import type { WriteBy } from '../admin/stores/credential-store.js';
import { createUserSql, identifierOf, setKeySql } from '../admin/stores/service-key-statements.js';
import {
  activateServiceKey,
  addServiceKey,
  readActiveServiceKey,
  readServiceKey,
  type ServiceKeyEntry,
} from '../admin/stores/service-key-store.js';
import type { ProvisionServiceUser } from '../proxy/identity/terminated.js';
import type { ServiceUserNeed } from '../proxy/identity/terminated-service-keys.js';
import type { ServiceAccounts } from './accounts.js';

/** Signs in with `snowflake-sdk` at the upstream of the account, and out again. */
export function upstreamProbe(accounts: Pick<ServiceAccounts, 'connectAs'>): UpstreamProbe {
  return {
    async signIn({ account, snowflakeUser, privateKey }) {
      const connection = await accounts.connectAs(account, snowflakeUser, privateKey);
      await connection.close();
    },
  };
}

export interface ServiceUserOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly sealKeys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
  /** As the embedded warehouse's administrator. */
  readonly connect: (account: string) => Promise<ServiceConnection>;
}

/**
 * Makes a team's service user, with the role and the defaults of the team's analysts, and an active key. A key that is
 * active or pending already is registered again, so that a new warehouse under an old database works too.
 */
export function embeddedServiceUsers(options: ServiceUserOptions): ProvisionServiceUser {
  const underWay = new Map<string, Promise<boolean>>();
  return (need) => {
    const name = `${need.account}/${need.teamId}`;
    const known = underWay.get(name);
    if (known !== undefined) return known;
    const made = provision(options, need).finally(() => underWay.delete(name));
    underWay.set(name, made);
    return made;
  };
}

async function provision(options: ServiceUserOptions, need: ServiceUserNeed): Promise<boolean> {
  const { db, clock, log, connect } = options;
  const by: WriteBy = {
    actor: { id: 'tollgate', role: 'platform' },
    at: clock.now(),
    reason: 'a team of the embedded warehouse signs in for the first time',
  };
  const active = await readActiveServiceKey(db, need);
  const isUsable = active?.snowflakeUser === need.snowflakeUser;
  const key = active !== undefined && isUsable ? active : await pendingKey(options, need, by);
  const connection = await connect(need.account);
  try {
    for (const statement of statementsFor(need, key)) await connection.query(statement);
  } finally {
    await connection.close();
  }
  // Another replica may have activated it meanwhile; then it is active all the same.
  if (key.state === 'pending') await db.transaction((tx) => activateServiceKey(tx, key, by));
  log.info({ ...need }, 'a service user of the embedded warehouse was provisioned');
  return true;
}

async function pendingKey(
  { db, sealKeys, randomBytes }: ServiceUserOptions,
  { account, teamId, snowflakeUser }: ServiceUserNeed,
  by: WriteBy,
): Promise<ServiceKeyEntry> {
  const { publicKey, privatePem } = await newRsaKeyPair();
  const id = uuidV7(by.at, randomBytes(10));
  const sealer = createSealer(SERVICE_KEY_PREFIX, sealKeys, randomBytes);
  const sealedPrivateKey = sealer.seal(privatePem, serviceKeyContext(account, teamId, id));
  const outcome = await db.transaction((tx) =>
    addServiceKey(
      tx,
      { id, account, teamId, snowflakeUser, publicKey: publicKey.pem, sealedPrivateKey },
      by,
    ),
  );
  if (outcome.kind === 'added') return outcome.key;
  return must(await readServiceKey(db, account, outcome.id), 'keys are never deleted');
}

function statementsFor(
  { teamId, snowflakeUser }: ServiceUserNeed,
  key: ServiceKeyEntry,
): readonly string[] {
  const user = identifierOf(snowflakeUser);
  const role = identifierOf(`${teamId.toUpperCase().replaceAll('-', '_')}_ROLE`);
  const { base64 } = must(readRsaPublicKey(key.publicKey), 'a kept key was accepted once');
  return [
    createUserSql(snowflakeUser, teamId),
    `CREATE ROLE IF NOT EXISTS ${role}`,
    `GRANT ROLE ${role} TO USER ${user}`,
    `ALTER USER ${user} SET DEFAULT_ROLE = ${role} DEFAULT_WAREHOUSE = STANDARD_WH DEFAULT_NAMESPACE = ANALYTICS.PUBLIC`,
    setKeySql(snowflakeUser, key.slot, base64),
  ];
}
