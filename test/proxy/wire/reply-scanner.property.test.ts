import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplyScanner, type ScannedReply } from '../../../proxy/wire/reply-scanner.js';

const TOP_NAMES = [
  'code',
  'success',
  'message',
  'statementHandle',
  'statementHandles',
  'statementStatusUrl',
  'sqlState',
  'resultSetMetaData',
];
const DATA_NAMES = [
  'queryId',
  'getResultUrl',
  'finalDatabaseName',
  'finalSchemaName',
  'finalWarehouseName',
  'finalRoleName',
  'statementTypeId',
  'resultIds',
  'total',
  'sqlState',
];

/** Names that are taken, names that are not, and names that look like both. */
const names = fc.oneof(
  fc.constantFrom(...TOP_NAMES, ...DATA_NAMES, 'data', 'rowset', 'Code', 'da\\ta', 'co"de', ''),
  fc.string({ unit: 'binary' }),
);
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{"code":1}', '\\', '"', '\\"}', '},{', 'ü漢😀'),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 5 }),
  ),
})).value;
const replies = fc
  .tuple(
    fc.dictionary(names, values, { maxKeys: 6 }),
    fc.oneof(fc.dictionary(names, values, { maxKeys: 8 }), values),
    fc.boolean(),
  )
  .map(([rest, data, isDataFirst]) => (isDataFirst ? { data, ...rest } : { ...rest, data }));

function taken(reply: Record<string, unknown>): Pick<ScannedReply, 'top' | 'data'> {
  const data = reply['data'];
  const isObject = data !== null && typeof data === 'object' && !Array.isArray(data);
  const pick = (from: object, wanted: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(Object.entries(from).filter(([name]) => wanted.includes(name)));
  return { top: pick(reply, TOP_NAMES), data: isObject ? pick(data, DATA_NAMES) : {} };
}

function scan(bytes: Buffer, cuts: readonly number[]): ScannedReply {
  const scanner = new ReplyScanner();
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(Math.max(cut, from), bytes.length);
    scanner.push(bytes.subarray(from, to));
    from = to;
  }
  scanner.push(bytes.subarray(from));
  return scanner.result();
}

test('a reply cut at any bytes gives what JSON.parse gives, for the members that are taken', () => {
  fc.assert(
    fc.property(
      replies,
      fc.array(fc.nat(400), { maxLength: 8 }),
      fc.constantFrom(undefined, 1, '\t'),
      (reply, cuts, indent) => {
        const text = JSON.stringify(reply, null, indent);
        const expected = taken(JSON.parse(text) as Record<string, unknown>);
        expect(scan(Buffer.from(text), cuts)).toEqual({ isComplete: true, ...expected });
      },
    ),
    { numRuns: 1_500 },
  );
});

test('a reply that comes byte by byte, with every letter of its names escaped, is read the same', () => {
  const escaped = (name: string): string =>
    name.replaceAll(/[a-zA-Z]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
  const text = `{"${escaped('data')}":{"${escaped('finalWarehouseName')}":"a\\"b\\\\","x":{"queryId":"inner"}},"${escaped('success')}":true}`;
  const cuts = Array.from({ length: text.length }, (_, index) => index);
  expect(scan(Buffer.from(text), cuts)).toEqual({
    isComplete: true,
    top: { success: true },
    data: { finalWarehouseName: 'a"b\\' },
  });
});

test('the last of two members of one name counts, as in JSON.parse', () => {
  expect(scan(Buffer.from('{"code":"1","code":"2","success":true}'), []).top).toEqual({
    code: '2',
    success: true,
  });
});

test('a cut reply is not complete, and what was whole of it is known', () => {
  const text = JSON.stringify({ data: { queryId: 'q', total: 12 }, success: true });
  for (let length = 0; length < text.length; length += 1) {
    const result = scan(Buffer.from(text.slice(0, length)), [length >> 1]);
    expect(result.isComplete).toBe(false);
    // A number is whole only when something follows it.
    if (result.data['total'] !== undefined) expect(result.data['total']).toBe(12);
    expect(result.top['success']).toBeUndefined();
  }
});

test('what is no JSON object tells nothing and throws nothing', () => {
  const pages = ['', '<html>"code": {"success": true}</html>', '}}}{"success":true}', ']', '[[{'];
  for (const page of pages) {
    const result = scan(Buffer.from(page), [1]);
    expect(result).toMatchObject({ isComplete: page.includes('<html>'), data: {} });
    if (!page.includes('<html>')) expect(result.top).toEqual({});
  }
  expect(scan(Buffer.from('[{"success":true}]'), []).top).toEqual({});
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200)), (bytes, cuts) => {
      scan(Buffer.from(bytes), cuts);
    }),
    { numRuns: 300 },
  );
});

test('what follows the end of the outermost object changes nothing', () => {
  const result = scan(Buffer.from('{"success":true}{"success":false,"code":"1"}'), [16]);
  expect(result).toEqual({ isComplete: true, top: { success: true }, data: {} });
});

test('a value above the cap is dropped, and a large rowset costs no memory', () => {
  const scanner = new ReplyScanner();
  scanner.push(Buffer.from('{"message":"'));
  for (let index = 0; index < 100; index += 1) scanner.push(Buffer.alloc(8192, 'x'));
  scanner.push(Buffer.from('","data":{"rowset":['));
  const before = process.memoryUsage().arrayBuffers;
  const row = Buffer.from(`["${'y'.repeat(8000)}","{\\"code\\":1}"],`);
  for (let index = 0; index < 10_000; index += 1) scanner.push(row);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
  scanner.push(Buffer.from('[]],"total":10000},"success":true}'));
  expect(scanner.result()).toEqual({
    isComplete: true,
    top: { success: true },
    data: { total: 10_000 },
  });
});
