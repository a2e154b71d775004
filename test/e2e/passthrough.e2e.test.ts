/** What crosses the proxy without being a statement, byte for byte, in front of an upstream that records what it gets. */
import type { ServerResponse } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import {
  answerAsSnowflake,
  OPENED,
  startGateway,
  type Gateway,
  type Seen,
} from './support/gateway.js';

const LOGIN =
  '/session/v1/login-request?requestId=7c8a1f0e-2222-4333-8444-555566667777&warehouse=W%20H&roleName=';
const RENEWAL =
  '/session/token-request?requestId=7c8a1f0e-2222-4333-8444-555566667779&request_guid=x';
const QUERY = '/queries/v1/query-request?requestId=7c8a1f0e-2222-4333-8444-55556666777';
const LOGIN_BODY = '{"data":{"ACCOUNT_NAME":"DEMO","LOGIN_NAME":"sales_analyst","PASSWORD":"x"}}';
const WAIT_MS = 400;

let gateway: Gateway;
let requests = 0;

beforeAll(async () => {
  // Every deadline of the listener is shorter than the silences below.
  const short = { headersTimeoutMs: WAIT_MS, keepAliveMs: WAIT_MS, unreadReplyMs: WAIT_MS };
  gateway = await startGateway({ plain: short });
});

afterAll(() => gateway?.stop());

afterEach(() => {
  gateway.answer = answerAsSnowflake;
  gateway.seen.length = 0;
});

interface Reply {
  readonly status: number;
  /** Every header line as it came. */
  readonly head: string;
  readonly body: Buffer;
  readonly json: Record<string, unknown>;
}

