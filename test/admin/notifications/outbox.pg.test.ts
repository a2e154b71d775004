import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Audience, readAudience } from '../../../admin/notifications/audience.js';
import { deliverDue, type Senders } from '../../../admin/notifications/deliver.js';
import { collect, endDelivery, takeDue } from '../../../admin/notifications/outbox.js';
import { postJson } from '../../../admin/notifications/post.js';
import { SOURCES } from '../../../admin/notifications/sources.js';
import { freeze } from '../../../billing/freezes.js';
import { writeNotices } from '../../../billing/watch-budgets.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import { buildTicket, buildSettlement, credits, NOON } from '../../support/builders.js';
import { type AdminWorld, createAdminWorld } from '../world.js';

const DAY_MS = 86_400_000;
let world: AdminWorld;

beforeAll(async () => {
  const demo = demoControlDocument();
  world = await createAdminWorld({
    first: {
      ...demo,
      channels: [
        { id: 'sales-hook', kind: 'webhook', target: 'SALES_HOOK' },
        { id: 'finops', kind: 'slack', target: 'FINOPS_SLACK' },
      ],
      teams: demo.teams.map((team) =>
        team.id === 'sales' ? { ...team, channels: ['sales-hook'] } : team,
      ),
    },
  });
  world.clock.set(NOON + 3_600_000);
});
afterAll(() => world.close());

/** What a receiver was sent; it answers with `status`. */
interface Receiver {
  readonly url: string;
  status: number;
  readonly taken: { readonly text: string; readonly headers: IncomingHttpHeaders }[];
}
let receiver: Receiver;
let server: Server;

