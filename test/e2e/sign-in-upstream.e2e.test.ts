/** What a sign-in sends upstream and takes back, in front of an upstream of the test's own. */
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ensureControl } from '../../admin/stores/control-store.js';
import { issueCredential, revokeCredential } from '../../admin/stores/credential-store.js';
import { activateServiceKey, addServiceKey } from '../../admin/stores/service-key-store.js';
import { systemIds, uuidV7 } from '../../base/ids.js';
import { hashToken, newTokenSecret } from '../../base/issued-secrets.js';
import { newRsaKeyPair, type NewKeyPair } from '../../base/key-pairs.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import type { Database } from '../../base/postgres/pool.js';
import { createSealer, type SealKey } from '../../base/sealing.js';
import { SERVICE_KEY_PREFIX, serviceKeyContext } from '../../base/service-keys.js';
import { systemClock } from '../../base/time.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { startProxy, type Proxy } from '../../proxy/start-proxy.js';
import { startStub, type Stub } from '../proxy/upstream-stub.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../support/database.js';

const SEAL: SealKey = { id: 'now', key: randomBytes(32) };
const LOST: SealKey = { id: 'lost', key: randomBytes(32) };
const BY = { actor: { id: 'test', role: 'platform' }, at: Date.now(), reason: null } as const;

interface Seen {
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}
interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text: string;
}

let database: TestDatabase;
let proxyDb: Database;
let upstream: Stub;
let elsewhere: Stub;
let proxy: Proxy;
let dataDir: string;
let pair: NewKeyPair;
let token: string;
let answer: (seen: Seen) => Answer | Promise<Answer>;
const seen: Seen[] = [];
const strays: string[] = [];
const errors: string[] = [];

const OPENED = `{"data":{"masterToken":"upstream-master","token":"upstream-session","validityInSeconds":3600,
 "displayUserName":"TOLLGATE_MARKETING","sessionId":9007199254740993, "sessionInfo":{"databaseName":"D","schemaName":"S","warehouseName":"W","roleName":"R"},"idToken":null},"code":null,"message":null,"success":true}`;
const opened = (): Answer => ({ text: OPENED });
const refusing = (code: string): Answer => ({
  text: JSON.stringify({ data: {}, code, message: `upstream says ${code}`, success: false }),
});

beforeAll(async () => {
  database = await createTestDatabase();
  proxyDb = openTestPool(database.url, 5);
  dataDir = await mkdtemp(join(tmpdir(), 'tollgate-sign-in-'));
  upstream = await startStub((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        target: `${request.method} ${request.url}`,
        headers: request.headers,
        text: Buffer.concat(chunks).toString('utf8'),
      };
      seen.push(one);
      void Promise.resolve(answer(one)).then(({ status = 200, headers = {}, text }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(text);
      });
    });
  });
  elsewhere = await startStub((request, response) => {
    strays.push(String(request.url));
    response.end(OPENED);
  });
  const demo = demoControlDocument();
  const accounts = [...demo.accounts, { id: 'second', upstream: 'elsewhere' }];
  await ensureControl(database.db, { ...demo, accounts }, Date.now());
  token = await issueToken('marketing_analyst');
  pair = await addKey('marketing', 'TOLLGATE_MARKETING', SEAL);
  await addKey('sales', 'TOLLGATE_SALES', LOST);
  proxy = await startProxy({
    log: {
      ...silentLog,
      error: (fields) => void errors.push(String((fields as { err?: Error }).err?.message)),
    },
    clock: systemClock,
    ids: systemIds(),
    metrics: createMetrics(),
    db: proxyDb,
    host: '127.0.0.1',
    port: 0,
    dataDir,
    replicaName: 'test',
    sealKeys: [SEAL],
    accounts: [
      { account: 'demo', origin: upstream.origin },
      { account: 'second', origin: elsewhere.origin },
    ],
    trustedProxies: [],
    connectService: () => Promise.reject(new Error('no service user in this test')),
    limits: {
      requestBytesMax: 1024 * 1024,
      inflatedBytesMax: 1024 * 1024,
      statementBytesMax: 1024 * 1024,
      bodyTimeoutMs: 2000,
    },
    sessionsCachedMax: 100,
    upstreamConnectionsMax: 4,
    upstreamConnectTimeoutMs: 1000,
    meterIntervalMs: 60_000,
    parserSpareCount: 0,
  });
});

