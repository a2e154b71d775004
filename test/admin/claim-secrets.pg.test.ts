import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { applyControl } from '../../admin/stores/control-store.js';
import { createSealer } from '../../base/sealing.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { createAdminWorld, SEAL_KEYS, type AdminWorld } from './world.js';

const BASE = '/api/v1/principals/looker/claim-secrets';
let world: AdminWorld;

beforeAll(async () => {
  world = await createAdminWorld();
  const document = demoControlDocument();
  const looker = {
    id: 'looker',
    team: 'platform',
    kind: 'service',
    shared: true,
    owner: 'platform-leads',
    status: 'active',
  } as const;
  const outcome = await applyControl(world.database.db, {
    document: { ...document, principals: [...document.principals, looker] },
    actor: { id: 'test', role: 'platform' },
    reason: 'a BI tool',
    at: world.clock.now(),
  });
  expect(outcome.kind).toBe('applied');
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.db.query(
    `UPDATE claim_secret SET revoked_at = now(), revoked_by = 'test' WHERE revoked_at IS NULL`,
  );
});

const issue = (body: object = { reason: 'first key' }) => world.call('POST', BASE, body);

test('a secret is told once, opens from its seal, and is listed without its text', async () => {
  const issued = await issue();
  expect(issued.status).toBe(201);
  expect(issued.json).toMatchObject({ principal: 'looker', algorithm: 'HS256', revokedAt: null });
  const { id, secret } = issued.json as { id: string; secret: string };
  expect(secret).toMatch(/^tgcs_[\w-]{43}$/);
  const listed = await world.call('GET', BASE);
  expect(listed.text).toContain(id);
  expect(listed.text).not.toContain(secret);
  const { rows } = await world.database.db.query<{ sealed_secret: string }>(
    'SELECT sealed_secret FROM claim_secret WHERE id = $1',
    [id],
  );
  const sealed = rows[0]?.sealed_secret ?? '';
  expect(sealed).toMatch(/^tgc1\./);
  const sealer = createSealer('tgc1', SEAL_KEYS, (size) => Buffer.alloc(size));
  expect(sealer.open(sealed, id)).toBe(secret);
  expect(sealer.open(sealed, 'another-id')).toBeUndefined();
});

test('issuing and revoking are in the audit log with actor and reason, and without the secret', async () => {
  const { id, secret } = (await issue({ reason: 'rotation of March' })).json as {
    id: string;
    secret: string;
  };
  const revoked = await world.call('POST', `${BASE}/${id}/revoke`, { reason: 'leaked' });
  expect(revoked.json).toMatchObject({ id, revokedBy: 'admin-token' });
  const again = await world.call('POST', `${BASE}/${id}/revoke`, { reason: 'leaked' });
  expect(again.json).toEqual(revoked.json);
  const { rows } = await world.database.db.query<{ action: string; reason: string; line: string }>(
    `SELECT action, reason, audit_event::text AS line FROM audit_event
     WHERE subject = 'principal/looker' ORDER BY sequence DESC LIMIT 2`,
  );
  expect(rows.map(({ action, reason }) => [action, reason])).toEqual([
    ['claim-secret.revoke', 'leaked'],
    ['claim-secret.issue', 'rotation of March'],
  ]);
  for (const { line } of rows) expect(line).not.toContain(secret);
});

test('only shared principals get secrets, and only so many that count', async () => {
  const person = await world.call('POST', '/api/v1/principals/sales_analyst/claim-secrets', {
    reason: 'no',
  });
  expect(person).toMatchObject({ status: 400 });
  expect(person.json['errors']).toEqual([
    {
      field: 'id',
      rule: 'must be a shared principal',
      wayOut:
        'set shared: true for sales_analyst in the control document, or let it pay for itself',
    },
  ]);
  expect(
    (await world.call('POST', '/api/v1/principals/nobody/claim-secrets', { reason: 'x' })).status,
  ).toBe(404);
  const statuses = await Promise.all(Array.from({ length: 7 }, () => issue()));
  expect(statuses.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
    201, 201, 201, 201, 201, 409, 409,
  ]);
});

test('what is not a later instant, has no reason or is not a field is refused by name', async () => {
  const fieldOf = async (body: object) =>
    ((await issue(body)).json['errors'] as { field: string }[])[0]?.field;
  expect(await fieldOf({ reason: 'x', expiresAt: '2020-01-01' })).toBe('expiresAt');
  expect(await fieldOf({ reason: 'x', expiresAt: 'soon' })).toBe('expiresAt');
  expect(await fieldOf({})).toBe('reason');
  expect(await fieldOf({ reason: 'x', secret: 'mine' })).toBe('secret');
  expect((await world.call('POST', `${BASE}/cs-none/revoke`, { reason: 'x' })).status).toBe(404);
});

test('claims that were not believed are listed, newest first', async () => {
  await world.database.db.query(
    `INSERT INTO claim_notice (principal_id, problem, statements, first_at, last_at, last_ticket_id) VALUES
     ('looker', 'expired', 3, '2026-03-01', '2026-03-02', '0197a000-0000-7000-8000-000000000001'),
     ('looker', 'signature', 1, '2026-03-03', '2026-03-03', '0197a000-0000-7000-8000-000000000002')`,
  );
  const { json } = await world.call('GET', '/api/v1/claim-notices');
  expect(json['notices']).toMatchObject([
    { principal: 'looker', problem: 'signature', statements: 1 },
    { principal: 'looker', problem: 'expired', statements: 3, lastAt: '2026-03-02T00:00:00.000Z' },
  ]);
});
