import { beforeAll, expect, test } from 'vitest';
import { loadGrammar, parseSurface, type Astify } from '../../../proxy/surface/parse.js';
import type { SurfaceQuery } from '../../../proxy/surface/query.js';
import { processorMs } from '../../support/processor-time.js';

let astify: Astify;
beforeAll(async () => {
  astify = await loadGrammar();
});

function accepted(text: string): SurfaceQuery {
  const parsed = parseSurface(text, astify);
  if (parsed.kind === 'refused') throw new Error(`${text}\n${parsed.refusal.message}`);
  return parsed.query;
}

test('a whole statement of every part is read', () => {
  expect(
    accepted(`select q.team, count(*) as n, sum("CREDITS") "Total" from tollgate.my_queries q
      where state = 'SETTLED' and (credits > 1.5 or not tier like 'a%') and ticket in ('it''s', ?)
        and credits between -1 and :2 and refusal is not null and warehouse not in ('x')
      group by team, 1 order by 2 desc nulls last, "Total" limit 10;`),
  ).toEqual({
    view: 'MY_QUERIES',
    ticket: null,
    items: [
      { kind: 'expression', expression: { kind: 'column', column: 'TEAM' }, alias: null },
      { kind: 'expression', expression: { kind: 'count-all' }, alias: 'N' },
      { kind: 'expression', expression: { kind: 'sum', column: 'CREDITS' }, alias: 'Total' },
    ],
    where: {
      kind: 'and',
      parts: [
        {
          kind: 'and',
          parts: [
            {
              kind: 'and',
              parts: [
                {
                  kind: 'and',
                  parts: [
                    {
                      kind: 'compare',
                      left: { kind: 'column', column: 'STATE' },
                      comparison: '=',
                      right: { kind: 'text', text: 'SETTLED' },
                    },
                    {
                      kind: 'or',
                      parts: [
                        {
                          kind: 'compare',
                          left: { kind: 'column', column: 'CREDITS' },
                          comparison: '>',
                          right: { kind: 'number', text: '1.5' },
                        },
                        {
                          kind: 'not',
                          part: {
                            kind: 'like',
                            column: 'TIER',
                            isNegated: false,
                            ignoresCase: false,
                            pattern: { kind: 'text', text: 'a%' },
                          },
                        },
                      ],
                    },
                  ],
                },
                {
                  kind: 'and',
                  parts: [
                    {
                      kind: 'in',
                      column: 'TICKET',
                      isNegated: false,
                      values: [
                        { kind: 'text', text: "it's" },
                        { kind: 'bind', index: 0 },
                      ],
                    },
                    {
                      kind: 'between',
                      column: 'CREDITS',
                      isNegated: false,
                      low: { kind: 'number', text: '-1' },
                      high: { kind: 'bind', index: 1 },
                    },
                  ],
                },
              ],
            },
            { kind: 'null', column: 'REFUSAL', isNegated: true },
          ],
        },
        { kind: 'in', column: 'WAREHOUSE', isNegated: true, values: [{ kind: 'text', text: 'x' }] },
      ],
    },
    groupBy: [
      { kind: 'column', column: 'TEAM' },
      { kind: 'position', position: 1 },
    ],
    orderBy: [
      { key: { kind: 'position', position: 2 }, isDescending: true, nulls: 'last' },
      { key: { kind: 'column', column: 'Total' }, isDescending: false, nulls: null },
    ],
    limit: { kind: 'number', text: '10' },
  });
});

test('WHY is read with a literal and with a bind', () => {
  expect(accepted("select * from table(tollgate.why('abc')) where line > 1")).toMatchObject({
    view: 'WHY',
    ticket: { kind: 'text', text: 'abc' },
    items: [{ kind: 'star' }],
  });
  expect(
    accepted('select line, detail from table(tollgate.why(?)) w where w.aspect = ?'),
  ).toMatchObject({
    ticket: { kind: 'bind', index: 0 },
    where: { right: { kind: 'bind', index: 1 } },
  });
});

test.each([
  'select * from tollgate.my_budget',
  'select my_budget.* from tollgate.my_budget',
  'select count(1) from tollgate.my_queries',
  'select team from tollgate.my_queries where not (state = ? or state is null)',
  'select team from tollgate.my_queries where 1 < credits',
  'select team from tollgate.my_queries where credits != 1 and is_hard = true',
  'select team from tollgate.my_queries where statement ilike $$%select%$$',
  'select team from tollgate.my_queries where credits not between 1 and 2',
  'select team from tollgate.my_queries where held_credits >= credits limit ?',
  'select "TEAM" from "TOLLGATE"."MY_QUERIES" order by "TEAM" asc',
  '/* a comment */ select team -- another\nfrom tollgate.my_queries',
])('%s is accepted', (text) => {
  accepted(text);
});

