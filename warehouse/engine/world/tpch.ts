/**
 * ANALYTICS.TPCH: the eight TPC-H tables with the specification's key ranges, value lists and relations (TPC-H
 * specification 3.0.1, §4.2), filled by our own mix; so every TPC-H query has rows to find, though not dbgen's.
 */
import { textList } from './mix.js';

const NATIONS: readonly (readonly [string, number])[] = [
  ['ALGERIA', 0],
  ['ARGENTINA', 1],
  ['BRAZIL', 1],
  ['CANADA', 1],
  ['EGYPT', 4],
  ['ETHIOPIA', 0],
  ['FRANCE', 3],
  ['GERMANY', 3],
  ['INDIA', 2],
  ['INDONESIA', 2],
  ['IRAN', 4],
  ['IRAQ', 4],
  ['JAPAN', 2],
  ['JORDAN', 4],
  ['KENYA', 0],
  ['MOROCCO', 0],
  ['MOZAMBIQUE', 0],
  ['PERU', 1],
  ['CHINA', 2],
  ['ROMANIA', 3],
  ['SAUDI ARABIA', 4],
  ['VIETNAM', 2],
  ['RUSSIA', 3],
  ['UNITED KINGDOM', 3],
  ['UNITED STATES', 1],
];
const REGIONS = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'];
const SEGMENTS = ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'];
const PRIORITIES = ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'];
const INSTRUCTIONS = ['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'];
const MODES = ['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'];
const TYPE_1 = ['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'];
const TYPE_2 = ['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'];
const TYPE_3 = ['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'];
const CONTAINER_1 = ['SM', 'LG', 'MED', 'JUMBO', 'WRAP'];
const CONTAINER_2 = ['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'];
const COLOURS =
  'almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished chartreuse chiffon chocolate coral cornflower cornsilk cream cyan dark deep dim dodger drab firebrick floral forest frosted gainsboro ghost goldenrod green grey honeydew hot indian ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium metallic midnight mint misty moccasin navajo navy olive orange orchid pale papaya peach peru pink plum powder puff purple red rose rosy royal saddle salmon sandy seashell sienna sky slate smoke snow spring steel tan thistle tomato turquoise violet wheat white yellow'.split(
    ' ',
  );
const ADVERBS = [
  'carefully',
  'quickly',
  'furiously',
  'slyly',
  'blithely',
  'daringly',
  'evenly',
  'finally',
];
const NOUNS = [
  'requests',
  'deposits',
  'packages',
  'accounts',
  'theodolites',
  'pinto beans',
  'foxes',
  'instructions',
  'platelets',
  'ideas',
];
const ADJECTIVES = [
  'special',
  'regular',
  'pending',
  'express',
  'final',
  'ironic',
  'bold',
  'unusual',
  'even',
  'silent',
];
const VERBS = [
  'sleep',
  'haggle',
  'nag',
  'wake',
  'cajole',
  'detect',
  'integrate',
  'boost',
  'doze',
  'use',
];

function comment(stream: number, key: string): string {
  const word = (offset: number, texts: readonly string[]): string =>
    `pick_text(${stream + offset}, ${key}, ${textList(texts)})`;
  return `concat(${word(0, ADVERBS)}, ' ', ${word(1, ADJECTIVES)}, ' ', ${word(2, NOUNS)}, ' ', ${word(3, VERBS)}, ' above the ', ${word(4, ADJECTIVES)}, ' ', ${word(5, NOUNS)})`;
}

const phone = (stream: number, key: string, nation: string): string =>
  `concat(${nation} + 10, '-', 100 + pick(${stream}, ${key}, 900), '-', 100 + pick(${stream + 1}, ${key}, 900), '-', 1000 + pick(${stream + 2}, ${key}, 9000))`;

const cents = (expression: string): string =>
  `((${expression}) * 0.01::DECIMAL(3,2))::DECIMAL(12,2)`;

/** Statements that create and fill the tables in the DuckDB schema `schema`, at `scaleFactor`. */
export function tpchStatements(schema: string, scaleFactor: number): readonly string[] {
  const count = (base: number): number => Math.max(10, Math.round(base * scaleFactor));
  const size = {
    supplier: count(10_000),
    part: count(200_000),
    customer: count(150_000),
    orders: count(1_500_000),
  };
  const table = (name: string): string => `"${schema}"."${name}"`;
  return [...dimensions(table, size), ...partsupp(table, size), ...orders(table, size)];
}

