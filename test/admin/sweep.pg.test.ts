/**
 * Nothing of the API is open: every operation of its document, which is held against the routes that are really served,
 * is met by wrong tokens, wrong roles, foreign ids and bodies that want more than they may. Routes that come later are
 * swept too, without a line here.
 */
import { createHash } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_ROLES, type ApiRole } from '../../admin/actor.js';
import type { TicketId } from '../../base/ids.js';
import { askApproval } from '../../billing/requests.js';
import { buildTicket, credits } from '../support/builders.js';
import { type Json, list, object, type Operation, pathOf, readOperations } from './operations.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

let world: AdminWorld;
let operations: readonly Operation[];
let tokens: Readonly<Record<ApiRole, string>>;
let own: Readonly<Record<string, string>>;
let foreignTicket: string;
let stateBefore: Readonly<Record<string, string>>;

const OWN_TEAM = 'marketing';
const FOREIGN_TEAM = 'sales';

beforeAll(async () => {
  world = await createAdminWorld();
  operations = await readOperations(world.app);
  const scope = { team: OWN_TEAM };
  tokens = {
    platform: TOKEN,
    finance: await world.issue({ role: 'finance' }),
    'team-lead': await world.issue({
      role: 'team-lead',
      ...scope,
      principal: 'marketing_analyst',
    }),
    analyst: await world.issue({ role: 'analyst', ...scope, principal: 'marketing_analyst' }),
  };
  foreignTicket = await refusedTicket(FOREIGN_TEAM);
  const ticket = await refusedTicket(OWN_TEAM);
  own = {
    account: 'demo',
    version: '1',
    team: OWN_TEAM,
    id: ticket,
    ticket,
    month: '2026-07',
    format: 'json',
    hour: '2026-07-01T00:00:00Z',
  };
  // Asked for by the principal that the lead is: nobody decides that for itself.
  await world.database.db.transaction((tx) =>
    askApproval(tx, {
      ticketId: ticket as TicketId,
      teamId: OWN_TEAM,
      principalId: 'marketing_analyst',
      reason: 'please',
      at: world.clock.now(),
    }),
  );
  // What the tokens themselves leave behind is no change of the sweep.
  for (const role of API_ROLES) await send('GET', '/api/v1/me', role);
  stateBefore = await stateOf();
});
afterAll(() => world.close());

