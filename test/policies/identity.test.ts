import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import type { ControlDocument } from '#policies/control/document.js';
import { createPrincipalResolver } from '#policies/identity.js';

const resolve = (document: ControlDocument, snowflakeUser: string, role: string | null = null) =>
  createPrincipalResolver(document)({ account: 'demo', snowflakeUser, role });

test('every analyst of the demo reaches its own team, in any case of the name', () => {
  const document = demoControlDocument();
  for (const { id } of document.teams)
    for (const user of [`${id}_analyst`, `${id}_analyst`.toUpperCase()]) {
      const who = resolve(document, user);
      expect(who).toMatchObject({
        kind: 'known',
        team: { id },
        principal: { id: `${id}_analyst` },
      });
    }
  expect(resolve(document, 'TOLLGATE_SERVICE')).toMatchObject({ team: { id: 'platform' } });
});

test('an account that is not listed and a user that nothing matches are unknown', () => {
  const document = demoControlDocument();
  expect(resolve(document, 'NOBODY')).toEqual({ kind: 'unknown' });
  expect(
    createPrincipalResolver(document)({
      account: 'other',
      snowflakeUser: 'MARKETING_ANALYST',
      role: null,
    }),
  ).toEqual({ kind: 'unknown' });
  const listedNowhere: ControlDocument = {
    ...document,
    mapping: [{ match: { snowflakeUser: '*' }, team: 'legal' }],
  };
  expect(
    createPrincipalResolver(listedNowhere)({ account: 'other', snowflakeUser: 'X', role: null }),
  ).toEqual({ kind: 'unknown' });
});

test('a letter that only Unicode folds to a Latin one is another user', () => {
  const document = demoControlDocument();
  expect(resolve(document, 'MARKETıNG_ANALYST')).toEqual({ kind: 'unknown' });
});

test('the first matching rule decides, and a role rule needs that role in force', () => {
  const document: ControlDocument = {
    ...demoControlDocument(),
    mapping: [
      { match: { role: 'FINANCE_RO' }, team: 'finance' },
      { match: { snowflakeUser: 'SVC_*' }, team: 'platform' },
      { match: { account: 'demo' }, team: 'legal' },
    ],
  };
  expect(resolve(document, 'SVC_DBT', 'finance_ro')).toMatchObject({ team: { id: 'finance' } });
  expect(resolve(document, 'SVC_DBT')).toMatchObject({ team: { id: 'platform' } });
  expect(resolve(document, 'ANNA')).toMatchObject({
    team: { id: 'legal' },
    principal: { id: 'DEMO/ANNA', kind: 'person', shared: false },
  });
});

test('a rule by name decides only from its own place in the order', () => {
  const document = (mapping: ControlDocument['mapping']): ControlDocument => ({
    ...demoControlDocument(),
    mapping,
  });
  const exact = { match: { snowflakeUser: 'anna' }, team: 'sales' };
  const open = { match: { account: 'demo' }, team: 'legal' };
  expect(resolve(document([exact, open]), 'ANNA')).toMatchObject({ team: { id: 'sales' } });
  expect(resolve(document([open, exact]), 'ANNA')).toMatchObject({ team: { id: 'legal' } });
});

test('a suspended principal is named but not let through', () => {
  const document = demoControlDocument();
  const suspended: ControlDocument = {
    ...document,
    principals: document.principals.map((principal) => ({
      ...principal,
      status: principal.id === 'sales_analyst' ? 'suspended' : 'active',
    })),
  };
  expect(resolve(suspended, 'SALES_ANALYST')).toMatchObject({
    kind: 'suspended',
    principal: { id: 'sales_analyst' },
  });
});
