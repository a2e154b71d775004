/**
 * Criterion 28: nothing of one team is in what another reads. Every text of the other team carries a marker; every read of
 * the API, every view and column of the SQL surface and every label of the metrics is then searched for it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_ROLES, type ApiRole } from '../../admin/actor.js';
import { must } from '../../base/assert.js';
import type { TicketId } from '../../base/ids.js';
import { askApproval } from '../../billing/requests.js';
import { rollUpHours } from '../../billing/rollup/charge-hours.js';
import { followCharges } from '../../billing/true-up/follow-charges.js';
import { postDeltas } from '../../billing/true-up/post-deltas.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { recognise } from '../../proxy/surface/recognise.js';
import { createSurface } from '../../proxy/surface/surface.js';
import { VIEWS } from '../../proxy/surface/views.js';
import { buildSettlement, buildTicket, credits } from '../support/builders.js';
import { drawer } from '../support/drawer.js';
import { sealAll } from '../support/sealing.js';
import { type Named, namedIn, tries } from './named-by-id.js';
import { type Operation, pathOf, readOperations } from './operations.js';
import { fillPages, RUN_RATES } from './pages-of-a-team.js';
import { type AdminWorld, createAdminWorld } from './world.js';

const MARK = 'zebrafish';
/** The month in which the statements ran. */
const OCTOBER = Date.UTC(2026, 9, 15, 10);
let world: AdminWorld;
let tokens: Readonly<Record<string, string>>;
let own: Readonly<Record<string, string>>;
/** The same of who may see the marker. */
let theirs: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await createAdminWorld({ first: { ...demoControlDocument(), runRates: RUN_RATES } });
  world.clock.set(OCTOBER + 7_200_000);
  const scope = { team: 'marketing', principal: 'marketing_analyst' };
  tokens = {
    'team-lead': await world.issue({ role: 'team-lead', ...scope }),
    analyst: await world.issue({ role: 'analyst', ...scope }),
    // Who may see it, so that the search is shown to find.
    'team-lead of it': await world.issue({
      role: 'team-lead',
      team: 'sales',
      principal: 'sales_analyst',
    }),
  };
  const ticket = await ranAndMetered('marketing', 'plain');
  theirs = { ...sharedParameters(MARK), team: 'sales', id: await ranAndMetered('sales', MARK) };
  own = { ...sharedParameters('plain'), team: 'marketing', id: ticket, ticket };
});
afterAll(() => world.close());

function sharedParameters(warehouse: string): Readonly<Record<string, string>> {
  return {
    account: 'demo',
    version: '1',
    month: '2026-10',
    warehouse,
    hour: '2026-10-15T10:00:00Z',
  };
}

/** A statement of the team with everything that can follow it; every free text of it begins with `word`. */
async function ranAndMetered(teamId: string, word: string): Promise<TicketId> {
  const { database, ledger } = world;
  const { db } = database;
  const ticket = buildTicket({
    teamId,
    principalId: `${teamId}_analyst`,
    account: 'demo',
    sessionId: `${word}-session`,
    workload: `${word}-workload`,
    snowflakeUser: `${word}_USER`,
    fingerprint: `${word}-fingerprint`,
    statementShape: `SELECT ${word} FROM t`,
    warehouse: 'STANDARD_WH',
    occurredAt: OCTOBER,
  });
  await ledger.reserve({
    ticket,
    budgetIds: [`${teamId}-monthly`],
    holdCredits: credits('1'),
  });
  await ledger.markSent(ticket.ticketId, OCTOBER);
  await ledger.settle(
    buildSettlement(ticket.ticketId, {
      snowflakeQueryId: `${word}-query`,
      usedCredits: credits('0.5'),
      startedAt: OCTOBER,
      endedAt: OCTOBER + 900_000,
    }),
  );
  const refused = buildTicket({ ...ticket, ...refusedOf(word) });
  await ledger.recordUnheld([
    {
      ticket: refused,
      state: 'VOID',
      refusal: { code: 'TG2101', message: `TG2101 ${word}`, detail: { word } },
      snowflakeQueryId: null,
    },
  ]);
  await db.transaction((tx) =>
    askApproval(tx, {
      ticketId: refused.ticketId,
      teamId,
      principalId: `${teamId}_analyst`,
      reason: `${word} please`,
      at: OCTOBER,
    }),
  );
  await db.query(
    `WITH h AS (
       INSERT INTO usage_warehouse_hour (account, warehouse_id, starts_at, warehouse, metered_credits, cloud_services_credits,
         is_stale, method, method_version, allocated_at)
       VALUES ('demo', $1, '2026-10-15T10:00Z', 'STANDARD_WH', 0.75, 0, false, 'sweep', 1, now())
     ), q AS (
       INSERT INTO usage_query (account, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user,
         query_type, executed_at, ended_at, shape_hash, cloud_services_credits)
       VALUES ('demo', $1 || '-query', $1, 1, 'Medium', 'STANDARD', $1 || '_USER', 'SELECT', '2026-10-15T10:00Z',
         '2026-10-15T10:15Z', $1, 0)
     )
     SELECT 1`,
    [word],
  );
  await db.query(
    `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, reason, query_id, ticket_id, team_id,
       principal_id, credits)
     VALUES ('demo', $1, '2026-10-15T10:00Z', 0, 'direct', NULL, $1 || '-query', $2, $3, $3 || '_analyst', 0.75)`,
    [word, ticket.ticketId, teamId],
  );
  expect((await postDeltas(db, OCTOBER)).deltas).toBe(1);
  await sealAll(db);
  await followCharges(db, OCTOBER);
  await rollUpHours(db);
  await fillPages(world, { teamId, word }, ticket);
  return ticket.ticketId;
}

