/** "Identifier requirements", IDENTIFIER, aliases, and the failures of wrong statements. */
import { after, fails, is, rows, type Theme } from '../behaviour.js';

const MADE = [
  `create or replace table tpch.n_mixed (id int, "low" int, "Two Words" varchar)`,
  `insert into tpch.n_mixed values (1, 2, 'three')`,
];

export const NAMES_AND_ERRORS: Theme = {
  title: 'Identifiers and failures',
  behaviours: [
    after(MADE, rows(`select "low", "Two Words", ID from tpch.n_mixed`, [['2', 'three', '1']])),
    fails(`select low from tpch.n_mixed`, '000904'),
    fails(`select "LOW" from tpch.n_mixed`, '000904'),
    fails(`select "id" from tpch.n_mixed`, '000904'),
    rows(`select "ID" from tpch.n_mixed`, [['1']]),
    rows(`select n."low" from "ANALYTICS"."TPCH"."N_MIXED" n`, [['2']]),
    fails(`select * from tpch."n_mixed"`, '002003'),
    rows(`select "a b" from (select 1 as "a b")`, [['1']]),
    fails(`select foo from (select 1 as "foo")`, '000904'),
    rows(`select n_mixed.id, tpch.n_mixed.id, analytics.tpch.n_mixed.id from tpch.n_mixed`, [
      ['1', '1', '1'],
    ]),
    rows(`select r_name from identifier('analytics.tpch.region') where r_regionkey = 0`, [
      ['AFRICA'],
    ]),
    rows(`select r_name from table('region') where r_regionkey = 0`, [['AFRICA']]),
    rows(`select r_name from analytics.tpch.region where r_regionkey = 0`, [['AFRICA']]),
    is(`'it''s'`, `it's`, 'text'),
    is(`$$a 'raw' \\n text$$`, `a 'raw' \\n text`, 'text'),
    is(`'a\\tb'`, 'a\tb', 'text'),
    is(`1 /* a comment */ + /* another */ 1 -- to the end`, '2'),
    rows(`select 1 as a, 2 as a`, [['1', '2']]),
    fails(`select nope from region`, '000904'),
    fails(`select r.nope from region r`, '000904'),
    fails(`select x.r_name from region r`, '000904'),
    fails(`select * from nope`, '002003'),
    fails(`select * from nope.nope.nope`, '002003'),
    fails(`selec 1`, '001003'),
    fails(`select 1 +`, '001003'),
    fails(`select * from`, '001003'),
    fails(`select count(*), r_name from region`, '000979'),
    fails(`call no_such_procedure()`, '002140'),
    fails(`grant select on region to role public`, '000002'),
    fails(`select * from region at (offset => -60)`, '000002'),
    // Words that Snowflake leaves free for names and DuckDB keeps for itself.
    after(
      [
        `create or replace table tpch.n_words (at int, asof int, glob int, pivot int, lambda int, semi int, do int, map int)`,
        `insert into tpch.n_words (at, asof, glob, pivot, lambda, semi, do, map) values (1, 2, 3, 4, 5, 6, 7, 8)`,
        `update tpch.n_words set at = at + 10, pivot = 40 where at = 1`,
        `merge into tpch.n_words t using (select 11 as at) s on t.at = s.at when matched then update set glob = s.at`,
      ],
      rows(`select at, asof, glob, pivot, lambda, semi, do, map from tpch.n_words where at = 11`, [
        ['11', '2', '11', '40', '5', '6', '7', '8'],
      ]),
    ),
    rows(
      `select show, describe from (select 1 as show, 2 as describe) lambda where lambda.show = 1`,
      [['1', '2']],
    ),
    after(
      [
        `create or replace temporary table tpch."own" ("low" int)`,
        `insert into tpch."own" values (7)`,
      ],
      rows(`select "low" from tpch."own"`, [['7']]),
    ),
    fails(`select * from tpch.own`, '002003'),
    // The form of dbt's question for its catalogue.
    rows(
      `with tables as (
         select table_schema as "table_schema", table_name as "table_name",
                case when table_type = 'BASE TABLE' then 'a table' else table_type end as "table_type"
         from analytics.information_schema.tables
         where (("table_schema" ilike 'tpch' and upper("table_schema") = upper('tpch') and "table_name" ilike 'region')
             or ("table_schema" ilike 'tpch' and upper("table_name") = upper('nothing')))),
       columns as (
         select table_schema as "table_schema", table_name as "table_name", column_name as "column_name",
                ordinal_position as "column_index", data_type as "column_type"
         from analytics.information_schema.columns where (("table_schema" ilike 'tpch') or ("table_schema" ilike 'web')))
       select * from tables join columns using ("table_schema", "table_name") order by "column_index"`,
      [
        ['TPCH', 'REGION', 'a table', 'R_REGIONKEY', '1', 'NUMBER'],
        ['TPCH', 'REGION', 'a table', 'R_NAME', '2', 'TEXT'],
        ['TPCH', 'REGION', 'a table', 'R_COMMENT', '3', 'TEXT'],
      ],
    ),
    rows(
      `select offset, window from (select 1 as offset, 2 as window) where offset = 1 order by window desc limit 1 offset 0`,
      [['1', '2']],
    ),
    rows(`drop table tpch.n_words`, [['N_WORDS successfully dropped.']]),
    rows(`drop table tpch.n_mixed`, [['N_MIXED successfully dropped.']]),
  ],
};
