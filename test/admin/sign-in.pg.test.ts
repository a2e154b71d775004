/** Credentials and service keys by the API: what it takes, what it tells, what it writes. */
import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '../../base/errors.js';
import { newRsaKeyPair } from '../../base/key-pairs.js';
import { editControl } from '../../admin/stores/control-store.js';
import type { AccountDocument } from '../../policies/control/document.js';
import { listCredentials } from '../../admin/stores/credential-store.js';
import { createAdminWorld, type AdminWorld, type Probed } from './world.js';

let world: AdminWorld;
const probed: Probed[] = [];
let isAccepted = true;

beforeAll(async () => {
  world = await createAdminWorld({
    probe: {
      signIn: (login) => {
        probed.push(login);
        return isAccepted
          ? Promise.resolve()
          : Promise.reject(new Fault('upstreamUnreachable', 'JWT token is invalid.'));
      },
    },
  });
});
afterAll(() => world.close());

const CREDENTIALS = '/api/v1/accounts/demo/credentials';
const KEYS = '/api/v1/accounts/demo/service-keys';

interface Credential {
  readonly id: string;
  readonly state: string;
  readonly expiresAt: string | null;
}

async function issue(body: object): Promise<{ credential: Credential; secret: string }> {
  const reply = await world.call('POST', CREDENTIALS, { name: 'a test', ...body });
  expect(reply.status, reply.text).toBe(201);
  return reply.json as unknown as { credential: Credential; secret: string };
}

test('a token expires: after 90 days unless told otherwise, after a year at most', async () => {
  const { credential, secret } = await issue({ principal: 'sales_analyst', kind: 'token' });
  expect(secret).toMatch(new RegExp(`^tgp_${credential.id}_[\\w-]{43}$`));
  expect(credential).toMatchObject({
    principal: 'sales_analyst',
    state: 'active',
    createdBy: 'admin-token',
    expiresAt: new Date(world.clock.now() + 90 * 86_400_000).toISOString(),
  });
  const late = await world.call('POST', CREDENTIALS, {
    principal: 'sales_analyst',
    kind: 'token',
    name: 'x',
    expiresAt: '2028-01-01',
  });
  expect(late).toMatchObject({ status: 400, json: { errors: [{ field: 'expiresAt' }] } });
});

test.each([
  [{ principal: 'sales_analyst', kind: 'fax' }, 400, 'kind'],
  [{ principal: 'nobody', kind: 'token' }, 404, 'principal'],
  [{ principal: 'sales_analyst', kind: 'token', name: '' }, 400, 'name'],
  [{ principal: 'sales_analyst', kind: 'token', expiresAt: 'soon' }, 400, 'expiresAt'],
  [{ principal: 'sales_analyst', kind: 'token', expiresAt: '2020-01-01' }, 400, 'expiresAt'],
  [{ principal: 'sales_analyst', kind: 'token', publicKey: 'x' }, 400, 'publicKey'],
  [{ principal: 'sales_analyst', kind: 'key-pair' }, 400, 'publicKey'],
  [{ principal: 'sales_analyst', kind: 'key-pair', publicKey: 'not a key' }, 400, 'publicKey'],
  [{ principal: 'sales_analyst', kind: 'token', secret: 'mine' }, 400, 'secret'],
])('%j is answered %d with its field and a way out', async (body, status, field) => {
  const reply = await world.call('POST', CREDENTIALS, { name: 'a test', ...body });
  expect(reply.status).toBe(status);
  expect(reply.json['errors']).toEqual([
    expect.objectContaining({ field, wayOut: expect.stringMatching(/./) }),
  ]);
});

test('one key belongs to one principal of an account, and a principal has one password', async () => {
  const { publicKey } = await newRsaKeyPair();
  await issue({ principal: 'sales_analyst', kind: 'key-pair', publicKey: publicKey.pem });
  for (const principal of ['sales_analyst', 'legal_analyst']) {
    const again = await world.call('POST', CREDENTIALS, {
      principal,
      kind: 'key-pair',
      name: 'x',
      publicKey: publicKey.pem,
    });
    expect(again).toMatchObject({ status: 409, json: { errors: [{ field: 'publicKey' }] } });
  }
  const { credential } = await issue({ principal: 'sales_analyst', kind: 'password' });
  const second = await world.call('POST', CREDENTIALS, {
    principal: 'sales_analyst',
    kind: 'password',
    name: 'x',
  });
  expect(second.status).toBe(409);
  expect(second.text).toContain(`/credentials/${credential.id}/rotate`);
});