function refusedOf(word: string): Partial<Parameters<typeof buildTicket>[0]> {
  const { ticketId } = buildTicket();
  return { ticketId, requestId: `${word}-request` };
}

/** What is the other team's alone: its marker, its id and what begins with it. */
const FOREIGN = new RegExp(`${MARK}|\\bsales\\b|sales_|sales-`, 'i');

/** Reads for leads in which this world has nothing of a team: where they are searched, or why there is nothing to find. */
const SEARCHED_ELSEWHERE: Readonly<Record<string, string>> = {
  'GET /api/v1/accuracy': 'sums of all, without names',
  'GET /api/v1/bills': 'closes.pg: bills are listed, to a lead the own ones in force',
  'GET /api/v1/control/schema.json': 'the same for everybody',
  'GET /api/v1/disputes': 'closes.pg: a team lead disputes the own bill only',
  'GET /api/v1/events': 'events.pg: a lead is told of the own team alone',
  'GET /api/v1/sign-ins':
    'own-sign-ins.pg: nobody sees or ends those of somebody else, whatever the role',
  'GET /api/v1/tiers': 'tiers are of all, their counts without names',
};

test('criterion 28: no read of the API tells a lead or an analyst anything of another team', async () => {
  const found: Record<string, number> = { 'team-lead': 0, 'team-lead of it': 0 };
  const operations = (await readOperations(world.app)).filter(({ method }) => method === 'GET');
  let asked = 0;
  const shown = new Set<string>();
  for (const operation of operations)
    for (const [who, token] of Object.entries(tokens)) {
      const role = API_ROLES.find((each) => who.startsWith(each)) satisfies ApiRole | undefined;
      if (role === undefined || !operation.roles.includes(role)) continue;
      for (const format of ['json', 'csv'])
        for (const query of queriesOf(operation.queryParameters)) {
          const isTheirs = who === 'team-lead of it';
          const place = isTheirs ? theirs : own;
          const url = `${pathOf(operation, { ...place, format })}${query}`;
          const { statusCode, body } = await world.app.inject({
            method: 'GET',
            url,
            headers: { authorization: `Bearer ${token}` },
          });
          if (statusCode === 200 && body.includes(MARK)) found[who] = (found[who] ?? 0) + 1;
          if (isTheirs && statusCode === 200 && FOREIGN.test(body)) shown.add(operation.name);
          if (isTheirs) continue;
          expect(FOREIGN.exec(body)?.[0], `${url} as ${who}`).toBeUndefined();
          asked += 1;
        }
    }
  // A read that shows its own team's lead nothing of the team proves nothing about the others.
  const silent = operations.filter(
    ({ roles, name }) => roles.includes('team-lead') && !shown.has(name),
  );
  expect(silent.map(({ name }) => name).toSorted()).toEqual(Object.keys(SEARCHED_ELSEWHERE));
  expect(asked).toBeGreaterThan(20);
  expect(found['team-lead']).toBe(0);
  // Costs by user, shape, workload and query, tickets, requests: the marker is there for whoever may see it.
  expect(found['team-lead of it']).toBeGreaterThan(4);
});

