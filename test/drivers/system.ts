/**
 * What is asked, all of it started by `tollgate serve` as people do: the whole system with the embedded Postgres and
 * warehouse; where other ways are wanted also a second warehouse and two more replicas on the same Postgres, which
 * front both warehouses as two accounts.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  callerOf,
  issueCredentials,
  prepareControl,
  prepareTeamUser,
  prepareWarehouse,
  type CallApi,
} from './control.js';
import { makeEncryption, type Encryption } from './encryption.js';
import { connectOperator, type Operator } from './operator.js';
import { RawClient } from '../warehouse/support/raw-client.js';
import { databaseUrl, startServed, type Served } from './served.js';
import type { Credentials, Side, Sides, Way } from './sides.js';

export interface ServedSystem {
  readonly sides: Sides;
  /** Warnings and errors that its processes have logged. */
  troubles(): readonly string[];
  stop(): Promise<void>;
}

const OWN: Credentials = { user: 'marketing_analyst', password: 'demo' };
const SECOND = 'second';

const PRICED_LIMIT_MS = 60_000;

// What a stopped statement has cost is compared this often.
const COMMON = { TOLLGATE_METER_INTERVAL_MS: '500' };

/** Starts what the plain pair and these ways need; rejects, with everything stopped, when it cannot. */
export async function serveSystem(ways: readonly Way[]): Promise<ServedSystem> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-drivers-data-'));
  const processes: Served[] = [];
  const stop = async (): Promise<void> => {
    // Postgres lives in the first.
    for (const each of processes.toReversed()) await each.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const sides = await start(folder, ways, processes);
    return { sides, troubles: () => processes.flatMap((each) => each.troubles()), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

async function start(folder: string, ways: readonly Way[], processes: Served[]): Promise<Sides> {
  const environment = {
    ...COMMON,
    TOLLGATE_ADMIN_TOKEN: randomBytes(16).toString('hex'),
    TOLLGATE_SEAL_KEYS: `drivers:${randomBytes(32).toString('base64')}`,
  };
  const started = async (name: string, roles: Roles, more: object = {}): Promise<Served> => {
    const served = await startServed(path.join(folder, name), roles, { ...environment, ...more });
    processes.push(served);
    return served;
  };
  const whole = await started('whole', ['proxy', 'admin', 'worker', 'warehouse']);
  const operator = await operatorOf(whole);
  const side = (name: Side['name'], more: Partial<Side> = {}): Side => ({
    name,
    ports: [whole.proxyPort],
    account: 'demo',
    credentials: OWN,
    encryption: null,
    operator,
    ...more,
  });
  const plain = {
    direct: side('direct', { ports: [whole.warehousePort] }),
    proxied: side('proxied'),
  };
  const { TOLLGATE_ADMIN_TOKEN: token } = environment;
  await prepareControl(callerOf(whole.adminPort, token), SECOND);
  await untilPriced(whole.proxyPort);
  const found = new Map<Way, Side>();
  if (ways.length === 0) return { ...plain, ways: found };
  const encryption = await makeEncryption(folder);
  const far = await startFar(whole, token, started, encryption);
  const issued = (account: string): Promise<Credentials> =>
    issueCredentials(far.api, account, path.join(folder, `${account}.p8`));
  const second = { account: SECOND, encryption, operator: far.operator };
  for (const way of ways) {
    switch (way) {
      case 'terminated':
        found.set(way, side(way, { credentials: await issued('demo') }));
        break;
      case 'replicas':
        found.set(way, side(way, { ports: far.ports, encryption }));
        break;
      case 'second account':
        found.set(way, side(way, { ...second, ports: far.ports.slice(0, 1) }));
        break;
      case 'combined':
        found.set(
          way,
          side(way, { ...second, ports: far.ports, credentials: await issued(SECOND) }),
        );
    }
  }
  return { ...plain, ways: found };
}

/** Until its proxy knows the sizes of the tables, which its worker imports after it is ready: only they tell what would be cheaper. */
export async function untilPriced(port: number): Promise<void> {
  const client = new RawClient(port);
  await client.login('marketing_analyst', 'demo');
  const until = performance.now() + PRICED_LIMIT_MS;
  while (performance.now() < until) {
    const { body } = await client.run('EXPLAIN COST SELECT * FROM ANALYTICS.WEB.EVENTS');
    if (JSON.stringify(body.data).includes('suggested rewrite')) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the tables have no sizes: their statistics were not imported in time');
}

type Roles = Parameters<typeof startServed>[1];
type Start = (name: string, roles: Roles, more?: object) => Promise<Served>;

/** The second warehouse, and two replicas in front of both, over TLS. */
async function startFar(
  whole: Served,
  token: string,
  started: Start,
  { certFile, keyFile }: Encryption,
): Promise<{ ports: readonly number[]; api: CallApi; operator: Operator }> {
  const warehouse = await started('second', ['warehouse']);
  const second = await operatorOf(warehouse);
  const password = servicePassword(whole);
  // Of several upstreams all have the service user of the settings, unless they have keys of their own.
  await second.run([`ALTER USER TOLLGATE_SERVICE SET PASSWORD = '${password}'`]);
  const more = {
    TOLLGATE_DATABASE_URL: databaseUrl(whole),
    TOLLGATE_ACCOUNTS: `embedded=http://127.0.0.1:${whole.warehousePort},${SECOND}=http://127.0.0.1:${warehouse.warehousePort}`,
    TOLLGATE_SERVICE_USER: 'TOLLGATE_SERVICE',
    TOLLGATE_SERVICE_PASSWORD: password,
    TOLLGATE_TLS_CERT_FILE: certFile,
    TOLLGATE_TLS_KEY_FILE: keyFile,
  };
  const replicas = await Promise.all([
    // Its worker imports the statistics of the second account; each works when its turn comes.
    started('replica-1', ['proxy', 'admin', 'worker'], more),
    started('replica-2', ['proxy'], more),
  ]);
  const api = callerOf(replicas[0].adminPort, token);
  await prepareTeamUser(api, SECOND, 'marketing', second);
  return { ports: replicas.map(({ proxyPort }) => proxyPort), api, operator: second };
}

async function operatorOf(served: Served): Promise<Operator> {
  const operator = await connectOperator(served.warehousePort, servicePassword(served));
  await prepareWarehouse(operator);
  return operator;
}

function servicePassword({ dataDir }: Served): string {
  return readFileSync(path.join(dataDir, 'warehouse', 'service-user-password'), 'utf8').trim();
}
