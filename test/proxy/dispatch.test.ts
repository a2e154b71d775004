import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { upstreamRequest } from '../../proxy/dispatch.js';
import { Slices } from '../../proxy/wire/slices.js';
import { driverFront } from '../../proxy/driver-front.js';
import { editedBody } from '../../proxy/receive.js';
import type { Admitted, BodyChanges } from '../../proxy/stages.js';
import { readQueryRequest } from '../../proxy/wire/query-request.js';
import { buildTicketId, credits } from '../support/builders.js';

interface Shape {
  readonly sqlText: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly parts?: number;
  readonly isFree?: boolean;
  readonly ceiling?: string;
  readonly sessionTag?: string;
  readonly sessionTimeout?: number;
  readonly padding?: number;
  readonly wasCompressed?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An admitted statement with what dispatch reads of it. */
async function admitted(shape: Shape): Promise<Admitted> {
  const { sqlText, parameters, padding = 0 } = shape;
  const body = Buffer.from(
    JSON.stringify({
      sqlText,
      ...(parameters === undefined ? {} : { parameters }),
      pad: 'x'.repeat(padding),
    }),
  );
  const slices = new Slices();
  const read = await readQueryRequest(slices, body, 1_000_000);
  if (read.kind !== 'request') throw new Error(JSON.stringify(read));
  return {
    call: {
      ticketId: buildTicketId(),
      target: '/queries/v1/query-request?requestId=1',
      request: { headers: { host: 'proxy', 'content-encoding': 'gzip', ...shape.headers } },
    },
    query: read.request,
    front: driverFront,
    sentText: null,
    edited: (changes: BodyChanges) => editedBody(slices, read.offsets, changes),
    wasCompressed: shape.wasCompressed ?? false,
    identity: { upstreamToken: 'upstream-token' },
    upstream: { host: 'upstream:443' },
    session: {
      queryTag: shape.sessionTag ?? null,
      statementTimeoutSeconds: shape.sessionTimeout ?? null,
    },
    team: { id: 'marketing' },
    facts: { statements: Array.from({ length: shape.parts ?? 1 }, () => ({})) },
    placement: {
      tier: { id: 'standard', statementTimeoutSeconds: 3_600 },
      creditsPerHour: credits('4'),
    },
    isFree: shape.isFree ?? false,
    ceilingCredits: credits(shape.ceiling ?? '1'),
    backstopCredits: credits(shape.ceiling ?? '1'),
  } as unknown as Admitted;
}

interface Sent {
  readonly tag: Record<string, unknown> | undefined;
  readonly timeout: unknown;
  readonly parameters: Record<string, unknown>;
}

async function sent(shape: Shape): Promise<Sent> {
  const { body } = await upstreamRequest(await admitted(shape));
  const { parameters = {} } = JSON.parse(String(body)) as { parameters?: Record<string, unknown> };
  const tag = parameters['QUERY_TAG'];
  return {
    tag: typeof tag === 'string' ? (JSON.parse(tag) as Record<string, unknown>) : undefined,
    timeout: parameters['STATEMENT_TIMEOUT_IN_SECONDS'],
    parameters,
  };
}

test('a statement goes out with its ticket, team and tier, and the tag of the statement before that of the session', async () => {
  expect((await sent({ sqlText: 'SELECT 1' })).tag).toMatchObject({
    tg: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    team: 'marketing',
    tier: 'standard',
  });
  expect((await sent({ sqlText: 'SELECT 1', sessionTag: 'nightly' })).tag).toMatchObject({
    tag: 'nightly',
  });
  const own = {
    sqlText: 'SELECT 1',
    sessionTag: 'nightly',
    parameters: { query_tag: 'mine', X: 1 },
  };
  const { body } = await upstreamRequest(await admitted(own));
  const { parameters } = JSON.parse(String(body)) as { parameters: Record<string, string> };
  expect(JSON.parse(parameters['query_tag'] ?? '')).toMatchObject({
    tag: 'mine',
    team: 'marketing',
  });
  expect(parameters).not.toHaveProperty('QUERY_TAG');
  expect(parameters['X']).toBe(1);
});

test.each([
  "SHOW PARAMETERS LIKE 'query_tag' IN SESSION",
  "alter session set query_tag = 'x'",
  '/* c */ Show\n/* d */ Parameters',
  'SELECT 1; ALTER SESSION UNSET QUERY_TAG; SELECT 2',
  'SELECT 1; SHOW PARAMETERS',
])('no tag of ours is sent with %s', async (sqlText) => {
  expect((await sent({ sqlText })).parameters).not.toHaveProperty('QUERY_TAG');
});

test.each([
  "SELECT 'ALTER SESSION SET X = 1'",
  'SHOW TABLES',
  'ALTER TABLE T ADD COLUMN C INT',
  '-- show parameters\nSELECT 1',
])('%s is tagged', async (sqlText) => {
  expect((await sent({ sqlText })).tag).toBeDefined();
});

test('the timeout follows from the ceiling, is at most the tier’s and the client’s own, and never 0', async () => {
  // 1 credit at 4 an hour: 900 s, and 600 s for resume and queueing.
  expect((await sent({ sqlText: 'S' })).timeout).toBe(1_500);
  expect((await sent({ sqlText: 'S', ceiling: '100' })).timeout).toBe(3_600);
  expect((await sent({ sqlText: 'S', ceiling: '0' })).timeout).toBe(601);
  expect((await sent({ sqlText: 'S', parts: 3 })).timeout).toBe(500);
  expect((await sent({ sqlText: 'S', parts: 100_000 })).timeout).toBe(1);
  expect((await sent({ sqlText: 'S', sessionTimeout: 60 })).timeout).toBe(60);
  const name = 'STATEMENT_TIMEOUT_IN_SECONDS';
  expect(
    (await sent({ sqlText: 'S', sessionTimeout: 60, parameters: { [name]: 30 } })).timeout,
  ).toBe(30);
  expect((await sent({ sqlText: 'S', parameters: { [name]: '45' } })).timeout).toBe(45);
  for (const unlimited of [0, '0', -1, null, 'x', 1e300]) {
    expect((await sent({ sqlText: 'S', parameters: { [name]: unlimited } })).timeout).toBe(1_500);
  }
});

test('whatever client, session, ceiling and number of parts say, no timeout is 0 or above the client’s own', async () => {
  const own = fc.option(fc.oneof(fc.integer({ min: -5, max: 700_000 }), fc.constant('x')));
  const shape = fc.record({
    own,
    isText: fc.boolean(),
    isLower: fc.boolean(),
    session: fc.option(fc.nat(100_000)),
    ceiling: fc.bigInt({ min: 0n, max: 10n ** 16n }),
    parts: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1_000, max: 1_000_000 })),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ own: sends, isText, isLower, session, ceiling, parts }) => {
      const name = 'STATEMENT_TIMEOUT_IN_SECONDS';
      const said = isText && sends !== null ? String(sends) : sends;
      const { parameters, timeout = parameters[name.toLowerCase()] } = await sent({
        sqlText: 'S',
        ceiling: `${ceiling / 10n ** 12n}.${String(ceiling % 10n ** 12n).padStart(12, '0')}`,
        parts: Math.min(parts, 20_000),
        ...(session === null ? {} : { sessionTimeout: session }),
        ...(sends === null ? {} : { parameters: { [isLower ? name.toLowerCase() : name]: said } }),
      });
      expect(Number.isSafeInteger(timeout)).toBe(true);
      expect(timeout).toBeGreaterThanOrEqual(1);
      expect(timeout).toBeLessThanOrEqual(3_600);
      const client = typeof sends === 'number' && sends >= 0 ? sends : session;
      if (client !== null && client > 0) expect(timeout).toBeLessThanOrEqual(client);
    }),
    { numRuns: 100 },
  );
});

