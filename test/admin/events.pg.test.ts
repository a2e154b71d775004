/** `GET /events` over a real listener: what a reader of each role learns, after a break, and when its token is revoked. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AddressInfo } from 'node:net';
import { buildTicket, credits } from '../support/builders.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

let world: AdminWorld;
let url: string;
let lead: string;
let passing: NodeJS.Timeout;

beforeAll(async () => {
  world = await createAdminWorld();
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(world.app.server.address() as AddressInfo).port}/api/v1/events`;
  lead = await world.issue({ role: 'team-lead', team: 'marketing' });
  // The world's time stands still by itself, and a look within a second of the last asks nothing.
  passing = setInterval(() => world.passReal(1_000), 200);
});
afterAll(async () => {
  clearInterval(passing);
  await world.close();
});

interface Event {
  readonly id: string;
  readonly topics: readonly string[];
}

/** Reads events until one has a topic, at most ten seconds. */
async function follow(
  token: string,
  lastEventId?: string,
): Promise<{
  until: (topic: string) => Promise<Event>;
  ended: () => Promise<void>;
  stop: () => void;
}> {
  const abort = new AbortController();
  const reply = await fetch(url, {
    signal: AbortSignal.any([abort.signal, AbortSignal.timeout(15_000)]),
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  expect(reply.status).toBe(200);
  expect(reply.headers.get('content-type')).toBe('text/event-stream');
  const events = eventsOf(reply);
  return {
    async until(topic) {
      for (;;) {
        const { value, done } = await events.next();
        if (done === true) throw new Error(`no ${topic} came`);
        if (value.topics.includes(topic)) return value;
      }
    },
    async ended() {
      while ((await events.next()).done !== true);
    },
    stop: () => abort.abort(),
  };
}

async function* eventsOf(reply: Response): AsyncGenerator<Event, undefined> {
  let text = '';
  for await (const chunk of reply.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      const id = /^id: (.*)$/m.exec(event)?.[1];
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (id !== undefined && data !== undefined)
        yield { id, ...(JSON.parse(data) as { topics: string[] }) };
    }
  }
  return undefined;
}

async function spend(teamId: string): Promise<void> {
  const ticket = buildTicket({ teamId, principalId: `${teamId}_analyst` });
  const outcome = await world.ledger.reserve({
    ticket,
    budgetIds: [`${teamId}-monthly`],
    holdCredits: credits('0.01'),
  });
  expect(outcome.kind).toBe('held');
}

test('a lead is told of the own team alone, the platform of all, and both where they left off', async () => {
  const [mine, all] = [await follow(lead), await follow(TOKEN)];
  await all.until('control');
  const first = await mine.until('budgets');
  expect(first.topics).toContain('running');
  await spend('sales');
  expect((await all.until('running')).topics).toContain('budgets');
  await spend('marketing');
  // Of sales nothing came in between: this is the next that does.
  const told = await mine.until('running');
  expect(told.topics).toEqual(['running', 'budgets']);
  expect(Number(told.id.split('-')[1])).toBeGreaterThan(Number(first.id.split('-')[1]) + 1);
  mine.stop();
  all.stop();
  const again = await follow(lead, told.id);
  await spend('marketing');
  expect(await again.until('running')).toMatchObject({ topics: ['running', 'budgets'] });
  again.stop();
});

test('without a stream one answer says what changed since', async () => {
  const ask = (query: string): Promise<Event> =>
    world
      .call('GET', `/api/v1/events${query}`, undefined, { authorization: `Bearer ${lead}` })
      .then(({ json }) => json as unknown as Event);
  const { id, topics } = await ask('');
  expect(topics).toContain('budgets');
  expect(await ask(`?since=${id}`)).toEqual({ id, topics: [] });
});

test('a revoked token ends its stream', async () => {
  const stream = await follow(lead);
  await stream.until('budgets');
  const id = lead.split('_')[1] ?? '';
  await world.call('POST', `/api/v1/tokens/${id}/revoke`, { reason: 'a test' });
  await stream.ended();
});
