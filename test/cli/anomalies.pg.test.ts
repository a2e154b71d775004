/** `tollgate anomalies` against the API itself, over a database in which two teams spent unusually. */
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.js';
import { layOutAnomalies } from '../../cli/verbs/anomalies.js';
import { createAdminWorld, TOKEN, type AdminWorld } from '../admin/world.js';
import { recordedTerminal } from './recorded-terminal.js';

let world: AdminWorld;

beforeAll(async () => {
  world = await createAdminWorld();
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  await world.database.db.query(
    `INSERT INTO spend_anomaly (team_id, grain, starts_at, spent_credits, usual_credits, limit_credits, shapes, owner, found_at)
     VALUES ('sales', 'day', '2026-07-14', 30, 4, 12, '[]', NULL, '2026-07-15'),
       ('ml', 'hour', '2026-07-15T09:00:00Z', 8.25, 0.5, 1.5, $1, 'ml-leads', '2026-07-15T10:15:00Z')`,
    [
      JSON.stringify([
        {
          fingerprint: 'abcdef0123456789',
          workload: 'dbt/nightly',
          statements: 3,
          credits: '8',
          percent: '97',
        },
      ]),
    ],
  );
});

afterAll(() => world?.close());

beforeEach(() => {
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  const { port } = world.app.server.address() as AddressInfo;
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String(port));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', TOKEN);
});

afterEach(() => vi.unstubAllEnvs());

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = recordedTerminal(200);
  const code = await main(['anomalies', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

test('they are listed, the newest first, with who answers for them and where most of it went', async () => {
  const { code, out } = await run();
  expect(code).toBe(0);
  const [, , hour = '', day = ''] = out.split('\n');
  for (const part of [
    '2026-07-15 09:00',
    'ml',
    '8.250',
    '0.500',
    '97 % dbt/nightly',
    'ml-leads',
    'open',
  ])
    expect(hour).toContain(part);
  for (const part of ['2026-07-14 ', 'sales', '30.000', '4.000', 'open'])
    expect(day).toContain(part);
  const { anomalies } = JSON.parse((await run('--json')).out) as { anomalies: object[] };
  expect(anomalies).toMatchObject([
    { team: 'ml', id: '2' },
    { team: 'sales', id: '1' },
  ]);
});

test('one that somebody says a word about is looked at, and open no more; the first word stays', async () => {
  const said = await run('--acknowledge', '2', '--reason', 'the backfill of the year');
  expect(said).toMatchObject({ code: 0, err: '' });
  expect(said.out).toMatch(/^Anomaly 2 of ml is acknowledged by .+: the backfill of the year\n?$/);
  expect((await run('--acknowledge', '2', '--reason', 'something else')).out).toContain('backfill');
  expect((await run('--open')).out).not.toContain('ml-leads');
  expect((await run()).out).toContain(': the backfill of the year');
});

test('what is wrong is said, and nothing is acknowledged without a word', async () => {
  for (const args of [
    ['--acknowledge', '1'],
    ['--reason', 'a word'],
  ])
    expect(await run(...args)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--acknowledge and --reason go together') as string,
    });
  const unknown = await run('--acknowledge', '../7', '--reason', 'a word');
  expect(unknown).toMatchObject({ code: 1 });
  expect(unknown.err).toContain('There is no such anomaly');
  expect((await run('--open')).out).toContain('sales');
});

test('an empty list, one of a shape without a workload and another answer', () => {
  expect(layOutAnomalies([], 80)).toBe('Nothing unusual was spent.');
  expect(() => layOutAnomalies([{ bill: 'sales' }], 80)).toThrow('not about anomalies');
  const one = {
    id: '7',
    team: 'ml',
    grain: 'day',
    startsAt: '2026-07-14T00:00:00Z',
    spentCredits: '1',
    usualCredits: '0.1',
    shapes: [{ fingerprint: 'abcdef0123456789', workload: null, percent: '60' }],
    owner: null,
    acknowledgedBy: null,
    note: null,
  };
  expect(layOutAnomalies([one], 120)).toContain('60 % abcdef01');
});

test('a list that goes on says so beside it, and in JSON where it goes on', async () => {
  const { out, err } = await run('--limit', '1');
  expect(err).toBe('These are the first 1; --limit <count> or all prints more.');
  expect(out).toContain('ml');
  expect(out).not.toContain('sales');
  const json = await run('--limit', '1', '--json');
  expect(JSON.parse(json.out)).toMatchObject({
    anomalies: [{ team: 'ml' }],
    nextCursor: expect.any(String) as unknown,
  });
  expect((await run('--limit', 'all')).err).toBe('');
  expect(await run('--limit', 'many')).toMatchObject({ code: 2 });
});