interface Sizes {
  readonly supplier: number;
  readonly part: number;
  readonly customer: number;
  readonly orders: number;
}
type TableName = (name: string) => string;

function dimensions(table: TableName, size: Sizes): readonly string[] {
  const nations = NATIONS.map(([name, region], key) => `(${key}, '${name}', ${region})`).join(', ');
  const regions = REGIONS.map((name, key) => `(${key}, '${name}')`).join(', ');
  return [
    `CREATE TABLE ${table('REGION')} AS
       SELECT k::BIGINT AS R_REGIONKEY, n AS R_NAME, ${comment(1, 'k')} AS R_COMMENT FROM (VALUES ${regions}) v(k, n)`,
    `CREATE TABLE ${table('NATION')} AS
       SELECT k::BIGINT AS N_NATIONKEY, n AS N_NAME, r::BIGINT AS N_REGIONKEY, ${comment(11, 'k')} AS N_COMMENT
       FROM (VALUES ${nations}) v(k, n, r)`,
    `CREATE TABLE ${table('SUPPLIER')} AS
       SELECT k AS S_SUPPKEY, format('Supplier#{:09d}', k) AS S_NAME,
              format('{:x} lane {}', mix(21, k), pick(22, k, 900)) AS S_ADDRESS, n AS S_NATIONKEY,
              ${phone(23, 'k', 'n')} AS S_PHONE, ${cents('pick(26, k, 1099999) - 99999')} AS S_ACCTBAL,
              CASE WHEN pick(27, k, 2000) < 5 THEN 'the Customer sleeps Complaints haggle' ELSE ${comment(28, 'k')} END AS S_COMMENT
       FROM (SELECT range AS k, pick(20, range, 25) AS n FROM range(1, ${size.supplier + 1}))`,
    `CREATE TABLE ${table('CUSTOMER')} AS
       SELECT k AS C_CUSTKEY, format('Customer#{:09d}', k) AS C_NAME,
              format('{:x} street {}', mix(41, k), pick(42, k, 900)) AS C_ADDRESS, n AS C_NATIONKEY,
              ${phone(43, 'k', 'n')} AS C_PHONE, ${cents('pick(46, k, 1099999) - 99999')} AS C_ACCTBAL,
              pick_text(47, k, ${textList(SEGMENTS)}) AS C_MKTSEGMENT, ${comment(48, 'k')} AS C_COMMENT
       FROM (SELECT range AS k, pick(40, range, 25) AS n FROM range(1, ${size.customer + 1}))`,
    `CREATE TABLE ${table('PART')} AS
       SELECT k AS P_PARTKEY,
              concat_ws(' ', ${[61, 62, 63, 64, 65].map((stream) => `pick_text(${stream}, k, ${textList(COLOURS)})`).join(', ')}) AS P_NAME,
              format('Manufacturer#{}', m) AS P_MFGR, format('Brand#{}{}', m, 1 + pick(67, k, 5)) AS P_BRAND,
              concat_ws(' ', pick_text(68, k, ${textList(TYPE_1)}), pick_text(69, k, ${textList(TYPE_2)}), pick_text(70, k, ${textList(TYPE_3)})) AS P_TYPE,
              1 + pick(71, k, 50) AS P_SIZE,
              concat_ws(' ', pick_text(72, k, ${textList(CONTAINER_1)}), pick_text(73, k, ${textList(CONTAINER_2)})) AS P_CONTAINER,
              ${cents(retailCents('k'))} AS P_RETAILPRICE, ${comment(74, 'k')} AS P_COMMENT
       FROM (SELECT range AS k, 1 + pick(66, range, 5) AS m FROM range(1, ${size.part + 1}))`,
  ];
}

const retailCents = (key: string): string =>
  `90000 + (${key} // 10) % 20001 + 100 * (${key} % 1000)`;

/** Supplier number `nth` (0 to 3) of a part. */
const supplierOf = (part: string, nth: string, suppliers: number): string =>
  `(${part} + ${nth} * (${suppliers} // 4 + (${part} - 1) // ${suppliers})) % ${suppliers} + 1`;

