import { expect, test } from 'vitest';
import { breakGlassReason, breakGlassWay } from '#policies/break-glass.js';

test.each([
  ['/* tollgate: break-glass payroll is late */ SELECT 1', 'payroll is late'],
  ['  /*tollgate:BREAK-GLASS\n a  reason\n*/\nSELECT 1', 'a reason'],
  ['/* tollgate: break-glass */ SELECT 1', ''],
  ['/* tollgate: break-glass a * b ** c */ SELECT 1', 'a * b ** c'],
  ['SELECT 1 /* tollgate: break-glass late */', null],
  ["SELECT '/* tollgate: break-glass late */'", null],
  ['/* tollgate: break-glassware */ SELECT 1', null],
  ['/* other */ /* tollgate: break-glass late */ SELECT 1', null],
])('%j asks with the reason %j', (sql, reason) => {
  expect(breakGlassReason(sql, null)).toBe(reason);
});

test.each([
  ['{"tollgate_break_glass":"payroll","app":"x"}', 'payroll'],
  ['{"tollgate_break_glass":5}', ''],
  ['{"app":"tollgate_break_glass"}', null],
  ['tollgate_break_glass', null],
  [null, null],
])('the tag %j asks with the reason %j', (tag, reason) => {
  expect(breakGlassReason('SELECT 1', tag)).toBe(reason);
});

test('a reason is cut at 500 characters, and one that never ends is none', () => {
  expect(breakGlassReason(`/* tollgate: break-glass ${'x'.repeat(900)} */`, null)).toHaveLength(
    500,
  );
  expect(breakGlassReason(`/* tollgate: break-glass ${'x'.repeat(5_000)}`, null)).toBeNull();
});

test('principals and roles of the document may use it, by the first way that names them', () => {
  const way = { minutes: 60, ceilingCredits: '5' };
  const document = {
    breakGlass: [
      { ...way, id: 'people', principals: ['ann'] },
      { ...way, id: 'duty', roles: ['OnCall'], minutes: 5 },
    ],
  };
  const idOf = (principalId: string, role: string | null): string | undefined =>
    breakGlassWay(document, { principalId, role })?.id;
  expect(idOf('ann', 'ONCALL')).toBe('people');
  expect(idOf('bob', 'oncall')).toBe('duty');
  expect(idOf('bob', null)).toBeUndefined();
  expect(breakGlassWay({}, { principalId: 'ann', role: null })).toBeUndefined();
});
