/** The systems under test: each is a port, a token to send and a process to charge CPU to. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CORES, freePort, startChild, type Child } from './processes.js';

export interface Target {
  readonly name: string;
  readonly port: number;
  readonly authorization: string;
  /** The process of the proxy; null for direct. */
  readonly pid: number | null;
  /** Processes whose descendants work for it too: its Postgres, helpers. */
  readonly helperRoots: readonly number[];
  /** Asks what watches its event loop, where something does. */
  readonly ask?: (message: unknown) => Promise<unknown>;
  stop(): Promise<void>;
}

/** A target, or why it cannot take part. */
export type TargetStart =
  | { readonly kind: 'started'; readonly target: Target }
  | { readonly kind: 'missing'; readonly name: string; readonly why: string };

export const program = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export interface Watching {
  /** Its event loop is watched from inside (load/loop-watch.ts). */
  readonly isWatched: boolean;
}

/** Starts a node program of this folder and returns the port it answers with. */
export async function startProgram(
  path: string,
  core: string | null,
  message: unknown,
): Promise<{ readonly child: Child; readonly port: number }> {
  const child = startChild({
    command: process.execPath,
    args: [program(path)],
    core,
    hasChannel: true,
  });
  const { port } = (await child.ask(message)) as { port: number };
  return { child, port };
}

export function direct(originPort: number): Target {
  return {
    name: 'direct',
    port: originPort,
    authorization: 'Snowflake Token="bench"',
    pid: null,
    helperRoots: [],
    stop: () => Promise.resolve(),
  };
}

/** `node:http` in, undici out, nothing else. */
export async function passThrough(
  originPort: number,
  isPinned: boolean,
  watching: Watching = { isWatched: false },
): Promise<Target> {
  const { child, port } = await startProgram(
    './load/pass-through.js',
    isPinned ? CORES.subject : null,
    {
      origin: `http://127.0.0.1:${originPort}`,
      ...watching,
    },
  );
  return {
    name: 'pass-through',
    port,
    authorization: 'Snowflake Token="bench"',
    pid: child.pid,
    helperRoots: [],
    ask: (message) => child.ask(message),
    stop: () => child.stop(),
  };
}

/** One worker, keep-alive upstream, unbuffered: the same semantics as ours, without governance. */
function nginxConfig(directory: string, port: number, originPort: number): string {
  return `
daemon off;
master_process off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000;
  keepalive_timeout 120s;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    tcp_nodelay on;
    client_max_body_size 16m;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

export async function nginx(originPort: number, isPinned: boolean): Promise<TargetStart> {
  const version = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  if (version.error !== undefined || version.status !== 0) {
    return {
      kind: 'missing',
      name: 'nginx',
      why: 'nginx is not installed (Debian: apt-get install nginx-light)',
    };
  }
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-nginx-'));
  const port = await freePort();
  const config = join(directory, 'nginx.conf');
  writeFileSync(config, nginxConfig(directory, port, originPort));
  const child = startChild({
    command: 'nginx',
    args: ['-p', directory, '-c', config, '-e', 'stderr'],
    core: isPinned ? CORES.subject : null,
    hasChannel: false,
  });
  const stop = async (): Promise<void> => {
    await child.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  if (!(await isAnswering(`http://127.0.0.1:${port}/`, child, 5000))) {
    await stop();
    return {
      kind: 'missing',
      name: 'nginx',
      why: `nginx did not start: ${child.output().slice(-300)}`,
    };
  }
  return {
    kind: 'started',
    target: {
      name: 'nginx',
      port,
      authorization: 'Snowflake Token="bench"',
      pid: child.pid,
      helperRoots: [],
      stop,
    },
  };
}

/** Asks until there is an answer (with `status`, if given), the process ends or time is up. */
export async function isAnswering(
  url: string,
  child: Child,
  timeoutMs: number,
  status?: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline && !child.hasEnded()) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
      await response.arrayBuffer();
      if (status === undefined || response.status === status) return true;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
