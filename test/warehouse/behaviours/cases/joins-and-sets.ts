/** "JOIN", "ASOF JOIN", "LATERAL" and "Set operators" of the reference. */
import { fails, rows, type Theme } from '../behaviour.js';

const A = `(select 1 as k, 'x' as v union all select 2, 'y') a`;
const B = `(select 2 as k, 'q' as w union all select 3, 'r') b`;

export const JOINS_AND_SETS: Theme = {
  title: 'Joins and set operators',
  behaviours: [
    rows(`select a.k, w from ${A} join ${B} on a.k = b.k`, [['2', 'q']]),
    rows(`select a.k, w from ${A} left join ${B} on a.k = b.k order by 1`, [
      ['1', null],
      ['2', 'q'],
    ]),
    rows(`select a.k, b.k from ${A} full outer join ${B} on a.k = b.k order by 1, 2`, [
      ['1', null],
      ['2', '2'],
      [null, '3'],
    ]),
    rows(`select * from ${A} inner join ${B} using (k)`, [['2', 'y', 'q']]),
    rows(`select k from ${A} right join ${B} using (k) order by k`, [['2'], ['3']]),
    rows(`select * from ${A} natural join ${B}`, [['2', 'y', 'q']]),
    rows(`select count(*) from ${A} cross join ${B}`, [['4']]),
    rows(`select count(*) from ${A} join ${B}`, [['4']]),
    rows(`select count(*) from ${A}, ${B}`, [['4']]),
    rows(`select a.k, l.s from ${A}, lateral (select a.k * 10 as s) l order by 1`, [
      ['1', '10'],
      ['2', '20'],
    ]),
    rows(
      `select r.r_name, n.n_name from (tpch.region) r join ((nation)) n on r.r_regionkey = n.n_regionkey where n.n_nationkey = 0`,
      [['AFRICA', 'ALGERIA']],
    ),
    rows(
      `select t, w from (select 1 as t union all select 5) a asof join (select 2 as u, 9 as w union all select 4, 8) b match_condition (a.t >= b.u) order by t`,
      [
        ['1', null],
        ['5', '8'],
      ],
    ),
    rows(
      `select t, w from (select 5 as t, 1 as g union all select 5, 2) a asof join (select 2 as u, 9 as w, 1 as g union all select 4, 8, 2) b match_condition (a.t >= b.u) on a.g = b.g order by w`,
      [
        ['5', '8'],
        ['5', '9'],
      ],
    ),
    rows(`select 1 as n union select 1`, [['1']]),
    rows(`select 1 as n union all select 1`, [['1'], ['1']]),
    rows(`select 1 as n union distinct select 1`, [['1']]),
    rows(`select 1 as n intersect select 1`, [['1']]),
    rows(`select column1 as n from values (1), (2) minus select 2`, [['1']]),
    rows(`select column1 as n from values (1), (2) except select 1`, [['2']]),
    rows(`select 1 as n union all select 2 intersect select 2 order by n`, [['1'], ['2']]),
    rows(`select 1 as n union all select 2 minus select 1 order by n`, [['2']]),
    rows(`((select 1 as n) union all (select 2)) order by n desc`, [['2'], ['1']]),
    rows(`select 1 as a, 2 as b union all by name select 3 as b, 4 as a order by a`, [
      ['1', '2'],
      ['4', '3'],
    ]),
    rows(`select 1 as a union all by name select 2 as b order by a`, [
      ['1', null],
      [null, '2'],
    ]),
    fails(`select 1, 2 union select 1`, '001789'),
    fails(`select k from ${A}, ${B}`, '002028'),
    fails(`select a.k from ${A}, ${B} where a.k = b.k (+)`, '000002'),
  ],
};
