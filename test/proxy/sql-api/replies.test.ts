import { expect, test } from 'vitest';
import type { TgName } from '../../../base/errors.js';
import { columnType } from '../../../base/wire/row-type.js';
import { apiRefusal, apiRows } from '../../../proxy/sql-api/replies.js';
import type { SmallReply } from '../../../proxy/relay.js';
import { callerRefusal } from '../../../proxy/wire/refusal.js';

function bodyOf(reply: SmallReply): Readonly<Record<string, unknown>> {
  return JSON.parse(reply.body.toString('utf8')) as Readonly<Record<string, unknown>>;
}

test.each<[TgName, number]>([
  ['budgetExceeded', 422],
  ['ruleRefused', 422],
  ['queueFull', 422],
  ['ledgerUnavailable', 422],
  ['ceilingReached', 422],
  ['requestIdReused', 422],
  ['unauthenticated', 401],
  ['principalUnknown', 403],
  ['requestMalformed', 400],
  ['requestTooLarge', 413],
  ['upstreamUnreachable', 503],
  ['internal', 500],
])('a refusal %s is %d, with our number, its state, its ticket and its twin', (code, status) => {
  const reply = apiRefusal(callerRefusal(code, 'why'), 'ticket');
  expect(reply.status).toBe(status);
  expect(bodyOf(reply)).toMatchObject({
    code: expect.stringMatching(/^71\d{4}$/) as string,
    sqlState: expect.stringMatching(/^\w{5}$/) as string,
    message: expect.stringContaining('why') as string,
    statementHandle: 'ticket',
    tollgate: { ticket: 'ticket' },
  });
});

test('rows of ours are one partition in the texts of jsonv2', () => {
  const rows = (isNullable: boolean): unknown =>
    bodyOf(
      apiRows({
        ticketId: 't',
        requestId: 'r',
        answered: {
          result: {
            columns: [columnType('B', 'boolean'), columnType('N', 'fixed')],
            rows: [
              ['1', null],
              ['0', '5'],
            ],
          },
          twin: { a: 1 },
        },
        isNullable,
        createdOn: 5,
      }),
    );
  expect(rows(true)).toMatchObject({
    resultSetMetaData: { numRows: 2, format: 'jsonv2', partitionInfo: [{ rowCount: 2 }] },
    data: [
      ['true', null],
      ['false', '5'],
    ],
    code: '090001',
    statementHandle: 't',
    createdOn: 5,
    tollgate: { a: 1 },
  });
  expect(rows(false)).toMatchObject({
    data: [
      ['true', 'null'],
      ['false', '5'],
    ],
  });
});
