/** Statements that make the parser compile its paths before the first user's statement does. */

export const WARM_UP_ROUNDS = 8;

/** Varied statements of round `round`; literals differ by round. */
export function warmUpStatements(round: number): readonly string[] {
  return [
    `select ${round}`,
    `select a, b as c, t.d from db.s.t as t where a = ${round} and b in (1, 2, 'x') order by 1 limit ${round}`,
    `select count(*), sum(x) over (partition by y order by z) from t join u on t.id = u.id left join v using (k)`,
    `with a as (select * from t where d >= '2024-01-0${round % 9}'::date), b as (select x from a) select * from a, b`,
    `select case when a > ${round} then 'x' else f(b, c) end, coalesce(a, b), iff(a, b, c) from t group by all`,
    `select v:a.b[0]::string, f.value from t, lateral flatten(input => t.v, outer => true) f`,
    `select * from t qualify row_number() over (partition by a order by b desc) = 1`,
    `select a from t union all select b from u except select c from v`,
    `select date_trunc('month', d), dateadd(day, -${round}, current_date), datediff(hour, a, b), extract(year from d) from t`,
    `select * from (select a, max(b) m from t group by 1 having count(*) > ${round}) s where exists (select 1 from u where u.a = s.a)`,
    `insert into t (a, b) select a, b from u where c between ${round} and 9`,
    `insert into t values (${round}, 'a', null), (2, 'b', true)`,
    `update t set a = u.b, c = ${round} from u where t.id = u.id`,
    `delete from t using u where t.id = u.id and u.d < '2024-01-01'`,
    `merge into t using (select * from s) s on t.id = s.id when matched and s.d > ${round} then update set a = s.a when not matched then insert (id, a) values (s.id, s.a)`,
    `create or replace table t as select a::number(38, 2) as a, try_cast(b as date) from u`,
    `create view v as select listagg(a, ',') within group (order by b) l from t`,
    `copy into t from @s/p file_format = (type = csv) pattern = '.*'`,
    `select * from t pivot (sum(x) for m in (1, 2)) p where not (a is null or b like 'x%${round}')`,
    `select * from table(result_scan('x')) where a = ? and b = :1 and c = $v`,
    `select nope from (`,
  ];
}
