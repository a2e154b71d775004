import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectService } from '../../../base/snowflake/service-connection.js';
import { administrator } from '../../warehouse/support/administrator.js';
import { openWorld, type World } from '../../warehouse/support/world.js';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: typeof pair): string =>
  key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

let world: World;
let where: { readonly origin: string; readonly account: string; readonly user: string };

beforeAll(async () => {
  world = await openWorld();
  where = { origin: `http://127.0.0.1:${world.port}`, account: 'demo', user: 'KEYED' };
  const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const admin = await administrator(world);
  await admin.run(`CREATE USER KEYED RSA_PUBLIC_KEY = '${publicKey}'`);
});
afterAll(() => world.end());

test('a service user signs in by its key pair', async () => {
  const connection = await connectService({ ...where, privateKeyPem: pem(pair) });
  expect(await connection.query('SELECT CURRENT_USER()')).toEqual([{ CURRENT_USER: 'KEYED' }]);
  await connection.close();
});

test('another key is refused in words that name user and origin and show no key', async () => {
  const refused = connectService({ ...where, privateKeyPem: pem(stranger) });
  await expect(refused).rejects.toThrow(/^the service user KEYED could not sign in at http/);
  await expect(refused).rejects.not.toThrow(/PRIVATE KEY/);
});
