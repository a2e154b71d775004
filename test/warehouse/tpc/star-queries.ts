/**
 * A small star of store sales, and questions in the manner of TPC-DS over it: rollups, windows, set operations, reuse of
 * a CTE, correlated subqueries, ranges of dates. Schema and texts are our own.
 */
import type { AnsweredQuery } from './tpch-queries.js';

/** Statements that make and fill STAR in the current database, deterministic without a random source. */
export const STAR_TABLES: readonly string[] = [
  `create or replace schema star`,
  `create table star.days as
     select dateadd(day, n, '2023-01-01'::date) as day, year(dateadd(day, n, '2023-01-01'::date)) as y, month(dateadd(day, n, '2023-01-01'::date)) as m
     from (select row_number() over (order by 1) - 1 as n from table(generator(rowcount => 730)))`,
  `create table star.shops (shop int not null, name varchar, region varchar, opened date)`,
  `insert into star.shops values (1, 'Harbour', 'north', '2019-05-01'), (2, 'Mill', 'north', '2023-02-15'),
     (3, 'Square', 'south', '2020-01-01'), (4, 'Station', 'south', null), (5, 'Closed', null, '2018-01-01')`,
  `create table star.goods (good int not null, label varchar, kind varchar, price number(8,2))`,
  `insert into star.goods select n, 'good ' || n, decode(mod(n, 4), 0, 'food', 1, 'tools', 2, 'books', null), (n * 37 % 900 + 100) / 10
     from (select row_number() over (order by 1) as n from table(generator(rowcount => 40)))`,
  `create table star.sales (sold date, shop int, good int, amount int, paid number(10,2), returned boolean)`,
  `insert into star.sales
     select dateadd(day, mod(n * 7919, 730), '2023-01-01'::date), 1 + mod(n * 31, 4), 1 + mod(n * 17 + floor(n / 40), 40), 1 + mod(n, 5),
            (1 + mod(n, 5)) * (mod(n * 37, 900) + 100) / 10, iff(mod(n, 11) = 0, true, iff(mod(n, 7) = 0, null, false))
     from (select row_number() over (order by 1) as n from table(generator(rowcount => 6000)))`,
];

