/** What the terminated sign-in is made of; one of each a replica. */
import type { Database } from '#base/postgres/pool.js';
import type { SealKey } from '#base/sealing.js';
import { Attempts } from './credentials-attempts.js';
import { PasswordCheck } from './credentials-password.js';
import { CredentialStore } from './credentials.js';
import { ServiceKeys, type ServiceUserNeed } from './terminated-service-keys.js';

/**
 * Makes a service user and its active key where nobody else would: in front of the embedded warehouse. False: not for
 * this account. Fault `upstreamUnreachable` when the warehouse refuses.
 */
export type ProvisionServiceUser = (need: ServiceUserNeed) => Promise<boolean>;

export interface Terminated {
  readonly credentials: CredentialStore;
  readonly passwords: PasswordCheck;
  readonly attempts: Attempts;
  readonly serviceKeys: ServiceKeys;
  readonly provision: ProvisionServiceUser;
  /** Milliseconds of real time: key-pair tokens and blocks live in it. */
  readonly realNow: () => number;
}

export interface TerminatedOptions {
  readonly db: Database;
  readonly sealKeys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
  readonly realNow: () => number;
  /** Absent: service users are made by the administrators. */
  readonly provision?: ProvisionServiceUser | undefined;
}

export function createTerminated(options: TerminatedOptions): Terminated {
  const { db, sealKeys, randomBytes, realNow } = options;
  return {
    credentials: new CredentialStore(db),
    passwords: new PasswordCheck(randomBytes),
    attempts: new Attempts(realNow),
    serviceKeys: new ServiceKeys(db, sealKeys, randomBytes),
    provision: options.provision ?? (() => Promise.resolve(false)),
    realNow,
  };
}
