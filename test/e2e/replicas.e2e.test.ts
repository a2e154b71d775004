/** Sessions over several replicas: tokens carry what a replica must know, keys rotate, and a revocation reaches all. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RawClient } from '../warehouse/support/raw-client.js';
import { eventually } from './support/eventually.js';
import { startSystem, type System } from './support/system.js';

const K1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const K2 = { id: 'k2', key: Buffer.alloc(32, 2) };
/** The three steps of a rotation: the new key opens everywhere, seals everywhere, and the old one is gone. */
const OLD_SEALS = [K1, K2];
const NEW_SEALS = [K2, K1];
const OLD_GONE = [K2];

let system: System;
beforeAll(async () => {
  system = await startSystem({ replicas: 3, sealKeys: [OLD_SEALS, NEW_SEALS, OLD_GONE] });
});
afterAll(() => system?.stop());

function clientAt(index: number, of?: RawClient): RawClient {
  const client = new RawClient(Number(new URL(system.proxyUrls[index] ?? '').port));
  if (of !== undefined) {
    client.token = of.token;
    client.masterToken = of.masterToken;
  }
  return client;
}

async function connectedAt(index: number, user?: string): Promise<RawClient> {
  const client = clientAt(index);
  expect((await client.login(user)).body.success).toBe(true);
  return client;
}

test('a token of one replica works at the others, and one under the old key ends with its grace', async () => {
  const old = await connectedAt(0);
  const fresh = await connectedAt(1);
  expect(old.token).toMatch(/^tg1\.k1\./);
  expect(fresh.token).toMatch(/^tg1\.k2\./);
  for (const index of [0, 1])
    expect((await clientAt(index, old).query('SELECT 1')).body.success, String(index)).toBe(true);
  for (const index of [0, 1, 2])
    expect((await clientAt(index, fresh).query('SELECT 1')).body.success, String(index)).toBe(true);
  expect((await clientAt(2, old).query('SELECT 1')).body).toMatchObject({
    success: false,
    code: '711001',
  });
});

test('sessions of a principal are listed and revoked: every replica refuses them, and nobody else', async () => {
  const mine = await connectedAt(0, 'sales_analyst');
  const again = await connectedAt(1, 'sales_analyst');
  const other = await connectedAt(1, 'risk_analyst');
  const used = [clientAt(0, mine), clientAt(1, mine), clientAt(2, again), clientAt(1, again)];
  for (const client of used) expect((await client.query('SELECT 1')).body.success).toBe(true);
  const path = '/api/v1/sessions?principal=sales_analyst';
  const listed = (await system.admin('GET', path)).body as { sessions: { principal: string }[] };
  expect(listed.sessions.map((each) => each.principal)).toEqual(['sales_analyst', 'sales_analyst']);

  const revoked = await system.admin('POST', '/api/v1/sessions/revoke', {
    principal: 'sales_analyst',
    reason: 'laptop lost',
  });
  expect(revoked).toEqual({ status: 200, body: { revoked: 2 } });
  await eventually(
    async () => {
      for (const client of used)
        expect((await client.query('SELECT 1')).body).toMatchObject({
          success: false,
          code: '711001',
          message: expect.stringContaining('closed or revoked. Connect again') as string,
        });
    },
    { withinMs: 4000 },
  );
  expect((await other.query('SELECT 1')).body.success).toBe(true);
  expect((await system.admin('GET', path)).body).toEqual({ sessions: [], nextCursor: null });
  // Repeated, it finds nothing; without a choice it is refused.
  expect(
    await system.admin('POST', '/api/v1/sessions/revoke', {
      principal: 'sales_analyst',
      reason: 'again',
    }),
  ).toEqual({ status: 200, body: { revoked: 0 } });
  for (const body of [{ reason: 'all' }, { sessionId: '1', reason: 'no account' }])
    expect((await system.admin('POST', '/api/v1/sessions/revoke', body)).status).toBe(400);
});

test('a revoked session does not come back by renewal', async () => {
  const client = await connectedAt(1, 'legal_analyst');
  await system.admin('POST', '/api/v1/sessions/revoke', {
    principal: 'legal_analyst',
    reason: 'left',
  });
  await eventually(async () =>
    expect((await client.query('SELECT 1')).body).toMatchObject({ success: false }),
  );
  const renewed = await client.send(
    'POST',
    '/session/token-request',
    { oldSessionToken: client.token, requestType: 'RENEW' },
    { token: client.masterToken },
  );
  if (renewed.body.success) client.token = renewed.body.data.sessionToken as string;
  expect((await client.query('SELECT 1')).body).toMatchObject({ success: false, code: '711001' });
});
