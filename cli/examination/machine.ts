/** Checks of this machine: Node, the data directory with its secrets, disk and journal, the ports, the seal keys. */
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Config, Secrets } from '../../base/config.js';
import type { SealKey } from '../../base/sealing.js';
import { sealKeys } from '../../base/setting-parsers.js';
import { finderOf, sizeText, type Finding } from './finding.js';

const NODE_FLOOR = { major: 20, minor: 19 };
const MIB = 1024 ** 2;
/** The journal may grow to this (`JOURNAL_BYTES_MAX` of proxy/open-ledger.ts). */
const JOURNAL_MAX = 1024 * MIB;
const DISK_FLOOR = 100 * MIB;
const { ok, note, failed } = finderOf('This machine');

export function checkNode(version: string): Finding {
  const check = 'Node';
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const isOld =
    major < NODE_FLOOR.major || (major === NODE_FLOOR.major && minor < NODE_FLOOR.minor);
  if (isOld) return failed(check, `${version} is too old`, 'Install Node 24, or at least 20.19.');
  return ok(check, version);
}

/** The folder, or the nearest parent that exists, must be writable. */
export function checkDataDir(dataDir: string): Finding {
  const check = 'data directory';
  const folder = path.resolve(dataDir);
  const existing = nearestExisting(folder);
  const fix = 'Make it writable, or name another folder in TOLLGATE_DATA_DIR.';
  if (!statSync(existing).isDirectory()) return failed(check, `${existing} is not a folder`, fix);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch {
    return failed(check, `${existing} may not be written by this user`, fix);
  }
  return ok(check, existing === folder ? folder : `${folder} will be made`);
}

function nearestExisting(folder: string): string {
  let existing = folder;
  while (!existsSync(existing) && path.dirname(existing) !== existing)
    existing = path.dirname(existing);
  return existing;
}

export interface DiskFacts {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Room where the data directory is, or will be. */
export function readDisk(dataDir: string): DiskFacts {
  const facts = statfsSync(nearestExisting(path.resolve(dataDir)));
  return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize };
}

export function checkDisk({ freeBytes, totalBytes }: DiskFacts): Finding {
  const says = `${sizeText(freeBytes)} of ${sizeText(totalBytes)} are free`;
  const fix = 'Make room: a proxy that cannot write its journal is not ready.';
  if (freeBytes < DISK_FLOOR) return failed('disk', says, fix);
  if (freeBytes < JOURNAL_MAX)
    return note('disk', `${says}; the journal may grow to ${sizeText(JOURNAL_MAX)}`, fix);
  return ok('disk', says);
}

export interface JournalFacts {
  readonly bytes: number;
  readonly damaged: readonly string[];
}

/** The journal of the data directory; undefined when no proxy has run on it. */
export function readJournal(dataDir: string): JournalFacts | undefined {
  const folder = path.join(dataDir, 'journal');
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder);
  const sizeOf = (name: string): number =>
    statSync(path.join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return {
    bytes: names.filter((name) => name.endsWith('.journal')).reduce((sum, n) => sum + sizeOf(n), 0),
    damaged: names.filter((name) => name.endsWith('.damaged')),
  };
}

export function checkJournal(facts: JournalFacts | undefined): Finding {
  const check = 'journal';
  if (facts === undefined) return ok(check, 'none yet; a proxy makes it');
  const size = `${sizeText(facts.bytes)} of at most ${sizeText(JOURNAL_MAX)}`;
  if (facts.damaged.length > 0) {
    const says = `${size}; ${facts.damaged.length} damaged stretches were set aside`;
    return note(check, says, 'Their tickets are settled by evidence; delete *.damaged after that.');
  }
  if (facts.bytes > JOURNAL_MAX / 2)
    return note(check, `${size}: outcomes wait for the ledger`, 'Look at the database.');
  return ok(check, size);
}

const KEPT_SECRETS = ['admin-token', 'seal-keys', 'postgres/app-password'];

