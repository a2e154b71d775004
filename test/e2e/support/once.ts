/**
 * The proof that repeats never charge twice: statements are run while replies are lost or requests come several times,
 * and afterwards ledger, warehouse and what went upstream in between are compared, statement by statement.
 */
import { expect } from 'vitest';
import { expectInvariants } from '../../support/database.js';
import {
  firstReplyOfEach,
  seededChoice,
  startBalancer,
  statementRequestId,
  type ReplyLoss,
  type TcpBalancer,
} from '../../support/tcp-balancer.js';
import { RawClient } from '../../warehouse/support/raw-client.js';
import { eventually } from './eventually.js';
import { MarkedOnly } from './marked-only.js';
import type { FramedRequest } from '../../support/request-framer.js';
import { ownerQuery } from './owner-query.js';
import {
  asked,
  type Answer,
  type Asked,
  type Marking,
  RepeatingClient,
} from './repeating-client.js';
import type { System, SystemOptions } from './system.js';

export const TROUBLES = [
  'replies to the client are lost',
  'replies of upstream are lost',
  'five times at once',
  'five times in turn',
  'three at once, and all lines lose replies',
] as const;
export type Trouble = (typeof TROUBLES)[number];

export interface Scenario {
  readonly trouble: Trouble;
  readonly replicas: 1 | 2;
  /** By the number of a statement. */
  readonly markingOf: (index: number) => Marking;
  readonly count: number;
  readonly seed: number;
}

/** What one scenario came to; everything in it has been compared already. */
export interface Figures {
  readonly statements: number;
  readonly requests: number;
  readonly repliesLost: number;
  readonly polls: number;
  readonly sentUpstream: number;
  readonly charges: number;
}

const LANES = 8;
const TIMES = 5;
const USER = 'finance_analyst';
/** Rows that the statements of a scenario ask for in turn. */
const VARIANTS = 25;

const LOSSES: readonly [ReplyLoss, ...ReplyLoss[]] = [
  { kind: 'gone' },
  { kind: 'lost' },
  { kind: 'cut', bytes: 40 },
  { kind: 'cut', bytes: 200 },
];

/** The lossy lines around the first two replicas of a system. */
export interface Lines {
  /** In front of one replica, and of two. */
  readonly one: TcpBalancer;
  readonly two: TcpBalancer;
  /** Between the proxies and the warehouse. */
  readonly upstream: TcpBalancer;
  readonly forwarded: MarkedOnly;
  stop(): Promise<void>;
}

/** A line to upstream for `startSystem`, and what makes {@link Lines} of it once the replicas listen. */
export function linesAround(): {
  readonly via: NonNullable<SystemOptions['upstreamVia']>;
  open(system: System): Promise<Lines>;
} {
  const forwarded = new MarkedOnly();
  let upstream: TcpBalancer | undefined;
  return {
    async via(warehousePort) {
      upstream = await startBalancer({ backends: [warehousePort], rewrite: forwarded.rewrite });
      return upstream;
    },
    async open(system) {
      if (upstream === undefined) throw new Error('the system was started without the line');
      const ports = system.proxyUrls.slice(0, 2).map((url) => Number(new URL(url).port));
      const one = await startBalancer({ backends: ports.slice(0, 1) });
      const two = await startBalancer({ backends: ports });
      return {
        one,
        two,
        upstream,
        forwarded,
        stop: async () => void (await Promise.all([one.stop(), two.stop()])),
      };
    },
  };
}

/** Rows and types that the warehouse itself gives, by variant. */
export async function directAnswers(system: System): Promise<readonly Answer[]> {
  const direct = new RawClient(Number(new URL(system.warehouseUrl).port));
  const signedIn = await direct.login(USER, 'demo', '&databaseName=ANALYTICS&schemaName=TPCH');
  expect(signedIn.body.success).toBe(true);
  const answers: Answer[] = [];
  for (let variant = 0; variant < VARIANTS; variant += 1)
    answers.push((await direct.query(textOf(variant, `direct-${variant}`))).body);
  return answers;
}

function textOf(index: number, literal: string): string {
  return `SELECT N_NAME, N_REGIONKEY FROM NATION WHERE N_NATIONKEY = ${index % VARIANTS} AND '${literal}' <> N_NAME`;
}

