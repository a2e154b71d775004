import { expect, test } from 'vitest';
import { recogniseWorkload, WORKLOAD_LENGTH_MAX, workloadText } from '#policies/workload.js';

const workload = (
  sqlText: string,
  queryTag: string | null = null,
  application: string | null = null,
) => {
  const found = recogniseWorkload({ sqlText, queryTag, application });
  return found === null ? null : workloadText(found);
};
const SELECT = 'select count(*) from shop.orders';
const DBT = {
  app: 'dbt',
  dbt_version: '1.9.4',
  profile_name: 'shop_profile',
  target_name: 'prod',
  node_id: 'model.jaffle_shop.customers',
};

test('dbt names its model in a comment behind or before the statement, or in the tag', () => {
  const comment = `/* ${JSON.stringify(DBT)} */`;
  for (const sql of [
    `create or replace table customers as (${SELECT})\n${comment}`,
    `${SELECT}\n${comment};`,
    `${comment}\n${SELECT}`,
    `\n  ${comment}  ${SELECT}`,
  ])
    expect(workload(sql)).toBe('dbt/jaffle_shop.customers');
  expect(workload(SELECT, JSON.stringify(DBT))).toBe('dbt/jaffle_shop.customers');
});

test('a comment with a model wins over a tag without one, and dbt without a node is its project', () => {
  const tag = '{"app":"dbt","dbt_snowflake_query_tags_version":"2.5.0","is_incremental":true}';
  expect(workload(`${SELECT}\n/* ${JSON.stringify(DBT)} */`, tag)).toBe(
    'dbt/jaffle_shop.customers',
  );
  expect(workload(SELECT, tag)).toBe('dbt/unnamed');
  expect(workload(`${SELECT}\n/* {"app":"dbt","project_name":"jaffle_shop"} */`, tag)).toBe(
    'dbt/jaffle_shop',
  );
  expect(
    workload(`${SELECT}\n/* {"app":"dbt","node_id":"test.jaffle_shop.unique_id.ab12"} */`),
  ).toBe('dbt/jaffle_shop.unique_id.ab12');
});

test('Airflow names DAG and task in the tag', () => {
  expect(workload(SELECT, '{"dag_id":"nightly_sales","task_id":"load_orders"}')).toBe(
    'airflow/nightly_sales.load_orders',
  );
  expect(workload(SELECT, '{"AIRFLOW_CTX_DAG_ID":"nightly","AIRFLOW_CTX_TASK_ID":"t1"}')).toBe(
    'airflow/nightly.t1',
  );
  expect(workload(SELECT, '{"airflow_dag_id":"nightly"}')).toBe('airflow/nightly');
});

