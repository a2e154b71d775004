/**
 * The statistics that an import of the embedded demo account finds, as the worker would write them: offline, the demo
 * is priced as it is when it runs. `test/e2e` compares them with a real import.
 */
import type { StatedTable } from './stated-table.js';

/** Per `DB.SCHEMA.TABLE`. */
export const DEMO_STATISTICS: Readonly<Record<string, StatedTable>> = {
  'ANALYTICS.TPCH.CUSTOMER': {
    rows: 1_500,
    bytes: 216_000,
    columns: columnsOf(
      'C_CUSTKEY NUMBER, C_NAME TEXT, C_ADDRESS TEXT, C_NATIONKEY NUMBER, C_PHONE TEXT, C_ACCTBAL NUMBER, C_MKTSEGMENT TEXT, C_COMMENT TEXT',
    ),
  },
  'ANALYTICS.TPCH.LINEITEM': {
    rows: 59_673,
    bytes: 11_695_908,
    columns: columnsOf(
      'L_ORDERKEY NUMBER, L_PARTKEY NUMBER, L_SUPPKEY NUMBER, L_LINENUMBER NUMBER, L_QUANTITY NUMBER, L_EXTENDEDPRICE NUMBER, L_DISCOUNT NUMBER, L_TAX NUMBER, L_RETURNFLAG TEXT, L_LINESTATUS TEXT, L_SHIPDATE DATE, L_COMMITDATE DATE, L_RECEIPTDATE DATE, L_SHIPINSTRUCT TEXT, L_SHIPMODE TEXT, L_COMMENT TEXT',
    ),
  },
  'ANALYTICS.TPCH.NATION': {
    rows: 25,
    bytes: 1_600,
    columns: columnsOf('N_NATIONKEY NUMBER, N_NAME TEXT, N_REGIONKEY NUMBER, N_COMMENT TEXT'),
  },
  'ANALYTICS.TPCH.ORDERS': {
    rows: 15_000,
    bytes: 1_980_000,
    columns: columnsOf(
      'O_ORDERKEY NUMBER, O_CUSTKEY NUMBER, O_ORDERSTATUS TEXT, O_TOTALPRICE NUMBER, O_ORDERDATE DATE, O_ORDERPRIORITY TEXT, O_CLERK TEXT, O_SHIPPRIORITY NUMBER, O_COMMENT TEXT',
    ),
  },
  'ANALYTICS.TPCH.PART': {
    rows: 2_000,
    bytes: 336_000,
    columns: columnsOf(
      'P_PARTKEY NUMBER, P_NAME TEXT, P_MFGR TEXT, P_BRAND TEXT, P_TYPE TEXT, P_SIZE NUMBER, P_CONTAINER TEXT, P_RETAILPRICE NUMBER, P_COMMENT TEXT',
    ),
  },
  'ANALYTICS.TPCH.PARTSUPP': {
    rows: 8_000,
    bytes: 448_000,
    columns: columnsOf(
      'PS_PARTKEY NUMBER, PS_SUPPKEY NUMBER, PS_AVAILQTY NUMBER, PS_SUPPLYCOST NUMBER, PS_COMMENT TEXT',
    ),
  },
  'ANALYTICS.TPCH.REGION': {
    rows: 5,
    bytes: 280,
    columns: columnsOf('R_REGIONKEY NUMBER, R_NAME TEXT, R_COMMENT TEXT'),
  },
  'ANALYTICS.TPCH.SUPPLIER': {
    rows: 100,
    bytes: 12_000,
    columns: columnsOf(
      'S_SUPPKEY NUMBER, S_NAME TEXT, S_ADDRESS TEXT, S_NATIONKEY NUMBER, S_PHONE TEXT, S_ACCTBAL NUMBER, S_COMMENT TEXT',
    ),
  },
  'ANALYTICS.WEB.EVENTS': {
    rows: 200_860_000_000,
    bytes: 50_000_000_000_000,
    clusteringColumn: 'EVENT_DATE',
    clusteringMin: '2022-01-01',
    clusteringMax: '2026-12-31',
    columns: columnsOf(
      'EVENT_DATE DATE, EVENT_TS TIMESTAMP_NTZ, EVENT_ID NUMBER, SESSION_ID TEXT, USER_ID NUMBER, EVENT_TYPE TEXT, PAGE TEXT, REFERRER TEXT, COUNTRY TEXT, DEVICE TEXT, REVENUE NUMBER, PAYLOAD VARIANT',
    ),
  },
};

/** `A NUMBER, B TEXT` as names with their types. */
function columnsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(', ').map((column): [string, string] => {
      const [name = '', type = ''] = column.split(' ');
      return [name, type];
    }),
  );
}
