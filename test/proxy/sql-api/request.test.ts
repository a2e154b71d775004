import { expect, test } from 'vitest';
import { editedApiBody, readApiRequest } from '../../../proxy/sql-api/request.js';
import type { ApiRequestRead } from '../../../proxy/sql-api/request.js';
import { Slices } from '../../../proxy/wire/slices.js';
import type { BodyChanges } from '../../../proxy/stages.js';

type Read = Extract<ApiRequestRead, { kind: 'request' }>;

const slices = new Slices();

async function read(body: string | object): Promise<Read> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const outcome = await readApiRequest(slices, Buffer.from(text), false, 1000);
  if (outcome.kind !== 'request') throw new Error(JSON.stringify(outcome));
  return outcome;
}

async function why(body: string | Buffer): Promise<string> {
  const outcome = await readApiRequest(slices, Buffer.from(body), false, 1000);
  return outcome.kind === 'malformed' ? outcome.why : 'not malformed';
}

async function edited(body: string, changes: Partial<BodyChanges>): Promise<string> {
  const none: BodyChanges = { tag: null, timeoutSeconds: null, sqlText: null };
  const { offsets } = await read(body);
  return (await editedApiBody(slices, offsets, { ...none, ...changes })).toString();
}

test('what governance needs is read from the body', async () => {
  const { query, place } = await read({
    statement: 'SELECT ?',
    timeout: 60,
    role: 'R',
    warehouse: 'W',
    database: 'D',
    schema: '',
    bindings: { 2: { type: 'TEXT', value: 'b' }, 1: { type: 'FIXED', value: '1' } },
    parameters: {
      query_tag: 'mine',
      MULTI_STATEMENT_COUNT: '0',
      statement_timeout_in_seconds: 30,
      timezone: 'Asia/Tokyo',
    },
  });
  expect(place).toEqual({ role: 'R', warehouse: 'W', database: 'D', schema: null });
  expect(query).toMatchObject({
    sqlText: 'SELECT ?',
    isAsync: false,
    isDescribe: false,
    statementCount: 0,
    clientTag: 'mine',
    clientTimeoutSeconds: 30,
    clientTimeZone: 'Asia/Tokyo',
    binds: [
      { type: 'FIXED', value: '1' },
      { type: 'TEXT', value: 'b' },
    ],
  });
  expect((await read({ statement: 'S', timeout: 0 })).query.clientTimeoutSeconds).toBeNull();
});

test.each([
  ['{}', '"statement" must be a string'],
  ['{"statement":1}', '"statement" must be a string'],
  ['{"statement":"S","statement":"T"}', 'the member "statement" stands twice'],
  ['{"statement":"S","Statement":"T"}', '"Statement" is written "statement"'],
  ['{"statement":"S","ROLE":"T"}', '"ROLE" is written "role"'],
  ['{"statement":"S","role":1}', '"role" must be a string'],
  ['{"statement":"S","timeout":"5"}', '"timeout" must be a whole number of seconds, 0 or more'],
  ['{"statement":"S","timeout":-1}', '"timeout" must be a whole number of seconds, 0 or more'],
  [
    '{"statement":"S","parameters":{"query_tag":"a","QUERY_TAG":"b"}}',
    'in "parameters": QUERY_TAG stands twice',
  ],
  ['{"statement":"S","parameters":[]}', 'in "parameters": a JSON object was expected'],
])('%s is refused by name', async (body, reason) => {
  expect(await why(body)).toBe(reason);
});

test.each([
  [
    '{"statement":"S", "x":12345678901234567890}',
    { tag: 't', timeoutSeconds: 7 },
    '{"timeout":7,"parameters":{"query_tag":"t"},"statement":"S", "x":12345678901234567890}',
  ],
  [
    '{"statement":"S","timeout":0,"parameters":{}}',
    { tag: 't', timeoutSeconds: 7 },
    '{"statement":"S","timeout":7,"parameters":{"query_tag":"t"}}',
  ],
  [
    '{"parameters":{"Query_Tag":"mine","timezone":"UTC"},"statement":"S"}',
    { tag: 't' },
    '{"parameters":{"Query_Tag":"t","timezone":"UTC"},"statement":"S"}',
  ],
  [
    '{"statement":"S","parameters":{"statement_timeout_in_seconds":0}}',
    { timeoutSeconds: 9 },
    '{"timeout":9,"statement":"S","parameters":{"statement_timeout_in_seconds":9}}',
  ],
  ['{"statement":"S"}', { sqlText: 'T "q"' }, '{"statement":"T \\"q\\""}'],
  ['{ "statement" : "S" }', {}, '{ "statement" : "S" }'],
])('%s is edited by offsets', async (body, changes, expected) => {
  expect(await edited(body, changes)).toBe(expected);
  expect(() => JSON.parse(expected) as unknown).not.toThrow();
});

test('the hash is of what is run where, not of how it is asked', async () => {
  const hash = async (body: object): Promise<string> => (await read(body)).query.hash;
  const first = await hash({ statement: 'S', role: 'A' });
  expect(await hash({ role: 'A', statement: 'S' })).toBe(first);
  expect(await hash({ statement: 'S', role: 'A', unknown: 1 })).toBe(first);
  for (const other of [
    { statement: 'T', role: 'A' },
    { statement: 'S', role: 'B' },
    { statement: 'S', role: 'A', warehouse: 'W' },
    { statement: 'S', role: 'A', bindings: { 1: { type: 'TEXT', value: 'x' } } },
  ])
    expect(await hash(other)).not.toBe(first);
});
