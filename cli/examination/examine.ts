/** Everything `tollgate doctor` looks at, in order: what later checks need, earlier ones find out. */
import path from 'node:path';
import type { Config, Secrets } from '../../base/config.js';
import { toError } from '../../base/errors.js';
import { within } from '../../base/in-time.js';
import type { Database } from '../../base/postgres/pool.js';
import { connectService, type ServiceConnection } from '../../base/snowflake/service-connection.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { readCertificate } from '../../proxy/listener/certificate.js';
import { snowflakeNameOf, upstreamOf } from '../../proxy/upstream/upstreams.js';
import {
  configuredUpstreams,
  secretOf,
  proveKey,
  signIn,
  type Configured,
  type SecretSources,
} from '../accounts.js';
import { adminToken, reachable } from '../admin-client.js';
import { certificateFiles } from '../listener-certificate.js';
import { checkListeners, checkShownCertificate, relayTo } from './clients-tls.js';
import { checkControl } from './control.js';
import {
  checkDatabase,
  checkEmbeddedPrograms,
  databasePlace,
  openForExamination,
} from './database.js';
import { finderOf, total, type Finding } from './finding.js';
import * as machine from './machine.js';
import { checkWholePath } from './probe.js';
import { withoutSecrets } from './report.js';
import { checkRunning } from './running.js';
import { checkServiceUser } from './service-user.js';
import { checkTeamUsers } from './team-users.js';
import { checkUpstream } from './upstream.js';

const SIGN_IN_TIMEOUT_MS = 15_000;
/** Longest time of one check with all its steps. */
const CHECK_TIMEOUT_MS = 120_000;

export interface Examination {
  readonly config: Config;
  readonly secrets: Secrets;
}

interface Found extends SecretSources {
  readonly configured: readonly Configured[];
  readonly isRunning: boolean;
  readonly sealKeys: machine.SealKeyFacts;
}

/** Every finding, without secrets; never throws. */
export async function examine({ config, secrets }: Examination): Promise<readonly Finding[]> {
  const dataDir = path.resolve(config.dataDir);
  const running = await checkRunning(config, secrets);
  const found: Found = {
    config,
    secrets,
    dataDir,
    configured: configuredUpstreams(config, null),
    isRunning: running.isRunning,
    sealKeys: machine.readSealKeys(secrets, dataDir),
  };
  const findings = [
    finderOf('Configuration').ok('settings', 'every one is valid'),
    ...keyFileFindings(found),
    ...(await total('This machine', 'machine', CHECK_TIMEOUT_MS, () => ofMachine(found))),
    ...running.findings,
    ...(await withDatabase(found)),
  ];
  return withoutSecrets(findings, secretTexts(found));
}

async function ofMachine({
  config,
  secrets,
  dataDir,
  isRunning,
  sealKeys,
}: Found): Promise<readonly Finding[]> {
  return [
    machine.checkNode(process.versions.node),
    machine.checkDataDir(dataDir),
    machine.checkDisk(machine.readDisk(dataDir)),
    machine.checkJournal(machine.readJournal(dataDir)),
    machine.checkKeptSecrets(dataDir),
    machine.checkSealKeys(sealKeys, secrets.databaseUrl !== null),
    checkListeners(config, Date.now()),
    ...(await machine.checkPorts(config, isRunning)),
    ...(isRunning ? [(await checkShownCertificate(config)) ?? []].flat() : []),
  ];
}

/** Key files that a start would refuse. */
function keyFileFindings(found: Found): readonly Finding[] {
  const { ok, failed } = finderOf('Configuration');
  return found.configured.flatMap(({ name, service }) => {
    if (service.privateKeyFile === null) return [];
    const secret = secretOf(found, service);
    const check = `private key of ${name}`;
    if (!('why' in secret)) return [ok(check, `${service.privateKeyFile} opens`)];
    const [says = '', ...fix] = secret.why.split('; ');
    return [failed(check, says, fix.join('; '))];
  });
}

