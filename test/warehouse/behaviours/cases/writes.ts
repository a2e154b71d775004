/** "INSERT", "UPDATE", "DELETE", "MERGE", multi-table INSERT and transactions of the reference. */
import { after, fails, rows, type Theme } from '../behaviour.js';

const SET = [
  `create or replace schema writes`,
  `create or replace table writes.t (id int, v varchar)`,
  `create or replace table writes.u (id int, v varchar default 'd')`,
];

export const WRITES: Theme = {
  title: 'Writes and transactions',
  behaviours: [
    after(
      SET,
      rows(`insert into writes.t values (1, 'a'), (2, 'b'), (3, 'c')`, [['3']], ['fixed:0']),
    ),
    rows(`insert into writes.t (v, id) select 'd', 4`, [['1']]),
    rows(`insert into writes.u (id, v) values (1, default), (2, 'x')`, [['2']]),
    rows(`select v from writes.u order by id`, [['d'], ['x']]),
    fails(`insert into writes.t values (1)`, '002020'),
    fails(`insert into writes.t (id) values (1, 2)`, '002020'),
    fails(`insert into writes.t (id, nope) values (1, 2)`, '000904'),
    fails(`insert into writes.t values ('abc', 'x')`, '100038'),
    rows(`update writes.t set v = upper(v) where id <= 2`, [['2', '0']]),
    rows(`update writes.t t set t.v = 'z' where t.id = 3`, [['1', '0']]),
    rows(
      `update writes.t set v = s.w from (select 1 as k, 'p' as w union all select 2, 'q') s where id = s.k`,
      [['2', '0']],
    ),
    rows(
      `update writes.t set v = s.w from (select 1 as k, 'm' as w union all select 1, 'n') s where id = s.k`,
      [['1', '1']],
    ),
    rows(`delete from writes.t where id = 4`, [['1']]),
    rows(`delete from writes.t using (select 3 as k) s where t.id = s.k`, [['1']]),
    rows(`select count(*) from writes.t`, [['2']]),
    rows(
      `merge into writes.t using (select 2 as id, 'new' as v union all select 9, 'nine') s on t.id = s.id when matched then update set t.v = s.v when not matched then insert (id, v) values (s.id, s.v)`,
      [['1', '1']],
    ),
    rows(
      `merge into writes.t using (select 9 as id) s on t.id = s.id when matched and t.v = 'no' then update set v = 'x' when matched then delete`,
      [['0', '1']],
    ),
    fails(
      `merge into writes.t using (select 2 as id union all select 2) s on t.id = s.id when matched then update set v = 'twice'`,
      '100090',
    ),
    rows(
      `merge into writes.t using (select 2 as id union all select 2) s on t.id = s.id when matched and false then update set v = 'never' when not matched then insert values (s.id, 'x')`,
      [['0', '0']],
    ),
    rows(`select v from writes.t where id = 2`, [['new']]),
    rows(`insert overwrite into writes.t select id * 10, v from writes.u`, [['2']]),
    rows(`select id, v from writes.t order by id`, [
      ['10', 'd'],
      ['20', 'x'],
    ]),
    rows(
      `insert all into writes.t values (n, w) into writes.u (id) values (n) select 30 as n, 'w' as w`,
      [['1', '1']],
    ),
    rows(
      `insert all when n > 1 then into writes.t values (n, 'big') else into writes.u (id) values (n) select column1 as n from values (1), (2), (null)`,
      [['1', '2']],
    ),
    rows(
      `insert first when n > 1 then into writes.t values (n, 'f') when n > 0 then into writes.u (id) values (n) select column1 as n from values (1), (2)`,
      [['1', '1']],
    ),
    after(
      [`begin`, `delete from writes.t`, `rollback`],
      rows(`select count(*) > 0 from writes.t`, [['1']]),
    ),
    after(
      [`begin transaction`, `insert into writes.u values (99, 'kept')`, `commit`],
      rows(`select v from writes.u where id = 99`, [['kept']]),
    ),
    after(
      [
        `begin name t1`,
        `insert into writes.u values (98, 'ddl commits')`,
        `create or replace table writes.x (a int)`,
        `rollback`,
      ],
      rows(`select v from writes.u where id = 98`, [['ddl commits']]),
    ),
    rows(`truncate table writes.t`, [['Statement executed successfully.']]),
    fails(`update writes.nope set a = 1`, '002003'),
    fails(`delete from information_schema.tables`, '003001'),
    fails(`begin select 1`, '000002'),
    rows(`drop schema writes`, [['WRITES successfully dropped.']]),
  ],
};