test.each([
  [
    `-- Looker Query Context '{"user_id":6,"history_slug":"fc83","instance_slug":"71d4"}'\n${SELECT}`,
    'looker/user-6',
  ],
  [
    `${SELECT}\nFETCH NEXT 50 ROWS ONLY\n-- Looker Query Context '{"user_id":7,"history_slug":"26","instance_slug":"32"}'\n`,
    'looker/user-7',
  ],
  [
    `-- Looker Query Context '{"user_id":null,"history_slug":null,"instance_slug":"7e"}'\n${SELECT}`,
    'looker/system',
  ],
  [
    `${SELECT}\n-- Hex query metadata: {"categories": ["Scratchpad"], "context": "SCHEDULED_RUN", "project_id": "d73d", "project_name": "Churn"}`,
    'hex/Churn',
  ],
  [
    `${SELECT}\n-- Hex query metadata: {"project_id": "d73da67d-c87b", "project_url": "https://app.hex.tech/x/hex/d73d"}`,
    'hex/d73da67d-c87b',
  ],
  [
    `-- Metabase:: userID: 1 queryType: MBQL queryHash: af2fd35a339c158f6a0f1f9e64b8760f\n${SELECT}`,
    'metabase/query-af2fd35a339c',
  ],
  [
    `-- /* partner: "metabase", {"dashboard_id":5678,"chart_id":1234,"filter_values":{"id":["1"]}} */ Metabase:: userID: 1000 queryType: MBQL queryHash: cb83d4f6eedc\n${SELECT}`,
    'metabase/dashboard-5678',
  ],
  [`/* partner: "metabase", {"dashboard_id":null,"chart_id":12} */ ${SELECT}`, 'metabase/card-12'],
  [`-- Metabase\n${SELECT}`, 'metabase/unnamed'],
  [`-- [SQL LAB] anna 2026-03-01T12:00:00\n${SELECT}`, 'superset/sql-lab'],
  [`-- dashboard_id: 12\n${SELECT}`, 'superset/dashboard-12'],
  [`-- chart_id: 1\n-- dataset_id: 1\n${SELECT}`, 'superset/chart-1'],
  [
    `${SELECT} -- Superset query context '{"user": "anna", "dashboard_id": 4 }'`,
    'superset/dashboard-4',
  ],
  [`/* {"app":"superset","dashboard_title":"Sales today"} */ ${SELECT}`, 'superset/Sales today'],
  [
    `${SELECT}\n/* { "tableau-query-origins": { "query-category": "Data", "workbook-luid": "9f3c-77", "dashboard-luid": "d1" } } */;`,
    'tableau/9f3c-77',
  ],
  [
    `${SELECT}\n/* { "tableau-query-origins": { "query-category": "RowCount", "lqctx-root-activity-id": "J8" } } */`,
    'tableau/RowCount',
  ],
  [
    `${SELECT}\n\n-- Sigma \u03a3 {"sourceUrl":"https://app.sigmacomputing.com/acme/workbook/Sales-Today-4IGH5k?:displayNodeId=ol","kind":"adhoc","request-id":"g0"}`,
    'sigma/Sales-Today-4IGH5k',
  ],
  [
    `${SELECT}\nLIMIT 100\n-- {"user":"@anna","email":"anna@example.com","url":"https://modeanalytics.com/acme/reports/6234ff78bc7d/runs/66/queries/f0","scheduled":false}`,
    'mode/report-6234ff78bc7d',
  ],
])('a tool is known by its comment: %#', (sql, expected) => {
  expect(workload(sql)).toBe(expected);
});

test('tools that tag are known by the tag', () => {
  expect(
    workload(SELECT, 'Sigma \u03a3 {"sourceUrl":"https://app.sigmacomputing.com/a/workbook/W-1"}'),
  ).toBe('sigma/W-1');
  expect(workload(SELECT, '{"tableau-query-origins":{"workbook-luid":"w-1"}}')).toBe('tableau/w-1');
  expect(workload(SELECT, '{"TableauApp":"Server","WorkbookName":"Revenue"}')).toBe(
    'tableau/Revenue',
  );
});

test('without any sign the application names the workload, and without one there is none', () => {
  expect(workload(SELECT, 'nightly run', 'AIRFLOW')).toBe('client/AIRFLOW');
  expect(workload(`-- just a comment\n${SELECT} -- and another`, '{"a":1}', 'JavaScript')).toBe(
    'client/JavaScript',
  );
  expect(workload(SELECT)).toBeNull();
  expect(workload('', '', '')).toBeNull();
});

test('signs inside the statement are not read', () => {
  const inside = `select '/* ${JSON.stringify(DBT)} */' as text from shop.orders`;
  expect(workload(inside)).toBeNull();
  expect(workload(`${SELECT} where x = 1 /* ${JSON.stringify(DBT)} */ and y = 2`)).toBeNull();
});

test('a comment at either end of a long statement is found, one beyond 4 KB is not', () => {
  const long = `${SELECT} where id in (${Array.from({ length: 20_000 }, (_, id) => id).join(',')})`;
  expect(workload(`${long}\n/* ${JSON.stringify(DBT)} */`)).toBe('dbt/jaffle_shop.customers');
  expect(workload(`/* ${JSON.stringify(DBT)} */\n${long}`)).toBe('dbt/jaffle_shop.customers');
  expect(workload(`${' '.repeat(5000)}/* ${JSON.stringify(DBT)} */\n${long}`)).toBeNull();
});

test('a name is one line of printable characters, cut at the longest length', () => {
  expect(workload(SELECT, '{"dag_id":"a\\u0000b\\n\\tc\\u202ed\\ud800"}')).toBe('airflow/a b c d');
  const cut = workload(SELECT, JSON.stringify({ dag_id: `x${'💰'.repeat(500)}` })) ?? '';
  expect(cut.length).toBeLessThanOrEqual(WORKLOAD_LENGTH_MAX);
  expect(cut).toMatch(/^airflow\/x(💰)+$/u);
});