test('a free statement keeps its own timeout', async () => {
  expect((await sent({ sqlText: 'SHOW TABLES', isFree: true })).parameters).not.toHaveProperty(
    'STATEMENT_TIMEOUT_IN_SECONDS',
  );
});

test("the request goes to upstream under upstream's token; a large compressed body stays compressed", async () => {
  const small = await upstreamRequest(await admitted({ sqlText: 'S', wasCompressed: true }));
  expect(small).toMatchObject({ method: 'POST', path: '/queries/v1/query-request?requestId=1' });
  expect(small.headers).toEqual({
    host: 'upstream:443',
    authorization: 'Snowflake Token="upstream-token"',
  });
  const large = await upstreamRequest(
    await admitted({ sqlText: 'S', wasCompressed: true, padding: 70_000 }),
  );
  expect(large.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(large.body ?? '').toString()).toContain('"sqlText":"S"');
  const plain = await upstreamRequest(await admitted({ sqlText: 'S', padding: 70_000 }));
  expect(plain.headers).not.toHaveProperty('content-encoding');
});

test("a claim in the tag of a SHOW PARAMETERS stays behind, the rest of the tag is the client's own", async () => {
  const parameters = { QUERY_TAG: '{"tollgate_claim":"a.b.c","app":"x"}' };
  const { parameters: out } = await sent({
    sqlText: "SHOW PARAMETERS LIKE 'QUERY_TAG'",
    parameters,
  });
  expect(out['QUERY_TAG']).toBe('{"app":"x"}');
  const own = { QUERY_TAG: '{"app":"x"}' };
  expect(
    (await sent({ sqlText: "SHOW PARAMETERS LIKE 'QUERY_TAG'", parameters: own, isFree: true }))
      .parameters,
  ).toEqual(own);
});