function partsupp(table: TableName, size: Sizes): readonly string[] {
  return [
    `CREATE TABLE ${table('PARTSUPP')} AS
       SELECT p AS PS_PARTKEY, ${supplierOf('p', 'i', size.supplier)} AS PS_SUPPKEY, 1 + pick(81, p * 4 + i, 9999) AS PS_AVAILQTY,
              ${cents('100 + pick(82, p * 4 + i, 99901)')} AS PS_SUPPLYCOST, ${comment(83, 'p * 4 + i')} AS PS_COMMENT
       FROM (SELECT a.range AS p, b.range AS i FROM range(1, ${size.part + 1}) a, range(4) b) ORDER BY PS_PARTKEY, i`,
  ];
}

/** Orders and line items, sorted by date so that row groups prune like micro-partitions. */
function orders(table: TableName, size: Sizes): readonly string[] {
  return [
    `CREATE TEMP TABLE order_keys AS
       SELECT (range // 8) * 32 + range % 8 + 1 AS o, DATE '1992-01-01' + pick(101, range, 2406)::INTEGER AS d,
              1 + pick(102, range, 7) AS n, pick(103, range, ${Math.max(1, Math.floor((size.customer * 2) / 3))}) AS c
       FROM range(${size.orders})`,
    `CREATE TABLE ${table('LINEITEM')} AS
       SELECT o AS L_ORDERKEY, p AS L_PARTKEY, ${supplierOf('p', 'pick(112, x, 4)', size.supplier)} AS L_SUPPKEY, i AS L_LINENUMBER,
              q::DECIMAL(12,2) AS L_QUANTITY, ${cents(`q * (${retailCents('p')})`)} AS L_EXTENDEDPRICE,
              ${cents('pick(114, x, 11)')} AS L_DISCOUNT, ${cents('pick(115, x, 9)')} AS L_TAX,
              CASE WHEN r > DATE '1995-06-17' THEN 'N' WHEN pick(116, x, 2) = 0 THEN 'R' ELSE 'A' END AS L_RETURNFLAG,
              CASE WHEN s > DATE '1995-06-17' THEN 'O' ELSE 'F' END AS L_LINESTATUS,
              s AS L_SHIPDATE, d + (30 + pick(117, x, 61))::INTEGER AS L_COMMITDATE, r AS L_RECEIPTDATE,
              pick_text(118, x, ${textList(INSTRUCTIONS)}) AS L_SHIPINSTRUCT, pick_text(119, x, ${textList(MODES)}) AS L_SHIPMODE,
              ${comment(120, 'x')} AS L_COMMENT
       FROM (SELECT *, s + (1 + pick(113, x, 30))::INTEGER AS r
             FROM (SELECT o, d, i, o * 8 + i AS x, 1 + pick(110, o * 8 + i, ${size.part}) AS p, 1 + pick(111, o * 8 + i, 50) AS q,
                          d + (1 + pick(109, o * 8 + i, 121))::INTEGER AS s
                   FROM order_keys, (SELECT range AS i FROM range(1, 8)) WHERE i <= n))
       ORDER BY L_SHIPDATE, L_ORDERKEY, L_LINENUMBER`,
    `CREATE TABLE ${table('ORDERS')} AS
       SELECT o AS O_ORDERKEY, (c // 2) * 3 + c % 2 + 1 AS O_CUSTKEY,
              CASE WHEN f = k THEN 'F' WHEN f = 0 THEN 'O' ELSE 'P' END AS O_ORDERSTATUS, t AS O_TOTALPRICE, d AS O_ORDERDATE,
              pick_text(104, o, ${textList(PRIORITIES)}) AS O_ORDERPRIORITY,
              format('Clerk#{:09d}', 1 + pick(105, o, ${Math.max(1, Math.round(size.orders / 1500))})) AS O_CLERK,
              0::BIGINT AS O_SHIPPRIORITY, ${comment(121, 'o')} AS O_COMMENT
       FROM order_keys JOIN (
         SELECT L_ORDERKEY, count(*) AS k, count(*) FILTER (WHERE L_LINESTATUS = 'F') AS f,
                sum(L_EXTENDEDPRICE * (1 + L_TAX) * (1 - L_DISCOUNT))::DECIMAL(12,2) AS t
         FROM ${table('LINEITEM')} GROUP BY L_ORDERKEY) ON L_ORDERKEY = o
       ORDER BY O_ORDERDATE, O_ORDERKEY`,
    `DROP TABLE order_keys`,
  ];
}