test('a rotation ends the old one after its grace, and not after its own end', async () => {
  const { credential } = await issue({ principal: 'growth_analyst', kind: 'token' });
  const rotated = await world.call('POST', `${CREDENTIALS}/${credential.id}/rotate`, {
    graceSeconds: 3600,
    reason: 'yearly',
  });
  expect(rotated).toMatchObject({
    status: 201,
    json: {
      credential: { name: 'a test', state: 'active' },
      previous: {
        id: credential.id,
        expiresAt: new Date(world.clock.now() + 3_600_000).toISOString(),
      },
    },
  });
  const { id } = rotated.json['credential'] as Credential;
  const again = await world.call('POST', `${CREDENTIALS}/${id}/rotate`);
  expect(again).toMatchObject({ status: 201, json: { previous: { state: 'expired' } } });
  expect(await world.call('POST', `${CREDENTIALS}/${id}/rotate`)).toMatchObject({ status: 409 });
  const long = await world.call('POST', `${CREDENTIALS}/${id}/rotate`, { graceSeconds: 604_801 });
  expect(long).toMatchObject({ status: 400, json: { errors: [{ field: 'graceSeconds' }] } });
});

test('to revoke wants a reason, is told once, and is the same when repeated', async () => {
  const { credential } = await issue({ principal: 'ml_analyst', kind: 'token' });
  const path = `${CREDENTIALS}/${credential.id}/revoke`;
  expect(await world.call('POST', path, {})).toMatchObject({ status: 400 });
  for (const isReplayed of [false, true])
    expect(await world.call('POST', path, { reason: 'left' })).toMatchObject({
      status: 200,
      json: { isReplayed, sessionsEnded: 0, credential: { state: 'revoked' } },
    });
  const elsewhere = path.replace('/demo/', '/second/');
  expect(await world.call('POST', elsewhere, { reason: 'x' })).toMatchObject({ status: 404 });
});

test('lists come in pages, narrow to a principal, and show no secret', async () => {
  const first = await world.call('GET', `${CREDENTIALS}?limit=2`);
  const cursor = String(first.json['nextCursor']);
  const second = await world.call('GET', `${CREDENTIALS}?limit=500&cursor=${cursor}`);
  expect(first.json['credentials']).toHaveLength(2);
  expect(second.json['nextCursor']).toBeNull();
  const all = await listCredentials(world.database.db, {
    account: 'demo',
    principalIds: null,
    afterId: null,
    limit: 1000,
  });
  expect(
    [first, second].flatMap(({ json }) =>
      (json['credentials'] as Credential[]).map(({ id }) => id),
    ),
  ).toEqual(all.map(({ id }) => id));
  const sales = await world.call('GET', `${CREDENTIALS}?principal=sales_analyst`);
  expect(sales.json['credentials']).toHaveLength(3);
  expect(`${first.text}${second.text}`).not.toMatch(/tgp_|tgpw_|scrypt|secret/i);
});

test('a principal has twenty credentials in force at most', async () => {
  for (let count = 0; count < 20; count += 1)
    await issue({ principal: 'legal_analyst', kind: 'token' });
  const reply = await world.call('POST', CREDENTIALS, {
    principal: 'legal_analyst',
    kind: 'token',
    name: 'x',
  });
  expect(reply).toMatchObject({ status: 409, json: { errors: [{ field: 'principal' }] } });
});