afterAll(async () => {
  await proxy?.stop(AbortSignal.timeout(5000));
  await Promise.all([upstream?.stop(), elsewhere?.stop()]);
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

afterEach(() => {
  expect(seen.map((each) => each.text).join('\n')).not.toMatch(/tgp_|tgpw_/);
  expect(strays).toEqual([]);
  seen.length = 0;
});

async function issueToken(principalId: string): Promise<string> {
  const id = uuidV7(Date.now(), randomBytes(10));
  const secret = newTokenSecret(id, randomBytes);
  await database.db.transaction((tx) =>
    issueCredential(
      tx,
      {
        id,
        account: 'demo',
        principalId,
        kind: 'token',
        name: 'a test',
        secretHash: hashToken(secret),
        publicKey: null,
        fingerprint: null,
        expiresAt: Date.now() + 60_000,
      },
      BY,
    ),
  );
  return secret;
}

async function addKey(teamId: string, snowflakeUser: string, seal: SealKey): Promise<NewKeyPair> {
  const made = await newRsaKeyPair();
  const id = uuidV7(Date.now(), randomBytes(10));
  const sealer = createSealer(SERVICE_KEY_PREFIX, [seal], randomBytes);
  const sealedPrivateKey = sealer.seal(made.privatePem, serviceKeyContext('demo', teamId, id));
  const publicKey = made.publicKey.pem;
  await database.db.transaction(async (tx) => {
    const key = { id, account: 'demo', teamId, snowflakeUser, publicKey, sealedPrivateKey };
    const added = await addServiceKey(tx, key, BY);
    if (added.kind === 'added') await activateServiceKey(tx, added.key, BY);
  });
  return made;
}

interface Reply {
  readonly status: number;
  readonly body: {
    readonly success: boolean;
    readonly code: string | null;
    readonly message: string | null;
    readonly data: Readonly<Record<string, unknown>>;
  };
}

function send(path: string, text: string, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: proxy.port,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Reply['body'],
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(text);
  });
}

const LOGIN =
  '/session/v1/login-request?requestId=7c8a1f0e-2222-4333-8444-555566667777&warehouse=W&roleName=R';

function login(fields: object, headers?: Record<string, string>): Promise<Reply> {
  const data = { ACCOUNT_NAME: 'demo', ...fields };
  return send(LOGIN, JSON.stringify({ data }), headers);
}

const byToken = (secret: string): object => ({
  LOGIN_NAME: 'marketing_analyst',
  AUTHENTICATOR: 'PROGRAMMATIC_ACCESS_TOKEN',
  TOKEN: secret,
});
const BY_SNOWFLAKE = { LOGIN_NAME: 'sales_analyst', PASSWORD: 'of Snowflake' };

test('upstream gets the service user and a fresh token, and every other byte as the client wrote it', async () => {
  answer = opened;
  const rest =
    '"CLIENT_APP_ID" : "Some Driver","CLIENT_APP_VERSION":9.10,"CLIENT_CAPABILITIES":{ "SMK_ID_AS_STRING":true},"ODD":12345678901234567890,"SESSION_PARAMETERS":{"QUERY_TAG":"mine"}';
  const reply = await send(
    LOGIN,
    `{"data":{"ACCOUNT_NAME":"DEMO.eu-west-1","LOGIN_NAME":"","PASSCODE":"1","PASSWORD":"${token}",${rest}},"inFlightCtx":"x"}`,
    { authorization: 'Snowflake Token="None"' },
  );
  expect(reply.body).toMatchObject({ success: true });
  const [one] = seen;
  expect(seen).toHaveLength(1);
  expect(one?.target).toBe(`POST ${LOGIN}`);
  expect(one?.headers).not.toHaveProperty('authorization');
  expect(one?.text).toContain(rest.replace('" : "', '":"'));
  const { data } = JSON.parse(one?.text ?? '') as { data: Record<string, string> };
  expect(Object.keys(data)).not.toEqual(expect.arrayContaining(['PASSWORD']));
  expect(data).not.toHaveProperty('PASSCODE');
  expect(one?.text).not.toContain('inFlightCtx');
  expect(data).toMatchObject({ LOGIN_NAME: 'TOLLGATE_MARKETING', AUTHENTICATOR: 'SNOWFLAKE_JWT' });
  const [head = '', body = '', signature = ''] = String(data['TOKEN']).split('.');
  const isSigned = verify(
    'sha256',
    Buffer.from(`${head}.${body}`),
    createPublicKey(pair.publicKey.pem),
    Buffer.from(signature, 'base64url'),
  );
  expect(isSigned).toBe(true);
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Record<
    string,
    unknown
  >;
  expect(claims).toMatchObject({
    iss: `DEMO.TOLLGATE_MARKETING.${pair.publicKey.fingerprint}`,
    sub: 'DEMO.TOLLGATE_MARKETING',
  });
  expect(Number(claims['exp']) - Number(claims['iat'])).toBe(60);
});

