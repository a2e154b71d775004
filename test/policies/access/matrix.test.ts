/** 15 teams × database, schema, table, column and class, on the pure decision, by the facts of real texts. */
import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import { parseControlDocument } from '#policies/control/parse.js';
import { decideText } from '#policies/rules/evaluate.js';
import { must } from '#base/assert.js';
import { sharedAnalyser } from '../../support/shared-analyser.js';
import { aContext, anEstimate, aSnapshot, aStatement } from '../builders.js';
import { CLOSED_BY, departmentOf, MATRIX_ACCESS, MATRIX_TEAMS } from './matrix-lists.js';

const analyser = sharedAnalyser();

const owner = 'data-owners@example.com';
const demo = demoControlDocument();
const snapshot = aSnapshot([], { access: MATRIX_ACCESS });
const CATALOGUE = { version: '1', columnsOf: () => undefined };

/** The lists that refuse `sql` to a team; `allow` where none does. */
async function decided(sql: string, team: string, role: string | null = null): Promise<string> {
  const context = { database: 'ANALYTICS', schema: 'WEB' };
  const { statements } = await analyser.analyse(sql, context, CATALOGUE);
  const base = aContext(snapshot, { team: must(snapshot.team(team), 'a team'), role });
  const tier = { ...base.tier, opaque: 'allow' as const };
  const decision = decideText(
    statements.map((facts) => ({ facts, estimate: anEstimate(), location: 'internal' as const })),
    anEstimate(),
    { ...base, tier },
  );
  if (decision.kind === 'allow') return 'allow';
  expect(decision.kind === 'refuse' && decision.cause.kind).toBe('access');
  return decision.reasons.map(({ source }) => source).join(' ');
}

/** Kind of cell → statement, and which lists keep it from whom. */
const CELLS: readonly (readonly [kind: string, sql: string, closed: (team: string) => string])[] = [
  ['database', 'select a from vault.s.t', CLOSED_BY.database],
  ['schema', 'select id from analytics.hr.staff', CLOSED_BY.schema],
  ['table', 'select id from analytics.hr.payroll', CLOSED_BY.table],
  ['column', 'select salary from analytics.hr.staff', CLOSED_BY.column],
  ['class', 'create table analytics.lab.x (a int)', CLOSED_BY.class],
  [
    'action',
    'insert into analytics.tpch.nation select * from analytics.tpch.region',
    CLOSED_BY.action,
  ],
  ['nothing closed', 'select user_id from analytics.web.events', () => ''],
];

test.each(CELLS)('every team gets its own answer about a %s', async (_kind, sql, closed) => {
  const answers = await Promise.all(MATRIX_TEAMS.map((team) => decided(sql, team)));
  expect(answers).toEqual(MATRIX_TEAMS.map((team) => closed(team) || 'allow'));
  expect(MATRIX_TEAMS).toHaveLength(15);
});

test('the demo has the departments that the matrix speaks of', () => {
  expect(new Set(MATRIX_TEAMS.map(departmentOf)).has('technology')).toBe(true);
});

/** The same rows by every way round that a driver can send, each for a team that may not have them. */
const WAYS: readonly (readonly [sql: string, team: string, lists: string])[] = [
  ['select 1; select salary from hr.staff', 'sales', 'hr salary'],
  ['use schema hr; select salary from staff', 'finance', 'salary'],
  ['use database vault; select 1 as a from s.t', 'sales', 'vault'],
  ['with c as (select salary s from hr.staff) select s from c', 'finance', 'salary'],
  ['create temp table lab.x as select salary from hr.staff', 'research', 'hr salary'],
  ["select * from identifier('analytics.hr.staff')", 'sales', 'hr salary'],
  ["select * from table('analytics.hr.staff')", 'sales', 'hr salary'],
  ['select * from identifier($t)', 'sales', 'vault hr pay salary'],
  ["execute immediate 'select salary from analytics.hr.staff'", 'finance', 'salary'],
  ['execute immediate $x', 'people', 'vault ddl tpch-writes'],
  ['call anything()', 'sales', 'vault hr pay salary ddl tpch-writes'],
  ['insert into web.copy select salary from hr.staff', 'finance', 'salary'],
  [
    'merge into web.copy c using hr.staff s on c.id = s.id when matched then update set c.v = s.salary',
    'finance',
    'salary',
  ],
  ['copy into @~/x from (select salary from hr.staff)', 'finance', 'salary'],
  ['copy into @~/x from hr.staff', 'finance', 'salary'],
  ['copy into hr.payroll from @~/x', 'finance', 'pay'],
  ['select * from hr.staff', 'finance', 'salary'],
  ['select * exclude (salary) from hr.staff', 'finance', 'salary'],
  ['select s.$3 from hr.staff s', 'finance', 'salary'],
  ['select id from hr.staff where salary > 100', 'finance', 'salary'],
  ['select count(*) from hr.staff natural join web.events', 'finance', 'salary'],
  ['select (select max(salary) from hr.staff)', 'finance', 'salary'],
  ['select "SALARY" from "ANALYTICS"."HR"."STAFF"', 'finance', 'salary'],
  // Another object, which differs in case only: a deny counts it, an allow list does not open it.
  ['select id from hr."payroll"', 'finance', 'pay'],
  ['select id from "analytics".hr.staff', 'finance', 'hr'],
  ['set x = (select salary from hr.staff limit 1)', 'finance', 'salary'],
  ['create table lab.x clone hr.staff', 'research', 'hr salary'],
  ['create schema lab2 clone hr', 'platform', 'pay salary'],
  ['drop schema hr', 'platform', 'pay salary'],
  ['drop schema hr', 'growth', 'hr pay salary ddl'],
  ['alter schema lab swap with hr', 'research', 'hr pay salary ddl'],
  ['drop database vault', 'platform', 'vault'],
  ['undrop database vault', 'platform', 'vault'],
  ['grant select on table hr.staff to role r', 'sales', 'hr salary'],
  ['grant select on all tables in schema hr to role r', 'sales', 'hr pay salary'],
  ['grant ownership on database vault to role r', 'sales', 'vault'],
  ['revoke insert on future tables in schema tpch from role r', 'people', 'tpch-writes'],
  ['alter table lab.x swap with hr.payroll', 'research', 'hr pay ddl'],
  ['explain select salary from hr.staff', 'finance', 'salary'],
  ['create view lab.v as select salary from hr.staff', 'research', 'hr salary'],
  ['show tables ->> select salary from hr.staff', 'finance', 'salary'],
  ['update hr.staff set salary = 1', 'finance', 'salary'],
  ['truncate table hr.payroll', 'finance', 'pay'],
  ['create task t as insert into web.a select salary from hr.staff', 'sales', 'hr'],
];

