/** `tollgate kill` against an API that records what it is asked. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.js';
import { recordedTerminal } from './recorded-terminal.js';

const TICKET = '019a0000-0000-7000-8000-000000000001';
const FREEZE = {
  id: '7',
  scope: 'team',
  target: 'marketing',
  frozenBy: 'ops',
  reason: 'a loop',
  frozenAt: '2026-11-26T09:00:00.000Z',
  until: '2026-11-26T13:00:00.000Z',
};

let asked: { path: string; method: string; body: unknown }[] = [];
let answer: object = {};

beforeEach(() => {
  asked = [];
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', 'secret-token');
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    const { pathname, search } = new URL(url);
    const body: unknown = init.body === undefined ? undefined : JSON.parse(init.body);
    asked.push({ path: pathname + search, method: init.method, body });
    return Promise.resolve(new Response(JSON.stringify(answer)));
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = recordedTerminal();
  const code = await main(['kill', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

test('a ticket is ended with a reason, and the answer of the API is there for programs', async () => {
  answer = { ticketId: TICKET, team: 'sales', isReplayed: false, isInDoubt: false };
  expect(await run(TICKET, '--reason', 'it reads ten years')).toMatchObject({
    code: 0,
    out: `${TICKET} is ended by the replica that has it.`,
  });
  expect((await run(TICKET, '--json')).out).toBe(JSON.stringify(answer));
  expect(asked).toEqual([
    {
      path: `/api/v1/tickets/${TICKET}/kill`,
      method: 'POST',
      body: { reason: 'it reads ten years' },
    },
    {
      path: `/api/v1/tickets/${TICKET}/kill`,
      method: 'POST',
      body: { reason: 'ended on the command line' },
    },
  ]);
});

test('one in doubt is said to be cancelled when it is seen', async () => {
  answer = { ticketId: TICKET, team: 'sales', isReplayed: false, isInDoubt: true };
  const { code, out } = await run(TICKET);
  expect(code).toBe(0);
  expect(out).toBe(
    `${TICKET} is in doubt: no replica has it. It is cancelled as soon as Snowflake's query history shows that it runs.`,
  );
});

test('what is frozen, and until when, is told back', async () => {
  answer = { freeze: FREEZE };
  const { code, out } = await run(
    '--freeze',
    'team:marketing',
    '--until',
    '4h',
    '--reason',
    'a loop',
  );
  expect({ code, out }).toEqual({
    code: 0,
    out: 'Frozen: 7 team marketing until 2026-11-26T13:00:00.000Z, by ops: a loop. What runs goes on.',
  });
  expect(asked).toEqual([
    {
      path: '/api/v1/freezes',
      method: 'POST',
      body: { scope: 'team', target: 'marketing', until: '4h', reason: 'a loop' },
    },
  ]);
});

test('everything is frozen without a name, and listed', async () => {
  answer = { freeze: { ...FREEZE, scope: 'everything', target: null, until: null } };
  expect((await run('--freeze', 'everything')).out).toContain('everything until it is thawed');
  expect(asked[0]?.body).toEqual({ scope: 'everything', reason: 'frozen on the command line' });
  answer = { freezes: [], nextCursor: null };
  expect((await run('--frozen')).out).toBe('Nothing is frozen.');
});

test('a freeze is thawed by what is frozen, or by its number', async () => {
  answer = { freezes: [FREEZE], nextCursor: null, freeze: FREEZE };
  expect((await run('--thaw', 'team:marketing')).out).toBe('Thawed: team marketing.');
  await run('--thaw', '7');
  expect(asked.map(({ path }) => path)).toEqual([
    '/api/v1/freezes?limit=500',
    '/api/v1/freezes/7/thaw',
    '/api/v1/freezes/7/thaw',
  ]);
  const unknown = await run('--thaw', 'team:sales');
  expect(unknown).toMatchObject({ code: 1 });
  expect(unknown.err).toContain('team:sales is not frozen');
});

test.each([
  [[], 'Say one thing to end'],
  [[TICKET, '--freeze', 'everything'], 'Say one thing to end'],
  [['not-a-ticket'], 'is not a ticket id'],
  [['--freeze', 'galaxy:far'], 'cannot be frozen; say team:<id>'],
])('%j is a usage error', async (args, text) => {
  const { code, err } = await run(...args);
  expect(code).toBe(2);
  expect(err).toContain(text);
  expect(asked).toEqual([]);
});
