import { expect, test } from 'vitest';
import { readApiReply } from '../../../proxy/sql-api/read-reply.js';
import { ReplyScanner } from '../../../proxy/wire/reply-scanner.js';

function read(status: number, body: unknown): ReturnType<typeof readApiReply> {
  const scanner = new ReplyScanner();
  scanner.push(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  return readApiReply(status, scanner.result());
}

test('a result ends its statement, with its rows and the handles of its children', () => {
  const body = {
    resultSetMetaData: { numRows: 3, rowType: [{ name: 'code' }] },
    data: [['x', '{"code":"1"}'], []],
    code: '090001',
    statementHandles: ['a', 'b'],
    sqlState: '00000',
    statementHandle: 'h',
  };
  expect(read(200, body)).toEqual({
    kind: 'ended',
    end: {
      isSuccess: true,
      code: '090001',
      sqlState: '00000',
      queryId: 'h',
      childQueryIds: ['a', 'b'],
      rows: 3,
    },
  });
});

test.each([
  ['it runs', 202, { code: '333334', statementHandle: 'h' }, { kind: 'running', queryId: 'h' }],
  ['it runs, namelessly', 202, 'x', { kind: 'running', queryId: null }],
  ['a partition says nothing', 200, { data: [['1']] }, { kind: 'unknown' }],
  ['a cut reply says nothing', 200, '{"code":"090001","data":[[', { kind: 'unknown' }],
  ['a gateway says nothing', 502, '<html>', { kind: 'unknown' }],
  ['a busy server says nothing', 503, { code: '000603' }, { kind: 'unknown' }],
  ['an unknown handle says nothing', 422, { code: '000709' }, { kind: 'unknown' }],
])('%s', (_name, status, body, expected) => {
  expect(read(status, body)).toEqual(expected);
});

test.each([
  ['failed', 422, { code: '100051', sqlState: '22012' }, '22012'],
  ['reached its timeout', 408, { code: '000630' }, '57014'],
  // Class 42: no warehouse was used.
  ['was turned away', 429, { code: '390505' }, '42501'],
  ['came under a token that has ended', 401, { code: '390318' }, '42501'],
])('a statement that %s has ended without success', (_name, status, body, sqlState) => {
  expect(read(status, body)).toMatchObject({
    kind: 'ended',
    end: { isSuccess: false, code: body.code, sqlState },
  });
});