test.each(WAYS)('%s does not come round its lists', async (sql, team, lists) => {
  const closed = (await decided(sql, team)).split(' ');
  expect(closed).toEqual(expect.arrayContaining(lists.split(' ')));
});

test('what is open stays open beside what is closed', async () => {
  for (const sql of [
    'select 1',
    'show tables',
    'use warehouse interactive_wh',
    "alter session set timezone = 'UTC'",
    'begin',
    'select count(*) from hr.staff',
    'select id, name from hr.staff',
    'select l_orderkey from analytics.tpch.lineitem',
    'insert into web.mine select id from hr.staff',
    "execute immediate 'select id from analytics.hr.staff'",
    "select id from identifier('analytics.hr.staff')",
  ])
    expect([sql, await decided(sql, 'finance')]).toEqual([sql, 'allow']);
});

test('a list in shadow or warn decides nothing, for one team by its own mode', () => {
  const access = [
    {
      ...must(MATRIX_ACCESS[1], 'hr'),
      mode: 'shadow' as const,
      modes: { sales: 'enforce' as const, legal: 'warn' as const },
    },
  ];
  const snap = aSnapshot([], { access });
  const facts = {
    ...aFacts,
    tablesRead: ['ANALYTICS.HR.STAFF'],
    columns: { 'ANALYTICS.HR.STAFF': ['ID'] },
  };
  const of = (team: string) =>
    decideText(
      [{ facts, estimate: anEstimate(), location: 'none' }],
      anEstimate(),
      aContext(snap, { team: must(snap.team(team), 'a team') }),
    );
  expect(of('sales').kind).toBe('refuse');
  expect(of('legal')).toMatchObject({ kind: 'allow', warnings: [{ source: 'hr' }], shadow: [] });
  expect(of('growth')).toMatchObject({ kind: 'allow', warnings: [], shadow: [{ source: 'hr' }] });
  expect(of('people')).toMatchObject({ kind: 'allow', warnings: [], shadow: [] });
});
const aFacts = aStatement();

test('a role that is not known is named by a deny list and by no allow list', () => {
  const lists = (effect: 'allow' | 'deny', role: string | null) =>
    decideText(
      [
        {
          facts: { ...aFacts, tablesRead: ['A.B.C'], unknown: [] },
          estimate: anEstimate(),
          location: 'none',
        },
      ],
      anEstimate(),
      aContext(
        aSnapshot([], {
          access: [{ id: 'l', effect, tables: ['A.B.C'], roles: ['analyst'], owner }],
        }),
        { role },
      ),
    ).kind;
  expect([lists('deny', 'ANALYST'), lists('deny', 'OTHER'), lists('deny', null)]).toEqual([
    'refuse',
    'allow',
    'refuse',
  ]);
  expect([lists('allow', 'ANALYST'), lists('allow', 'OTHER'), lists('allow', null)]).toEqual([
    'allow',
    'refuse',
    'refuse',
  ]);
});

test.each([
  [{ tables: ['ANALYTICS.HR'] }, 'must be a pattern of 3 parts'],
  [{ databases: ['a.b'] }, 'must be a pattern of one part'],
  [{ columns: ['A.B.C.D.E'] }, 'must be a pattern of 4 parts'],
  [{ tables: ['A.B.C; drop'] }, 'must be a pattern of 3 parts'],
  [{ tables: [] }, 'must name at least one'],
  [{}, 'must say what it is about'],
  [{ tables: ['A.B.C'], teams: ['ghosts'] }, '"ghosts" is no team'],
  [{ tables: ['A.B.C'], except: { principals: ['ghost'] } }, '"ghost" is no principal'],
  [{ tables: ['A.B.C'], modes: { ghosts: 'warn' } }, 'is no team of this document'],
  [{ tables: ['A.B.C'], id: must(demo.rules[0], 'a rule').id }, 'is taken by'],
  [{ classes: ['sql'] }, 'must be one of'],
])('a list that cannot be meant is refused: %#', (fields, rule) => {
  const entry = { id: 'l', effect: 'deny', owner, ...fields };
  const parsed = parseControlDocument({ ...demo, access: [entry] });
  expect(parsed.ok ? '' : parsed.problems.map((each) => each.rule).join('; ')).toContain(rule);
});
