/**
 * Statements that node-sql-parser understands: most were made by the grammar of test/support,
 * the others by hand.
 */

/** It finds the tables that are in them. */
export const AGREED: readonly string[] = [
  "select day, 'x', 2.5 from prices as s1 inner join db.sales.items as s2 on status <= status left join orders as s3 on region > day where status <> 2.5 or amount in (1) or id in (1)",
  'select region from prices as s1 join (select status, id from raw.events as s3 join db.sales.items as s4 on amount >= id) as s4 on region <= customer_id where region between 2.5 and 1',
  'select customer_id from prices as s1 inner join db.sales.items as s2 on region > id inner join orders as s3 on customer_id >= amount join orders as s4 on customer_id = status',
  'insert into prices select 1 from raw.events as s1 left join (select id from db.sales.items as s3 inner join raw.events as s4 on amount >= id group by customer_id) as s4 on amount <> region',
  'select customer_id from raw.events as s1 left join db.sales.items as s2 on day >= day where amount in (1) and exists (select id from db.sales.items as s3) limit 7',
  "select id, abs (day) from db.sales.items as s1 where id in (1) or day <> 1 and id < 2.5 and exists (select region from prices as s2 where status < '2024-01-01') group by status",
  "create or replace table prices as select day, case when status in (1) then '2024-01-01' else customer_id end from orders as s1",
  "select amount, upper (amount), id, amount from orders as s1 where day <= 'x' and exists (select day from raw.events as s2 where day <> 1 group by region)",
  'with recent as (select status, amount, max (amount), max (amount) from raw.events as s1 group by amount) select day from orders as s2 where customer_id in (1) group by region',
  "with recent as (select status from orders as s1) select id, amount, upper (status), amount from db.sales.items as s2 where amount <> '2024-01-01'",
  "select id from orders as s1 where id = 1 or exists (select 'x' from raw.events as s2 where customer_id < 1 or region in (1)) or id <> 1",
  "select amount, '2024-01-01' from (select '2024-01-01' from raw.events as s2) as s2 left join orders as s3 on customer_id <> customer_id group by customer_id",
  "with recent as (select '2024-01-01' from orders as s1 where day in (1)) select amount from db.sales.items as s2 where region < 2.5 group by status",
  'select a from t join u on t.a = u.a',
  'select (select max(amount) from prices) from orders',
  'create table t as select a from orders',
  'update orders set amount = 1 from prices, customers where orders.id = prices.id',
  'select a from orders, lateral flatten(input => x) f',
  'select a from orders o full outer join prices p using (id), customers',
];

/** It loses the tables named: those after a comma that follows ON, and those that a text names. */
export const LOST: readonly (readonly [sql: string, tables: readonly string[]])[] = [
  ['select a from t join u on t.a = u.a, v, w where t.b = 1', ['DB.S.V', 'DB.S.W']],
  [
    'with recent as (select a from orders) select a from recent join customers on true, prices',
    ['DB.S.PRICES'],
  ],
  [
    'insert into orders select a from prices join customers on prices.id = customers.id, items',
    ['DB.S.ITEMS'],
  ],
  [
    'select a from orders where exists (select 1 from prices p join customers c on p.id = c.id, items)',
    ['DB.S.ITEMS'],
  ],
  ["select a from identifier('orders')", ['DB.S.ORDERS']],
];