test.each([
  'select 1',
  'select * from tollgate.my_budget, tollgate.my_queries',
  'select * from tollgate.my_budget b join tollgate.my_queries q on q.team = b.team',
  'select * from tollgate.my_budget join other.secrets on true',
  'select * from other.my_budget',
  'select * from my_budget',
  'select * from a.tollgate.my_budget',
  'select * from tollgate.ticket',
  'select * from tollgate.why',
  "select * from table(tollgate.why('a')), table(tollgate.why('b'))",
  "select * from table(tollgate.why('a', 'b'))",
  "select * from table(tollgate.why('a')) join tollgate.my_queries on true",
  'select * from table(tollgate.why((select 1)))',
  'select * from tollgate.my_budget union select * from tollgate.my_budget',
  'select * from tollgate.my_budget union all select * from pg_user',
  'select * from tollgate.my_budget except select * from tollgate.my_budget',
  'select * from (select * from tollgate.my_budget)',
  'with x as (select * from tollgate.my_budget) select * from x',
  'with x as (select 1) select * from tollgate.my_budget',
  'select * from tollgate.my_budget where team = (select max(id) from tollgate.ticket)',
  'select * from tollgate.my_budget where exists (select 1)',
  'select * from tollgate.my_budget where team in (select team from tollgate.my_budget)',
  'select (select 1), team from tollgate.my_budget',
  'select pg_sleep(10) from tollgate.my_budget',
  'select * from tollgate.my_budget where pg_sleep(10) = 1',
  'select * from tollgate.my_budget where team = pg_read_file(?)',
  'select * from tollgate.my_budget where current_user = team',
  'select * from tollgate.my_budget where team = current_timestamp()',
  'select * from tollgate.my_budget where team || 1 = 2',
  'select * from tollgate.my_budget where 1 = limit_credits + 1',
  'select * from tollgate.my_budget where limit_credits - 1 > 1',
  'select limit_credits * 2 from tollgate.my_budget',
  'select team::text from tollgate.my_budget',
  'select cast(team as text) from tollgate.my_budget',
  'select avg(limit_credits) from tollgate.my_budget',
  'select count(distinct team) from tollgate.my_budget',
  'select sum(limit_credits) over () from tollgate.my_budget',
  'select distinct team from tollgate.my_budget',
  'select top 5 team from tollgate.my_budget',
  'select team from tollgate.my_budget having count(*) > 1',
  'select team from tollgate.my_budget qualify 1 = 1',
  'select team from tollgate.my_budget limit 5 offset 3',
  'select team from tollgate.my_budget limit all',
  'select team into x from tollgate.my_budget',
  'select team from tollgate.my_budget for update',
  "select team from tollgate.my_budget where team like 'x' escape '!'",
  'select other.team from tollgate.my_budget',
  'select team from tollgate.my_budget; drop table ticket',
  'select 1; select team from tollgate.my_budget',
  'insert into t select * from tollgate.my_budget',
  'delete from tollgate.my_budget',
  'update tollgate.my_budget set limit_credits = 1',
  'drop view tollgate.my_budget',
  'create table x as select * from tollgate.my_budget',
  'explain select * from tollgate.my_budget',
  'select $1 from tollgate.my_budget',
  'select team:path from tollgate.my_budget',
  'select team from tollgate.my_budget where team = :name',
  'select tgq0 from tollgate.my_budget',
  'select @stage from tollgate.my_budget',
  "select team from tollgate.my_budget where team = 'open",
  'select team from tollgate.my_budget where (team, budget) in ((1, 2))',
  'select team from tollgate.my_budget where team is true',
  'select team from tollgate.my_budget where team',
  'select case when is_hard then 1 end from tollgate.my_budget',
  'select from tollgate.my_budget where',
  '',
])('%s is refused with the form', (text) => {
  const parsed = parseSurface(text, astify);
  expect(parsed).toMatchObject({ kind: 'refused', refusal: { code: 'surfaceForm' } });
  if (parsed.kind !== 'refused') return;
  expect(parsed.refusal.message).toMatch(/^TG1020 .*The form is: SELECT columns/);
});

test('a function that stands where a view does is told where it belongs', () => {
  expect(parseSurface("select * from tollgate.why('a')", astify)).toMatchObject({
    refusal: { message: expect.stringContaining("FROM TABLE(TOLLGATE.WHY('<ticket>'))") as string },
  });
});

test('texts over 4 KB or with deep brackets are refused at once', () => {
  const long = `select team from tollgate.my_budget where team = '${'x'.repeat(4096)}'`;
  const deep = ['(', 'not (', '-('].map(
    (opening) =>
      `select team from tollgate.my_budget where ${opening.repeat(900)}team = 1${')'.repeat(900)}`,
  );
  const ms = processorMs(() => {
    for (const text of [long, ...deep]) expect(parseSurface(text, astify).kind).toBe('refused');
  });
  expect(ms).toBeLessThan(200);
});

test('the widest text under the cap is read with bounded work', () => {
  const within = (text: string): void => {
    const ms = processorMs(() => parseSurface(text, astify));
    expect(ms, text.slice(0, 80)).toBeLessThan(1000);
  };
  within(`select team from tollgate.my_budget where ${'a=1 or '.repeat(550)}a=1`);
  within(`select team from tollgate.my_budget where a in (${'1,'.repeat(1900)}1)`);
  within(`select team from tollgate.my_budget where ${'('.repeat(24)}a=1${')'.repeat(24)}`);
  within(`select team from tollgate.my_budget where ${'not '.repeat(990)}a=1`);
  within(`select ${'a,'.repeat(1900)}b from tollgate.my_budget`);
});

test.each([
  ['select top 5 ticket from tollgate.my_queries', 'TOP has no place in it; end with LIMIT'],
  ['select distinct state from tollgate.my_queries', 'DISTINCT has no place in it; name the'],
  [
    'select ticket from tollgate.my_queries where started_at > dateadd(day, -1, current_date)',
    'A function has no place in it; write the value itself',
  ],
  [
    "select ticket from tollgate.my_queries where started_at > timestamp '2026-01-01'",
    'TIMESTAMP has no place before a literal; write the text alone',
  ],
  [
    'select ticket from tollgate.my_queries where ticket in (select ticket from tollgate.why)',
    '(a query in brackets)',
  ],
  ['select count(distinct state) from tollgate.my_queries', '(DISTINCT)'],
])('%s is refused in words of SQL', (text, words) => {
  const parsed = parseSurface(text, astify);
  expect(parsed.kind === 'refused' && parsed.refusal.message).toContain(words);
});
