/**
 * The 22 queries of TPC-H (specification 3.0.1, §2.4) with their validation parameters, written anew in Snowflake's SQL:
 * functions, joins and clauses as an analyst would use them there. DuckDB reads the same text unless `direct` says it
 * in other words.
 */
export interface AnsweredQuery {
  readonly name: string;
  /** As a client of Snowflake writes it. */
  readonly sql: string;
  /** The same question in DuckDB's own dialect; the text itself when left out. */
  readonly direct?: string;
}

export const TPCH: readonly AnsweredQuery[] = [
  {
    name: 'Q1 pricing summary',
    sql: `select l_returnflag, l_linestatus, sum(l_quantity) as quantity, sum(l_extendedprice) as base_price,
        sum(l_extendedprice * (1 - l_discount)) as discounted, sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as charged,
        avg(l_quantity) as mean_quantity, avg(l_extendedprice) as mean_price, avg(l_discount) as mean_discount, count(*) as lines
      from lineitem where l_shipdate <= dateadd(day, -90, to_date('1998-12-01'))
      group by l_returnflag, l_linestatus order by 1, 2`,
    direct: `select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)),
        sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*)
      from lineitem where l_shipdate <= date '1998-09-02' group by all order by 1, 2`,
  },
  {
    name: 'Q2 minimum cost supplier',
    sql: `select s.s_acctbal, s.s_name, n.n_name, p.p_partkey, p.p_mfgr, s.s_address, s.s_phone, s.s_comment
      from part p
      join partsupp ps on ps.ps_partkey = p.p_partkey
      join supplier s on s.s_suppkey = ps.ps_suppkey
      join nation n on n.n_nationkey = s.s_nationkey
      join region r on r.r_regionkey = n.n_regionkey
      where p.p_size = 15 and p.p_type like '%BRASS' and r.r_name = 'EUROPE'
        and ps.ps_supplycost = (
          select min(o.ps_supplycost) from partsupp o, supplier os, nation onat, region oreg
          where o.ps_partkey = p.p_partkey and os.s_suppkey = o.ps_suppkey and onat.n_nationkey = os.s_nationkey
            and oreg.r_regionkey = onat.n_regionkey and oreg.r_name = 'EUROPE')
      order by s.s_acctbal desc, n.n_name, s.s_name, p.p_partkey limit 100`,
  },
  {
    name: 'Q3 shipping priority',
    sql: `select top 10 l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate, o_shippriority
      from customer, orders, lineitem
      where c_mktsegment = 'BUILDING' and c_custkey = o_custkey and l_orderkey = o_orderkey
        and o_orderdate < '1995-03-15'::date and l_shipdate > '1995-03-15'::date
      group by l_orderkey, o_orderdate, o_shippriority order by revenue desc, o_orderdate, l_orderkey`,
    direct: `select l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate, o_shippriority
      from customer join orders on c_custkey = o_custkey join lineitem on l_orderkey = o_orderkey
      where c_mktsegment = 'BUILDING' and o_orderdate < date '1995-03-15' and l_shipdate > date '1995-03-15'
      group by all order by revenue desc, o_orderdate, l_orderkey limit 10`,
  },
  {
    name: 'Q4 order priority checking',
    sql: `select o_orderpriority, count(*) as orders from orders
      where o_orderdate >= '1993-07-01' and o_orderdate < dateadd(month, 3, '1993-07-01'::date)
        and exists (select 1 from lineitem where l_orderkey = o_orderkey and l_commitdate < l_receiptdate)
      group by 1 order by 1`,
    direct: `select o_orderpriority, count(*) from orders where o_orderdate between date '1993-07-01' and date '1993-09-30'
        and o_orderkey in (select l_orderkey from lineitem where l_commitdate < l_receiptdate) group by 1 order by 1`,
  },
  {
    name: 'Q5 local supplier volume',
    sql: `select n_name, sum(l_extendedprice * (1 - l_discount)) as revenue
      from customer join orders on c_custkey = o_custkey join lineitem on l_orderkey = o_orderkey
      join supplier on l_suppkey = s_suppkey and c_nationkey = s_nationkey
      join nation on s_nationkey = n_nationkey join region on n_regionkey = r_regionkey
      where r_name = 'ASIA' and o_orderdate >= '1994-01-01'::date and year(o_orderdate) = 1994
      group by n_name order by revenue desc`,
  },
  {
    name: 'Q6 forecasting revenue change',
    sql: `select sum(l_extendedprice * l_discount) as revenue from lineitem
      where l_shipdate >= to_date('1994-01-01') and l_shipdate < add_months(to_date('1994-01-01'), 12)
        and l_discount between 0.06 - 0.01 and 0.06 + 0.01 and l_quantity < 24`,
    direct: `select sum(l_extendedprice * l_discount) from lineitem where year(l_shipdate) = 1994
        and l_discount between 0.05 and 0.07 and l_quantity < 24`,
  },
  {
    name: 'Q7 volume shipping',
    sql: `with shipping as (
        select n1.n_name as supp_nation, n2.n_name as cust_nation, year(l_shipdate) as l_year,
          l_extendedprice * (1 - l_discount) as volume
        from supplier, lineitem, orders, customer, nation n1, nation n2
        where s_suppkey = l_suppkey and o_orderkey = l_orderkey and c_custkey = o_custkey
          and s_nationkey = n1.n_nationkey and c_nationkey = n2.n_nationkey
          and ((n1.n_name = 'FRANCE' and n2.n_name = 'GERMANY') or (n1.n_name = 'GERMANY' and n2.n_name = 'FRANCE'))
          and l_shipdate between '1995-01-01' and '1996-12-31')
      select supp_nation, cust_nation, l_year, sum(volume) as revenue from shipping group by all order by 1, 2, 3`,
  },
  {
    name: 'Q8 national market share',
    sql: `select o_year, sum(iff(nation = 'BRAZIL', volume, 0)) / sum(volume) as mkt_share
      from (
        select date_part(year, o_orderdate) as o_year, l_extendedprice * (1 - l_discount) as volume, n2.n_name as nation
        from part, supplier, lineitem, orders, customer, nation n1, nation n2, region
        where p_partkey = l_partkey and s_suppkey = l_suppkey and l_orderkey = o_orderkey and o_custkey = c_custkey
          and c_nationkey = n1.n_nationkey and n1.n_regionkey = r_regionkey and r_name = 'AMERICA'
          and s_nationkey = n2.n_nationkey and o_orderdate between '1995-01-01'::date and '1996-12-31'::date
          and p_type = 'ECONOMY ANODIZED STEEL') as all_nations
      group by o_year order by o_year`,
    direct: `select year(o_orderdate) as o_year,
        sum(case when n2.n_name = 'BRAZIL' then l_extendedprice * (1 - l_discount) else 0 end) / sum(l_extendedprice * (1 - l_discount))
      from part join lineitem on p_partkey = l_partkey join supplier on s_suppkey = l_suppkey join orders on l_orderkey = o_orderkey
      join customer on o_custkey = c_custkey join nation n1 on c_nationkey = n1.n_nationkey join region on n1.n_regionkey = r_regionkey
      join nation n2 on s_nationkey = n2.n_nationkey
      where r_name = 'AMERICA' and o_orderdate between date '1995-01-01' and date '1996-12-31' and p_type = 'ECONOMY ANODIZED STEEL'
      group by 1 order by 1`,
  },
  {
    name: 'Q9 product type profit',
    sql: `select nation, o_year, sum(amount) as profit
      from (
        select n_name as nation, extract(year from o_orderdate) as o_year,
          l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity as amount
        from part join lineitem on p_partkey = l_partkey
        join partsupp on ps_suppkey = l_suppkey and ps_partkey = l_partkey
        join supplier on s_suppkey = l_suppkey join orders on o_orderkey = l_orderkey
        join nation on s_nationkey = n_nationkey
        where p_name like '%green%')
      group by nation, o_year order by nation, o_year desc`,
  },
  {
    name: 'Q10 returned item reporting',
    sql: `select c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) as revenue, c_acctbal, n_name, c_address, c_phone, c_comment
      from customer, orders, lineitem, nation
      where c_custkey = o_custkey and l_orderkey = o_orderkey and c_nationkey = n_nationkey and l_returnflag = 'R'
        and o_orderdate >= '1993-10-01'::date and o_orderdate < dateadd('month', 3, '1993-10-01'::date)
      group by c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment
      order by revenue desc, c_custkey fetch first 20 rows only`,
    direct: `select c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) as revenue, c_acctbal, n_name, c_address, c_phone, c_comment
      from customer, orders, lineitem, nation
      where c_custkey = o_custkey and l_orderkey = o_orderkey and c_nationkey = n_nationkey and l_returnflag = 'R'
        and o_orderdate between date '1993-10-01' and date '1993-12-31'
      group by all order by revenue desc, c_custkey limit 20`,
  },
  {
    name: 'Q11 important stock',
    sql: `with german as (
        select ps_partkey, ps_supplycost * ps_availqty as worth from partsupp, supplier, nation
        where ps_suppkey = s_suppkey and s_nationkey = n_nationkey and n_name = 'GERMANY')
      select ps_partkey, sum(worth) as value from german group by ps_partkey
      having value > (select sum(worth) * 0.0001 from german) order by value desc, ps_partkey`,
  },
  {
    name: 'Q12 shipping modes and order priority',
    sql: `select l_shipmode, count_if(o_orderpriority in ('1-URGENT', '2-HIGH')) as high_lines,
        sum(case when o_orderpriority not in ('1-URGENT', '2-HIGH') then 1 else 0 end) as low_lines
      from orders join lineitem on o_orderkey = l_orderkey
      where l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_shipdate < l_commitdate
        and l_receiptdate >= '1994-01-01' and l_receiptdate < dateadd(year, 1, date '1994-01-01')
      group by l_shipmode order by l_shipmode`,
    direct: `select l_shipmode, count(*) filter (o_orderpriority in ('1-URGENT', '2-HIGH')), count(*) filter (o_orderpriority not in ('1-URGENT', '2-HIGH'))
      from orders join lineitem on o_orderkey = l_orderkey
      where l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_shipdate < l_commitdate and year(l_receiptdate) = 1994
      group by 1 order by 1`,
  },
  {
    name: 'Q13 customer distribution',
    sql: `select c_count, count(*) as custdist
      from (
        select c_custkey, count(o_orderkey)
        from customer left outer join orders on c_custkey = o_custkey and o_comment not like '%special%requests%'
        group by c_custkey) as c_orders (c_custkey, c_count)
      group by c_count order by custdist desc, c_count desc`,
  },
  {
    name: 'Q14 promotion effect',
    sql: `select 100.00 * sum(case when startswith(p_type, 'PROMO') then l_extendedprice * (1 - l_discount) else 0 end)
        / sum(l_extendedprice * (1 - l_discount)) as promo_revenue
      from lineitem, part
      where l_partkey = p_partkey and l_shipdate >= '1995-09-01' and l_shipdate < dateadd(month, 1, '1995-09-01'::date)`,
    direct: `select 100.00 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount) else 0 end) / sum(l_extendedprice * (1 - l_discount))
      from lineitem join part on l_partkey = p_partkey where l_shipdate between date '1995-09-01' and date '1995-09-30'`,
  },
  {
    name: 'Q15 top supplier',
    sql: `with revenue (supplier_no, total_revenue) as (
        select l_suppkey, sum(l_extendedprice * (1 - l_discount)) from lineitem
        where l_shipdate >= '1996-01-01' and l_shipdate < dateadd(month, 3, '1996-01-01'::date) group by l_suppkey)
      select s_suppkey, s_name, s_address, s_phone, total_revenue from supplier, revenue
      where s_suppkey = supplier_no and total_revenue = (select max(total_revenue) from revenue) order by s_suppkey`,
    direct: `with revenue as (
        select l_suppkey as k, sum(l_extendedprice * (1 - l_discount)) as t from lineitem
        where l_shipdate between date '1996-01-01' and date '1996-03-31' group by 1)
      select s_suppkey, s_name, s_address, s_phone, t from supplier join revenue on s_suppkey = k where t = (select max(t) from revenue) order by 1`,
  },
  {
    name: 'Q16 parts and suppliers',
    sql: `select p_brand, p_type, p_size, count(distinct ps_suppkey) as supplier_cnt from partsupp, part
      where p_partkey = ps_partkey and p_brand <> 'Brand#45' and p_type not like 'MEDIUM POLISHED%'
        and p_size in (49, 14, 23, 45, 19, 3, 36, 9)
        and ps_suppkey not in (select s_suppkey from supplier where s_comment like '%Customer%Complaints%')
      group by p_brand, p_type, p_size order by supplier_cnt desc, p_brand, p_type, p_size`,
  },
  {
    name: 'Q17 small-quantity-order revenue',
    sql: `select sum(l_extendedprice) / 7.0 as avg_yearly from lineitem, part
      where p_partkey = l_partkey and p_brand = 'Brand#23' and p_container = 'MED BOX'
        and l_quantity < (select 0.2 * avg(i.l_quantity) from lineitem i where i.l_partkey = p_partkey)`,
  },
  {
    name: 'Q18 large volume customer',
    sql: `select c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity)
      from customer, orders, lineitem
      where o_orderkey in (select l_orderkey from lineitem group by l_orderkey having sum(l_quantity) > 300)
        and c_custkey = o_custkey and o_orderkey = l_orderkey
      group by c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice
      order by o_totalprice desc, o_orderdate, o_orderkey limit 100`,
  },
  {
    name: 'Q19 discounted revenue',
    sql: `select sum(l_extendedprice * (1 - l_discount)) as revenue from lineitem, part
      where p_partkey = l_partkey and l_shipmode in ('AIR', 'AIR REG') and l_shipinstruct = 'DELIVER IN PERSON'
        and ((p_brand = 'Brand#12' and p_container in ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG')
              and l_quantity between 1 and 1 + 10 and p_size between 1 and 5)
          or (p_brand = 'Brand#23' and p_container in ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK')
              and l_quantity between 10 and 10 + 10 and p_size between 1 and 10)
          or (p_brand = 'Brand#34' and p_container in ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG')
              and l_quantity between 20 and 20 + 10 and p_size between 1 and 15))`,
  },
  {
    name: 'Q20 potential part promotion',
    sql: `select s_name, s_address from supplier, nation
      where s_nationkey = n_nationkey and n_name = 'CANADA'
        and s_suppkey in (
          select ps_suppkey from partsupp
          where ps_partkey in (select p_partkey from part where p_name like 'forest%')
            and ps_availqty > (
              select 0.5 * sum(l_quantity) from lineitem
              where l_partkey = ps_partkey and l_suppkey = ps_suppkey
                and l_shipdate >= '1994-01-01' and l_shipdate < dateadd(year, 1, '1994-01-01'::date)))
      order by s_name`,
    direct: `select s_name, s_address from supplier join nation on s_nationkey = n_nationkey where n_name = 'CANADA'
        and s_suppkey in (select ps_suppkey from partsupp where ps_partkey in (select p_partkey from part where p_name like 'forest%')
          and ps_availqty > (select 0.5 * sum(l_quantity) from lineitem where l_partkey = ps_partkey and l_suppkey = ps_suppkey and year(l_shipdate) = 1994))
      order by 1`,
  },
  {
    name: 'Q21 suppliers who kept orders waiting',
    sql: `select s_name, count(*) as numwait from supplier, lineitem l1, orders, nation
      where s_suppkey = l1.l_suppkey and o_orderkey = l1.l_orderkey and o_orderstatus = 'F'
        and l1.l_receiptdate > l1.l_commitdate and s_nationkey = n_nationkey and n_name = 'SAUDI ARABIA'
        and exists (select * from lineitem l2 where l2.l_orderkey = l1.l_orderkey and l2.l_suppkey <> l1.l_suppkey)
        and not exists (
          select * from lineitem l3 where l3.l_orderkey = l1.l_orderkey and l3.l_suppkey != l1.l_suppkey and l3.l_receiptdate > l3.l_commitdate)
      group by s_name order by numwait desc, s_name limit 100`,
  },
  {
    name: 'Q22 global sales opportunity',
    sql: `select cntrycode, count(*) as numcust, sum(c_acctbal) as totacctbal
      from (
        select substr(c_phone, 1, 2) as cntrycode, c_acctbal from customer
        where left(c_phone, 2) in ('13', '31', '23', '29', '30', '18', '17')
          and c_acctbal > (
            select avg(c_acctbal) from customer
            where c_acctbal > 0.00 and left(c_phone, 2) in ('13', '31', '23', '29', '30', '18', '17'))
          and not exists (select * from orders where o_custkey = c_custkey)) as custsale
      group by cntrycode order by cntrycode`,
  },
];