test('criterion 28: what is of another team is answered as what is not there, whatever names it: path, query or body', async () => {
  const things = await thingsOf('sales');
  let asked = 0;
  for (const operation of await readOperations(world.app))
    for (const [theirsNamed, missing] of namedIn(operation, things))
      for (const role of ['team-lead', 'analyst'] as const) {
        if (!operation.roles.includes(role)) continue;
        const [ofTheirs, ofNobody] = [
          await answerTo(operation, theirsNamed, tokens[role] ?? ''),
          await answerTo(operation, missing, tokens[role] ?? ''),
        ];
        const what = `${operation.name} as ${role} of ${JSON.stringify(theirsNamed)}`;
        expect(ofTheirs, what).toEqual(ofNobody);
        // Refused, or a list in which nothing is.
        if (ofTheirs.status < 400)
          expect(ofTheirs.body, what).toMatch(/^\{"\w+":\[\],"nextCursor":null\}$/);
        asked += 1;
      }
  expect(asked).toBeGreaterThan(50);
  // The same names are taken from who may use them: what was refused above is there.
  const lead = tokens['team-lead of it'] ?? '';
  for (const id of things['ticket'] ?? [])
    expect((await world.call('GET', `/api/v1/tickets/${id}`, undefined, bearer(lead))).status).toBe(
      200,
    );
});

/** Ids of everything of a team that a route can name, by the name of the parameter or field. */
async function thingsOf(teamId: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const idsOf = async (sql: string): Promise<readonly string[]> => {
    const { rows } = await world.database.db.query<{ id: string }>(sql, [teamId]);
    expect(rows.length, sql).toBeGreaterThan(0);
    return rows.map(({ id }) => id);
  };
  const tickets = await idsOf('SELECT id::text FROM ticket WHERE team_id = $1');
  const anomalies = await idsOf('SELECT id::text FROM spend_anomaly WHERE team_id = $1');
  return {
    team: [teamId],
    principal: [`${teamId}_analyst`],
    ticket: tickets,
    ticketId: tickets,
    id: [...tickets.slice(0, 1), ...anomalies],
    warehouse: [MARK],
  };
}

/** The answer without what it must repeat of the question. */
async function answerTo(
  operation: Operation,
  named: Named,
  token: string,
): Promise<{ readonly status: number; readonly etag: boolean; readonly body: string }> {
  const of = (place: string): Named =>
    Object.fromEntries(
      Object.entries(named).flatMap(([key, id]) =>
        key.startsWith(`${place} `) ? [[key.slice(place.length + 1), id]] : [],
      ),
    );
  const { isAskedByQuery, method, example } = operation;
  const query = new URLSearchParams({
    ...(isAskedByQuery ? { principal: 'marketing_analyst' } : {}),
    ...of('query'),
  }).toString();
  const path = pathOf(operation, { ...own, format: 'json', ...of('path') });
  const { statusCode, body, headers } = await world.app.inject({
    method,
    url: query === '' ? path : `${path}?${query}`,
    headers: { ...bearer(token), 'idempotency-key': randomUUID() },
    ...(example === undefined ? {} : { payload: { ...example, ...of('body') } }),
  });
  const plain = Object.values(named).reduce(
    (text, id) => text.replaceAll(new RegExp(`(?<![\\w-])${id}(?![\\w-])`, 'g'), '<id>'),
    body,
  );
  return { status: statusCode, etag: headers.etag !== undefined, body: plain };
}

function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

