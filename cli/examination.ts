/**
 * The checks behind `tollgate doctor`. Each is total: whatever goes wrong becomes a finding, in words that name what
 * was looked at and what to do.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Config, Secrets } from '../base/config.js';
import { toError } from '../base/errors.js';
import { postgresBinaries } from '../base/postgres/binaries.js';
import { openDatabase, type Database } from '../base/postgres/pool.js';
import { assertSchemaKnown } from '../migrations/migrate.js';
import { adminToken, reachable, reason } from './admin-client.js';

export interface Finding {
  readonly check: string;
  /** `note`: worth knowing, and no reason not to start. */
  readonly status: 'ok' | 'note' | 'failed';
  readonly says: string;
  readonly fix?: string;
}

const NODE_FLOOR = { major: 20, minor: 19 };
const POSTGRES_FLOOR = 150_000;
const ANSWER_TIMEOUT_MS = 5000;

export function checkNode(version: string): Finding {
  const check = 'Node';
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major < NODE_FLOOR.major || (major === NODE_FLOOR.major && minor < NODE_FLOOR.minor)) {
    return {
      check,
      status: 'failed',
      says: `${version} is too old`,
      fix: 'Install Node 24, or at least 20.19.',
    };
  }
  return { check, status: 'ok', says: version };
}

/** The folder, or the nearest parent that exists, must be writable. */
export function checkDataDir(dataDir: string): Finding {
  const check = 'data directory';
  const folder = path.resolve(dataDir);
  let existing = folder;
  while (!existsSync(existing) && path.dirname(existing) !== existing)
    existing = path.dirname(existing);
  const fix = 'Make it writable, or name another folder in TOLLGATE_DATA_DIR.';
  if (!statSync(existing).isDirectory()) {
    return { check, status: 'failed', says: `${existing} is not a folder`, fix };
  }
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch {
    return { check, status: 'failed', says: `${existing} may not be written by this user`, fix };
  }
  return { check, status: 'ok', says: existing === folder ? folder : `${folder} will be made` };
}

/** Every port of a role of this process is free, unless the running Tollgate has it. */
export async function checkPorts(config: Config, isRunning: boolean): Promise<readonly Finding[]> {
  const listeners = [
    {
      name: 'proxy',
      port: config.proxyPort,
      variable: 'TOLLGATE_PROXY_PORT',
      isUsed: config.roles.includes('proxy'),
    },
    { name: 'admin', port: config.adminPort, variable: 'TOLLGATE_ADMIN_PORT', isUsed: true },
    {
      name: 'warehouse',
      port: config.warehousePort,
      variable: 'TOLLGATE_WAREHOUSE_PORT',
      isUsed: config.upstream.kind === 'embedded' && config.roles.includes('warehouse'),
    },
  ];
  const findings: Finding[] = [];
  for (const { name, port, variable } of listeners.filter(({ isUsed }) => isUsed)) {
    const check = `${name} port`;
    const refused = await whyNotBound(config.host, port);
    if (refused === undefined) {
      findings.push({
        check,
        status: 'ok',
        says: port === 0 ? 'any free one' : `${config.host}:${port} is free`,
      });
    } else if (refused === 'EADDRINUSE' && isRunning) {
      findings.push({
        check,
        status: 'ok',
        says: `${config.host}:${port} is in use, and Tollgate is running`,
      });
    } else {
      const says =
        refused === 'EADDRINUSE'
          ? `${port} is used by another program`
          : `${config.host}:${port} cannot be bound (${refused})`;
      findings.push({
        check,
        status: 'failed',
        says,
        fix: `Stop that program, or choose another port in ${variable} (0 = any).`,
      });
    }
  }
  return findings;
}

