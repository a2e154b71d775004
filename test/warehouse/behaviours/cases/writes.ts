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
    after(
      [`create or replace table writes.b (id int, b binary, t time(3), n timestamp_ntz(0))`],
      rows(
        `insert into writes.b values (1, '0aFF', '01:02:03.456789', '2026-03-01 04:05:06.999'), (2, to_binary('AB'), null, null)`,
        [['2']],
      ),
    ),
    rows(`insert into writes.b (b, id) select '0b', 3`, [['1']]),
    fails(`insert into writes.b (b) values ('xyz')`, '100115'),
    fails(`insert into writes.b (b, id) select '0b'`, '002020'),
    rows(
      `select b, to_char(t, 'HH24:MI:SS.FF6'), to_char(n, 'YYYY-MM-DD HH24:MI:SS.FF3') from writes.b order by id`,
      [
        ['0AFF', '01:02:03.456000', '2026-03-01 04:05:06.000'],
        ['AB', null, null],
        ['0B', null, null],
      ],
    ),
    rows(
      `update writes.b set b = iff(id = 1, '0C', '0D'), t = '01:01:01.1119', n = null where id in (1, 2)`,
      [['2', '0']],
    ),
    rows(
      `merge into writes.b using (select 1 as id, '1C' as x union all select 4, '04') s on b.id = s.id when matched then update set b.b = s.x when not matched then insert (id, b, t) values (s.id, s.x, '04:04:04.4444')`,
      [['1', '1']],
    ),
    rows(`select id, b, to_char(t, 'HH24:MI:SS.FF6') from writes.b order by id`, [
      ['1', '1C', '01:01:01.111000'],
      ['2', '0D', '01:01:01.111000'],
      ['3', '0B', null],
      ['4', '04', '04:04:04.444000'],
    ]),
    after(
      [
        `create or replace table writes.c (b binary default '0E', n timestamp_ntz(3)) as select '0F', '2026-03-01 04:05:06.9999'`,
        `insert into writes.c (n) values ('2026-03-01 04:05:07.1111')`,
      ],
      rows(`select b, to_char(n, 'SS.FF6') from writes.c order by n`, [
        ['0F', '06.999000'],
        ['0E', '07.111000'],
      ]),
    ),
    fails(`create table writes.d (n timestamp_ntz(0) default current_timestamp())`, '000002'),
    after(
      [`create temporary table writes.mine (id int, v varchar(5) not null, b binary)`],
      rows(`insert into writes.mine values (1, 'a', '01'), (2, 'b', '02')`, [['2']]),
    ),
    rows(`update writes.mine set v = 'c', b = '03' where id = 2`, [['1', '0']]),
    rows(`update writes.mine m set m.v = 'd' where m.id = 1`, [['1', '0']]),
    rows(`select v, b from writes.mine order by id`, [
      ['d', '01'],
      ['c', '03'],
    ]),
    rows(`drop schema writes`, [['WRITES successfully dropped.']]),
  ],
};
