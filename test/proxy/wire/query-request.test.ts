import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  readQueryRequest,
  withParameters,
  type QueryRequestRead,
} from '../../../proxy/wire/query-request.js';
import { Slices } from '../../../proxy/wire/slices.js';

type Read = Extract<QueryRequestRead, { kind: 'request' }>;

const slices = new Slices();

async function read(body: string | Buffer): Promise<Read> {
  const outcome = await readQueryRequest(slices, Buffer.from(body), 1000);
  if (outcome.kind !== 'request') throw new Error(JSON.stringify(outcome));
  return outcome;
}

async function why(body: string | Buffer): Promise<string> {
  const outcome = await readQueryRequest(slices, Buffer.from(body), 1000);
  return outcome.kind === 'malformed' ? outcome.why : 'not malformed';
}

async function edited(body: string, values: Record<string, string | number>): Promise<string> {
  return (await withParameters(slices, (await read(body)).offsets, values)).toString();
}

test('what governance needs is read from the body', async () => {
  const { request } = await read(
    JSON.stringify({
      sqlText: 'SELECT ?',
      asyncExec: true,
      describeOnly: true,
      parameters: {
        query_tag: 'mine',
        MULTI_STATEMENT_COUNT: '0',
        statement_timeout_in_seconds: 60,
        timezone: 'Asia/Tokyo',
      },
      bindings: {
        10: { type: 'TEXT', value: 'b' },
        2: { type: 'FIXED', value: '1' },
        3: null,
        4: {},
      },
    }),
  );
  expect(request).toMatchObject({
    sqlText: 'SELECT ?',
    isAsync: true,
    isDescribe: true,
    statementCount: 0,
    clientTag: 'mine',
    clientTimeoutSeconds: 60,
    clientTimeZone: 'Asia/Tokyo',
    binds: [
      { type: 'FIXED', value: '1' },
      { type: 'TEXT', value: null },
      { type: 'TEXT', value: null },
      { type: 'TEXT', value: 'b' },
    ],
  });
  expect((await read('{"sqlText":""}')).request).toMatchObject({
    isAsync: false,
    isDescribe: false,
    statementCount: null,
    clientTag: null,
    clientTimeoutSeconds: null,
    clientTimeZone: null,
    binds: [],
  });
});

test.each([
  ['{"sqlText":"a","sequenceId":1}', '{"sqlText":"a","sequenceId":1,"parameters":{"T":"x"}}'],
  ['{"sqlText":"a","parameters":null,"z":1}', '{"sqlText":"a","parameters":{"T":"x"},"z":1}'],
  ['{"sqlText":"a","parameters": { } }', '{"sqlText":"a","parameters": {"T":"x" } }'],
  [
    '{"sqlText":"a","parameters":{"B":01e1}}'.replace('01e1', '1.50'),
    '{"sqlText":"a","parameters":{"T":"x","B":1.50}}',
  ],
  [
    '{"sqlText":"a","parameters":{ "t" : 5 ,"B":1}}',
    '{"sqlText":"a","parameters":{ "t" : "x" ,"B":1}}',
  ],
])('a parameter is set in %s and nothing else changes', async (body, expected) => {
  const written = await edited(body, { T: 'x' });
  expect((await read(written)).offsets.parameters?.members.length).toBeGreaterThan(0);
  // A member added to an object of members without "parameters" comes first or last: only its presence counts.
  expect(JSON.parse(written)).toEqual(JSON.parse(expected));
  if (body.includes('parameters')) expect(written).toBe(expected);
});

test('several parameters are set at once, those that stand and those that do not', async () => {
  expect(
    await edited('{"sqlText":"a","parameters":{"a":1,"c":9007199254740993}}', { A: 'é"', B: 2 }),
  ).toBe('{"sqlText":"a","parameters":{"B":2,"a":"é\\"","c":9007199254740993}}');
  const untouched = '{ "sqlText" : "a" }';
  expect(await edited(untouched, {})).toBe(untouched);
});

test.each([
  ['', 'the body is not JSON (it ends too early)'],
  ['{"sqlText":', 'the body is not JSON'],
  ['[]', 'a JSON object was expected'],
  ['"x"', 'a JSON object was expected'],
  ['{}', '"sqlText" must be a string'],
  ['{"sqlText":7}', '"sqlText" must be a string'],
  ['{"sqlText":"a","sqlText":"b"}', 'the member "sqlText" stands twice'],
  ['{"sqlText":"a","sql\\u0054ext":"b"}', 'the member "sqlText" stands twice'],
  ['{"sqlText":"a","parameters":{},"parameters":{}}', 'the member "parameters" stands twice'],
  ['{"sqlText":"a","parameters":[]}', 'in "parameters": a JSON object was expected'],
  ['{"sqlText":"a","parameters":{"A":1,"A":2}}', 'in "parameters": the member "A" stands twice'],
  [
    '{"sqlText":"a","parameters":{"query_tag":1,"QUERY_TAG":2}}',
    'in "parameters": QUERY_TAG stands twice',
  ],
  [
    '{"sqlText":"a","parameters":{"ſtatement":1}}',
    'in "parameters": the name "ſtatement" is not ASCII',
  ],
  [`{"sqlText":"a","x":${'['.repeat(70)}${']'.repeat(70)}}`, 'it is nested deeper than 64 levels'],
])('%s is malformed, and why is said', async (body, expected) => {
  expect(await why(body)).toContain(expected);
});