beforeEach(async () => {
  const taken: { text: string; headers: IncomingHttpHeaders }[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      taken.push({ text, headers: request.headers });
      response.writeHead(receiver.status, { location: 'http://127.0.0.1:1/' }).end('no');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  receiver = { url, status: 200, taken };
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

function senders(more: Readonly<Record<string, string>> = {}): Senders {
  const environment: Readonly<Record<string, string>> = {
    SALES_HOOK: receiver.url,
    SALES_HOOK_SECRET: 'a secret',
    FINOPS_SLACK: receiver.url,
    ...more,
  };
  return {
    post: postJson,
    mailer: null,
    secretOf: (name) => environment[name],
    consoleUrl: 'https://tollgate.example.com/',
    nowSeconds: () => 1_700_000_000,
    random: () => 0,
  };
}

async function audience(): Promise<Audience> {
  const found = await readAudience(world.database.db, ['finops']);
  if (found === undefined) throw new Error('there is a document');
  return found;
}

const window = { since: NOON - DAY_MS, at: NOON + DAY_MS };

async function freezeSales(reason: string): Promise<void> {
  await world.database.db.transaction(async (tx) => {
    await tx.query('UPDATE admission_freeze SET thawed_at = now(), thawed_by = $1', ['test']);
    await freeze(tx, {
      scope: 'team',
      target: 'sales',
      frozenBy: 'finance',
      reason,
      frozenAt: NOON,
      until: null,
    });
  });
}

test('every source reads what the schema has', async () => {
  expect(await collect(world.database.db, await audience(), window)).toBe(0);
  expect(SOURCES.length).toBeGreaterThan(7);
});

test('a threshold that is passed is told once, by four workers at once, to its team and to administrators', async () => {
  const { db } = world.database;
  const ticket = buildTicket({ teamId: 'sales' });
  const hold = { ticket, budgetIds: ['sales-monthly'], holdCredits: credits('40') };
  await world.ledger.reserve(hold);
  await world.ledger.markSent(ticket.ticketId, NOON);
  await world.ledger.settle(buildSettlement(ticket.ticketId, { usedCredits: credits('40') }));
  await db.transaction((tx) => writeNotices(tx, NOON));
  const everybody = await audience();
  const found = await Promise.all(Array.from({ length: 4 }, () => collect(db, everybody, window)));
  // 50, 80 and 100 percent.
  expect(found.reduce((sum, count) => sum + count, 0)).toBe(3);
  const ends = await Promise.all(
    Array.from({ length: 4 }, () => deliverDue(db, everybody.channels, senders())),
  );
  expect(ends.reduce((sum, { sent }) => sum + sent, 0)).toBe(4);
  expect(receiver.taken).toHaveLength(4);
  const signed = receiver.taken.filter(
    ({ headers }) => headers['tollgate-signature'] !== undefined,
  );
  expect(signed).toHaveLength(3);
  expect(new Set(signed.map(({ headers }) => headers['idempotency-key'])).size).toBe(3);
  expect(receiver.taken.some(({ text }) => text.includes('sales-monthly has spent 100 %'))).toBe(
    true,
  );
  expect(await collect(db, everybody, window)).toBe(0);
  expect(await deliverDue(db, everybody.channels, senders())).toEqual({
    sent: 0,
    again: 0,
    dead: 0,
  });
});

test('what fails is tried again later, what is refused for good is dead, seen in the API, and told again on request', async () => {
  const { db } = world.database;
  await freezeSales('the month is over');
  const everybody = await audience();
  expect(await collect(db, everybody, window)).toBe(1);
  receiver.status = 503;
  expect(await deliverDue(db, everybody.channels, senders())).toEqual({
    sent: 0,
    again: 2,
    dead: 0,
  });
  // Not due before its pause.
  expect(await takeDue(db)).toEqual([]);
  await db.query("UPDATE notification_delivery SET next_at = now() WHERE state = 'pending'");
  receiver.status = 302;
  expect(await deliverDue(db, everybody.channels, senders())).toEqual({
    sent: 0,
    again: 2,
    dead: 0,
  });
  await db.query("UPDATE notification_delivery SET next_at = now() WHERE state = 'pending'");
  receiver.status = 410;
  expect(await deliverDue(db, everybody.channels, senders())).toEqual({
    sent: 0,
    again: 0,
    dead: 2,
  });
  const { json } = await world.call('GET', '/api/v1/notifications?state=dead');
  const [listed, ...others] = json['notifications'] as readonly Record<string, unknown>[];
  expect(others).toEqual([]);
  expect(listed).toMatchObject({
    kind: 'freeze',
    team: 'sales',
    deliveries: [
      { channel: 'finops', state: 'dead', attempts: 3, problem: 'the channel answered 410' },
      { channel: 'sales-hook', state: 'dead' },
    ],
  });
  expect(JSON.stringify(json)).not.toContain(receiver.url);
  const path = `/api/v1/notifications/${String(listed?.['id'])}/retry`;
  expect((await world.call('POST', path, { reason: 'mended' })).json).toMatchObject({
    retriedChannels: 2,
  });
  receiver.status = 200;
  expect(await deliverDue(db, everybody.channels, senders())).toEqual({
    sent: 2,
    again: 0,
    dead: 0,
  });
  expect((await world.call('POST', '/api/v1/notifications/0/retry', { reason: 'x' })).status).toBe(
    404,
  );
});

test('a worker that dies with a delivery leaves it to another, and its own late word changes nothing', async () => {
  const { db } = world.database;
  await freezeSales('again');
  const everybody = await audience();
  await collect(db, everybody, window);
  const dead = await takeDue(db);
  expect(dead).toHaveLength(2);
  expect(await takeDue(db)).toEqual([]);
  await db.query("UPDATE notification_delivery SET next_at = now() WHERE state = 'pending'");
  expect(await deliverDue(db, everybody.channels, senders())).toEqual({
    sent: 2,
    again: 0,
    dead: 0,
  });
  for (const due of dead) await endDelivery(db, due, { kind: 'dead', problem: 'late' });
  const { rows } = await db.query("SELECT 1 FROM notification_delivery WHERE problem = 'late'");
  expect(rows).toEqual([]);
});

test('an address or a signing secret that nobody has set is named, and nothing is sent unsigned', async () => {
  const { db } = world.database;
  await freezeSales('third');
  const everybody = await audience();
  await collect(db, everybody, window);
  const lacking = senders({ SALES_HOOK_SECRET: '', FINOPS_SLACK: '' });
  expect(await deliverDue(db, everybody.channels, lacking)).toEqual({ sent: 0, again: 2, dead: 0 });
  expect(receiver.taken).toEqual([]);
  const { rows } = await db.query<{ problem: string }>(
    "SELECT problem FROM notification_delivery WHERE state = 'pending' ORDER BY channel_id",
  );
  expect(rows.map(({ problem }) => problem)).toEqual([
    'FINOPS_SLACK is not set in the environment of the worker',
    'SALES_HOOK_SECRET is not set in the environment of the worker',
  ]);
});

test('a lead reads what the own team is told and nothing else', async () => {
  const lead = async (team: string): Promise<unknown> => {
    const secret = await world.issue({ role: 'team-lead', team, principal: `${team}_analyst` });
    const headers = { authorization: `Bearer ${secret}` };
    return (await world.call('GET', '/api/v1/notifications', undefined, headers)).json[
      'notifications'
    ];
  };
  expect(await lead('marketing')).toEqual([]);
  expect(await lead('sales')).not.toEqual([]);
});

test('an end that is told has its zone', async () => {
  const { db } = world.database;
  await db.transaction((tx) =>
    freeze(tx, {
      scope: 'team',
      target: 'product',
      frozenBy: 'finance',
      reason: 'the month ends',
      frozenAt: NOON,
      until: NOON + 3_600_000,
    }),
  );
  await collect(db, await audience(), window);
  const { rows } = await db.query<{ facts: unknown }>(
    "SELECT facts FROM notification WHERE kind = 'freeze' AND team_id = 'product'",
  );
  const until = new Date(NOON + 3_600_000).toISOString().slice(0, 16).replace('T', ' ');
  expect(rows[0]?.facts).toContainEqual(['Until', `${until} UTC`]);
});