export const STAR: readonly AnsweredQuery[] = [
  {
    name: 'rollup of regions and kinds with its levels told apart',
    sql: `select region, kind, grouping(region) as gr, grouping(kind) as gk, sum(paid) as total, count(*) as n
      from star.sales join star.shops using (shop) join star.goods using (good)
      group by rollup (region, kind) order by gr, region, gk, kind`,
  },
  {
    name: 'cube with a filter on the groups',
    sql: `select y, kind, sum(amount) as pieces from star.sales s join star.days d on d.day = s.sold join star.goods using (good)
      group by cube (y, kind) having sum(amount) > 100 order by y, kind, pieces`,
  },
  {
    name: 'grouping sets',
    sql: `select region, y, count(distinct good) as goods from star.sales join star.shops using (shop) join star.days on day = sold
      group by grouping sets ((region, y), (region), ()) order by region, y, goods`,
  },
  {
    name: 'the best three goods of each shop',
    sql: `select shop, good, sum(paid) as total from star.sales group by shop, good
      qualify row_number() over (partition by shop order by total desc, good) <= 3 order by shop, total desc, good`,
  },
  {
    name: 'running total and share of the year',
    sql: `with months as (select y, m, sum(paid) as total from star.sales join star.days on day = sold group by y, m)
      select y, m, total, sum(total) over (partition by y order by m rows between unbounded preceding and current row) as running,
        total - lag(total) over (order by y, m) as change, total / sum(total) over (partition by y) as share
      from months order by y, m`,
  },
  {
    name: 'moving average over seven days',
    sql: `with daily as (select sold, sum(amount) as pieces from star.sales group by sold)
      select sold, avg(pieces) over (order by sold rows between 6 preceding and current row) as mean7 from daily
      where sold between '2023-03-01' and '2023-03-31' order by sold`,
  },
  {
    name: 'goods sold in both years but returned in neither',
    sql: `select good from star.sales where year(sold) = 2023
      intersect select good from star.sales where year(sold) = 2024
      minus select good from star.sales where returned and shop = 2 order by good`,
    direct: `select distinct good from star.sales a where year(sold) = 2023
        and exists (select 1 from star.sales b where b.good = a.good and year(b.sold) = 2024)
        and not exists (select 1 from star.sales b where b.good = a.good and b.returned and b.shop = 2) order by 1`,
  },
  {
    name: 'one CTE read three times',
    sql: `with per_shop as (select shop, sum(paid) as total, count(*) as n from star.sales where not coalesce(returned, false) group by shop)
      select a.shop, a.total, (select max(total) from per_shop) - a.total as behind, b.shop as next_shop
      from per_shop a left join per_shop b on b.total = (select min(c.total) from per_shop c where c.total > a.total) order by a.total desc`,
  },
  {
    name: 'sales above the mean of their kind',
    sql: `select g.kind, count(*) as n from star.sales s join star.goods g on g.good = s.good
      where s.paid > (select avg(i.paid) * 1.5 from star.sales i join star.goods k on k.good = i.good where k.kind = g.kind)
      group by g.kind order by g.kind`,
  },
  {
    name: 'shops without a sale in a week',
    sql: `select name from star.shops h where not exists (
        select 1 from star.sales s where s.shop = h.shop and s.sold >= '2023-06-01' and s.sold < dateadd(week, 1, '2023-06-01'::date)) order by name`,
    direct: `select name from star.shops h where shop not in (select shop from star.sales where sold between date '2023-06-01' and date '2023-06-07') order by name`,
  },
  {
    name: 'days without sales, by an outer join',
    sql: `select m, count(*) as empty_days from star.days left join (select distinct sold from star.sales where shop = 3) x on x.sold = day
      where x.sold is null group by m order by m`,
  },
  {
    name: 'quarters of each year side by side',
    sql: `select good, sum(iff(y = 2023, paid, 0)) as before, sum(iff(y = 2024, paid, 0)) as after, div0(after - before, before) as growth
      from star.sales join star.days on day = sold group by good having before > 0 order by good`,
    direct: `with t as (select good, sum(case when year(sold) = 2023 then paid else 0 end) as b, sum(case when year(sold) = 2024 then paid else 0 end) as a
        from star.sales group by good) select good, b, a, (a - b) / b from t where b > 0 order by good`,
  },
  {
    name: 'pivot of years',
    sql: `select * from (select region, year(sold) as y, amount from star.sales join star.shops using (shop))
      pivot (sum(amount) for y in (2023, 2024)) as p (region, y23, y24) order by region`,
    direct: `select region, sum(amount) filter (year(sold) = 2023), sum(amount) filter (year(sold) = 2024)
      from star.sales join star.shops using (shop) group by 1 order by 1`,
  },
  {
    name: 'rank, dense rank and ntile of prices',
    sql: `select good, price, rank() over (order by price desc) as r, dense_rank() over (partition by kind order by price) as d, ntile(4) over (order by price, good) as q
      from star.goods order by good`,
  },
  {
    name: 'first and last sale of each kind',
    sql: `select distinct kind, first_value(sold) over (partition by kind order by sold, s.good) as first_sold,
        last_value(sold) over (partition by kind order by sold, s.good rows between unbounded preceding and unbounded following) as last_sold
      from star.sales s join star.goods g on s.good = g.good order by kind`,
  },
  {
    name: 'union of three levels',
    sql: `select 'shop' as level, count(*) as n from star.shops union all select 'good', count(*) from star.goods
      union all select 'sale', count(*) from star.sales order by n`,
  },
  {
    name: 'chain of days by recursion',
    sql: `with recursive week (d, n) as (select '2024-02-26'::date, 0 union all select dateadd(day, 1, d), n + 1 from week where n < 6)
      select d, coalesce(sum(paid), 0) as total from week left join star.sales on sold = d group by d order by d`,
    direct: `select d::date, coalesce(sum(paid), 0) from range(date '2024-02-26', date '2024-03-04', interval 1 day) t(d)
      left join star.sales on sold = d group by 1 order by 1`,
  },
  {
    name: 'median and percentiles by kind',
    sql: `select kind, median(paid) as middle, percentile_cont(0.9) within group (order by paid) as p90, min(paid), max(paid)
      from star.sales join star.goods using (good) group by kind order by kind`,
    direct: `select kind, median(paid::double), quantile_cont(paid::double, 0.9), min(paid), max(paid) from star.sales join star.goods using (good) group by 1 order by 1`,
  },
];
