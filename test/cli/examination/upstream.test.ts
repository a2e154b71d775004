import { describe, expect, test } from 'vitest';
import { checkFit } from '../../../cli/examination/control.js';
import { judgeReady } from '../../../cli/examination/running.js';
import {
  checkUpstream,
  judgeAnswer,
  judgeCertificate,
  type UpstreamAnswer,
} from '../../../cli/examination/upstream.js';
import type { Configured } from '../../../cli/accounts.js';
import { startStub } from '../../proxy/upstream-stub.js';

const PLACE = { origin: 'https://h', suffix: '', mayBeLocal: false };
const ANSWER: UpstreamAnswer = {
  status: 200,
  location: null,
  body: '{"success":false,"code":"390100","message":"no"}',
  tookMs: 20,
  skewMs: 0,
};
const DAY = 86_400_000;

describe('what an upstream answers', () => {
  test('in JSON with a code is Snowflake, for any code', () => {
    expect(judgeAnswer(PLACE, ANSWER).status).toBe('ok');
    const numeric = { ...ANSWER, body: '{"success":false,"code":390422}' };
    expect(judgeAnswer(PLACE, numeric).status).toBe('ok');
  });

  test.each([
    ['a page', { body: '<html>' }],
    ['a success without a sign-in', { body: '{"success":true}' }],
    ['JSON without a code', { body: '{"error":"x"}' }],
    ['JSON that is no object', { body: 'null' }],
    ['nothing', { body: '', status: 502 }],
  ])('as %s is not Snowflake', (_, changes) => {
    expect(judgeAnswer(PLACE, { ...ANSWER, ...changes })).toMatchObject({
      status: 'failed',
      fix: expect.stringContaining('snowflakecomputing.com'),
    });
  });

  test('as a redirect fails, and the target is named and not followed', () => {
    const moved = { ...ANSWER, status: 302, location: 'https://elsewhere.example.com/' };
    expect(judgeAnswer(PLACE, moved)).toMatchObject({
      status: 'failed',
      says: expect.stringContaining('https://elsewhere.example.com/'),
    });
  });

  test('over real sockets: a good one, one that redirects, one that is not there', async () => {
    const good = await startStub((_request, response) => response.end(ANSWER.body));
    const bad = await startStub((_request, response) =>
      response.writeHead(307, { location: good.origin }).end(),
    );
    const statuses = async (origin: string): Promise<readonly string[]> =>
      (await checkUpstream({ ...PLACE, origin }, () => Date.now())).map(({ status }) => status);
    expect(await statuses(good.origin)).toEqual(['ok', 'ok', 'ok']);
    expect((await statuses(bad.origin))[0]).toBe('failed');
    await Promise.all([good.stop(), bad.stop()]);
    expect((await statuses(good.origin))[0]).toBe('failed');
  });

  test('a clock two minutes off is found in its Date header', async () => {
    const stub = await startStub((_request, response) => {
      response.setHeader('date', new Date(Date.now() - 120_000).toUTCString());
      response.end(ANSWER.body);
    });
    const findings = await checkUpstream({ ...PLACE, origin: stub.origin }, () => Date.now());
    expect(findings.at(-1)).toMatchObject({ check: 'clock', status: 'failed' });
    await stub.stop();
  });
});

describe('a certificate', () => {
  const now = Date.UTC(2026, 0, 1);
  const judge = (days: number, changes = {}) =>
    judgeCertificate(
      'certificate',
      'h.example.com',
      {
        isTrusted: true,
        why: null,
        subject: '*.example.com',
        validTo: now + days * DAY,
        ...changes,
      },
      now,
    );

  test('is fine for months, a note in its last fortnight, and failed when it ended', () => {
    expect(judge(90)).toMatchObject({
      status: 'ok',
      says: expect.stringContaining('90 days left'),
    });
    expect(judge(9).status).toBe('note');
    expect(judge(-3)).toMatchObject({
      status: 'failed',
      says: expect.stringContaining('3 days ago'),
    });
  });

  test('that is not trusted for the name fails with the words of TLS', () => {
    expect(judge(90, { isTrusted: false, why: 'ERR_TLS_CERT_ALTNAME_INVALID' })).toMatchObject({
      status: 'failed',
      says: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
  });
});

describe('accounts of the document and upstreams of the settings', () => {
  const upstream = (name: string): Configured => ({
    upstream: name,
    name,
    origin: `https://${name}.example.com`,
    service: { user: null, privateKeyFile: null },
  });
  const statuses = (accounts: { id: string; upstream: string }[], names: string[]) =>
    Object.fromEntries(
      checkFit({ accounts }, names.map(upstream)).map(({ check, status }) => [check, status]),
    );

  test('fit', () => {
    expect(statuses([{ id: 'prod', upstream: 'a' }], ['a'])).toEqual({ 'account prod': 'ok' });
  });

  test('an account without an upstream fails, an upstream without an account is a note', () => {
    expect(statuses([{ id: 'prod', upstream: 'b' }], ['a'])).toEqual({
      'account prod': 'failed',
      'upstream a': 'note',
    });
  });

  test('ids that a host name cannot tell apart fail', () => {
    const accounts = ['a_b', 'a-b'].map((id) => ({ id, upstream: 'a' }));
    expect(statuses(accounts, ['a'])).toMatchObject({ 'account ids': 'failed' });
  });
});

test('a Tollgate that is not ready is quoted with its reasons, or by its status', () => {
  expect(judgeReady(200, '').status).toBe('ok');
  const body = JSON.stringify({
    checks: [
      { name: 'postgres', isReady: true, why: null },
      { name: 'proxy', isReady: false, why: 'no control document is in force' },
    ],
  });
  expect(judgeReady(503, body)).toMatchObject({
    status: 'failed',
    says: 'not ready: no control document is in force',
  });
  expect(judgeReady(500, '<html>').says).toBe('not ready: /readyz answers 500');
});
