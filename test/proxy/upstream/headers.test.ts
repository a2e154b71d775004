import { expect, test } from 'vitest';
import { headersForClient, headersForUpstream } from '../../../proxy/upstream/headers.js';

test('what drivers send crosses, with the host of upstream', () => {
  expect(
    headersForUpstream(
      {
        host: 'proxy',
        accept: 'application/snowflake',
        x_own_header: 'kept',
        'set-cookie': ['a', 'b'],
        'user-agent': 'JDBC',
      },
      'upstream:443',
    ),
  ).toEqual({
    host: 'upstream:443',
    accept: 'application/snowflake',
    x_own_header: 'kept',
    'set-cookie': ['a', 'b'],
    'user-agent': 'JDBC',
  });
});

test('headers of the hop, those that Connection names, and claims of an address end here', () => {
  expect(
    headersForUpstream(
      {
        connection: 'keep-alive, X-Mine',
        'x-mine': '1',
        'keep-alive': 'timeout=5',
        te: 'trailers',
        trailer: 'x',
        'transfer-encoding': 'chunked',
        upgrade: 'h2c',
        expect: '100-continue',
        'proxy-authorization': 'Basic x',
        'proxy-connection': 'close',
        'content-length': '5',
        authorization: 'Snowflake Token="sealed"',
        forwarded: 'for=1.1.1.1',
        'x-forwarded-for': '1.1.1.1',
        'x-forwarded-host': 'h',
        'x-real-ip': '1.1.1.1',
      },
      'h',
    ),
  ).toEqual({ host: 'h' });
});

test.each([
  ['gzip, deflate, br, zstd', 'gzip, deflate, br'],
  ['zstd', 'identity'],
  ['*', 'identity'],
  ['GZIP;q=0.5, identity;q=0', 'GZIP;q=0.5, identity;q=0'],
])('upstream is offered only codings that can be read here: %s', (offered, expected) => {
  expect(headersForUpstream({ 'accept-encoding': offered }, 'h')['accept-encoding']).toBe(expected);
});

test("upstream's headers cross to the client, without those of the hop and those Node would not send", () => {
  const headers = {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'content-length': '10',
    'set-cookie': ['a=1', 'b=2'],
    connection: 'close, x-hop',
    'x-hop': '1',
    'transfer-encoding': 'chunked',
    'x-odd': '漢',
    'x-split': 'a\r\nb: c',
    absent: undefined,
  };
  expect(headersForClient(headers, false)).toEqual({
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'content-length': '10',
    'set-cookie': ['a=1', 'b=2'],
  });
  expect(headersForClient(headers, true)).toEqual({
    'content-type': 'application/json',
    'set-cookie': ['a=1', 'b=2'],
  });
});

test('a redirect of upstream reaches no client as an address to go to', () => {
  const headers = {
    location: 'https://elsewhere.example/',
    refresh: '0; url=x',
    'retry-after': '1',
  };
  expect(headersForClient(headers, false)).toEqual({ 'retry-after': '1' });
});