function whyNotBound(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code ?? cause.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** A given database answers, is new enough and has our schema; the embedded one has its programs. */
export async function checkDatabase(
  config: Config,
  secrets: Secrets,
  isRunning: boolean,
): Promise<Finding> {
  const check = 'database';
  if (secrets.databaseUrl === null) return checkEmbedded(check, isRunning);
  const url = new URL(secrets.databaseUrl);
  const place = `${url.hostname}:${url.port === '' ? '5432' : url.port}${url.pathname}`;
  const db = openDatabase(
    {
      url: secrets.databaseUrl,
      connectionsMax: 1,
      connectTimeoutMs: config.databaseConnectTimeoutMs,
      statementTimeoutMs: ANSWER_TIMEOUT_MS,
      applicationName: 'tollgate-doctor',
    },
    () => undefined,
  );
  try {
    return await askDatabase(check, place, db);
  } catch (thrown) {
    const fix = 'Check that it runs, and host, user and password in TOLLGATE_DATABASE_URL.';
    return { check, status: 'failed', says: `${place} does not answer (${reason(thrown)})`, fix };
  } finally {
    await db.stop();
  }
}

async function askDatabase(check: string, place: string, db: Database): Promise<Finding> {
  const { rows } = await db.query<{ number: number; name: string }>(
    "SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS name",
  );
  const version = rows[0];
  if (version === undefined || version.number < POSTGRES_FLOOR) {
    const says = `${place} is PostgreSQL ${version?.name ?? 'of unknown version'}`;
    return { check, status: 'failed', says, fix: 'Use PostgreSQL 15 or newer.' };
  }
  try {
    await assertSchemaKnown(db);
  } catch (thrown) {
    const fix = '`tollgate serve` migrates it at start.';
    return { check, status: 'note', says: toError(thrown).message, fix };
  }
  return { check, status: 'ok', says: `${place}, PostgreSQL ${version.name}, migrated` };
}

function checkEmbedded(check: string, isRunning: boolean): Finding {
  try {
    postgresBinaries();
  } catch (thrown) {
    const fix = 'Run `npm ci`, or set TOLLGATE_DATABASE_URL.';
    return { check, status: 'failed', says: toError(thrown).message, fix };
  }
  const says = isRunning
    ? 'embedded Postgres, used by the running Tollgate'
    : 'embedded Postgres, started with `tollgate serve`';
  return { check, status: 'ok', says };
}

/** Whether a Tollgate runs here, and takes our token. */
export async function checkAdmin(config: Config, secrets: Secrets): Promise<Finding> {
  const check = 'admin API';
  if (config.adminPort === 0) {
    return {
      check,
      status: 'note',
      says: 'TOLLGATE_ADMIN_PORT is 0, so a running one cannot be found',
    };
  }
  const origin = `http://${reachable(config.host)}:${config.adminPort}`;
  try {
    const alive = await fetch(`${origin}/livez`, {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    await alive.arrayBuffer();
    if (!alive.ok) {
      const says = `something at ${origin} answers ${alive.status} to /livez`;
      return {
        check,
        status: 'failed',
        says,
        fix: 'Another program has the port: choose another TOLLGATE_ADMIN_PORT.',
      };
    }
  } catch (thrown) {
    const says = `nothing answers at ${origin} (${reason(thrown)})`;
    return {
      check,
      status: 'note',
      says,
      fix: 'Fine if Tollgate is stopped; start it with `npm start`.',
    };
  }
  if (adminToken(config, secrets) === undefined) {
    const fix = 'Set TOLLGATE_ADMIN_TOKEN or TOLLGATE_DATA_DIR as the running Tollgate has them.';
    return { check, status: 'failed', says: `runs at ${origin}, but there is no token here`, fix };
  }
  return { check, status: 'ok', says: `runs at ${origin}` };
}

/** Any HTTP answer will do: what it says is between the driver and Snowflake. */
export async function checkUpstream(config: Config): Promise<Finding> {
  const check = 'upstream';
  if (config.upstream.kind === 'embedded')
    return { check, status: 'ok', says: 'embedded warehouse' };
  const { origin } = config.upstream;
  try {
    const answer = await fetch(origin, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    return { check, status: 'ok', says: `${origin} answers (HTTP ${answer.status})` };
  } catch (thrown) {
    const fix = 'Check TOLLGATE_UPSTREAM, name resolution and the way through firewalls.';
    return {
      check,
      status: 'failed',
      says: `${origin} does not answer (${reason(thrown)})`,
      fix,
    };
  }
}

/** Settings that are valid and still deserve a word. */
export function checkAdvice(config: Config, secrets: Secrets): readonly Finding[] {
  const notes: Finding[] = [];
  if (secrets.databaseUrl !== null && secrets.sealKeys === null) {
    notes.push({
      check: 'seal keys',
      status: 'note',
      says: 'generated in the data directory, so another replica could not read its sessions',
      fix: 'Give all replicas the same TOLLGATE_SEAL_KEYS.',
    });
  }
  if (!['127.0.0.1', '::1', 'localhost'].includes(config.host)) {
    notes.push({
      check: 'listeners',
      status: 'note',
      says: `${config.host} is reachable from outside and speaks plain HTTP`,
      fix: 'Put something that terminates TLS in front.',
    });
  }
  return notes;
}
