/** "CREATE TABLE", "ALTER TABLE", "CREATE VIEW", "CREATE SEQUENCE", "COMMENT" and the Information Schema of the reference. */
import { after, fails, rows, type Theme } from '../behaviour.js';

const done = (sql: string, status: string): ReturnType<typeof rows> =>
  rows(sql, [[status]], ['text']);
const COLUMNS = `select column_name, data_type, is_nullable, column_default from information_schema.columns`;

export const DEFINITIONS: Theme = {
  title: 'Definitions and the Information Schema',
  behaviours: [
    done(`create or replace schema defs`, 'Schema DEFS successfully created.'),
    fails(`create schema defs`, '002002'),
    done(`create schema if not exists defs`, 'DEFS already exists, statement succeeded.'),
    done(
      `create table defs.t (id int not null primary key, n varchar(5) default 'x', d date, amount number(10,2))`,
      'Table T successfully created.',
    ),
    fails(`create table defs.t (a int)`, '002002'),
    done(`create table if not exists defs.t (a int)`, 'T already exists, statement succeeded.'),
    rows(`${COLUMNS} where table_schema = 'DEFS' and table_name = 'T' order by ordinal_position`, [
      ['ID', 'NUMBER', 'NO', null],
      ['N', 'TEXT', 'YES', `'x'`],
      ['D', 'DATE', 'YES', null],
      ['AMOUNT', 'NUMBER', 'YES', null],
    ]),
    rows(
      `select character_maximum_length, character_octet_length from information_schema.columns where table_schema = 'DEFS' and column_name = 'N'`,
      [['5', '20']],
    ),
    rows(
      `select constraint_type, enforced from information_schema.table_constraints where table_schema = 'DEFS'`,
      [['PRIMARY KEY', 'NO']],
    ),
    after(
      [`insert into defs.t (id) values (1), (1)`],
      rows(`select id, n from defs.t`, [
        ['1', 'x'],
        ['1', 'x'],
      ]),
    ),
    fails(`insert into defs.t (id) values (null)`, '100072'),
    fails(`insert into defs.t (id, n) values (2, 'abcdef')`, '100078'),
    done(
      `alter table defs.t add column extra varchar default 'e'`,
      'Statement executed successfully.',
    ),
    rows(`select distinct extra from defs.t`, [['e']]),
    fails(`alter table defs.t add column extra int`, '001430'),
    done(
      `alter table defs.t add column if not exists extra int`,
      'Statement executed successfully.',
    ),
    done(`alter table defs.t rename column extra to more`, 'Statement executed successfully.'),
    done(`alter table defs.t drop column more`, 'Statement executed successfully.'),
    fails(`alter table defs.t drop column more`, '000904'),
    done(
      `alter table defs.t alter column n set data type varchar(10)`,
      'Statement executed successfully.',
    ),
    after(
      [`insert into defs.t (id, n) values (2, 'abcdef')`],
      rows(`select n from defs.t where id = 2`, [['abcdef']]),
    ),
    fails(`alter table defs.t alter column n set data type number(5,0)`, '002108'),
    done(`alter table defs.t modify column n set not null`, 'Statement executed successfully.'),
    done(
      `create or replace table defs.u (a int, b varchar) as select 1, 'one'`,
      'Table U successfully created.',
    ),
    rows(`select * from defs.u`, [['1', 'one']], ['fixed:0', 'text']),
    fails(`create table defs.v as select 1 + 1`, '002022'),
    fails(`create table defs.v (a, b) as select 1`, '002026'),
    fails(`create table defs.v (a int, a int)`, '002025'),
    done(`create table defs.l like defs.t`, 'Table L successfully created.'),
    rows(`select count(*) from defs.l`, [['0']]),
    fails(`insert into defs.l (id, n) values (1, 'abcdefghijk')`, '100078'),
    done(`create table defs.c clone defs.u`, 'Table C successfully created.'),
    rows(`select b from defs.c`, [['one']]),
    done(`alter table defs.c swap with defs.u`, 'Statement executed successfully.'),
    done(`alter table defs.c rename to defs.c2`, 'Statement executed successfully.'),
    done(`truncate table defs.c2`, 'Statement executed successfully.'),
    done(`comment on table defs.c2 is 'kept'`, 'Statement executed successfully.'),
    rows(
      `select comment, is_transient from information_schema.tables where table_schema = 'DEFS' and table_name = 'C2'`,
      [['kept', 'NO']],
    ),
    done(`drop table defs.c2`, 'C2 successfully dropped.'),
    fails(`drop table defs.c2`, '002003'),
    done(
      `drop table if exists defs.c2`,
      'Drop statement executed successfully (C2 already dropped).',
    ),
    done(`create or replace temporary table defs.u (z int)`, 'Table U successfully created.'),
    rows(`select count(z) from defs.u`, [['0']]),
    after([`drop table defs.u`], rows(`select a from defs.u`, [['1']])),
    done(`create view defs.w (x, y) as select a, b from defs.u`, 'View W successfully created.'),
    rows(`select x, y from defs.w`, [['1', 'one']]),
    done(
      `create or replace secure view defs.w as select a from defs.u`,
      'View W successfully created.',
    ),
    rows(`select is_secure from information_schema.views where table_schema = 'DEFS'`, [['YES']]),
    fails(`drop table defs.w`, '002003'),
    done(`drop view defs.w`, 'W successfully dropped.'),
    done(`create sequence defs.s start = 5 increment = 2`, 'Sequence S successfully created.'),
    rows(`select defs.s.nextval`, [['5']]),
    rows(`select defs.s.nextval, defs.s.nextval`, [['7', '9']]),
    rows(`select n.nextval from table(getnextval(defs.s)) n`, [['11']]),
    done(
      `create table defs.sq (id int default defs.s.nextval, x int)`,
      'Table SQ successfully created.',
    ),
    after(
      [`insert into defs.sq (x) values (1), (2)`],
      rows(`select id, x from defs.sq order by x`, [
        ['13', '1'],
        ['15', '2'],
      ]),
    ),
    done(
      `create table defs.auto (id int identity (10, 5), x int)`,
      'Table AUTO successfully created.',
    ),
    after(
      [`insert into defs.auto (x) values (1), (2)`],
      rows(`select id from defs.auto order by x`, [['10'], ['15']]),
    ),
    rows(
      `select identity_start, identity_increment from information_schema.columns where table_schema = 'DEFS' and is_identity = 'YES'`,
      [['10', '5']],
    ),
    rows(
      `select sequence_name, start_value from information_schema.sequences where sequence_schema = 'DEFS'`,
      [['S', '5']],
    ),
    done(
      `create table defs.times (a int, t timestamp_ntz default current_timestamp(), d date default current_date)`,
      'Table TIMES successfully created.',
    ),
    after(
      [`insert into defs.times (a) values (1)`],
      rows(`select t::date = current_date, d = current_date from defs.times`, [['1', '1']]),
    ),
    fails(`create materialized view defs.m as select 1 as a`, '000002'),
    fails(`create table nowhere.t (a int)`, '002003'),
    fails(`drop schema nowhere`, '002003'),
    rows(
      `select schema_name from information_schema.schemata where schema_name in ('DEFS', 'INFORMATION_SCHEMA', 'PUBLIC') order by 1`,
      [['DEFS'], ['INFORMATION_SCHEMA'], ['PUBLIC']],
    ),
    rows(`select catalog_name from information_schema.information_schema_catalog_name`, [
      ['ANALYTICS'],
    ]),
    done(`drop schema defs`, 'DEFS successfully dropped.'),
    after(
      [
        `create or replace schema defs`,
        `create temporary table defs.mine (a int)`,
        `insert into defs.mine values (7)`,
        `create or replace temporary view defs.tv as select a + 1 as b from defs.mine`,
      ],
      rows(`select b from defs.tv`, [['8']]),
    ),
    done(`drop view defs.tv`, 'TV successfully dropped.'),
    fails(`select * from defs.tv`, '002003'),
    // What Snowpark makes for itself.
    done(
      `CREATE  OR  REPLACE  SCOPED TEMPORARY  TABLE defs.scoped("A" BIGINT)`,
      'Table SCOPED successfully created.',
    ),
    after([`insert into defs.scoped values (3)`], rows(`select "A" from defs.scoped`, [['3']])),
    done(
      `CREATE SCOPED TEMPORARY FILE  FORMAT  If  NOT  EXISTS defs.scoped_lines TYPE = CSV`,
      'File format SCOPED_LINES successfully created.',
    ),
    done(
      `create SCOPED TEMPORARY stage if not exists defs.scoped_files`,
      'Stage area SCOPED_FILES successfully created.',
    ),
    // SQLAlchemy's question for the columns of a table made before Snowflake kept this.
    rows(
      `select data_type, data_type_alias from information_schema.columns where table_schema = 'TPCH' and table_name = 'REGION' and column_name = 'R_NAME'`,
      [['TEXT', null]],
    ),
  ],
};