test("the client gets sealed tokens and its own name, and the rest of upstream's answer", async () => {
  answer = opened;
  const { body } = await login(byToken(token));
  expect(body.data).toMatchObject({
    displayUserName: 'marketing_analyst',
    sessionInfo: { databaseName: 'D', schemaName: 'S', warehouseName: 'W', roleName: 'R' },
    token: expect.stringMatching(/^tg1\.now\./),
    masterToken: expect.stringMatching(/^tg1\.now\./),
  });
  expect(JSON.stringify(body)).not.toMatch(/upstream-|TOLLGATE_MARKETING/);
});

test('a master token is no session token and the reverse, and renewal seals what it gets', async () => {
  answer = opened;
  const { data } = (await login(byToken(token))).body;
  const header = (text: unknown): Record<string, string> => ({
    authorization: `Snowflake Token="${String(text)}"`,
  });
  const statement = JSON.stringify({ sqlText: 'SELECT 1', sequenceId: 1 });
  const query = '/queries/v1/query-request?requestId=7c8a1f0e-2222-4333-8444-555566667778';
  seen.length = 0;
  expect((await send(query, statement, header(data['masterToken']))).body.code).toBe('711001');
  const renewal = JSON.stringify({ oldSessionToken: data['token'], requestType: 'RENEW' });
  const path = '/session/token-request?requestId=7c8a1f0e-2222-4333-8444-555566667779';
  expect((await send(path, renewal, header(data['token']))).body.code).toBe('711001');
  answer = () => ({ text: OPENED.replace('9007199254740993', '7') });
  const other = (await login(byToken(token))).body.data;
  const mixed = JSON.stringify({ oldSessionToken: other['token'], requestType: 'RENEW' });
  seen.length = 0;
  expect((await send(path, mixed, header(data['masterToken']))).body.code).toBe('711001');
  expect(seen).toEqual([]);
  answer = () => ({
    text: '{"data":{"sessionToken":"upstream-new","masterToken":"upstream-new-master","sessionId":9007199254740993},"success":true}',
  });
  const renewed = await send(path, renewal, header(data['masterToken']));
  expect(renewed.body.data).toMatchObject({ sessionToken: expect.stringMatching(/^tg1\./) });
  expect(seen[0]).toMatchObject({
    headers: { authorization: 'Snowflake Token="upstream-master"' },
  });
  expect(seen[0]?.text).toContain('"upstream-session"');
});

test('a failed sign-in, and a secret of ours in any field or mode, reaches nobody upstream', async () => {
  answer = opened;
  const other = newTokenSecret(token.slice(4, 40), randomBytes);
  for (const fields of [
    byToken(other),
    { ...byToken(token), LOGIN_NAME: 'sales_analyst' },
    { LOGIN_NAME: 'sales_analyst', PASSWORD: 'tgpw_nobody-has-this' },
    { ...BY_SNOWFLAKE, PASSCODE: token },
    { LOGIN_NAME: 'x', AUTHENTICATOR: 'OAUTH', TOKEN: 'tgpw_nobody-has-this' },
    { ...BY_SNOWFLAKE, CLIENT_ENVIRONMENT: { deep: [token] } },
  ]) {
    const { status, body } = await login(fields);
    expect(status).toBe(200);
    expect(body.success).toBe(false);
    expect(body.message).toMatch(/^TG1001 Not connected: /);
    expect(body.message).not.toMatch(/tgp_|tgpw_/);
  }
  expect(seen).toEqual([]);
});

