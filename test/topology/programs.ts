/** HAProxy and Prometheus as plain processes, with the configurations of the composition turned to ports of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../drivers/places.js';

const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 10_000;

/** A program that was started here. */
export interface Started {
  readonly port: number;
  stop(): Promise<void>;
}

/** A proxy as the balancer and Prometheus reach it. */
export interface Replica {
  readonly proxyPort: number;
  readonly adminPort: number;
}

/** The composition's own balancer before these proxies. @throws when it does not answer in time. */
export async function startHaproxy(
  folder: string,
  port: number,
  replicas: readonly Replica[],
  command = 'haproxy',
): Promise<Started> {
  const source = readFileSync(
    path.join(ROOT, 'dashboards/provisioning/balancer/haproxy.cfg'),
    'utf8',
  );
  const kept = source
    .replace(/^resolvers[\s\S]*?\n\n/m, '')
    .replace(/ resolvers composition init-addr \S+/, '')
    .replace(/ check port 8081/, ' check')
    // A machine for tests may not open forty thousand files.
    .replace('maxconn 20000', 'maxconn 2000')
    .replace('bind :8080', `bind 127.0.0.1:${port}`)
    .replace(/^ {2}server .*\n/gm, '');
  const servers = replicas.map(
    ({ proxyPort, adminPort }, index) =>
      `  server proxy-${index} 127.0.0.1:${proxyPort} check port ${adminPort}`,
  );
  const file = path.join(folder, 'haproxy.cfg');
  writeFileSync(file, `${kept.trimEnd()}\n${servers.join('\n')}\n`);
  const child = spawn(command, ['-db', '-f', file], { stdio: 'ignore' });
  return whenReady(child, 'haproxy', port, '/');
}

/** Prometheus with the composition's rules, asking these processes every second. */
export async function startPrometheus(
  folder: string,
  port: number,
  targets: Readonly<Record<string, readonly number[]>>,
  command = 'prometheus',
): Promise<Started> {
  const file = path.join(folder, 'prometheus.yml');
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [path.join(ROOT, 'dashboards/alerts/*.yml')],
    scrape_configs: [
      {
        job_name: 'tollgate',
        static_configs: Object.entries(targets).map(([role, ports]) => ({
          targets: ports.map((each) => `127.0.0.1:${each}`),
          labels: { role },
        })),
      },
    ],
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const data = path.join(folder, 'prometheus');
  mkdirSync(data, { recursive: true });
  const child = spawn(
    command,
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  return whenReady(child, 'prometheus', port, '/-/ready');
}

/** One that does not become ready is ended: nothing that was started here outlives a failure. */
async function whenReady(
  child: ChildProcess,
  name: string,
  port: number,
  where: string,
): Promise<Started> {
  try {
    await untilAnswers(child, name, `http://127.0.0.1:${port}${where}`);
  } catch (thrown) {
    await ended(child);
    throw thrown;
  }
  return { port, stop: () => ended(child) };
}

async function untilAnswers(child: ChildProcess, name: string, url: string): Promise<void> {
  let failure: string | undefined;
  child.once('error', (thrown) => (failure = thrown.message));
  child.once('exit', (code) => (failure ??= `ended with ${code}`));
  const untilMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    if (failure !== undefined) throw new Error(`${name} does not run: ${failure}`);
    // Any answer will do: a balancer has none of its own.
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined && answer.status !== 503) return;
    if (performance.now() > untilMs) throw new Error(`${name} does not answer`);
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
}

async function ended(child: ChildProcess): Promise<void> {
  // Without a process id it never ran.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exit;
  clearTimeout(timer);
}
