/** What the demo's analysts send. */
import { DEMO_RUNAWAY } from '../../policies/control/demo.js';

/** Where a team's analyst works, and what a shift of that kind is. */
export interface Habit {
  readonly warehouse: 'INTERACTIVE_WH' | 'STANDARD_WH' | 'BATCH_WH';
  readonly statements: readonly string[];
}

/** Tiles of a dashboard: short, again and again. */
const TILES: readonly string[] = [
  'SELECT COUNT(*) AS ORDERS FROM ANALYTICS.TPCH.ORDERS',
  'SELECT O_ORDERPRIORITY, COUNT(*) AS ORDERS FROM ANALYTICS.TPCH.ORDERS GROUP BY 1 ORDER BY 1',
  'SELECT C_MKTSEGMENT, COUNT(*) AS CUSTOMERS FROM ANALYTICS.TPCH.CUSTOMER GROUP BY 1',
  'SELECT P_BRAND, COUNT(*) AS PARTS FROM ANALYTICS.TPCH.PART GROUP BY 1 ORDER BY 2 DESC LIMIT 10',
];

/** Questions of people. */
const REPORTS: readonly string[] = [
  "SELECT O_ORDERSTATUS, SUM(O_TOTALPRICE) AS TOTAL FROM ANALYTICS.TPCH.ORDERS WHERE O_ORDERDATE >= '1996-01-01' GROUP BY 1",
  'SELECT L_SHIPMODE, AVG(L_QUANTITY) AS QUANTITY FROM ANALYTICS.TPCH.LINEITEM GROUP BY 1',
  'SELECT N_NAME, SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT)) AS REVENUE FROM ANALYTICS.TPCH.LINEITEM JOIN ANALYTICS.TPCH.ORDERS ON L_ORDERKEY = O_ORDERKEY JOIN ANALYTICS.TPCH.CUSTOMER ON O_CUSTKEY = C_CUSTKEY JOIN ANALYTICS.TPCH.NATION ON C_NATIONKEY = N_NATIONKEY GROUP BY 1 ORDER BY 2 DESC',
  "SELECT COUNTRY, COUNT(*) AS HITS FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE = '2026-03-05' GROUP BY 1",
  'SELECT * FROM TOLLGATE.MY_BUDGET',
  'EXPLAIN COST SELECT * FROM ANALYTICS.WEB.EVENTS',
];

/** 50 TB without a filter: more than a team's month, and refused before it runs. */
const FULL_SCAN = "SELECT URL FROM ANALYTICS.WEB.EVENTS WHERE COUNTRY = 'DE'";

const DASHBOARD: Habit = { warehouse: 'INTERACTIVE_WH', statements: TILES };
const ANALYSIS: Habit = { warehouse: 'STANDARD_WH', statements: REPORTS };
const EXPLORATION: Habit = {
  warehouse: 'STANDARD_WH',
  statements: [...REPORTS.slice(0, 3), FULL_SCAN, ...REPORTS.slice(3)],
};
const BATCH: Habit = { warehouse: 'BATCH_WH', statements: REPORTS.slice(0, 3) };

/** Who does what; the teams are those of the demo's control document. */
export const HABITS: Readonly<Record<string, Habit>> = {
  marketing: DASHBOARD,
  sales: DASHBOARD,
  finance: ANALYSIS,
  product: DASHBOARD,
  growth: EXPLORATION,
  support: DASHBOARD,
  operations: DASHBOARD,
  logistics: ANALYSIS,
  risk: ANALYSIS,
  legal: ANALYSIS,
  people: ANALYSIS,
  platform: BATCH,
  research: EXPLORATION,
  ml: BATCH,
  'data-science': EXPLORATION,
};

/** Sessions that share the warehouse of the runaway at most, its own included: with each it takes longer to its ceiling. */
export function runawaySharers(): number {
  const beside = Object.values(HABITS).filter(
    ({ warehouse }) => warehouse === DEMO_RUNAWAY.warehouse,
  );
  return beside.length + 1;
}

/** Whose statement runs away. */
export const RUNAWAY_TEAM = 'data-science';

/**
 * A statement that would run for an hour, as Superset's SQL Lab sends one. `run` makes it a shape of its own: of a shape that
 * was stopped before, the estimate knows that it is dear, and it would be refused before it runs.
 */
export function runawayStatement(run: number): string {
  return `/* [SQL LAB] */ SELECT SYSTEM$WAIT(3600) AS EXPORT_${run}`;
}
