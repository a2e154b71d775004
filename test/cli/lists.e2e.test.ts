/** What verbs make of lists of the API: pages read to the last, empty ones told in words, refusals with the next verb. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { adminClient } from '../../cli/admin-client.js';
import { configuration } from '../../cli/configuration.js';
import { main } from '../../cli/main.js';
import { inVerbs, refusalLines, VERBS_BY_LIST } from '../../cli/next-steps.js';
import { recordedTerminal } from './recorded-terminal.js';

let server: Server;
let asked: string[];
let answerTo: (url: string) => { readonly status: number; readonly body: unknown };

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    asked.push(url);
    const { status, body } = answerTo(url);
    response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

beforeEach(() => {
  asked = [];
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String((server.address() as AddressInfo).port));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', 'secret-token');
});
afterEach(() => vi.unstubAllEnvs());

async function run(words: readonly string[]): Promise<string> {
  const terminal = recordedTerminal();
  await main(words, terminal);
  return terminal.out() + terminal.err();
}

/** Every list that a verb reads, with nothing in it; disputes have a route and an answer of their own. */
const NOTHING = Object.fromEntries(
  'adjustments anomalies budgets events exchangeRates held prices rates freezes notifications passes raises requests running shapes signIns tiers tokens views'
    .split(' ')
    .map((list) => [list, []]),
);

test.each([
  ['anomalies', 'Nothing unusual was spent.'],
  ['audit list', 'Nothing was changed yet.'],
  ['budgets', 'tollgate: There are no budgets.'],
  ['close adjustments', 'There are no adjustments.'],
  ['close disputes', 'There are no disputes.'],
  ['close rates', 'No exchange rate is entered; `tollgate close rate` enters one.'],
  ['grant list', 'No request is waiting.'],
  ['grant paces', 'No shape is above a run rate.'],
  ['import --prices', 'No price of a credit is known'],
  ['kill --frozen', 'Nothing is frozen.'],
  ['notifications', 'Nothing was told.'],
  ['sign-ins list', 'Nobody is signed in to the console with this token.'],
  ['token list', 'No token is issued; `tollgate token issue` makes one.'],
])('%s, of nothing: %s', async (words, says) => {
  answerTo = (url) => {
    const disputes = url.includes('/disputes') ? { disputes: [] } : {};
    return {
      status: 200,
      body: { ...NOTHING, ...disputes, at: '2026-11-27T00:00:00Z', nextCursor: null },
    };
  };
  expect(await run(words.split(' '))).toContain(says);
  expect(asked.length).toBeGreaterThan(0);
});

/** A list of seven rows, given in pages of at most three whatever is asked for. */
function sevenRows(url: string): { readonly status: number; readonly body: unknown } {
  const query = new URL(url, 'http://localhost').searchParams;
  const from = Number(query.get('cursor')?.replace('a&b=', '') ?? 0);
  const to = Math.min(7, from + Math.min(3, Number(query.get('limit'))));
  const rows = Array.from({ length: to - from }, (_, index) => from + index);
  return { status: 200, body: { rows, nextCursor: to === 7 ? null : `a&b=${to}` } };
}

test.each([
  [undefined, [0, 1, 2, 3, 4, 5, 6], null],
  [7, [0, 1, 2, 3, 4, 5, 6], null],
  [5, [0, 1, 2, 3, 4], 'a&b=5'],
  [3, [0, 1, 2], 'a&b=3'],
])('of a list, %s rows are read page after page', async (rowsMax, rows, nextCursor) => {
  const { config, secrets } = configuration();
  answerTo = sevenRows;
  const client = adminClient(config, secrets);
  const list = await client.list('/api/v1/things?of=sales', 'rows', z.number(), rowsMax);
  expect(list).toEqual({ rows, nextCursor });
  expect(asked[0]).toBe(`/api/v1/things?of=sales&limit=${rowsMax ?? 500}`);
  const left = rowsMax === undefined ? 500 : rowsMax - 3;
  const second = `/api/v1/things?of=sales&limit=${left}&cursor=a%26b%3D3`;
  expect(asked.slice(1, 2)).toEqual(left === 0 ? [] : [second]);
});

test('a list without an end is an error, and not half of a list', async () => {
  const { config, secrets } = configuration();
  answerTo = () => ({ status: 200, body: { rows: [], nextCursor: 'again' } });
  await expect(
    adminClient(config, secrets).list('/api/v1/things', 'rows', z.number()),
  ).rejects.toThrow('The list at /api/v1/things does not end.');
});

