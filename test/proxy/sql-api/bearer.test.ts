import { expect, test } from 'vitest';
import { readBearer } from '../../../proxy/sql-api/bearer.js';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object): string => `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;
const KEY_PAIR = jwt({ iss: 'ACCT.USER.SHA256:abc', sub: 'ACCT.USER', exp: 1000 });

function read(authorization: string | undefined, type?: string): ReturnType<typeof readBearer> {
  return readBearer({
    ...(authorization === undefined ? {} : { authorization }),
    ...(type === undefined ? {} : { 'x-snowflake-authorization-token-type': type }),
  });
}

test('a token goes upstream in the headers in which it came, and nothing is added', () => {
  expect(read('Bearer abc', 'oauth')).toEqual({
    token: 'abc',
    type: 'OAUTH',
    headers: {
      authorization: 'Bearer abc',
      'x-snowflake-authorization-token-type': 'oauth',
    },
    endsAtMs: Infinity,
  });
  expect(read('bearer abc')).toMatchObject({ headers: { authorization: 'Bearer abc' } });
});

test.each([
  ['abc', 'OAUTH'],
  [jwt({ iss: 'https://identity.invalid/' }), 'OAUTH'],
  [KEY_PAIR, 'KEYPAIR_JWT'],
  ['tgp_abc', 'PROGRAMMATIC_ACCESS_TOKEN'],
])('%s tells its type where the header does not', (token, type) => {
  expect(read(`Bearer ${token}`)).toMatchObject({ type });
});

test('a JSON Web Token says when it ends', () => {
  expect(read(`Bearer ${KEY_PAIR}`)).toMatchObject({ endsAtMs: 1_000_000 });
});

test.each([
  [undefined, undefined],
  ['Snowflake Token="x"', undefined],
  ['Basic abc', undefined],
  ['Bearer ', undefined],
  ['Bearer a b', undefined],
  [`Bearer ${'x'.repeat(16_385)}`, undefined],
  ['Bearer abc', 'BASIC'],
])('%s is no bearer', (authorization, type) => {
  expect(read(authorization, type)).toHaveProperty('why');
});
