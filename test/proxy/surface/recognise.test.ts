import { expect, test } from 'vitest';
import { recognise } from '../../../proxy/surface/recognise.js';
import { processorMs } from '../../support/processor-time.js';

const id = '0197a000-0000-7000-8000-000000000001';

test.each([
  ['SELECT * FROM TOLLGATE.MY_BUDGET'],
  ['select team from tollgate.my_queries where state = 1'],
  ['select "TEAM" from "TOLLGATE"."MY_BUDGET";'],
  ['-- x\nselect * from tollgate /* y */ . my_budget'],
  ['insert into t select * from tollgate.my_budget'],
  ['select 1; select * from tollgate.my_queries'],
  ['select * from tollgate.estimate_accuracy'],
])('%s names a view of ours', (text) => {
  expect(recognise(text)).toEqual({ kind: 'select', text });
});

test.each([
  ['SELECT 1'],
  ["select 'TOLLGATE.MY_BUDGET'"],
  ['select 1 -- TOLLGATE.MY_BUDGET'],
  ['select $$TOLLGATE.MY_BUDGET$$'],
  ['select * from X.TOLLGATE.MY_BUDGET'],
  ['select * from TOLLGATE.MY_BUDGET.T'],
  ['select * from TOLLGATE.PUBLIC.MY_BUDGET'],
  ['select * from TOLLGATE.OTHER'],
  ['select * from "tollgate".my_budget'],
  ['select tollgate.my_budget.team from x'],
  ['select tollgate.why from x tollgate'],
  ['use database tollgate'],
  ['EXPLAIN SELECT cost FROM t'],
  ['EXPLAIN USING TEXT SELECT 1'],
  ['select 1 /* tollgate: dry-run */'],
  ['/* tollgate: dry-runs */ select 1'],
  ['tollgate.my_budge'],
  ["call X.TOLLGATE.REQUEST('x', 'y')"],
  ["call TOLLGATE.PUBLIC.REQUEST('x', 'y')"],
  ["call TOLLGATE.REQUESTS('x', 'y')"],
  ["call request('x', 'y')"],
  ["select 'call TOLLGATE.REQUEST(1, 2)'"],
  ['select tollgate.request from x tollgate'],
  [''],
])('%s is not ours', (text) => {
  expect(recognise(text)).toEqual({ kind: 'none' });
});

test.each([
  ['EXPLAIN COST SELECT 1', 'SELECT 1'],
  ['  explain /* x */ cost\n select * from t', 'select * from t'],
  ['/* tollgate: dry-run */ select 1', 'select 1'],
  ['-- {"app": "dbt"}\n/*tollgate:dry-run*/\nselect 1', 'select 1'],
  ['explain cost select * from tollgate.my_budget', 'select * from tollgate.my_budget'],
])('%s asks for a price', (text, statementText) => {
  expect(recognise(text)).toEqual({ kind: 'explain-cost', statementText, bindCount: 0 });
});

test.each([
  ["explain cost select '?' from t where a = ? and b = ? -- ?", 2],
  ['explain cost select :2, :1, a::int, v:path from t', 2],
])('%s has binds of its own', (text, bindCount) => {
  expect(recognise(text)).toMatchObject({ kind: 'explain-cost', bindCount });
});

test('WHY carries the ticket as written, or null for a bind', () => {
  const literal = `select * from table(tollgate.why('${id}'))`;
  expect(recognise(literal)).toEqual({ kind: 'why', ticketId: id, text: literal });
  const bind = 'select detail from TABLE(TOLLGATE.WHY(?))';
  expect(recognise(bind)).toEqual({ kind: 'why', ticketId: null, text: bind });
});

test.each([
  ["CALL TOLLGATE.REQUEST('x', 'y')"],
  ['call tollgate.request(?, ?);'],
  ['-- app\nCall "TOLLGATE" . Request'],
  ["select 1; call tollgate.request('x', 'y')"],
])('%s asks for a ticket', (text) => {
  expect(recognise(text)).toEqual({ kind: 'request', text });
});

test('a megabyte of someone else’s SQL costs a few milliseconds', () => {
  const text = `select ${'a, '.repeat(350_000)} b from t`;
  const ms = processorMs(() => expect(recognise(text)).toEqual({ kind: 'none' }));
  expect(ms).toBeLessThan(100);
});

test('a megabyte of EXPLAIN without COST costs some milliseconds too', () => {
  const text = 'explain '.repeat(131_000);
  const ms = processorMs(() => expect(recognise(text)).toEqual({ kind: 'none' }));
  expect(ms).toBeLessThan(100);
});