test('criterion 28: whatever a lead or an analyst asks for by ids of another team, in any place, nothing of that team comes back', async () => {
  const operations = (await readOperations(world.app)).filter(
    ({ method, roles }) => method === 'GET' && roles.includes('team-lead'),
  );
  const values = tries(must(theirs['id'], 'a ticket'), must(own['id'], 'a ticket'));
  const draw = drawer(28);
  const pick = (name: string): string => {
    const known = values[name] ?? Object.values(values)[draw(Object.keys(values).length)] ?? [];
    return known[draw(known.length)] ?? '';
  };
  const found: Record<string, number> = {};
  for (let round = 0; round < 4; round += 1)
    for (const operation of operations) {
      const places = Object.fromEntries(operation.pathParameters.map((name) => [name, pick(name)]));
      const asked = operation.queryParameters.filter((name) => name === 'month' || draw(3) === 0);
      const query = new URLSearchParams(asked.map((name): [string, string] => [name, pick(name)]));
      const url = `${pathOf(operation, places)}?${String(query)}`;
      for (const [who, token] of Object.entries(tokens)) {
        const headers = { authorization: `Bearer ${token}` };
        const { body } = await world.app.inject({ method: 'GET', url, headers });
        if (who !== 'team-lead of it') expect(body.includes(MARK), `${url} as ${who}`).toBe(false);
        else if (body.includes(MARK)) found[operation.name] = (found[operation.name] ?? 0) + 1;
      }
    }
  // Whose the ids are is shown it by the same requests.
  expect(Object.keys(found).length).toBeGreaterThan(4);
});

test('what is searched in another file is searched there', () => {
  const named = Object.values(SEARCHED_ELSEWHERE).flatMap((where) => {
    const [, file, title] = /^([\w-]+\.pg): (.+)$/.exec(where) ?? [];
    return file === undefined || title === undefined ? [] : [{ file, title }];
  });
  expect(named).toHaveLength(4);
  for (const { file, title } of named)
    expect(readFileSync(new URL(`./${file}.test.ts`, import.meta.url), 'utf8')).toContain(title);
});

/** Every way of asking for a cost, and the month of the statements; of others as they come. */
function queriesOf(parameters: readonly string[]): readonly string[] {
  if (!parameters.includes('by')) return [''];
  return ['team', 'principal', 'user', 'shape', 'workload', 'query', 'warehouse', 'reason'].map(
    (by) => `?month=2026-10&by=${by}`,
  );
}

test('criterion 28: no view of the SQL surface shows a row or a sum of another team, whatever is asked around it', async () => {
  const surface = createSurface({
    db: world.database.db,
    clock: world.clock,
    running: { usedOfTeam: () => [] },
    waits: () => Promise.resolve([]),
  });
  const read = async (text: string, teamId: string): Promise<string> => {
    const recognised = recognise(text);
    if (recognised.kind !== 'select' && recognised.kind !== 'why')
      throw new Error(`not recognised: ${text}`);
    const answer = await surface.answer(recognised, { teamId }, []);
    return answer.kind === 'refused' ? '' : JSON.stringify(answer.result.rows);
  };
  let asked = 0;
  let seen = 0;
  for (const [view, { columns }] of Object.entries(VIEWS)) {
    if (view === 'WHY') continue;
    for (const { name } of columns)
      for (const where of [
        '',
        ` WHERE ${name} IS NOT NULL OR ${name} IS NULL`,
        " WHERE TEAM = 'sales'",
      ]) {
        const text = `SELECT ${name}, COUNT(*) FROM TOLLGATE.${view}${where} GROUP BY ${name}`;
        const mine = await read(text, 'marketing');
        expect(FOREIGN.exec(mine)?.[0], text).toBeUndefined();
        if (where.includes('sales')) expect(['', '[]']).toContain(mine);
        if (mine !== '') asked += 1;
        if (FOREIGN.test(await read(text, 'sales'))) seen += 1;
      }
  }
  expect(asked).toBeGreaterThan(100);
  expect(seen).toBeGreaterThan(10);
  // One that ran, a refused one, one with a pass, one that runs, and the last of the shape.
  expect(await read('SELECT COUNT(*), SUM(credits) FROM TOLLGATE.MY_QUERIES', 'marketing')).toBe(
    '[["5","0.500000000000"]]',
  );
});

test('criterion 28: metrics and health, which need no token, name no team', async () => {
  for (const url of ['/metrics', '/livez', '/readyz', '/', '/api/v1/openapi.json']) {
    const { body } = await world.app.inject({ method: 'GET', url });
    expect(body.includes(MARK), url).toBe(false);
    if (url !== '/api/v1/openapi.json') expect(FOREIGN.exec(body)?.[0], url).toBeUndefined();
  }
});