/** Runs one scenario and compares everything; throws at the first thing that is not as it must be. */
export async function expectOnce(
  system: System,
  lines: Lines,
  direct: readonly Answer[],
  scenario: Scenario,
): Promise<Figures> {
  const { trouble, replicas, count, seed, markingOf } = scenario;
  const name = `once-${seed}-${replicas}-${TROUBLES.indexOf(trouble)}-${Date.now()}`;
  const statements = Array.from({ length: count }, (_, index) =>
    asked(textOf(index, `${name}-${index}`), markingOf(index)),
  );
  const front = replicas === 1 ? lines.one : lines.two;
  const clients = await Promise.all(
    Array.from({ length: Math.min(LANES, count) }, () => RepeatingClient.connect(front.port, USER)),
  );
  const lossy = lossyLines(trouble, front, lines.upstream);
  const resets = (): number => lossy.reduce((sum, line) => sum + line.resets, 0);
  const resetsBefore = resets();
  // Ids are drawn anew in every run; the place of a statement in its run is not.
  const places = new Map(statements.map((each, index) => [each.requestId, index]));
  const lossOf = (key: string): ReplyLoss => {
    const place = places.get(key);
    return place === undefined ? { kind: 'lost' } : seededChoice(seed, String(place), LOSSES);
  };
  for (const line of lossy)
    line.lose(firstReplyOfEach((request) => keyOf(request, trouble, places), lossOf));
  try {
    await inLanes(clients, statements, async (client, statement, index) => {
      const expected = direct[index % VARIANTS];
      const answers = await answersOf(client, statement, trouble);
      for (const answer of answers) expectSameRows(answer, expected, statement);
    });
  } finally {
    for (const line of lossy) line.lose();
  }
  await Promise.all(clients.map((client) => client.close()));
  const charges = await expectChargedOnce(system, statements);
  await expectInvariants(system.database.db);
  const upstream = statements.map((each) => lines.forwarded.of(each.requestId));
  const repliesLost = resets() - resetsBefore;
  // Polls of the last trouble lose replies too, and how many there are is not known.
  expect(repliesLost, 'replies lost').toBeGreaterThanOrEqual(count * lossy.length);
  if (lossy.length < 2) expect(repliesLost).toBe(count * lossy.length);
  const mayBeSent = lossy.includes(lines.upstream) ? 2 : 1;
  expect(
    upstream.filter((each) => each === undefined || each.unmarked > 0 || each.times > mayBeSent),
    'statements sent upstream too often, or again without a mark',
  ).toEqual([]);
  const total = (of: (client: RepeatingClient) => number): number =>
    clients.reduce((sum, client) => sum + of(client), 0);
  return {
    statements: count,
    requests: total((client) => client.counts.sends),
    repliesLost,
    polls: total((client) => client.counts.polls),
    sentUpstream: upstream.reduce((sum, each) => sum + (each?.times ?? 0), 0),
    charges,
  };
}

function lossyLines(
  trouble: Trouble,
  front: TcpBalancer,
  upstream: TcpBalancer,
): readonly TcpBalancer[] {
  switch (trouble) {
    case 'replies to the client are lost':
      return [front];
    case 'replies of upstream are lost':
      return [upstream];
    case 'five times at once':
    case 'five times in turn':
      return [];
    case 'three at once, and all lines lose replies':
      return [front, upstream];
  }
}

/** Requests of the scenario, by their ids, and in the worst trouble every poll by its path. */
function keyOf(
  request: FramedRequest,
  trouble: Trouble,
  places: ReadonlyMap<string, number>,
): string | undefined {
  const requestId = statementRequestId(request);
  if (requestId !== undefined) return places.has(requestId) ? requestId : undefined;
  const isPoll = request.method === 'GET' && request.target.startsWith('/queries/');
  return isPoll && trouble === 'three at once, and all lines lose replies'
    ? request.target
    : undefined;
}

async function answersOf(
  client: RepeatingClient,
  statement: Asked,
  trouble: Trouble,
): Promise<readonly Answer[]> {
  switch (trouble) {
    case 'replies to the client are lost':
      return [await client.run(statement)];
    case 'replies of upstream are lost':
      return [await client.run(statement, { repeatsNotKnown: true })];
    case 'five times at once':
      return client.sendTogether(statement, TIMES);
    case 'three at once, and all lines lose replies':
      return client.sendTogether(statement, 3, { repeatsNotKnown: true });
    case 'five times in turn': {
      const answers: Answer[] = [];
      for (let from = 0; from < TIMES; from += 1)
        answers.push(await client.run(statement, { from }));
      return answers;
    }
  }
}