test('a refusal that names a list of the API names the verb that prints it', async () => {
  const wayOut = 'GET /api/v1/budgets lists them';
  answerTo = () => ({
    status: 404,
    body: { detail: 'No such budget.', errors: [{ field: 'budget', rule: 'must exist', wayOut }] },
  });
  expect(await run(['grant', 'raise', 'nobody', '1'])).toBe(
    'tollgate: No such budget.\n  budget must exist; `tollgate budgets` lists them.',
  );
});

const NO_FORM = 'The request does not have the form that the API document describes.';

test.each<readonly [string, string, readonly string[], readonly string[]]>([
  [
    'a detail that its field repeats is said once',
    'until must be a time.',
    ['until', 'must be a time', 'write a day such as 2026-12-01'],
    ['until must be a time; write a day such as 2026-12-01.'],
  ],
  [
    'one that says something else stands above it',
    'There is no raise "9" that lasts.',
    ['id', 'must exist', 'GET /api/v1/raises lists them'],
    ['There is no raise "9" that lasts.', '  id must exist; `tollgate grant list` lists them.'],
  ],
  [
    'the form of a request is none of who typed an option, nor are the marks of JSON',
    NO_FORM,
    [
      'querystring.by',
      'Invalid option: expected one of "team"|"day"',
      'correct it as /api/v1/openapi.json says',
    ],
    ['by must be one of team, day; `tollgate help <verb>` says what there is.'],
  ],
  [
    'a number that is none',
    NO_FORM,
    [
      'querystring.rows',
      'Invalid input: expected number, received NaN',
      'correct it as /api/v1/openapi.json says',
    ],
    ['rows must be a number; `tollgate help <verb>` says what there is.'],
  ],
  [
    'decimals are typed without quotes, and one of a list by its name',
    'rates.0.rate must be a decimal in quotes.',
    ['rates.0.rate', 'must be a decimal in quotes', 'write it as "0.9213"'],
    ['rate must be a decimal; write it as 0.9213.'],
  ],
  [
    'warehouses are listed by what they cost',
    'No such hour of a warehouse was metered.',
    ['hour', 'must exist', 'GET /api/v1/costs?by=warehouse lists the warehouses'],
    [
      'No such hour of a warehouse was metered.',
      '  hour must exist; `tollgate cost --by warehouse` lists the warehouses.',
    ],
  ],
  [
    'a month that goes on is looked at by its verb',
    '2026-12 goes on.',
    ['month', 'must be over', 'GET /api/v1/closes/{month} tells what it comes to so far'],
    [
      '2026-12 goes on.',
      '  month must be over; `tollgate close <month> --dry-run` tells what it comes to so far.',
    ],
  ],
])('%s', (_what, detail, [field = '', rule = '', wayOut = ''], says) => {
  expect(refusalLines(detail, [{ field, rule, wayOut }])).toEqual(says);
});

test.each([
  [['plan', '/no/such.yaml'], '/no/such.yaml'],
  [['audit', 'verify', '/no/such.jsonl'], '/no/such.jsonl'],
  [['explain', '--as', 'marketing_analyst', '--file', '/no/such.sql'], '/no/such.sql'],
])('%s says that there is no such file, in no words of the system', async (words, file) => {
  expect(await run(words)).toContain(`${file} cannot be read: there is no such file.`);
});

test.each([
  'GET /api/v1/tickets?state=VOID lists them',
  'GET /api/v1/budgets?node=sales lists them',
  'GET /api/v1/budgets/{team} has it',
  'GET /api/v1/toString lists them',
])('%s stays, because no verb does that', (wayOut) => {
  expect(inVerbs(wayOut)).toBe(wayOut);
});

test.each(Object.values(VERBS_BY_LIST))('%s is a verb that there is', async (command) => {
  const [, ...words] = command.split(' ');
  const options = words.filter((word) => word.startsWith('--'));
  const page = await run([...words.filter((word) => !word.startsWith('--')), '--help']);
  expect(page).toContain(
    `SYNOPSIS\n    tollgate ${words.filter((word) => !word.startsWith('--')).join(' ')}`,
  );
  for (const option of options) expect(page).toContain(option);
});
