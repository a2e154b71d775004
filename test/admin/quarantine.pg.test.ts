import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseCredits } from '../../base/units.js';
import { quarantine } from '../../billing/quarantine.js';
import { NOON, buildSettlement, buildTicket, credits } from '../support/builders.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(async () => {
  await expectNoOpenHolds(world.database.db);
  await expectInvariants(world.database.db);
  await world.close();
});

test('a settlement that cannot be true charges nobody, keeps its hold, and is settled by an administrator', async () => {
  const { db } = world.database;
  const ticket = buildTicket({ teamId: 'sales' });
  const { ticketId } = ticket;
  await world.ledger.reserve({
    ticket,
    budgetIds: ['sales-monthly'],
    holdCredits: credits('1'),
  });
  await world.ledger.markSent(ticketId, NOON);
  const absurd = buildSettlement(ticketId, { usedCredits: parseCredits('1000000000') });
  for (let times = 0; times < 2; times += 1) await quarantine(db, absurd, 'too much', NOON);
  expect(await world.ledger.standing(['sales-monthly'], NOON)).toMatchObject([
    { spentCredits: 0n, heldCredits: credits('1') },
  ]);
  expect((await world.ledger.ticket(ticketId))?.state).toBe('IN_DOUBT');
  // In doubt it may run on: it is listed with what runs, and can be ended.
  expect((await world.call('GET', '/api/v1/running')).json).toMatchObject({
    running: [{ ticketId, state: 'IN_DOUBT' }],
  });
  const end = { reason: 'nobody waits for it' };
  expect(await world.call('POST', `/api/v1/tickets/${ticketId}/kill`, end)).toMatchObject({
    status: 200,
    json: { ticketId, team: 'sales', isReplayed: false, isInDoubt: true },
  });
  expect((await world.call('GET', '/api/v1/quarantine')).json).toMatchObject({
    quarantined: [
      {
        ticketId,
        team: 'sales',
        reason: 'too much',
        usedCredits: '1000000000.000000000000',
        holdCredits: '1.000000000000',
      },
    ],
  });
  const path = `/api/v1/quarantine/${ticketId}/settle`;
  expect((await world.call('POST', path, { credits: '-1', reason: 'x' })).status).toBe(400);
  const settled = await world.call('POST', path, { credits: '0.25', reason: 'by the history' });
  expect(settled).toMatchObject({ status: 200, json: { chargedCredits: '0.250000000000' } });
  expect((await world.call('POST', path, { credits: '0.25', reason: 'again' })).status).toBe(404);
  expect(await world.ledger.standing(['sales-monthly'], NOON)).toMatchObject([
    { spentCredits: credits('0.25'), heldCredits: 0n },
  ]);
  const { rows } = await db.query(
    `SELECT subject, reason FROM audit_event WHERE action = 'quarantine.settle'`,
  );
  expect(rows).toEqual([{ subject: `ticket/${ticketId}`, reason: 'by the history' }]);
});