/** Database, document, and what needs to know them. */
async function withDatabase(found: Found): Promise<readonly Finding[]> {
  const place = databasePlace(found.secrets, found.dataDir);
  const db = place === undefined ? null : openForExamination(place, found.config);
  try {
    const asked =
      place === undefined || db === null
        ? { findings: [checkEmbeddedPrograms()], isUsable: false }
        : await within(
            CHECK_TIMEOUT_MS,
            checkDatabase(place.place, db, () => Date.now()),
          );
    const usable = asked.isUsable ? db : null;
    const control = await checkControl(usable, found.configured);
    return [
      ...asked.findings,
      ...control.findings,
      ...(await ofAccounts(found, usable, control.document)),
    ];
  } catch (thrown) {
    const fix = 'Check the database and TOLLGATE_DATABASE_URL.';
    return [finderOf('Database').failed('database', toError(thrown).message, fix)];
  } finally {
    await db?.stop();
  }
}

/** Upstreams at once, for one that is silent must not keep the others waiting. */
async function ofAccounts(
  found: Found,
  db: Database | null,
  document: ControlDocument | null,
): Promise<readonly Finding[]> {
  const each = await Promise.all(
    found.configured.map(async (configured) => {
      const suffix = found.configured.length > 1 ? ` · ${configured.name}` : '';
      return ofAccount(found, configured, suffix, document);
    }),
  );
  const teams = await total('Service users', 'teams', CHECK_TIMEOUT_MS, () =>
    ofTeams(found, db, document),
  );
  return [...each.flat(), ...teams];
}

async function ofAccount(
  found: Found,
  configured: Configured,
  suffix: string,
  document: ControlDocument | null,
): Promise<readonly Finding[]> {
  const upstream = await total('Upstream', `upstream${suffix}`, CHECK_TIMEOUT_MS, () =>
    ofUpstream(found, configured, suffix),
  );
  const user = await total('Service users', `sign-in${suffix}`, CHECK_TIMEOUT_MS, () =>
    ofServiceUser(found, configured, suffix, document),
  );
  // A second wrong sign-in would bring the user nearer to being locked, and prove nothing more.
  const isRefused = user.some(
    ({ check, status }) => check === `sign-in${suffix}` && status === 'failed',
  );
  const check = `governed probe${suffix}`;
  const wholePath = isRefused
    ? [finderOf('The whole path').skipped(check, 'the service user does not sign in')]
    : await total('The whole path', check, CHECK_TIMEOUT_MS, () =>
        ofWholePath(found, configured, suffix),
      );
  return [...upstream, ...user, ...wholePath];
}

/** The embedded warehouse runs inside `serve`: while that is stopped there is nothing to reach. */
function isAsleep({ config, isRunning }: Found): boolean {
  return config.upstream.kind === 'embedded' && !isRunning;
}

async function ofUpstream(
  found: Found,
  configured: Configured,
  suffix: string,
): Promise<readonly Finding[]> {
  const { ok } = finderOf('Upstream');
  if (isAsleep(found))
    return [ok(`upstream${suffix}`, 'embedded warehouse, started with `tollgate serve`')];
  const place = { origin: configured.origin, suffix, mayBeLocal: found.config.allowLocalUpstreams };
  return checkUpstream(place, () => Date.now());
}