test('what only an administrator can put right is told in our words, never in a code that drivers act on', async () => {
  for (const code of ['390144', '390100', '394304']) {
    answer = () => refusing(code);
    const { body } = await login(byToken(token));
    expect(body.code).toBe('715001');
    expect(body.message).toMatch(
      /^TG5001 Not connected: your sign-in is right, but Snowflake does not accept TOLLGATE_MARKETING/,
    );
  }
  for (const code of ['390112', '390114']) {
    answer = () => refusing(code);
    expect((await login(byToken(token))).body.code).toBe('715002');
  }
  answer = () => ({ status: 503, text: '{}' });
  expect(await login(byToken(token))).toMatchObject({ status: 200, body: { code: '715002' } });
  answer = () => refusing('390189');
  expect((await login(byToken(token))).body).toMatchObject({
    code: '390189',
    message: 'upstream says 390189',
  });
});

test('a redirect is neither followed nor passed on', async () => {
  answer = () => ({ status: 307, headers: { location: `${elsewhere.origin}/session` }, text: '' });
  for (const fields of [byToken(token), BY_SNOWFLAKE]) {
    const reply = await login(fields);
    expect(reply).toMatchObject({ status: 200, body: { code: '715002' } });
    expect(reply.body.message).toMatch(/redirect, which is not followed/);
  }
  expect(seen).toHaveLength(2);
});

test.each([
  'https://evil.example/sso',
  'javascript:alert(1)',
  'file:///etc/passwd',
  '//evil.example',
  'https://x@evil',
])('an answer that sends people to sign in at %s is not passed on', async (address) => {
  for (const name of ['ssoUrl', 'tokenUrl']) {
    const text = JSON.stringify({ data: { [name]: address }, code: null, success: false });
    answer = () => ({ text });
    const { body } = await login(BY_SNOWFLAKE);
    expect(body.code).toBe('715002');
    expect(JSON.stringify(body)).not.toContain(address);
  }
});

test("an address at the account's own host is passed on", async () => {
  const ssoUrl = `${upstream.origin}/sso`;
  answer = () => ({ text: JSON.stringify({ data: { ssoUrl }, code: null, success: false }) });
  expect((await login(BY_SNOWFLAKE)).body.data).toEqual({ ssoUrl });
});

test('a login that names another account than its host is refused, and goes to neither', async () => {
  answer = opened;
  const host = { host: 'demo.gateway.example:8080' };
  for (const fields of [
    { ...byToken(token), ACCOUNT_NAME: 'second' },
    { ...BY_SNOWFLAKE, ACCOUNT_NAME: 'SECOND' },
  ]) {
    const { body } = await login(fields, host);
    expect(body.code).toBe('711004');
    expect(body.message).toMatch(
      /^TG1004 Not connected: the host name is that of account "demo", and the login names/,
    );
  }
  expect(seen).toEqual([]);
});

test('without an active service key, or with one that no seal key opens, the answer says whose turn it is', async () => {
  answer = opened;
  const finance = await issueToken('finance_analyst');
  const { body } = await login({ ...byToken(finance), LOGIN_NAME: 'finance_analyst' });
  expect(body.code).toBe('715001');
  expect(body.message).toContain('team finance has no active service key on account demo');
  const sales = await issueToken('sales_analyst');
  const sealed = await login({ ...byToken(sales), LOGIN_NAME: 'sales_analyst' });
  expect(sealed.body.code).toBe('715099');
  expect(errors.at(-1)).toMatch(
    /^The service key .* of team sales on account demo opens with none of the seal keys now\./,
  );
  expect(seen).toEqual([]);
});

test('a credential that is revoked while its login is under way opens no session', async () => {
  const doomed = await issueToken('marketing_analyst');
  answer = async (one) => {
    // Checked already, and not recorded yet.
    if (one.target.includes('login-request'))
      await database.db.transaction((tx) =>
        revokeCredential(tx, { account: 'demo', id: doomed.slice(4, 40) }, BY),
      );
    return opened();
  };
  const { body } = await login(byToken(doomed));
  expect(body.code).toBe('394400');
  expect(body.message).toContain('this credential was revoked');
  expect(seen.map((each) => each.target)).toEqual([`POST ${LOGIN}`, 'POST /session?delete=true']);
});

test('while Postgres is away nobody is told that a password is wrong', async () => {
  await proxyDb.stop();
  for (const fields of [byToken(token), { LOGIN_NAME: 'sales_analyst', PASSWORD: 'x' }]) {
    const { body } = await login(fields);
    expect(body.code).toBe('712501');
    expect(body.message).toMatch(/^TG2501 /);
  }
  expect(seen).toEqual([]);
});
