/** "Query syntax" of the reference: clauses of SELECT. */
import { after, fails, rows, type Theme } from '../behaviour.js';

const MAKE = [
  `create or replace table tpch.q_emp (id int, name varchar, dept varchar, sal number(10,2))`,
  `insert into tpch.q_emp values (1, 'ann', 'a', 100), (2, 'bob', 'a', 80), (3, 'cy', 'b', 70), (4, 'di', 'b', 60), (5, 'ed', null, 50)`,
];
const SALES = `(select 'JAN' as m, 1 as e, 10 as v union all select 'FEB', 1, 20 union all select 'JAN', 2, 5)`;

export const QUERY_CLAUSES: Theme = {
  title: 'Query clauses',
  behaviours: [
    // As dbt asks for the columns of a model, and as its snapshots and tests read one.
    rows(
      `select * from ( with a as (select 1 as n), b as (select n + 1 as m from a) select n, m from a, b ) as q where m = 2`,
      [['1', '2']],
    ),
    after(
      MAKE,
      rows(
        `select name from tpch.q_emp qualify row_number() over (partition by dept order by sal desc) = 1 order by 1`,
        [['ann'], ['cy'], ['ed']],
      ),
    ),
    rows(
      `select dept, sum(sal) as s from tpch.q_emp group by all order by dept`,
      [
        ['a', '180.00'],
        ['b', '130.00'],
        [null, '50.00'],
      ],
      ['text', 'fixed:2'],
    ),
    rows(`select dept, count(*) from tpch.q_emp group by 1 having count(*) > 1 order by 1`, [
      ['a', '2'],
      ['b', '2'],
    ]),
    rows(`select dept, sum(sal) as tot from tpch.q_emp group by dept having tot > 150`, [
      ['a', '180.00'],
    ]),
    rows(
      `select dept, sum(sal) from tpch.q_emp where dept is not null group by rollup (dept) order by 1`,
      [
        ['a', '180.00'],
        ['b', '130.00'],
        [null, '310.00'],
      ],
    ),
    rows(
      `select dept, name, count(*) from tpch.q_emp where dept = 'a' group by grouping sets ((dept), (name)) order by 1, 2`,
      [
        ['a', null, '2'],
        [null, 'ann', '1'],
        [null, 'bob', '1'],
      ],
    ),
    rows(
      `select grouping(dept), dept, count(*) from tpch.q_emp where dept = 'a' group by cube (dept) order by 1`,
      [
        ['0', 'a', '2'],
        ['1', null, '2'],
      ],
    ),
    rows(`select sal * 2 as sal, sal + 1 as t from tpch.q_emp where id = 1`, [
      ['200.00', '101.00'],
    ]),
    rows(`select id + 1 as n, n * 2 as m from tpch.q_emp where n = 3`, [['3', '6']]),
    rows(`select id as sal, sal as x from tpch.q_emp where sal = 50`, [['5', '50.00']]),
    rows(`select 'all' as dept, count(*) from tpch.q_emp group by dept order by 2`, [
      ['all', '1'],
      ['all', '2'],
      ['all', '2'],
    ]),
    rows(`select * exclude (sal, dept) from tpch.q_emp where id = 1`, [['1', 'ann']]),
    rows(`select * exclude sal rename (name as n, dept as d) from tpch.q_emp where id = 1`, [
      ['1', 'ann', 'a'],
    ]),
    rows(`select * replace (upper(name) as name) from tpch.q_emp where id = 1`, [
      ['1', 'ANN', 'a', '100.00'],
    ]),
    rows(`select * ilike '%A%' from tpch.q_emp where id = 1`, [['ann', '100.00']]),
    rows(`select e.* exclude (dept, sal), 1 as one from tpch.q_emp e where id = 2`, [
      ['2', 'bob', '1'],
    ]),
    rows(`select top 2 name from tpch.q_emp order by name desc`, [['ed'], ['di']]),
    rows(`select name from tpch.q_emp order by name limit 2 offset 1`, [['bob'], ['cy']]),
    rows(`select name from tpch.q_emp order by name offset 3 rows fetch next 1 row only`, [['di']]),
    rows(`select name from tpch.q_emp order by name fetch first 1 rows only`, [['ann']]),
    rows(`select count(*) from (select * from tpch.q_emp limit null)`, [['5']]),
    rows(`select dept from tpch.q_emp group by dept order by dept`, [['a'], ['b'], [null]]),
    rows(`select dept from tpch.q_emp group by dept order by dept desc`, [[null], ['b'], ['a']]),
    rows(`select dept from tpch.q_emp group by dept order by dept desc nulls last`, [
      ['b'],
      ['a'],
      [null],
    ]),
    rows(`select dept, id from tpch.q_emp where id < 3 order by all`, [
      ['a', '1'],
      ['a', '2'],
    ]),
    rows(`select count(*) from tpch.q_emp sample (100)`, [['5']]),
    rows(`select count(*) from tpch.q_emp tablesample bernoulli (0)`, [['0']]),
    rows(`select count(*) from tpch.q_emp sample row (3 rows)`, [['3']]),
    rows(`select count(*) from tpch.q_emp tablesample system (100) seed (7)`, [['5']]),
    rows(`select column1, column2 from values (1, 'a'), (2, 'b') order by 1`, [
      ['1', 'a'],
      ['2', 'b'],
    ]),
    rows(`select $2, $1 from values (1, 'a')`, [['a', '1']]),
    rows(`select v.c2 from (values (1, 'one'), (3, 'three')) as v (c1, c2) order by v.c1 desc`, [
      ['three'],
      ['one'],
    ]),
    rows(`values (1, 'a'), (2, null)`, [
      ['1', 'a'],
      ['2', null],
    ]),
    rows(`select * from ${SALES} pivot (sum(v) for m in ('JAN', 'FEB')) order by e`, [
      ['1', '10', '20'],
      ['2', '5', null],
    ]),
    rows(`select "'JAN'" from ${SALES} pivot (sum(v) for m in ('JAN')) order by 1`, [
      ['5'],
      ['10'],
    ]),
    rows(
      `select * from ${SALES} pivot (max(v) for m in (any order by m)) as p (e, f, j) order by e`,
      [
        ['1', '20', '10'],
        ['2', null, '5'],
      ],
    ),
    rows(
      `select * from ${SALES} pivot (sum(v) for m in (select distinct m from ${SALES} order by m)) order by e`,
      [
        ['1', '20', '10'],
        ['2', null, '5'],
      ],
    ),
    rows(
      `select * from ${SALES} pivot (sum(v) for m in ('JAN', 'MAR') default on null (0)) order by e`,
      [
        ['1', '10', '0'],
        ['2', '5', '0'],
      ],
    ),
    rows(
      `select * from (select 1 as id, 10 as jan, null::int as feb) unpivot (v for m in (jan, feb))`,
      [['1', 'JAN', '10']],
    ),
    rows(
      `select * from (select 1 as id, 10 as jan, null::int as feb) unpivot include nulls (v for m in (jan, feb)) order by m`,
      [
        ['1', 'FEB', null],
        ['1', 'JAN', '10'],
      ],
    ),
    rows(
      `with recursive t (n) as (select 1 union all select n + 1 from t where n < 4) select sum(n) from t`,
      [['10']],
    ),
    rows(
      `with t (n) as (select 1 union all select n + 1 from t where n < 4) select count(*) from t`,
      [['4']],
    ),
    rows(`with a as (select 1 as x), b as (select x + 1 as y from a) select x, y from a, b`, [
      ['1', '2'],
    ]),
    rows(
      `select exists (select 1 from tpch.q_emp where id > 4), 3 in (select id from tpch.q_emp)`,
      [['1', '1']],
      ['boolean', 'boolean'],
    ),
    rows(
      `select (select max(sal) from tpch.q_emp i where i.dept = o.dept) from tpch.q_emp o where id in (2, 4) order by id`,
      [['100.00'], ['70.00']],
    ),
    rows(`select name from tpch.q_emp where name like any ('a%', 'b%') and dept = 'a' order by 1`, [
      ['ann'],
      ['bob'],
    ]),
    rows(`select name from tpch.q_emp where name not like any ('a%', 'b%', 'c%') order by 1`, [
      ['di'],
      ['ed'],
    ]),
    rows(
      `select name from tpch.q_emp where (id, dept) in (select 1, 'a') or name ilike all ('E%', '%D')  order by 1`,
      [['ann'], ['ed']],
    ),
    rows(`select 1 as a ->> select a + 1 as b from $1`, [['2']]),
    rows(`select id, from tpch.q_emp where id = 1`, [['1']]),
    fails(`select (select id from tpch.q_emp)`, '090150'),
    fails(`select dept, id from tpch.q_emp group by dept`, '000979'),
    fails(
      `select * from tpch.q_emp match_recognize (order by id pattern (a) define a as true)`,
      '000002',
    ),
  ],
};