/** Sends one request over a connection of its own; the reply with its bytes. */
async function send(
  method: 'GET' | 'POST',
  target: string,
  body: string | Buffer,
  headers: readonly string[] = [],
): Promise<Reply> {
  const bytes = Buffer.from(body);
  const own = [
    'Host: 127.0.0.1',
    ...(bytes.length === 0 || headers.some((each) => /^content-type:/i.test(each))
      ? []
      : ['Content-Type: application/json']),
  ];
  const head = `${method} ${target} HTTP/1.1\r\n${[...own, ...headers].join('\r\n')}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  const { text } = await gateway.exchange(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  const at = text.indexOf('\r\n\r\n');
  const received = Buffer.from(text.slice(at + 4), 'latin1');
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
    head: text.slice(0, at),
    body: received,
    json: parsed(received),
  };
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

interface Session {
  readonly token: string;
  readonly masterToken: string;
  readonly authorization: string;
}

interface Session {
  readonly token: string;
  readonly masterToken: string;
  readonly sessionId: string;
  readonly authorization: string;
  readonly reply: Reply;
}

/** A session with a number of its own, beyond what a JavaScript number holds. */
async function signIn(
  body: string | Buffer = LOGIN_BODY,
  headers: readonly string[] = [],
): Promise<Session> {
  requests += 1;
  const sessionId = `90071992547409${90 + requests}`;
  answering(OPENED.replace('9007199254740993', sessionId));
  const reply = await send('POST', LOGIN, body, headers);
  gateway.answer = answerAsSnowflake;
  const { token = '', masterToken = '' } = (reply.json['data'] ?? {}) as Record<string, string>;
  return { token, masterToken, sessionId, authorization: bearing(token), reply };
}

const bearing = (token: string): string => `Authorization: Snowflake Token="${token}"`;

/** Upstream answers with these bytes. */
function answering(
  body: string | Buffer,
  headers: Record<string, string | string[]> = {},
  status = 200,
): void {
  gateway.answer = (_seen: Seen, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
}

describe('a login', () => {
  test.each<readonly [string, string]>([
    [
      'a password and a push',
      '"LOGIN_NAME":"sales_analyst","PASSWORD":"x","EXT_AUTHN_DUO_METHOD":"push"',
    ],
    [
      'a cached MFA token',
      '"LOGIN_NAME":"sales_analyst","AUTHENTICATOR":"USERNAME_PASSWORD_MFA","PASSWORD":"x","TOKEN":"cached"',
    ],
    [
      'a passcode',
      '"LOGIN_NAME":"sales_analyst","PASSWORD":"x","PASSCODE":"123456","EXT_AUTHN_DUO_METHOD":"passcode"',
    ],
    [
      'an external browser',
      '"LOGIN_NAME":"sales_analyst","AUTHENTICATOR":"EXTERNALBROWSER","TOKEN":"saml","PROOF_KEY":"proof"',
    ],
    [
      'a cached ID token',
      '"LOGIN_NAME":"sales_analyst","AUTHENTICATOR":"ID_TOKEN","TOKEN":"cached"',
    ],
    ['Okta', '"LOGIN_NAME":"sales_analyst","RAW_SAML_RESPONSE":"<html>"'],
    [
      'OAuth',
      '"LOGIN_NAME":"sales_analyst","AUTHENTICATOR":"OAUTH","TOKEN":"access","OAUTH_TYPE":"OAUTH_AUTHORIZATION_CODE"',
    ],
    [
      'an access token',
      '"LOGIN_NAME":"sales_analyst","AUTHENTICATOR":"PROGRAMMATIC_ACCESS_TOKEN","TOKEN":"pat"',
    ],
    [
      'a key pair, which alone names the user',
      `"AUTHENTICATOR":"SNOWFLAKE_JWT","TOKEN":"x.${Buffer.from('{"sub":"DEMO.SALES_ANALYST"}').toString('base64url')}.z"`,
    ],
    [
      'workload identity',
      '"LOGIN_NAME":"sales_analyst","AUTHENTICATOR":"WORKLOAD_IDENTITY","PROVIDER":"AWS","TOKEN":"attestation"',
    ],
  ])(
    'with %s reaches upstream in the bytes of its client, plain or compressed',
    async (_what, fields) => {
      const body = ` {"data": {"ACCOUNT_NAME":"DEMO",${fields},"CLIENT_APP_VERSION":9.10,"BIG":12345678901234567890, "U":"\\u00e4"} , "inFlightCtx":"ctx"}`;
      const packed = gzipSync(body);
      expect((await signIn(body)).reply.json['success']).toBe(true);
      expect((await signIn(packed, ['Content-Encoding: gzip'])).reply.json['success']).toBe(true);
      // JDBC has been seen to compress without saying so.
      expect((await signIn(packed)).reply.json['success']).toBe(true);
      expect(gateway.seen.map(({ line }) => line)).toEqual(
        Array.from({ length: 3 }, () => `POST ${LOGIN}`),
      );
      expect(gateway.seen[0]?.body.toString('utf8')).toBe(body);
      expect(gateway.seen[1]?.body).toEqual(packed);
      expect(gateway.seen[2]?.body).toEqual(packed);
    },
  );

  test('keeps every byte of the reply but its two tokens: numbers, order, spaces, unknown members', async () => {
    for (const packed of [false, true]) {
      const opened = OPENED.replace('9007199254740993', packed ? '70' : '71').replace(
        '"idToken":null',
        '"idToken":"id-of-snowflake","mfaToken":"mfa-of-snowflake","big":12345678901234567890',
      );
      answering(packed ? gzipSync(opened) : opened, packed ? { 'content-encoding': 'gzip' } : {});
      const { json, body, head } = await send('POST', LOGIN, LOGIN_BODY, ['Accept-Encoding: gzip']);
      const { token, masterToken } = json['data'] as Record<string, string>;
      const back = body
        .toString('utf8')
        .replace(String(token), 'upstream-session-secret')
        .replace(String(masterToken), 'upstream-master-secret');
      expect(back).toBe(opened);
      expect(head).toContain(`content-length: ${body.length}`);
    }
  });

  test.each([
    '390100',
    '390120',
    '390127',
    '390132',
    '390144',
    '390195',
    '390303',
    '390318',
    '394304',
    '394400',
  ])('that fails with %s passes as it is, also compressed and with its next step', async (code) => {
    const failed = `{"data":{"nextAction":"EXT_AUTHN_DUO_ALL","inFlightCtx":"ctx-1", "n": 1.0,"pwdLastSetTime":12345678901234567890},"code":"${code}","message":"in the words of Snowflake","success":false,"headers":null}`;
    answering(failed);
    expect((await send('POST', LOGIN, LOGIN_BODY)).body.toString()).toBe(failed);
    answering(gzipSync(failed), { 'content-encoding': 'gzip' });
    const { body } = await send('POST', LOGIN, LOGIN_BODY, ['Accept-Encoding: gzip']);
    expect(gunzipSync(body).toString()).toBe(failed);
  });

  test('whose second factor takes its time is waited for, longer than any deadline of the listener', async () => {
    gateway.answer = (one, response) =>
      void setTimeout(() => answerAsSnowflake(one, response), 3 * WAIT_MS);
    expect((await send('POST', LOGIN, LOGIN_BODY)).json['success']).toBe(true);
  });

  test('that names no user, and whose token names none, is told what to set, and its session is closed', async () => {
    const { reply } = await signIn(
      '{"data":{"ACCOUNT_NAME":"DEMO","AUTHENTICATOR":"OAUTH","TOKEN":"opaque"}}',
    );
    expect(reply.json['message']).toMatch(
      /^TG1002 Not connected: .*names no user.*Set the user in the driver/,
    );
    await eventually(() => expect(gateway.seen.at(-1)?.line).toBe('POST /session?delete=true'));
  });

  test.each([
    ['a name that stands twice', OPENED.replace('"idToken":null', '"token":"another"')],
    ['no end', OPENED.slice(0, -3)],
    ['no JSON', '<html></html>'],
  ])(
    'whose reply has %s is not passed on, for a token of Snowflake could hide in it',
    async (_what, text) => {
      answering(text);
      const { json, body } = await send('POST', LOGIN, LOGIN_BODY);
      expect(json['code']).toBe('715002');
      expect(body.toString()).not.toMatch(/upstream-(session|master)/);
    },
  );
});

describe('a renewal', () => {
  test.each(['RENEW', 'ISSUE'])(
    'of type %s changes the tokens in both bodies, and no other byte',
    async (type) => {
      const { token, masterToken, sessionId } = await signIn();
      gateway.seen.length = 0;
      const body = ` { "oldSessionToken" : "${token}", "requestType":"${type}", "n": 1.0, "big":12345678901234567890}`;
      const reply = ` {"data":{"sessionToken":"upstream-2","validityInSecondsST":3600,"masterToken":"upstream-master-2","sessionId":${sessionId}, "n": 1.0},"code":null,"success":true}`;
      answering(reply);
      const renewed = await send('POST', RENEWAL, body, [bearing(masterToken)]);
      expect(gateway.seen[0]?.line).toBe(`POST ${RENEWAL}`);
      expect(gateway.seen[0]?.headers.authorization).toBe(
        'Snowflake Token="upstream-master-secret"',
      );
      expect(gateway.seen[0]?.body.toString()).toBe(body.replace(token, 'upstream-session-secret'));
      const data = renewed.json['data'] as Record<string, string>;
      expect(
        renewed.body
          .toString()
          .replace(String(data['sessionToken']), 'upstream-2')
          .replace(String(data['masterToken']), 'upstream-master-2'),
      ).toBe(reply);
      gateway.answer = answerAsSnowflake;
      gateway.seen.length = 0;
      await send('POST', '/session/heartbeat', '', [bearing(String(data['sessionToken']))]);
      expect(gateway.seen[0]?.headers.authorization).toBe('Snowflake Token="upstream-2"');
    },
  );

  test('of another type, or answered for another session, is refused', async () => {
    const { token, masterToken } = await signIn();
    gateway.seen.length = 0;
    const clone = await send(
      'POST',
      RENEWAL,
      `{"oldSessionToken":"${token}","requestType":"CLONE"}`,
      [bearing(masterToken)],
    );
    expect(clone.json['message']).toMatch(/^TG1010 .*must be RENEW or ISSUE/);
    expect(gateway.seen).toEqual([]);
    answering(
      '{"data":{"sessionToken":"upstream-2","masterToken":"m","sessionId":5},"success":true}',
    );
    const other = await send(
      'POST',
      RENEWAL,
      `{"oldSessionToken":"${token}","requestType":"RENEW"}`,
      [bearing(masterToken)],
    );
    expect(other.json['message']).toMatch(/^TG5002 .*for another session/);
    expect(other.body.toString()).not.toContain('upstream-2');
  });
});

describe('where to sign in', () => {
  const ASK = '/session/authenticator-request?requestId=7c8a1f0e-2222-4333-8444-555566667770';
  const asking = (authenticator: string): string =>
    `{"data":{"ACCOUNT_NAME":"DEMO","LOGIN_NAME":"sales_analyst","AUTHENTICATOR":"${authenticator}","BROWSER_MODE_REDIRECT_PORT":"5000", "n": 1.0}}`;
  const told = (ssoUrl: string, tokenUrl: string): string =>
    JSON.stringify({
      data: { tokenUrl, ssoUrl, proofKey: 'proof' },
      code: null,
      message: null,
      success: true,
    });

  test.each([
    ['externalbrowser', 'https://idp.example/saml?SAMLRequest=x', ''],
    ['externalbrowser', 'https://myorg-acct.snowflakecomputing.com/console/login?x=1', ''],
    [
      'https://mine.okta.com',
      'https://mine.okta.com/app/snowflake/x/sso/saml',
      'https://mine.okta.com/api/v1/authn',
    ],
  ])(
    'with %s, at %s, passes in both directions as it is',
    async (authenticator, ssoUrl, tokenUrl) => {
      answering(told(ssoUrl, tokenUrl));
      const reply = await send('POST', ASK, asking(authenticator));
      expect(reply.body.toString()).toBe(told(ssoUrl, tokenUrl));
      expect(gateway.seen[0]?.line).toBe(`POST ${ASK}`);
      expect(gateway.seen[0]?.body.toString()).toBe(asking(authenticator));
    },
  );

  test.each([
    ['externalbrowser', 'http://idp.example/saml'],
    ['externalbrowser', 'javascript:alert(1)'],
    ['externalbrowser', 'file:///etc/passwd'],
    ['externalbrowser', '//idp.example/'],
    ['externalbrowser', 'https://someone:secret@idp.example/'],
    ['externalbrowser', 'data:text/html,x'],
    ['https://mine.okta.com', 'https://other.example/api/v1/authn'],
    ['https://mine.okta.com', 'https://mine.okta.com.evil.example/'],
  ])('31 with %s, at %s, is not passed on', async (authenticator, address) => {
    for (const text of [
      told(address, ''),
      told('', address),
      told(address, '').replace('ssoUrl', 'ssoUr\\u006c'),
    ]) {
      answering(text);
      const reply = await send('POST', ASK, asking(authenticator));
      expect(reply.json['code']).toBe('715002');
      expect(reply.body.toString()).not.toContain('example');
      expect(reply.body.toString()).not.toContain('alert');
    }
  });

  test('of an account that is not fronted, or with a secret of Tollgate inside, is refused and asked of nobody', async () => {
    const other = await send('POST', ASK, asking('externalbrowser').replace('DEMO', 'OTHER'));
    expect(other.json['message']).toMatch(/^TG1004 /);
    const ours = await send(
      'POST',
      ASK,
      asking('externalbrowser').replace('proof', '').replace('"5000"', '"tgpw_of-ours"'),
    );
    expect(ours.json['message']).toMatch(/^TG1001 Not connected: .*credentials issued by Tollgate/);
    expect(gateway.seen).toEqual([]);
  });

  test.each([
    '/console/login?login_name=A%20B&proof_key=x%2By&browser_mode_redirect_port=5000',
    '/oauth/authorize?client_id=x&redirect_uri=http%3A%2F%2Flocalhost%3A1&state=%0d%0aX:1',
  ])("a browser at %s is sent to the account's own address", async (target) => {
    const host = ['Host: demo.gw.example'];
    const text = (await gateway.exchange(`GET ${target} HTTP/1.1\r\n${host[0]}\r\n\r\n`)).text;
    expect(text).toMatch(/^HTTP\/1\.1 302 /);
    expect(text).toContain(`location: ${gateway.upstream.origin}${target}\r\n`);
    expect(text).toContain('referrer-policy: no-referrer');
    // On a bare address nothing says which account is meant.
    const unknown = await send('GET', target, '');
    expect(unknown.json['message']).toMatch(/^TG1004 /);
    expect(gateway.seen).toEqual([]);
  });
});

describe("Snowflake's own OAuth", () => {
  const TOKEN = '/oauth/token-request';
  const FORM = 'grant_type=authorization_code&code=a%2Bb&redirect_uri=http%3A%2F%2Flocalhost';
  const ask = async (body: string, headers: readonly string[] = []): Promise<string> => {
    const head = [
      'POST /oauth/token-request HTTP/1.1',
      'Host: demo.gw.example',
      ...(headers.some((each) => each.startsWith('Content-Type'))
        ? []
        : ['Content-Type: application/x-www-form-urlencoded; charset=UTF-8']),
      'Authorization: Basic aWQ6c2VjcmV0',
      ...headers,
      `Content-Length: ${body.length}`,
    ];
    return (await gateway.exchange(`${head.join('\r\n')}\r\n\r\n${body}`)).text;
  };

  test('takes the form and gives the token as they are', async () => {
    const granted = '{"access_token":"ver:1-hint:2-x", "expires_in":600.0,"token_type":"Bearer"}';
    answering(granted, { 'cache-control': 'no-store' });
    const text = await ask(FORM);
    expect(text).toContain(granted);
    expect(text).toContain('cache-control: no-store');
    expect(gateway.seen[0]).toMatchObject({
      line: `POST ${TOKEN}`,
      headers: {
        authorization: 'Basic aWQ6c2VjcmV0',
        'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      },
    });
    expect(gateway.seen[0]?.body.toString()).toBe(FORM);
    const failed = '{"error":"invalid_grant","error_description":"in the words of Snowflake"}';
    answering(failed, {}, 400);
    expect(await ask(FORM)).toMatch(/^HTTP\/1\.1 400 [^]*in the words of Snowflake/);
  });

  test('tells failures as OAuth clients read them, and follows no redirect', async () => {
    answering('', { location: 'https://evil.example/' }, 307);
    const redirected = await ask(FORM);
    expect(redirected).toMatch(
      /^HTTP\/1\.1 502 [^]*"error":"server_error"[^]*redirect, which is not followed/,
    );
    expect(redirected).not.toContain('evil');
    gateway.seen.length = 0;
    expect(await ask('x'.repeat(70_000))).toMatch(
      /^HTTP\/1\.1 400 [^]*"error":"invalid_request"[^]*larger than 65536/,
    );
    expect(await ask('{}', ['Content-Type: application/json'])).toContain(
      'must be application/x-www-form-urlencoded',
    );
    expect(gateway.seen).toEqual([]);
    gateway.answer = (_seen, response) => void response.destroy();
    expect(await ask(FORM)).toMatch(/^HTTP\/1\.1 503 [^]*"error":"temporarily_unavailable"/);
  });
});

describe('a session', () => {
  test('that skipped the login with an access token is refused in words, on every route of drivers', async () => {
    for (const [method, target] of [
      ['POST', `${QUERY}1`],
      ['POST', '/session/heartbeat'],
      ['POST', '/session?delete=true'],
      ['GET', '/queries/01bfffff-0000-4000-8000-000000000001/result'],
      ['POST', '/telemetry/send'],
      ['POST', RENEWAL],
    ] as const) {
      const reply = await send(method, target, method === 'GET' ? '' : '{}', [
        'Authorization: Bearer pat-secret',
        'X-Snowflake-External-Session-ID: 5',
      ]);
      expect(reply.json['message']).toMatch(
        /^TG1001 Not run: .*access token in place of a session.*PROGRAMMATIC_ACCESS_TOKEN/,
      );
      expect(reply.body.toString()).not.toContain('pat-secret');
    }
    expect(gateway.seen).toEqual([]);
  });

  test('keeps headers with underscores, sticky ones and repeated ones, in both directions', async () => {
    const { authorization } = await signIn();
    gateway.seen.length = 0;
    answering('{"success":true}', {
      'x-snowflake-session': 'node-7',
      x_own_header: 'kept',
      'set-cookie': ['a=1; Path=/', 'b=2'],
      'x-many': ['1', '2'],
    });
    const { head } = await send('POST', '/session/heartbeat?requestId=1&a=%2F%20x', '', [
      authorization,
      'CLIENT_APP_ID: JDBC',
      'CLIENT_APP_VERSION: 4.0',
      'x-snowflake-session: node-7',
      'X-Snowflake-Service: svc',
      'traceparent: 00-a-b-01',
      'DPoP: proof',
      'X-Many: 1',
      'X-Many: 2',
      'Cookie: mine=1',
    ]);
    expect(gateway.seen[0]?.line).toBe('POST /session/heartbeat?requestId=1&a=%2F%20x');
    expect(gateway.seen[0]?.headers).toMatchObject({
      client_app_id: 'JDBC',
      client_app_version: '4.0',
      'x-snowflake-session': 'node-7',
      'x-snowflake-service': 'svc',
      traceparent: '00-a-b-01',
      dpop: 'proof',
      'x-many': '1, 2',
      cookie: 'mine=1',
    });
    for (const line of [
      'x-snowflake-session: node-7',
      'x_own_header: kept',
      'set-cookie: a=1; Path=/',
      'set-cookie: b=2',
      'x-many: 1',
      'x-many: 2',
    ])
      expect(head).toContain(line);
    // Nobody keeps a cookie here: the next session sends none.
    const other = await signIn();
    gateway.seen.length = 0;
    await send('POST', '/session/heartbeat', '', [other.authorization]);
    expect(gateway.seen[0]?.headers).not.toHaveProperty('cookie');
  });

  test('gets addresses, keys and numbers of results byte for byte, plain and compressed', async () => {
    const { authorization } = await signIn();
    const large = `{"data":{"rowtype":[{"name":"N","scale":0, "precision":38}],"rowset":[["1",null]],"chunks":[{"url":"https://bucket.s3.amazonaws.com/x?X-Amz-Signature=a%2Bb","rowCount":12345678901234567890,"uncompressedSize":1.0e3}],"chunkHeaders":{"x-amz-server-side-encryption-customer-key":"k=="},"qrmk":"q","stageInfo":{"location":"s3://x","creds":{"AWS_KEY_ID":"a"}},"encryptionMaterial":{"smkId":9223372036854775807},"queryContext":{"entries":[{"id":0,"timestamp":1700000000000000}]},"total":2,"queryId":"01bfffff-0000-4000-8000-000000000002"},"code":null,"message":null,"success":true}`;
    for (const [coding, bytes] of [
      ['', Buffer.from(large)],
      ['gzip', gzipSync(large)],
    ] as const) {
      answering(bytes, coding === '' ? {} : { 'content-encoding': coding });
      requests += 1;
      const { body, head } = await send(
        'POST',
        `${QUERY}${requests}`,
        '{"sqlText":"SHOW TABLES"}',
        [authorization, 'Accept-Encoding: gzip'],
      );
      expect(body.equals(bytes)).toBe(true);
      expect(head.toLowerCase().includes('content-encoding: gzip')).toBe(coding === 'gzip');
    }
  });

  test('tells telemetry before a login that it was taken, and sends it nowhere', async () => {
    const { json } = await send('POST', '/telemetry/send/sessionless', '{"logs":[]}');
    expect(json).toMatchObject({ success: true });
    expect(gateway.seen).toEqual([]);
  });
});
