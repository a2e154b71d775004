/**
 * `npm run test:topology [-- --seconds n --statements-per-day n --haproxy path --prometheus path]`: what docker-compose.yml
 * says, as plain processes: two proxies behind its balancer, API, worker, warehouse, Postgres, Prometheus with its rules. The demo runs on it,
 * and then everything that panels and alerts ask for is asked of that Prometheus. Without one of the two programs it says so and
 * does what is left, the test's own balancer in HAProxy's place.
 */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { silentLog } from '../../base/log.js';
import { Lifecycle } from '../../base/lifecycle.js';
import { startEmbeddedPostgres } from '../../base/postgres/launcher.js';
import { ROOT } from '../drivers/places.js';
import { RUNAWAY_TEAM } from '../../cli/demo/statements.js';
import { startServed, type Served } from '../drivers/served.js';
import { startBalancer } from '../support/tcp-balancer.js';
import { startHaproxy, startPrometheus } from './programs.js';
import { askPrometheus } from './promised.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    'statements-per-day': { type: 'string', default: '1500' },
    haproxy: { type: 'string', default: 'haproxy' },
    prometheus: { type: 'string', default: 'prometheus' },
  },
});

const DEMO_LIMIT_MS = 600_000;
/** Prometheus asks every second. */
const SCRAPED_MS = 5000;

const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-topology-'));
const life = new Lifecycle();
try {
  process.exitCode = await run();
} finally {
  await life.drain();
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<number> {
  const system = await startSystem();
  console.log(`balancer ${system.balancerPort}, admin ${system.admin.adminPort}`);
  const told = await demo(system);
  console.log(told);
  const taken = await takenBy(system.proxies);
  console.log(`taken by each proxy: ${taken.join(' and ')} statements`);
  const failures = [
    ...troublesOf(told),
    ...(taken.includes(0) ? ['the balancer left a proxy without a statement'] : []),
    ...(system.prometheusPort === null ? [] : await checkMetrics(system.prometheusPort)),
  ];
  for (const failure of failures) console.log(`FAILED ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

/** What the demo tells that is not as it must be, whichever proxy got which request. */
function troublesOf(told: string): readonly string[] {
  const runaway = new RegExp(`^The runaway of ${RUNAWAY_TEAM}: (.*)`, 'm').exec(told)?.[1];
  return [
    ...(runaway?.startsWith('TG4001 ') === true
      ? []
      : [`the ceiling did not end the runaway: ${runaway ?? 'it is not told of'}`]),
    ...(/^Failed, for example: .*/m.exec(told) ?? []),
  ];
}

interface System {
  readonly environment: Readonly<Record<string, string>>;
  readonly proxies: readonly Served[];
  readonly admin: Served;
  readonly balancerPort: number;
  readonly prometheusPort: number | null;
}

async function startSystem(): Promise<System> {
  const postgres = life.add(
    'postgres',
    await startEmbeddedPostgres({
      dataDir: path.join(folder, 'postgres'),
      log: silentLog,
      durable: true,
    }),
  );
  const shared = {
    TOLLGATE_DATABASE_URL: postgres.ownerUrl,
    TOLLGATE_SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    TOLLGATE_ADMIN_TOKEN: randomBytes(24).toString('hex'),
    TOLLGATE_SERVICE_USER: 'TOLLGATE_SERVICE',
    TOLLGATE_SERVICE_PASSWORD: randomBytes(24).toString('hex'),
    TOLLGATE_ALLOW_LOCAL_UPSTREAMS: 'true',
  };
  const served = async (
    name: string,
    role: Parameters<typeof startServed>[1][number],
    environment: Readonly<Record<string, string>>,
  ): Promise<Served> =>
    life.add(name, await startServed(path.join(folder, name), [role], environment));
  const warehouse = await served('warehouse', 'warehouse', shared);
  const environment = {
    ...shared,
    TOLLGATE_UPSTREAM: `http://127.0.0.1:${warehouse.warehousePort}`,
    TOLLGATE_ACCOUNT: 'demo',
  };
  const admin = await served('admin', 'admin', environment);
  const worker = await served('worker', 'worker', environment);
  const proxies = [
    await served('proxy-a', 'proxy', environment),
    await served('proxy-b', 'proxy', environment),
  ];
  return {
    environment,
    proxies,
    admin,
    balancerPort: await startAnyBalancer(proxies),
    prometheusPort: await startAnyPrometheus({
      proxy: proxies.map(({ adminPort }) => adminPort),
      admin: [admin.adminPort],
      worker: [worker.adminPort],
      warehouse: [warehouse.adminPort],
    }),
  };
}

async function startAnyBalancer(proxies: readonly Served[]): Promise<number> {
  if (isThere(values.haproxy, '-v')) {
    const started = await startHaproxy(folder, await freePort(), proxies, values.haproxy);
    life.add('haproxy', started);
    return started.port;
  }
  console.log('haproxy: not here, the test balancer stands in its place');
  const balancer = await startBalancer({ backends: proxies.map(({ proxyPort }) => proxyPort) });
  life.add('balancer', balancer);
  return balancer.port;
}

async function startAnyPrometheus(
  targets: Readonly<Record<string, readonly number[]>>,
): Promise<number | null> {
  if (!isThere(values.prometheus, '--version')) {
    console.log('prometheus: skipped, it is not here');
    return null;
  }
  const started = await startPrometheus(folder, await freePort(), targets, values.prometheus);
  life.add('prometheus', started);
  return started.port;
}

async function demo({ environment, admin, balancerPort }: System): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_'));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      path.join(ROOT, 'bin', 'tollgate.js'),
      'demo',
      `--seconds=${values.seconds}`,
      `--statements-per-day=${values['statements-per-day']}`,
    ],
    {
      cwd: folder,
      timeout: DEMO_LIMIT_MS,
      env: {
        ...Object.fromEntries(inherited),
        ...environment,
        TOLLGATE_DATA_DIR: path.join(folder, 'nobody'),
        TOLLGATE_ADMIN_PORT: String(admin.adminPort),
        TOLLGATE_PROXY_PORT: String(balancerPort),
      },
    },
  );
  return stdout;
}

function takenBy(proxies: readonly Served[]): Promise<readonly number[]> {
  return Promise.all(
    proxies.map(async ({ adminPort }) => {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return [...text.matchAll(/^tollgate_statements_total\{.*\} (\d+)$/gm)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    }),
  );
}

async function checkMetrics(port: number): Promise<readonly string[]> {
  await new Promise((resolve) => void setTimeout(resolve, SCRAPED_MS));
  const { expressions, refused, metrics, unseen } = await askPrometheus(port);
  console.log(`${expressions} expressions of panels and alerts, ${refused.length} refused`);
  console.log(`${metrics} metrics in them, ${metrics - unseen.length} there`);
  for (const name of unseen) console.log(`  not yet: ${name} (it appears with its first event)`);
  return refused;
}

function isThere(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
