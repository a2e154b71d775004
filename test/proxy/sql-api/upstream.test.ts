import { expect, test } from 'vitest';
import { abortByApi, readApiFacts, withFlag } from '../../../proxy/sql-api/upstream.js';
import { stubUpstream } from './stub.js';

const AUTHORIZATION = { authorization: 'Bearer t' };
const HANDLE = '01234567-89ab-cdef-0123-456789abcdef';

test.each([
  ['/s', '/s?retry=true'],
  ['/s?requestId=1', '/s?requestId=1&retry=true'],
  ['/s?retry=false&async=true', '/s?async=true&retry=true'],
  ['/s?retry=true', '/s?retry=true'],
])('%s is marked as a repeat', (target, marked) => {
  expect(withFlag(target, 'retry')).toBe(marked);
});

test.each([
  [202, {}, { isRunning: true, isSuccess: false, errorCode: null, bytesScanned: null }],
  [200, { data: [] }, { isRunning: false, isSuccess: true, errorCode: null, bytesScanned: null }],
  [
    422,
    { code: '000604' },
    { isRunning: false, isSuccess: false, errorCode: '000604', bytesScanned: null },
  ],
  [
    408,
    { code: '000630' },
    { isRunning: false, isSuccess: false, errorCode: '000630', bytesScanned: null },
  ],
  [422, { code: '000709' }, undefined],
  [503, {}, undefined],
])('status %s says how a statement stands', async (status, body, facts) => {
  const upstream = stubUpstream(() => ({ status, body }));
  expect(await readApiFacts(upstream, AUTHORIZATION, HANDLE)).toEqual(facts);
  expect(upstream.asked[0]).toMatchObject({
    method: 'GET',
    path: `/api/v2/statements/${HANDLE}`,
    headers: AUTHORIZATION,
  });
});

test('a token that has ended says nothing of the statement', async () => {
  const upstream = stubUpstream(() => ({ status: 401, body: { code: '390318' } }));
  await expect(readApiFacts(upstream, AUTHORIZATION, HANDLE)).rejects.toThrow('token');
  await expect(abortByApi(upstream, AUTHORIZATION, HANDLE, undefined)).rejects.toThrow('token');
});

test('a statement without a handle is asked for its handle, without a second execution, and cancelled by it', async () => {
  const upstream = stubUpstream(({ path }) =>
    path.endsWith('/cancel')
      ? { status: 200, body: { code: '000604' } }
      : { status: 202, body: { statementHandle: HANDLE } },
  );
  const submitted = { target: '/api/v2/statements?requestId=1', body: Buffer.from('{"x":1}') };
  await abortByApi(upstream, AUTHORIZATION, null, submitted);
  expect(upstream.asked.map(({ path }) => path)).toEqual([
    '/api/v2/statements?requestId=1&retry=true&async=true',
    `/api/v2/statements/${HANDLE}/cancel`,
  ]);
  expect(upstream.asked[0]?.body).toEqual(submitted.body);
  await expect(abortByApi(upstream, AUTHORIZATION, null, undefined)).rejects.toMatchObject({
    code: 'upstreamUnreachable',
  });
});
