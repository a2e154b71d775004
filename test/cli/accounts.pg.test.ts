import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig, type Config, type Secrets } from '../../base/config.js';
import { applyControl } from '../../admin/stores/control-store.js';
import {
  checkKeyFiles,
  configuredUpstreams,
  readAccounts,
  secretOf,
  serviceAccounts,
  signIn,
} from '../../cli/accounts.js';
import { snowflakeNameOf } from '../../proxy/upstream/upstreams.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const PROD = 'https://myorg-prod.snowflakecomputing.com';
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ format: 'pem', type: 'pkcs8' })
  .toString();

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-accounts-'));
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

function settings(environment: Record<string, string>): { config: Config; secrets: Secrets } {
  const outcome = loadConfig({ environment });
  if ('problems' in outcome) throw new Error(outcome.problems.join('\n'));
  return outcome;
}

function keyFile(name: string, mode: number): string {
  const place = path.join(folder, name);
  writeFileSync(place, pem);
  chmodSync(place, mode);
  return place;
}

describe('upstreams of the settings', () => {
  test('are the embedded warehouse by default, with its service user', () => {
    const { config } = settings({});
    expect(configuredUpstreams(config, 4711)).toEqual([
      {
        account: 'demo',
        name: 'demo',
        origin: 'http://127.0.0.1:4711',
        service: { user: 'TOLLGATE_SERVICE', privateKeyFile: null },
      },
    ]);
  });

  test('of a map are each by its name, with the common user where they have none of their own', () => {
    const { config } = settings({
      TOLLGATE_ACCOUNTS: `prod=${PROD},dev=http://warehouse:8082`,
      TOLLGATE_SERVICE_USER: 'TG',
      TOLLGATE_SERVICE_PRIVATE_KEY_FILE: '/k',
    });
    const configured = configuredUpstreams(config, null);
    expect(configured).toMatchObject([
      { upstream: 'prod', origin: PROD, service: { user: 'TG', privateKeyFile: '/k' } },
      { upstream: 'dev', origin: 'http://warehouse:8082' },
    ]);
    expect(configured.map(snowflakeNameOf)).toEqual(['myorg-prod', 'dev']);
  });
});

describe('the secret of a service user', () => {
  const sources = (environment: Record<string, string>) => ({
    ...settings(environment),
    dataDir: folder,
  });

  test('is the key, read when it is used, so that it can be replaced in place', () => {
    const file = keyFile('key.p8', 0o600);
    const from = sources({
      TOLLGATE_SERVICE_USER: 'TG',
      TOLLGATE_SERVICE_PRIVATE_KEY_FILE: file,
    });
    const service = { user: 'TG', privateKeyFile: file };
    expect(secretOf(from, service)).toEqual({ privateKeyPem: pem });
    writeFileSync(file, 'no key');
    expect(secretOf(from, service)).toEqual({ why: expect.stringContaining(file) });
  });

  test('is the password, or what the embedded warehouse wrote', () => {
    const service = { user: 'TG', privateKeyFile: null };
    expect(
      secretOf(sources({ TOLLGATE_SERVICE_USER: 'TG', TOLLGATE_SERVICE_PASSWORD: 'p' }), service),
    ).toEqual({ password: 'p' });
    mkdirSync(path.join(folder, 'warehouse'));
    writeFileSync(path.join(folder, 'warehouse', 'service-user-password'), 'written\n');
    expect(secretOf(sources({}), service)).toEqual({ password: 'written' });
    expect(secretOf(sources({ TOLLGATE_UPSTREAM: PROD }), service)).toEqual({
      why: expect.stringContaining('TOLLGATE_SERVICE_USER'),
    });
  });

  test('that cannot be used stops a start, with every reason', () => {
    const environment = {
      TOLLGATE_UPSTREAM: PROD,
      TOLLGATE_SERVICE_USER: 'TG',
      TOLLGATE_SERVICE_PRIVATE_KEY_FILE: keyFile('open.p8', 0o644),
    };
    const from = sources(environment);
    const check = (): void => checkKeyFiles(from, configuredUpstreams(from.config, null));
    expect(check).toThrow(/demo: the private key .*open\.p8 may be read .*chmod 600/);
    chmodSync(environment.TOLLGATE_SERVICE_PRIVATE_KEY_FILE, 0o600);
    expect(check).not.toThrow();
  });

  test('is sent nowhere when the name of the upstream turns out to be this machine', async () => {
    const from = sources({
      TOLLGATE_UPSTREAM: 'https://rebound.invalid',
      TOLLGATE_SERVICE_USER: 'TG',
      TOLLGATE_SERVICE_PASSWORD: 'hunter2',
    });
    const [configured] = configuredUpstreams(from.config, null);
    if (configured === undefined) throw new Error('there is one');
    const toMetadata: LookupFunction = (_host, _options, done) =>
      done(new Error('rebound.invalid resolves to 169.254.169.254'), []);
    const refused = signIn(from, configured, toMetadata);
    await expect(refused).rejects.toThrow(/^rebound\.invalid resolves/);
  });
});

describe('accounts of the document', () => {
  const apply = (accounts: { id: string; upstream: string }[]): Promise<unknown> =>
    applyControl(database.db, {
      document: {
        ...demoControlDocument(),
        accounts,
        mapping: [{ match: { snowflakeUser: '*' }, team: 'sales' }],
      },
      actor: { id: 'test', role: 'platform' },
      reason: 'test',
      at: Date.now(),
    });

  test('are those of the newest version, in its order; none before the first', async () => {
    expect(await readAccounts(database.db)).toEqual([]);
    const accounts = [
      { id: 'two', upstream: 'b' },
      { id: 'one', upstream: 'a' },
    ];
    await apply(accounts);
    expect(await readAccounts(database.db)).toEqual(accounts);
  });

  test('are served where their upstream is configured, and found after they left', async () => {
    const sources = {
      ...settings({ TOLLGATE_ACCOUNTS: 'a=http://127.0.0.1:1,b=http://127.0.0.1:1' }),
      dataDir: folder,
    };
    const accounts = serviceAccounts(
      sources,
      configuredUpstreams(sources.config, null),
      database.db,
    );
    await apply([
      { id: 'one', upstream: 'a' },
      { id: 'lost', upstream: 'nowhere' },
    ]);
    expect(await accounts.served()).toEqual(['one']);
    await apply([{ id: 'two', upstream: 'b' }]);
    expect(await accounts.served()).toEqual(['two']);
    await expect(accounts.connect('one')).rejects.toThrow(/^no service user/);
    await expect(accounts.connect('lost')).rejects.toThrow('no upstream is configured for account');
  });
});