async function ofServiceUser(
  found: Found,
  configured: Configured,
  suffix: string,
  document: ControlDocument | null,
): Promise<readonly Finding[]> {
  const { note, failed, skipped } = finderOf('Service users');
  const check = `sign-in${suffix}`;
  if (isAsleep(found)) return [skipped(check, 'the embedded warehouse is not running')];
  const secret = secretOf(found, configured.service);
  if (configured.service.user === null || 'why' in secret) {
    const why = 'why' in secret ? secret.why : 'no service user is set';
    const fix = 'Without one, cold shapes are guesses and tickets in doubt stay held.';
    return [note(check, why, fix)];
  }
  let connection: ServiceConnection;
  try {
    connection = await within(SIGN_IN_TIMEOUT_MS, signIn(found, configured));
  } catch (thrown) {
    const fix = 'Check user and secret, and that Snowflake lets this machine in.';
    return [failed(check, toError(thrown).message.slice(0, 300), fix)];
  }
  try {
    return await checkServiceUser(connection, {
      suffix,
      warehouses: document?.warehouses.map(({ name }) => name) ?? null,
      isEmbedded: found.config.upstream.kind === 'embedded',
    });
  } finally {
    await within(SIGN_IN_TIMEOUT_MS, connection.close()).catch(() => undefined);
  }
}

async function ofWholePath(
  found: Found,
  configured: Configured,
  suffix: string,
): Promise<readonly Finding[]> {
  const { skipped } = finderOf('The whole path');
  const { config } = found;
  const check = `governed probe${suffix}`;
  const secret = secretOf(found, configured.service);
  const { user } = configured.service;
  if (!found.isRunning || !config.roles.includes('proxy'))
    return [skipped(check, 'no proxy is running here')];
  if (config.proxyPort === 0)
    return [skipped(check, 'TOLLGATE_PROXY_PORT is 0, so the proxy cannot be found')];
  if (user === null || 'why' in secret) return [skipped(check, 'it needs a service user')];
  const at = { host: reachable(config.host), port: config.proxyPort };
  const files = certificateFiles(config);
  const certificate = files === undefined ? undefined : readCertificate(files);
  if (certificate !== undefined && 'problem' in certificate)
    return [skipped(check, 'the certificate of the proxy cannot be read here')];
  const relay = certificate === undefined ? undefined : await relayTo(at, certificate);
  const origin = relay?.origin ?? `http://${at.host}:${at.port}`;
  const account = snowflakeNameOf(configured);
  const connect = (): Promise<ServiceConnection> =>
    connectService({ origin, account, user, ...secret, application: 'TollgateDoctor' });
  try {
    return await checkWholePath(suffix, connect, () => performance.now());
  } finally {
    relay?.stop();
  }
}

async function ofTeams(
  found: Found,
  db: Database | null,
  document: ControlDocument | null,
): Promise<readonly Finding[]> {
  if (db === null || document === null || isAsleep(found)) return [];
  const { sealKeys } = found;
  return checkTeamUsers(document.accounts, {
    db,
    sealKeys: sealKeys.kind === 'set' || sealKeys.kind === 'kept' ? sealKeys.keys : [],
    areKeysMadeOnDemand: found.config.upstream.kind === 'embedded',
    trySignIn(account, user, privateKeyPem) {
      const entry = document.accounts.find(({ id }) => id === account);
      const home = entry === undefined ? undefined : upstreamOf(found.configured, entry);
      return proveKey(found.config, home, { user, privateKeyPem });
    },
  });
}

/** Every secret this process knows, for {@link withoutSecrets}. */
function secretTexts(found: Found): readonly string[] {
  const { config, secrets, sealKeys } = found;
  const databasePassword =
    secrets.databaseUrl === null ? '' : new URL(secrets.databaseUrl).password;
  const ofUsers = found.configured.flatMap(({ service }) => {
    const secret = secretOf(found, service);
    return 'why' in secret ? [] : Object.values(secret);
  });
  const ofSeals =
    sealKeys.kind === 'set' || sealKeys.kind === 'kept'
      ? sealKeys.keys.map(({ key }) => key.toString('base64'))
      : [];
  return [
    databasePassword,
    decodeURIComponent(databasePassword),
    secrets.servicePassword ?? '',
    secrets.servicePrivateKeyPassphrase ?? '',
    adminToken(config, secrets) ?? '',
    ...ofUsers,
    ...ofSeals,
  ];
}
