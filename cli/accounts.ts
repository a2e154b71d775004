/**
 * The accounts behind a deployment as the settings and the control document tell them: where each lives, and how
 * Tollgate's own user signs in there. Shared by `serve` and `doctor`.
 */
import { lookup as systemLookup } from 'node:dns';
import { readFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import path from 'node:path';
import type { Config, Secrets } from '../base/config.js';
import { Fault, toError } from '../base/errors.js';
import type { Queryable } from '../base/postgres/pool.js';
import { assertReachableName, guardedLookup } from '../base/snowflake/addresses.js';
import { readPrivateKey } from '../base/snowflake/private-key.js';
import {
  connectService,
  type ServiceConnection,
  type ServiceSecret,
} from '../base/snowflake/service-connection.js';
import {
  snowflakeNameOf,
  upstreamOf,
  type ConfiguredUpstream,
} from '../proxy/upstream/upstreams.js';

/** What a service user needs to sign in at one configured upstream, except its secret. */
export interface ServiceSetting {
  readonly user: string | null;
  /** Set when it signs in by key pair. */
  readonly privateKeyFile: string | null;
}

export type Configured = ConfiguredUpstream & {
  /** As settings and documents call it. */
  readonly name: string;
  readonly service: ServiceSetting;
};

/** An account of the control document. */
export interface AccountEntry {
  readonly id: string;
  readonly upstream: string;
}

/** Every upstream of the settings; `warehousePort`: where the embedded warehouse listens in this process. */
export function configuredUpstreams(
  config: Config,
  warehousePort: number | null,
): readonly Configured[] {
  const common = { user: config.serviceUser, privateKeyFile: config.servicePrivateKeyFile };
  if (config.accounts.length === 0) {
    const isEmbedded = config.upstream.kind === 'embedded';
    const origin =
      config.upstream.kind === 'embedded'
        ? `http://${config.host}:${warehousePort ?? config.warehousePort}`
        : config.upstream.origin;
    const user = config.serviceUser ?? (isEmbedded ? 'TOLLGATE_SERVICE' : null);
    const service = { ...common, user };
    return [{ account: config.account, name: config.account, origin, service }];
  }
  return config.accounts.map((each) => ({
    upstream: each.upstream,
    name: each.upstream,
    origin: each.origin,
    ...(each.snowflakeAccount === null ? {} : { snowflakeAccount: each.snowflakeAccount }),
    service: {
      user: each.serviceUser ?? common.user,
      privateKeyFile: each.privateKeyFile ?? common.privateKeyFile,
    },
  }));
}

export interface SecretSources {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly dataDir: string;
}

/** The secret of a service user, or why there is none. The key is read anew, so that it can be replaced in place. */
export function secretOf(
  { config, secrets, dataDir }: SecretSources,
  service: ServiceSetting,
): ServiceSecret | { readonly why: string } {
  if (service.privateKeyFile !== null) {
    const key = readPrivateKey(service.privateKeyFile, secrets.servicePrivateKeyPassphrase);
    if ('pem' in key) return { privateKeyPem: key.pem };
    return { why: `the private key ${service.privateKeyFile} ${key.problem}; ${key.wayOut}` };
  }
  const password = secrets.servicePassword ?? embeddedPassword(config, dataDir);
  if (password !== null) return { password };
  return {
    why: 'no service user: set TOLLGATE_SERVICE_USER with TOLLGATE_SERVICE_PRIVATE_KEY_FILE or TOLLGATE_SERVICE_PASSWORD',
  };
}

function embeddedPassword(config: Config, dataDir: string): string | null {
  if (config.upstream.kind !== 'embedded') return null;
  try {
    return readFileSync(path.join(dataDir, 'warehouse', 'service-user-password'), 'utf8').trim();
  } catch {
    return null;
  }
}

/** Fault with every key file that cannot be used, so that a start does not hide it until the first sign-in. */
export function checkKeyFiles(sources: SecretSources, configured: readonly Configured[]): void {
  const problems = configured.flatMap(({ name, service }) => {
    if (service.privateKeyFile === null) return [];
    const secret = secretOf(sources, service);
    return 'why' in secret ? [`${name}: ${secret.why}.`] : [];
  });
  if (problems.length === 0) return;
  throw new Fault(
    'internal',
    `A service user cannot sign in:\n  ${[...new Set(problems)].join('\n  ')}`,
  );
}

/**
 * Signs in as the service user of an upstream, unless the upstream's name turns out to be this machine. Fault
 * `upstreamUnreachable` in words without the secret.
 */
export async function signIn(
  sources: SecretSources,
  configured: Configured,
  lookup: LookupFunction = guardedLookup(),
): Promise<ServiceConnection> {
  const secret = secretOf(sources, configured.service);
  const { user } = configured.service;
  if ('why' in secret) throw new Fault('upstreamUnreachable', secret.why);
  if (user === null)
    throw new Fault('upstreamUnreachable', 'no service user: set TOLLGATE_SERVICE_USER');
  return signInAs(sources.config, configured, { user, ...secret }, lookup);
}

async function signInAs(
  config: Config,
  configured: Configured,
  who: ServiceSecret & { readonly user: string },
  lookup: LookupFunction,
): Promise<ServiceConnection> {
  if (!config.allowLocalUpstreams) {
    await assertReachableName(configured.origin, lookup).catch((cause: unknown) => {
      throw new Fault('upstreamUnreachable', toError(cause).message, { cause });
    });
  }
  const { origin } = configured;
  return connectService({ origin, account: snowflakeNameOf(configured), ...who });
}

/**
 * Proves the key of a team's service user by a real sign-in at an account of the document, and signs out.
 * Fault `upstreamUnreachable` in words when it is refused, or the account lives nowhere.
 */
export async function proveKey(
  config: Config,
  home: Configured | undefined,
  who: { readonly user: string; readonly privateKeyPem: string },
): Promise<void> {
  if (home === undefined)
    throw new Fault('upstreamUnreachable', 'the upstream of its account is not configured here');
  const connection = await signInAs(config, home, who, guardedLookup());
  await connection.close();
}

/** Accounts of the newest control document, without reading the rest of it; empty before the first. */
export async function readAccounts(db: Queryable): Promise<readonly AccountEntry[]> {
  const { rows } = await db.query<{ id: string; upstream: string }>(
    `SELECT entry ->> 'id' AS id, entry ->> 'upstream' AS upstream
       FROM (SELECT document FROM control_version ORDER BY version DESC LIMIT 1) newest,
            jsonb_array_elements(newest.document -> 'accounts') WITH ORDINALITY AS listed (entry, place)
      ORDER BY place`,
  );
  return rows;
}

/** How the service user of an account of the document signs in. */
export interface ServiceAccounts {
  /** Accounts of the document whose upstream is configured here. */
  served(): Promise<readonly string[]>;
  /**
   * Signs in at an account. One that has left the document while tickets of it were in doubt is still found where it
   * lived. Fault `upstreamUnreachable` when it lives nowhere or does not let us in.
   */
  connect(account: string): Promise<ServiceConnection>;
  /** Signs in there as another user, by the private half of its key pair in PEM. The same faults. */
  connectAs(account: string, user: string, privateKeyPem: string): Promise<ServiceConnection>;
}

/** @param db null: a process without a database knows the accounts of the settings only. */
export function serviceAccounts(
  sources: SecretSources,
  configured: readonly Configured[],
  db: Queryable | null,
): ServiceAccounts {
  const livedAt = new Map<string, Configured>();
  const served = async (): Promise<readonly string[]> => {
    const entries = db === null ? [] : await readAccounts(db);
    return entries.flatMap((entry) => {
      const found = upstreamOf(configured, entry);
      if (found === undefined) return [];
      livedAt.set(entry.id, found);
      return [entry.id];
    });
  };
  const homeOf = async (account: string): Promise<Configured> => {
    await served();
    const found =
      livedAt.get(account) ?? upstreamOf(configured, { id: account, upstream: account });
    if (found !== undefined) return found;
    throw new Fault(
      'upstreamUnreachable',
      `no upstream is configured for account ${account}; name it in TOLLGATE_ACCOUNTS`,
    );
  };
  return {
    served,
    connect: async (account) => signIn(sources, await homeOf(account)),
    connectAs: async (account, user, privateKeyPem) =>
      signInAs(sources.config, await homeOf(account), { user, privateKeyPem }, guardedLookup()),
  };
}

/** How names of upstreams become addresses, by the settings; undefined: guarded. */
export function lookupOf(config: Config): { readonly lookup?: typeof systemLookup } {
  return config.allowLocalUpstreams ? { lookup: systemLookup } : {};
}
