import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import type { Queryable } from '../../../base/postgres/pool.js';
import { createSealer, type Sealer } from '../../../base/sealing.js';
import { CLAIM_SECRET_PREFIX } from '../../../policies/claim.js';
import type { PrincipalDocument } from '../../../policies/control/document.js';
import { ClaimKeys } from '../../../proxy/identity/claim-keys.js';
import { ClaimNotices } from '../../../proxy/identity/claim-notices.js';
import { keyPair } from '../../policies/claims.js';
import { buildTicketId, NOON } from '../../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const SEAL_KEYS = [{ id: 'k', key: Buffer.alloc(32, 3) }];
const LOOKER: PrincipalDocument = {
  id: 'looker',
  team: 'platform',
  kind: 'service',
  shared: true,
  owner: 'platform-leads',
  status: 'active',
};
let database: TestDatabase;
let sealer: Sealer;
let serial = 0;
let monotonicMs = 0;
let reads = 0;
let isAway = false;

beforeAll(async () => {
  database = await createTestDatabase();
  sealer = createSealer(CLAIM_SECRET_PREFIX, SEAL_KEYS, (size) =>
    Buffer.alloc(size, (serial += 1)),
  );
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.db.query('UPDATE claim_secret SET revoked_at = now(), revoked_by = $1', ['test']);
  [monotonicMs, reads, isAway] = [0, 0, false];
});

function keysOf(): ClaimKeys {
  const db: Queryable = {
    query: (text, values) => {
      reads += 1;
      return isAway ? Promise.reject(new Error('away')) : database.db.query(text, values);
    },
  };
  return new ClaimKeys({ db, sealer, now: () => NOON, monotonicMs: () => monotonicMs });
}

async function issue(id: string, expiresAt: number | null = null): Promise<string> {
  await database.db.query(
    `INSERT INTO claim_secret (id, principal_id, sealed_secret, created_at, created_by, expires_at)
     VALUES ($1, 'looker', $2, now(), 'test', $3)`,
    [id, sealer.seal(`secret of ${id}`, id), expiresAt === null ? null : new Date(expiresAt)],
  );
  return id;
}

const textOf = async (keys: ClaimKeys, id: string): Promise<string | undefined> =>
  (await keys.find(LOOKER, id))?.key.export().toString('utf8');

test('a secret is opened once and kept, a revoked one ends within five seconds', async () => {
  const keys = keysOf();
  await issue('a1');
  expect(await textOf(keys, 'a1')).toBe('secret of a1');
  monotonicMs = 3999;
  expect(await textOf(keys, 'a1')).toBe('secret of a1');
  expect(reads).toBe(1);
  await database.db.query(
    `UPDATE claim_secret SET revoked_at = now(), revoked_by = 'x' WHERE id = 'a1'`,
  );
  monotonicMs = 4000;
  expect(await textOf(keys, 'a1')).toBeUndefined();
});

test('a secret issued just now is found, and unknown ones are asked for once a second', async () => {
  const keys = keysOf();
  expect(await textOf(keys, 'b1')).toBeUndefined();
  await issue('b1');
  for (let asked = 0; asked < 50; asked += 1) expect(await textOf(keys, 'b2')).toBeUndefined();
  expect(reads).toBe(1);
  monotonicMs = 1000;
  expect(await textOf(keys, 'b1')).toBe('secret of b1');
});

test('statements that come at once wait for one read', async () => {
  const keys = keysOf();
  await issue('c1');
  await Promise.all(Array.from({ length: 20 }, () => textOf(keys, 'c1')));
  expect(reads).toBe(1);
});

test('expired secrets, and those sealed with a key that is gone, verify nothing', async () => {
  await issue('d1', NOON);
  await issue('d2', NOON + 1);
  await database.db.query(
    `INSERT INTO claim_secret (id, principal_id, sealed_secret, created_at, created_by)
     VALUES ('d3', 'looker', $1, now(), 'test')`,
    [sealer.seal('secret', 'another id')],
  );
  const keys = keysOf();
  expect(await textOf(keys, 'd1')).toBeUndefined();
  expect(await textOf(keys, 'd2')).toBe('secret of d2');
  expect(await textOf(keys, 'd3')).toBeUndefined();
});

test('while Postgres is away what was read goes on to count, and what was not is a fault', async () => {
  const keys = keysOf();
  await issue('e1');
  expect(await textOf(keys, 'e1')).toBe('secret of e1');
  [monotonicMs, isAway] = [60_000, true];
  expect(await textOf(keys, 'e1')).toBe('secret of e1');
  await expect(keysOf().find(LOOKER, 'e1')).rejects.toMatchObject({ code: 'ledgerUnavailable' });
});

test('public keys of the document are used without asking, and a text that holds none verifies nothing', async () => {
  const keys = keysOf();
  const principal: PrincipalDocument = {
    ...LOOKER,
    claimKeys: [
      { id: 'ed', algorithm: 'EdDSA', publicKey: keyPair('EdDSA').pem },
      {
        id: 'bad',
        algorithm: 'ES256',
        publicKey: `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(80)}\n-----END PUBLIC KEY-----`,
      },
    ],
  };
  expect((await keys.find(principal, 'ed'))?.algorithm).toBe('EdDSA');
  expect(reads).toBe(0);
  expect(await keys.find(principal, 'bad')).toBeUndefined();
});

test('notices are summed per principal and problem, over writes and replicas', async () => {
  let now = NOON;
  const first = new ClaimNotices(database.db, silentLog, () => now);
  const second = new ClaimNotices(database.db, silentLog, () => now);
  const add = (notices: ClaimNotices, problem: 'expired' | 'signature'): string => {
    const ticketId = buildTicketId(now);
    notices.add({ principalId: 'looker', problem, ticketId });
    return ticketId;
  };
  add(first, 'expired');
  add(first, 'expired');
  add(first, 'signature');
  await first.flush();
  now += 1000;
  const last = add(second, 'expired');
  await Promise.all([first.stop(), second.stop()]);
  const { rows } = await database.db.query(
    'SELECT problem, statements, first_at, last_at, last_ticket_id FROM claim_notice ORDER BY problem',
  );
  expect(rows).toMatchObject([
    {
      problem: 'expired',
      statements: '3',
      first_at: new Date(NOON),
      last_at: new Date(NOON + 1000),
      last_ticket_id: last,
    },
    { problem: 'signature', statements: '1' },
  ]);
});
