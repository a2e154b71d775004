import { expect, test } from 'vitest';
import {
  alterSessionWithoutClaim,
  loginWithoutClaim,
} from '../../../proxy/identity/claim-texts.js';

const TAG = '{"app":"it\'s \\\\ mine","tollgate_claim":"a.b.c"}';
const literal = TAG.replaceAll('\\', '\\\\').replaceAll("'", "''");

test('an ALTER SESSION loses the claim and keeps everything else as written', () => {
  expect(alterSessionWithoutClaim(`alter /* x */ session set QUERY_TAG = '${literal}' -- y`)).toBe(
    `alter /* x */ session set QUERY_TAG = '{"app":"it''s \\\\\\\\ mine"}' -- y`,
  );
  expect(
    alterSessionWithoutClaim(
      `ALTER SESSION SET LOCK_TIMEOUT = 5 QUERY_TAG = $$${TAG}$$ TIMEZONE='UTC'`,
    ),
  ).toBe(
    `ALTER SESSION SET LOCK_TIMEOUT = 5 QUERY_TAG = '{"app":"it''s \\\\\\\\ mine"}' TIMEZONE='UTC'`,
  );
  expect(
    alterSessionWithoutClaim(`ALTER SESSION SET QUERY_TAG = '{"tollgate_claim":"a.b.c"}'`),
  ).toBe(`ALTER SESSION SET QUERY_TAG = ''`);
});

test('other texts are not touched', () => {
  expect(alterSessionWithoutClaim(`SELECT '${literal}'`)).toBeUndefined();
  expect(alterSessionWithoutClaim(`ALTER TABLE t SET COMMENT = '${literal}'`)).toBeUndefined();
  expect(
    alterSessionWithoutClaim(`ALTER SESSION SET QUERY_TAG = 'x' /* tollgate_claim */`),
  ).toBeUndefined();
});

test('a login loses the claim of its session tag, and nothing of any other login changes', () => {
  const login = (tag: unknown): Buffer =>
    Buffer.from(
      JSON.stringify({ data: { LOGIN_NAME: 'x', SESSION_PARAMETERS: { A: 1, QUERY_TAG: tag } } }),
    );
  const edited = loginWithoutClaim(login(TAG));
  expect(edited?.toString()).toBe(login('{"app":"it\'s \\\\ mine"}').toString());
  for (const tag of ['plain', 7, null, '{"app":"x"}'])
    expect(loginWithoutClaim(login(tag))).toBeUndefined();
  for (const text of ['{}', '{"data":7}', '{"data":{"SESSION_PARAMETERS":null}}', 'x'])
    expect(loginWithoutClaim(Buffer.from(text))).toBeUndefined();
});