/** Secrets that were generated here belong to their owner alone. */
export function checkKeptSecrets(dataDir: string): Finding {
  const check = 'secret files';
  const found = KEPT_SECRETS.map((name) => path.join(dataDir, name)).filter((file) =>
    existsSync(file),
  );
  const open = found.filter((file) => (statSync(file).mode & 0o077) !== 0);
  if (open.length > 0) {
    const says = `${open.join(', ')} may be read by others`;
    return failed(check, says, `Run \`chmod 600 ${open.join(' ')}\`, and replace what was seen.`);
  }
  return ok(check, found.length === 0 ? 'none yet' : `${found.length}, for their owner only`);
}

export type SealKeyFacts =
  | { readonly kind: 'set' | 'kept'; readonly keys: readonly SealKey[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly file: string };

/** The keys this process would seal with. */
export function readSealKeys(secrets: Secrets, dataDir: string): SealKeyFacts {
  if (secrets.sealKeys !== null) return { kind: 'set', keys: secrets.sealKeys };
  const file = path.join(dataDir, 'seal-keys');
  if (!existsSync(file)) return { kind: 'none' };
  try {
    const parsed = sealKeys(readFileSync(file, 'utf8').trim());
    return 'value' in parsed ? { kind: 'kept', keys: parsed.value } : { kind: 'unreadable', file };
  } catch {
    return { kind: 'unreadable', file };
  }
}

/** `isShared`: several replicas may work on one database. */
export function checkSealKeys(facts: SealKeyFacts, isShared: boolean): Finding {
  const check = 'seal keys';
  const share = 'Give all replicas the same TOLLGATE_SEAL_KEYS.';
  switch (facts.kind) {
    case 'set':
      return ok(check, `${facts.keys.length} set; ${facts.keys[0]?.id ?? ''} seals, all open`);
    case 'unreadable':
      return failed(
        check,
        `${facts.file} holds no keys of 32 bytes`,
        'Restore the file; without it, sessions and sealed service keys are lost.',
      );
    case 'none':
    case 'kept':
      if (isShared)
        return note(
          check,
          'generated in the data directory, so another replica could not read its sessions',
          share,
        );
      return ok(
        check,
        facts.kind === 'kept' ? 'generated in the data directory' : 'generated at the first start',
      );
  }
}

/** Every port of a role of this process is free, unless the running Tollgate has it. */
export async function checkPorts(config: Config, isRunning: boolean): Promise<readonly Finding[]> {
  const hasWarehouse = config.upstream.kind === 'embedded' && config.roles.includes('warehouse');
  const listeners = [
    ['proxy', config.proxyPort, 'TOLLGATE_PROXY_PORT', config.roles.includes('proxy')],
    ['admin', config.adminPort, 'TOLLGATE_ADMIN_PORT', true],
    ['warehouse', config.warehousePort, 'TOLLGATE_WAREHOUSE_PORT', hasWarehouse],
  ] as const;
  const findings: Finding[] = [];
  for (const [name, port, variable, isUsed] of listeners) {
    if (!isUsed) continue;
    const refused = await whyNotBound(config.host, port);
    findings.push(
      portFinding(`${name} port`, { host: config.host, port, variable }, refused, isRunning),
    );
  }
  return findings;
}

function portFinding(
  check: string,
  at: { readonly host: string; readonly port: number; readonly variable: string },
  refused: string | undefined,
  isRunning: boolean,
): Finding {
  const place = `${at.host}:${at.port}`;
  if (refused === undefined) return ok(check, at.port === 0 ? 'any free one' : `${place} is free`);
  if (refused === 'EADDRINUSE' && isRunning)
    return ok(check, `${place} is in use, and Tollgate is running`);
  return failed(
    check,
    refused === 'EADDRINUSE'
      ? `${at.port} is used by another program`
      : `${place} cannot be bound (${refused})`,
    `Stop that program, or choose another port in ${at.variable} (0 = any).`,
  );
}

function whyNotBound(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code ?? cause.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