test('a service key is made with its statements, proven before it is used, and rotates by places', async () => {
  const made = await world.call('POST', KEYS, { team: 'data-science' });
  expect(made.status, made.text).toBe(201);
  const { id, publicKey } = made.json['serviceKey'] as { id: string; publicKey: string };
  const [create, set] = made.json['sql'] as string[];
  expect(create).toMatch(/^CREATE USER IF NOT EXISTS TOLLGATE_DATA_SCIENCE TYPE = SERVICE/);
  expect(set).toContain("SET RSA_PUBLIC_KEY = '");
  expect(await world.call('POST', KEYS, { team: 'data-science' })).toMatchObject({ status: 409 });
  isAccepted = false;
  const refused = await world.call('POST', `${KEYS}/${id}/activate`);
  expect(refused).toMatchObject({ status: 502 });
  expect(refused.text).toContain('JWT token is invalid.');
  expect((await world.call('GET', KEYS)).text).toContain('"state":"pending"');
  isAccepted = true;
  const activated = await world.call('POST', `${KEYS}/${id}/activate`);
  expect(activated).toMatchObject({ status: 200, json: { previous: null, sql: [] } });
  const proof = probed.at(-1);
  expect(proof).toMatchObject({ account: 'demo', snowflakeUser: 'TOLLGATE_DATA_SCIENCE' });
  const derived = createPublicKey(proof?.privateKey ?? '').export({ format: 'pem', type: 'spki' });
  expect(derived).toBe(publicKey);
  const next = await world.call('POST', KEYS, { team: 'data-science' });
  expect((next.json['sql'] as string[])[1]).toContain('SET RSA_PUBLIC_KEY_2 =');
  const nextId = (next.json['serviceKey'] as { id: string }).id;
  expect(await world.call('POST', `${KEYS}/${nextId}/activate`)).toMatchObject({
    json: {
      previous: { id, state: 'retired' },
      sql: ['ALTER USER TOLLGATE_DATA_SCIENCE UNSET RSA_PUBLIC_KEY;'],
    },
  });
  expect(await world.call('POST', `${KEYS}/${id}/activate`)).toMatchObject({ status: 409 });
  for (const isReplayed of [false, true])
    expect(await world.call('POST', `${KEYS}/${nextId}/retire`)).toMatchObject({
      json: { isReplayed, serviceKey: { state: 'retired' } },
    });
});

test('nothing that is secret stands in the audit log, in a list or in plain text in the database', async () => {
  const { rows: events } = await world.database.db.query<{ action: string; text: string }>(
    'SELECT action, audit_event::text AS text FROM audit_event',
  );
  expect(new Set(events.map(({ action }) => action))).toEqual(
    new Set([
      'control.start',
      'credential.issue',
      'credential.rotate',
      'credential.revoke',
      'service-key.add',
      'service-key.activate',
      'service-key.retire',
    ]),
  );
  const { rows: keys } = await world.database.db.query<{ text: string }>(
    "SELECT coalesce(secret_hash, '') AS text FROM credential UNION ALL SELECT sealed_private_key FROM service_key",
  );
  expect(events.map(({ text }) => text).join()).not.toMatch(/tgp_|tgpw_|scrypt|PRIVATE|tgk1/);
  expect(keys.map(({ text }) => text).join()).not.toMatch(/tgp_|tgpw_|PRIVATE/);
  expect((await world.call('GET', KEYS)).text).not.toMatch(/PRIVATE|sealed|tgk1/);
});

test('where a credential could open nothing, none is issued', async () => {
  const edit = (change: (account: AccountDocument) => AccountDocument): Promise<unknown> =>
    editControl(world.database.db, {
      edit: (document) => ({ ...document, accounts: document.accounts.map(change) }),
      actor: { id: 'test', role: 'platform' },
      reason: 'x',
      at: world.clock.now(),
    });
  await edit((account) => ({
    ...account,
    serviceUsers: (account.serviceUsers ?? []).filter(({ team }) => team !== 'risk'),
  }));
  const body = { principal: 'risk_analyst', kind: 'token', name: 'x' };
  expect(await world.call('POST', CREDENTIALS, body)).toMatchObject({
    status: 409,
    json: { errors: [{ field: 'principal' }] },
  });
  expect(await world.call('POST', KEYS, { team: 'risk' })).toMatchObject({ status: 400 });
  await edit((account) => ({ ...account, signIn: 'passthrough' }));
  expect(await world.call('POST', CREDENTIALS, body)).toMatchObject({
    status: 409,
    json: { errors: [{ field: 'account', rule: 'must have signIn "terminated" or "both"' }] },
  });
  const elsewhere = CREDENTIALS.replace('demo', 'elsewhere');
  expect(await world.call('GET', elsewhere)).toMatchObject({ status: 404 });
});

test('a team lead sees the credentials of the team and issues none', async () => {
  const token = await world.issue({ role: 'team-lead', team: 'growth' });
  const headers = { authorization: `Bearer ${token}` };
  const list = async (query: string): Promise<readonly { principal: string }[]> => {
    const { json } = await world.call('GET', `${CREDENTIALS}${query}`, undefined, headers);
    return json['credentials'] as { principal: string }[];
  };
  expect(new Set((await list('')).map((each) => each.principal))).toEqual(
    new Set(['growth_analyst']),
  );
  expect(await list('?principal=sales_analyst')).toEqual([]);
  const body = { principal: 'growth_analyst', kind: 'token', name: 'x' };
  for (const path of [CREDENTIALS, `${CREDENTIALS}/x/rotate`, `${CREDENTIALS}/x/revoke`])
    expect((await world.call('POST', path, body, headers)).status).toBe(403);
});