test('a body that is not UTF-8 is refused, also where it would be inside a string', async () => {
  expect(await why(Buffer.from([0x7b, 0xff, 0x7d]))).toBe('the body is not UTF-8');
  expect(
    await why(
      Buffer.concat([
        Buffer.from('{"sqlText":"'),
        Buffer.from([0xed, 0xa0, 0x80]),
        Buffer.from('"}'),
      ]),
    ),
  ).toBe('the body is not UTF-8');
  expect(await why('\uFEFF{"sqlText":"a"}')).toContain('not JSON');
});

test('null characters inside a text, and lone surrogates beside it, survive as they were written', async () => {
  const body = '{"sqlText":"a\\u0000","parameters":{"X":"\\udfff"}}';
  expect((await read(body)).request.sqlText).toBe('a\u0000');
  expect(await edited(body, { T: 1 })).toBe(
    '{"sqlText":"a\\u0000","parameters":{"T":1,"X":"\\udfff"}}',
  );
});

test('half a surrogate pair in a statement is refused, because upstream would read another text', async () => {
  for (const text of ['\\ud800', 'a\\udfffb', '\\udc00\\ud800'])
    expect(await why(`{"sqlText":"${text}"}`)).toContain('half a surrogate pair');
  expect((await read('{"sqlText":"\\ud83d\\ude00"}')).request.sqlText).toBe('😀');
});

test('numbers that mean nothing as seconds are not taken; as counts they are refused', async () => {
  const read1 = (name: string, value: string): string =>
    `{"sqlText":"a","parameters":{"${name}":${value}}}`;
  for (const value of ['-1', '1.5', '"x"', 'true', '1e400', '{}', '9007199254740993']) {
    const timeout = (await read(read1('STATEMENT_TIMEOUT_IN_SECONDS', value))).request;
    expect(timeout.clientTimeoutSeconds).toBeNull();
    expect(await why(read1('MULTI_STATEMENT_COUNT', value))).toContain(
      'MULTI_STATEMENT_COUNT must be a whole number',
    );
  }
  for (const [value, count] of [
    ['null', null],
    ['"2"', 2],
    ['2.0', 2],
  ] as const) {
    expect((await read(read1('MULTI_STATEMENT_COUNT', value))).request.statementCount).toBe(count);
  }
});

test('an object of more members than anybody sends is refused before it costs time', async () => {
  const many = (count: number): string =>
    Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',');
  expect(await why(`{"sqlText":"a",${many(1000)}}`)).toContain('more than 1000 members');
  expect(await why(`{"sqlText":"a","parameters":{${many(2_000)}}}`)).toContain(
    'more than 1000 members',
  );
});

test('the hash is the same for a repeat and another for anything that changes what is asked', async () => {
  const hash = async (changes: object): Promise<string> =>
    (
      await read(
        JSON.stringify({ sqlText: 'a', sequenceId: 1, querySubmissionTime: 5, ...changes }),
      )
    ).request.hash;
  const first = await hash({});
  expect(await hash({ sequenceId: 2, querySubmissionTime: 6, clientStartTime: 7 })).toBe(first);
  const changes = [
    { sqlText: 'b' },
    { bindings: { 1: { type: 'TEXT', value: 'x' } } },
    { bindings: { 1: { type: 'TEXT', value: 'y' } } },
    { describeOnly: true },
    { asyncExec: true },
    { parameters: { A: 1 } },
    { bindStage: '@x' },
  ];
  const others = await Promise.all(changes.map(hash));
  expect(new Set([first, ...others]).size).toBe(others.length + 1);
});

test('a small body has the hash of a large one, which other replicas and earlier releases know', async () => {
  const hash = async (sequenceId: string): Promise<string> =>
    (await read(`{"sqlText":"é","sequenceId":"${sequenceId}","describeOnly":true}`)).request.hash;
  const small = await hash('1');
  expect(small).toBe(await hash('x'.repeat(100_000)));
  const text =
    '\0sqlText\0"é"\0bindings\0\0bindStage\0\0describeOnly\0true\0asyncExec\0\0parameters\0';
  expect(small).toBe(createHash('sha256').update(text).digest('hex'));
});

test('a text that must be too long is not read, and bind values of megabytes are left to upstream', async () => {
  const long = Buffer.from(`{"sqlText":"${'x'.repeat(10_000)}"}`);
  expect(await readQueryRequest(slices, long, 1000)).toEqual({ kind: 'tooLong', bytes: 10_000 });
  const binds = JSON.stringify({ 1: { type: 'TEXT', value: Array(50_000).fill('v') } });
  const { request, offsets } = await read(`{"sqlText":"a","bindings":${binds}}`);
  expect(request.binds).toBeNull();
  const sent = await withParameters(slices, offsets, { T: 'x' });
  expect(sent.toString()).toBe(`{"parameters":{"T":"x"},"sqlText":"a","bindings":${binds}}`);
  expect(await why(`{"sqlText":"a","parameters":{"A":"${'x'.repeat(300_000)}"}}`)).toContain(
    '"parameters" is larger than 262144 bytes',
  );
});