async function inLanes(
  clients: readonly RepeatingClient[],
  statements: readonly Asked[],
  work: (client: RepeatingClient, statement: Asked, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    clients.map(async (client, lane) => {
      for (const [index, statement] of statements.entries())
        if (index % clients.length === lane) await work(client, statement, index);
    }),
  );
}

function expectSameRows(answer: Answer, expected: Answer | undefined, statement: Asked): void {
  const seen = (of: Answer | undefined): unknown => ({
    success: of?.success,
    code: of?.code,
    message: of?.message,
    rowset: of?.data?.rowset as unknown,
    rowtype: of?.data?.rowtype as unknown,
    total: of?.data?.total as unknown,
  });
  expect(seen(answer), `${statement.marking} ${statement.requestId}`).toEqual(seen(expected));
}

interface TicketRow {
  readonly id: string;
  readonly request_id: string;
  readonly state: string;
  readonly is_charged: boolean;
  readonly charged_query: string | null;
  readonly is_open: boolean;
}

/** Every ticket of these requests. */
export function ticketsOf(
  system: System,
  statements: readonly Asked[],
): Promise<readonly TicketRow[]> {
  const ids = statements.map((each) => `'${each.requestId}'`).join(',');
  return ownerQuery<TicketRow>(
    system.database,
    `SELECT t.id, t.request_id, t.state, c.ticket_id IS NOT NULL AS is_charged, c.snowflake_query_id AS charged_query,
            EXISTS (SELECT FROM open_ticket o WHERE o.ticket_id = t.id) AS is_open
       FROM ticket t LEFT JOIN charge c ON c.ticket_id = t.id
      WHERE t.request_id IN (${ids}) ORDER BY t.id`,
  );
}

/** The same of statements that a driver sent, whose request ids are read from the ledger by the ticket in the tag. */
export async function expectTextsChargedOnce(
  system: System,
  texts: readonly string[],
): Promise<number> {
  const wanted = new Set(texts);
  const ran = system.warehouse.queryHistory().filter((each) => wanted.has(each.started.text));
  const tickets = await ownerQuery<{ id: string; request_id: string }>(
    system.database,
    'SELECT id, request_id FROM ticket',
  );
  const requestIds = new Map(tickets.map((ticket) => [ticket.id, ticket.request_id]));
  const statements = ran.map(({ started }): Asked => {
    const { tg } = JSON.parse(started.tag) as { tg: string };
    const requestId = requestIds.get(tg) ?? `none of ticket ${tg}`;
    return { sqlText: started.text, requestId, guid: '', marking: 'unmarked', body: {} };
  });
  expect(statements.map((each) => each.sqlText).sort()).toEqual([...texts].sort());
  return expectChargedOnce(system, statements);
}

/** Each statement: one ticket, settled; one charge; one execution, and that is the one charged, under that ticket. */
export async function expectChargedOnce(
  system: System,
  statements: readonly Asked[],
): Promise<number> {
  await eventually(
    async () => {
      const open = (await ticketsOf(system, statements)).filter((ticket) => ticket.is_open);
      expect(open).toEqual([]);
    },
    { withinMs: 30_000 },
  );
  const tickets = await ticketsOf(system, statements);
  const ran = new Map<string, { readonly id: string; readonly tag: string }[]>();
  for (const { started } of system.warehouse.queryHistory()) {
    const runs = ran.get(started.text) ?? [];
    ran.set(started.text, [...runs, { id: started.id, tag: started.tag }]);
  }
  const wrong = statements.flatMap((statement) => {
    const own = tickets.filter((ticket) => ticket.request_id === statement.requestId);
    const runs = ran.get(statement.sqlText) ?? [];
    const [ticket] = own;
    const [run] = runs;
    const isRight =
      own.length === 1 &&
      runs.length === 1 &&
      ticket?.state === 'SETTLED' &&
      ticket.charged_query === run?.id &&
      run?.tag.includes(`"tg":"${ticket.id}"`) === true;
    return isRight ? [] : [{ marking: statement.marking, tickets: own, runs }];
  });
  expect(wrong.slice(0, 3), `${wrong.length} of ${statements.length} are not charged once`).toEqual(
    [],
  );
  const queries = new Set(tickets.map((ticket) => ticket.charged_query));
  expect(queries.size).toBe(statements.length);
  return queries.size;
}