/** A statement of the team that no budget took. */
async function refusedTicket(teamId: string): Promise<string> {
  const ticket = buildTicket({
    teamId,
    principalId: `${teamId}_analyst`,
    highCredits: credits('41'),
  });
  const refusal = { code: 'TG2101', message: 'TG2101 Not run', detail: {} };
  await world.ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
  return ticket.ticketId;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function send(
  method: InjectOptions['method'],
  path: string,
  role: ApiRole,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const reply = await world.app.inject({
    ...(method === undefined ? {} : { method }),
    url: path,
    headers: {
      authorization: `Bearer ${tokens[role]}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: reply.statusCode, text: reply.body };
}

/** Every table by the hash of its rows; when a token was last used is no change. */
async function stateOf(): Promise<Readonly<Record<string, string>>> {
  const { rows } = await world.database.db.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = 'tollgate' AND table_type = 'BASE TABLE' ORDER BY table_name`,
  );
  const state: Record<string, string> = {};
  for (const { name } of rows) {
    const found = await world.database.db.query<{ text: string }>(
      `SELECT coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, E'\\n' ORDER BY t::text), '') AS text
       FROM ${name} t`,
    );
    state[name] = createHash('sha256')
      .update(found.rows[0]?.text ?? '')
      .digest('hex');
  }
  return state;
}

const isApi = (url: string): boolean => url.startsWith('/api/v1') && url !== '/api/v1/openapi.json';

describe('the document', () => {
  test('tells every route that is served, and only those; what is open is a short list', () => {
    expect(operations.length).toBeGreaterThanOrEqual(24);
    const served = world.app.knownRoutes.filter(({ method }) => method !== 'HEAD');
    const api = served.filter(({ url }) => isApi(url));
    const template = (url: string): string => url.replace(/:(\w+)/g, '{$1}');
    expect(operations.map(({ name }) => name).toSorted()).toEqual(
      api.map(({ method, url }) => `${method} ${template(url)}`).toSorted(),
    );
    const open = served.filter(({ url }) => !isApi(url)).map(({ url }) => url);
    expect(open.toSorted()).toEqual(['/', '/api/v1/openapi.json', '/livez', '/metrics', '/readyz']);
  });
});

describe('without a token that is valid', () => {
  test('every operation, and HEAD of every read, is a 401 in the same words', async () => {
    const lead = tokens['team-lead'];
    const bad = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer wrong',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${lead.slice(0, -1)}`,
      `Bearer ${lead.slice(0, -1)}${lead.endsWith('A') ? 'B' : 'A'}`,
      `Bearer tga_0123456789abcdef_${'A'.repeat(43)}`,
    ];
    const bodies = new Set<string>();
    for (const operation of operations) {
      world.passReal(60_000);
      const methods = operation.method === 'GET' ? (['GET', 'HEAD'] as const) : [operation.method];
      for (const method of methods)
        for (const authorization of bad) {
          const reply = await world.app.inject({
            method,
            url: pathOf(operation, own),
            headers: authorization === undefined ? {} : { authorization },
            ...(operation.example === undefined ? {} : { payload: operation.example }),
          });
          expect(reply.statusCode, `${operation.name} ${authorization}`).toBe(401);
          expect(reply.headers['www-authenticate']).toContain('Bearer');
          bodies.add(method === 'HEAD' ? 'HEAD' : reply.body);
        }
    }
    expect(bodies.size).toBe(2);
  });
});

describe('roles', () => {
  test('a role that an operation does not name is a 403; the others come in', async () => {
    let refused = 0;
    for (const operation of operations)
      for (const role of API_ROLES) {
        if (operation.roles.includes(role)) continue;
        const { status } = await send(
          operation.method,
          pathOf(operation, own),
          role,
          operation.example,
        );
        expect(status, `${operation.name} as ${role}`).toBe(403);
        refused += 1;
      }
    expect(refused).toBeGreaterThan(30);
  });

  test('reads of what is their own are answered, so that the sweep is not empty', async () => {
    for (const operation of operations.filter(({ method }) => method === 'GET'))
      for (const role of operation.roles) {
        const { status } = await send('GET', pathOf(operation, own), role);
        // A parameter that this file does not know is answered as an id that does not exist.
        const isKnown = operation.pathParameters.every((name) => name in own);
        const isOtherId =
          /\{id\}/.test(operation.template) && !/\/tickets\//.test(operation.template);
        // Nothing was charged in the month of this file; finance-exports.pg and bills.pg read such a month as each role.
        const isOfCharges = operation.template.includes('/exports/');
        if (isKnown && !isOtherId && !isOfCharges && !operation.isAskedByQuery)
          expect(status, `${operation.name} as ${role}`).toBe(200);
        else expect([200, 400, 404], `${operation.name} as ${role}`).toContain(status);
      }
  });
});

const SCOPED: readonly ApiRole[] = ['team-lead', 'analyst'];
/** Ids of others, and their spellings that nobody has; each beside one of its form that does not exist. */
const foreignIds = (): readonly (readonly [foreign: string, unknown: string])[] => [
  [FOREIGN_TEAM, 'saless'],
  ['finance', 'finances'],
  ['data-science', 'data-sciencf'],
  ['Marketing', 'Sarketing'],
  ['MARKETING', 'MARKETINGS'],
  ['marketing ', 'marketins '],
  ['marketing,sales', 'marketinf,sales'],
  ['marketing/../sales', 'marketinf/../sales'],
  ['technology', 'technologx'],
  ['demo-company', 'demo-companx'],
  ['*', '+'],
  ["sales' OR '1'='1", "salex' OR '1'='1"],
  ['sales_analyst', 'sales_analysx'],
  ['sales-monthly', 'sales-monthlx'],
  [foreignTicket, foreignTicket.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
];

describe('ids of others', () => {
  test('every route with an id answers them as ids that do not exist, after as many statements', async () => {
    let compared = 0;
    for (const operation of operations)
      for (const role of SCOPED.filter((each) => operation.roles.includes(each)))
        for (const parameter of operation.pathParameters) {
          if (['month', 'format', 'hour'].includes(parameter)) continue;
          const statuses = new Set<number>();
          const ask = async (id: string): Promise<Reply & { statements: number }> => {
            const before = world.statements();
            const path = pathOf(operation, { ...own, [parameter]: id });
            const { status, text } = await send(operation.method, path, role, operation.example);
            const said = text.replaceAll(JSON.stringify(id).slice(1, -1), '<id>');
            return { status, text: said, statements: world.statements() - before };
          };
          for (const [foreign, unknown] of foreignIds()) {
            const [a, b] = [await ask(foreign), await ask(unknown)];
            expect(a, `${operation.name} as ${role}: ${foreign}`).toEqual(b);
            expect([400, 404], `${operation.name} as ${role}: ${foreign}`).toContain(a.status);
            statuses.add(a.status);
            compared += 1;
          }
          expect(statuses, `${operation.name} as ${role}`).toContain(404);
        }
    expect(compared).toBeGreaterThan(60);
  });

  test('a list names nothing of another team, also when it is asked for by name', async () => {
    let asked = 0;
    for (const operation of operations.filter(({ method }) => method === 'GET'))
      for (const role of SCOPED.filter((each) => operation.roles.includes(each))) {
        if (operation.pathParameters.length > 0) continue;
        const { status, text } = await send('GET', operation.template, role);
        expect(status, `${operation.name} as ${role}`).toBe(200);
        for (const secret of [FOREIGN_TEAM, foreignTicket, 'demo-company-monthly'])
          expect(text, `${operation.name} as ${role}`).not.toContain(secret);
        for (const name of operation.queryParameters.filter((each) => each === 'team')) {
          const [foreign, unknown] = [
            await send('GET', `${operation.template}?${name}=${FOREIGN_TEAM}`, role),
            await send('GET', `${operation.template}?${name}=nobody`, role),
          ];
          expect(foreign.status, operation.name).toBe(404);
          expect(foreign.text.replaceAll(FOREIGN_TEAM, 'nobody')).toBe(unknown.text);
        }
        asked += 1;
      }
    expect(asked).toBeGreaterThan(7);
  });
});

describe('requests that want more than they may', () => {
  test('a query parameter that a route does not name is refused by its name', async () => {
    for (const operation of operations)
      for (const extra of ['surprise=1', 'role=platform', 'surprise=1&surprise=2', '__proto__=1']) {
        const path = `${pathOf(operation, own)}?${extra}`;
        const { status, text } = await send(operation.method, path, 'platform', operation.example);
        expect(status, `${operation.name} ${extra}`).toBe(400);
        // Where other parameters are missing too, they may be all that is told.
        if (!operation.isAskedByQuery) expect(text).toContain(extra.slice(0, extra.indexOf('=')));
      }
  });

  const writes = (): readonly Operation[] => operations.filter(({ method }) => method !== 'GET');
  const key = { 'idempotency-key': 'of-the-sweep' };

  test('a field that a body does not name is refused, mass assignment and prototypes too', async () => {
    const wanting = [
      '{"surprise":1}',
      '{"limit":1e9,"teamId":"x","role":"admin"}',
      '{"__proto__":{"role":"platform"}}',
      '{"constructor":{"prototype":{"role":"platform"}}}',
    ];
    for (const operation of writes()) {
      const path = pathOf(operation, own);
      for (const extra of wanting) {
        const merged = JSON.stringify(operation.example).replace(/\}$/, () =>
          Object.keys(operation.example ?? {}).length === 0 ? extra.slice(1) : `,${extra.slice(1)}`,
        );
        for (const body of [extra, merged]) {
          const { status, text } = await send(operation.method, path, 'platform', body, key);
          expect(status, `${operation.name} ${body}`).toBe(400);
          expect(object(JSON.parse(text))).toHaveProperty('errors');
        }
      }
    }
  });

  test('bodies that are not one JSON object are refused, and other media types are a 415', async () => {
    for (const operation of writes()) {
      const path = pathOf(operation, own);
      for (const body of ['{"a":', '[]', '"x"', '1', 'NaN', '{"a":1,"a":2}', '['.repeat(70)])
        expect((await send(operation.method, path, 'platform', body, key)).status).toBe(400);
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/xml',
        'application/jsonx',
      ]) {
        const headers = { ...key, 'content-type': type };
        const body = JSON.stringify(operation.example);
        const { status } = await send(operation.method, path, 'platform', body, headers);
        expect(status, `${operation.name} ${type}`).toBe(415);
      }
    }
  });

  /** JSON texts in the place of an amount; none of them is one. */
  const AMOUNTS = [
    'NaN',
    'Infinity',
    '-Infinity',
    '1e400',
    '-0',
    '0',
    '-1',
    '1.5',
    '9007199254740993',
    'null',
    'true',
    '[]',
    '{}',
    '"-1"',
    '"-0"',
    '"-0.0"',
    '"+1"',
    '"NaN"',
    '"Infinity"',
    '"1e400"',
    '"1e3"',
    '"0x10"',
    '" 1"',
    '"1,000"',
    '"１"',
    '""',
    '"0.0000000000001"',
    `"1${'0'.repeat(30)}"`,
  ];

  test('an amount that is negative, not finite, not a decimal or not in quotes is refused', async () => {
    let sent = 0;
    for (const operation of writes())
      for (const [name, schema] of Object.entries(operation.fields)) {
        const isWhole = schema['type'] === 'integer';
        if (!/credits|amount|price/i.test(name) && !isWhole) continue;
        for (const amount of AMOUNTS) {
          // Whole numbers that are no amounts of money may be zero.
          if (isWhole && ['0', '-0'].includes(amount)) continue;
          const body = JSON.stringify({ ...operation.example, [name]: '@' }).replace('"@"', amount);
          const path = pathOf(operation, own);
          const { status, text } = await send(operation.method, path, 'platform', body, key);
          expect(status, `${operation.name} ${body}`).toBe(400);
          expect(list(object(JSON.parse(text))['errors']).length, body).toBeGreaterThan(0);
          sent += 1;
        }
      }
    expect(sent).toBeGreaterThan(60);
  });

  test('a lead cannot raise the budget of the lead', async () => {
    const limit = { limitCredits: '1000000', reason: 'ours' };
    const grant = { credits: '1000', reason: 'ours' };
    const decision = { decision: 'granted', reason: 'ours' };
    const attempts: readonly [Operation['method'], string, Json][] = [
      ['PUT', `/api/v1/budgets/${OWN_TEAM}`, limit],
      ['POST', `/api/v1/budgets/${OWN_TEAM}/grants`, grant],
      ['POST', `/api/v1/requests/${own['ticket']}/decision`, decision],
      ['POST', '/api/v1/tokens', { name: 'more', role: 'platform' }],
    ];
    for (const role of ['finance', 'team-lead', 'analyst'] as const)
      for (const [method, path, body] of attempts)
        expect((await send(method, path, role, body, key)).status).toBe(403);
  });
});

describe('afterwards', () => {
  test('no row of any table is another one, and no event was written', async () => {
    expect(Object.keys(stateBefore).length).toBeGreaterThan(20);
    expect(await stateOf()).toEqual(stateBefore);
  });
});
