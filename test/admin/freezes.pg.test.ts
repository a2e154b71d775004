import { afterAll, beforeAll, expect, test } from 'vitest';
import { freezesInForce } from '../../billing/freezes.js';
import { type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());

const PATH = '/api/v1/freezes';

function post(body: object, path: string = PATH): ReturnType<AdminWorld['call']> {
  return world.call('POST', path, body);
}

test('a freeze is listed, audited and thawed; one that has ended makes room for the next', async () => {
  const made = await post({ scope: 'team', target: 'sales', until: '4h', reason: 'a loop' });
  expect(made).toMatchObject({
    status: 201,
    json: {
      freeze: {
        scope: 'team',
        target: 'sales',
        frozenBy: 'admin-token',
        until: '2026-07-15T16:00:00.000Z',
      },
    },
  });
  const { freeze } = made.json as { freeze: { id: string } };
  expect((await world.call('GET', PATH)).json).toEqual({ freezes: [freeze], nextCursor: null });
  const again = await post({ scope: 'team', target: 'sales', reason: 'again' });
  expect(again).toMatchObject({ status: 409 });
  expect(again.text).toContain('thaw the freeze that lasts first');

  world.clock.advance(4 * 3_600_000);
  expect(await freezesInForce(world.database.db, world.clock.now())).toEqual([]);
  const next = await post({ scope: 'team', target: 'sales', reason: 'again' });
  expect(next.status).toBe(201);
  const { id } = (next.json as { freeze: { id: string } }).freeze;
  const thaw = (): ReturnType<AdminWorld['call']> => post({ reason: 'over' }, `${PATH}/${id}/thaw`);
  expect((await thaw()).status).toBe(200);
  expect((await thaw()).status).toBe(404);
  const { rows } = await world.database.db.query(
    `SELECT action, subject, reason FROM audit_event WHERE action LIKE 'freeze.%' ORDER BY sequence`,
  );
  expect(rows).toEqual([
    { action: 'freeze.begin', subject: 'freeze/team/sales', reason: 'a loop' },
    { action: 'freeze.begin', subject: 'freeze/team/sales', reason: 'again' },
    { action: 'freeze.end', subject: 'freeze/team/sales', reason: 'over' },
  ]);
});

test.each([
  [{ scope: 'team', target: 'nobody', reason: 'x' }, 404, 'There is no team'],
  [{ scope: 'warehouse', reason: 'x' }, 400, 'must name the warehouse'],
  [{ scope: 'everything', target: 'sales', reason: 'x' }, 400, 'means nothing if scope is'],
  [{ scope: 'everything', until: 'yesterday', reason: 'x' }, 400, 'must be a time'],
  [{ scope: 'everything', until: '2020-01-01', reason: 'x' }, 400, 'must be in the future'],
  [{ scope: 'everything', reason: '' }, 400, 'must say why'],
  [{ scope: 'galaxy', reason: 'x' }, 400, 'scope'],
])('%j is refused with the field and the way out', async (body, status, text) => {
  const reply = await post(body);
  expect(reply.status).toBe(status);
  expect(reply.text).toContain(text);
});

test('a warehouse is named in any letter case, everything without a target', async () => {
  const warehouse = await post({ scope: 'warehouse', target: 'batch_wh', reason: 'x' });
  expect(warehouse.json).toMatchObject({ freeze: { target: 'BATCH_WH', until: null } });
  const everything = await post({ scope: 'everything', reason: 'x' });
  expect(everything.json).toMatchObject({ freeze: { target: null } });
});
