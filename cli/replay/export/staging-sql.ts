/** The rows of one file as SQL: columns by Snowflake's names → fields of a replay, with what is wrong beside them. */
import { COLUMN_NAMES, WAIT_COLUMNS, type ColumnName } from './columns.js';
import { figureOf, historicOf, instantOf, isCredits, numberOf } from './reading-sql.js';

/** How a file's column is read as text; absent columns are not in it. */
export type ColumnSources = ReadonlyMap<ColumnName, string>;

/** Statements that had not ended when the history was taken (Snowflake, "QUERY_HISTORY": EXECUTION_STATUS). */
const UNFINISHED = [
  'RUNNING',
  'QUEUED',
  'BLOCKED',
  'RESUMING_WAREHOUSE',
  'QUEUED_REPARING_WAREHOUSE',
  'QUEUED_REPAIRING_WAREHOUSE',
  'RESTARTED',
  'ABORTING',
];

/** Says of a row that its statement had not ended; no sentence, so that it is not taken for a fault of the file. */
export const UNFINISHED_MARK = 'unfinished';

const TIMES = ['START_TIME', 'END_TIME'] as const;
const FIGURES = [
  'TOTAL_ELAPSED_TIME',
  'EXECUTION_TIME',
  ...WAIT_COLUMNS,
  'CLUSTER_NUMBER',
  'BYTES_SCANNED',
] as const;

/** Rows of the export, with their place: file, rows of the file before the part, and row in the part. */
export const STAGED_TABLE = `CREATE TABLE staged (
  file INTEGER, before BIGINT, place BIGINT, problem VARCHAR,
  query_id VARCHAR, query_text VARCHAR, shape_hash VARCHAR, text_hash VARCHAR, query_type VARCHAR,
  database_name VARCHAR, schema_name VARCHAR, account_name VARCHAR, user_name VARCHAR, role_name VARCHAR,
  warehouse_name VARCHAR, warehouse_size VARCHAR, cluster_number DOUBLE, query_tag VARCHAR, client VARCHAR, session_id VARCHAR,
  submitted_at DOUBLE, started_at DOUBLE, ended_at DOUBLE, execution_ms DOUBLE,
  is_success BOOLEAN, bytes_scanned DOUBLE, credits VARCHAR)`;

export interface StagePlace {
  /** Number of the file. */
  readonly file: number;
  /** Rows of the file in the parts before this one. */
  readonly before: number;
  /** Rows of all files before this part: rows without a query id are named by their place in all of them. */
  readonly beforeInAll: number;
}

/**
 * An INSERT of the rows of a part.
 * @param relation what follows FROM.
 * @param sources its columns.
 */
export function stageStatement(
  relation: string,
  sources: ColumnSources,
  { file, before, beforeInAll }: StagePlace,
): string {
  const raw = COLUMN_NAMES.map((name) => `${sources.get(name) ?? 'NULL::VARCHAR'} AS ${name}`);
  const read = [
    ...TIMES.map((name) => `${instantOf(name)} AS ${numberName(name)}`),
    ...FIGURES.map((name) => `${numberOf(name)} AS ${numberName(name)}`),
  ];
  const judged = [
    ...TIMES.map((name) => `${historicOf(numberName(name))} AS ${figureName(name)}`),
    ...FIGURES.map((name) => `${figureOf(numberName(name))} AS ${figureName(name)}`),
  ];
  return `INSERT INTO staged
WITH raw AS (SELECT place, ${raw.join(', ')} FROM ${relation}),
read AS (SELECT *, ${read.join(', ')} FROM raw),
judged AS (SELECT *, ${judged.join(', ')} FROM read),
timed AS (SELECT *, ${elapsedOf()} AS elapsed, ${waitedOf(sources)} AS waited FROM judged),
ended AS (SELECT *, ${endOf()} AS ended_at FROM timed),
begun AS (SELECT *, ${startOf(sources)} AS started_at FROM ended)
SELECT ${file}, ${before}, place, ${problemOf()},
  coalesce(QUERY_ID, 'row-' || (place + ${beforeInAll})) AS query_id, QUERY_TEXT AS query_text,
  QUERY_PARAMETERIZED_HASH AS shape_hash, QUERY_HASH AS text_hash, QUERY_TYPE AS query_type,
  DATABASE_NAME AS database_name, SCHEMA_NAME AS schema_name, ACCOUNT_NAME AS account_name, USER_NAME AS user_name,
  ROLE_NAME AS role_name, WAREHOUSE_NAME AS warehouse_name, WAREHOUSE_SIZE AS warehouse_size,
  ${figureName('CLUSTER_NUMBER')} AS cluster_number, QUERY_TAG AS query_tag, CLIENT_APPLICATION_ID AS client, SESSION_ID AS session_id,
  ${figureName('START_TIME')}::DOUBLE AS submitted_at, started_at::DOUBLE AS started_at, ended_at::DOUBLE AS ended_at,
  ${executionOf()}::DOUBLE AS execution_ms,
  CASE WHEN EXECUTION_STATUS IS NULL THEN ERROR_CODE IS NULL ELSE upper(EXECUTION_STATUS) = 'SUCCESS' END AS is_success,
  ${figureName('BYTES_SCANNED')} AS bytes_scanned, CREDITS_ATTRIBUTED_COMPUTE AS credits
FROM begun`;
}

/** As it stands in the file, in range or not. */
function numberName(name: ColumnName): string {
  return `n_${name}`;
}

function figureName(name: ColumnName): string {
  return `v_${name}`;
}

/** From submission to end. */
function elapsedOf(): string {
  return `coalesce(${figureName('TOTAL_ELAPSED_TIME')}, ${figureName('END_TIME')} - ${figureName('START_TIME')})`;
}

/** Milliseconds in queues and in the compiler; NULL where the export has none of these columns. */
function waitedOf(sources: ColumnSources): string {
  const waits = WAIT_COLUMNS.filter((name) => sources.has(name));
  if (waits.length === 0) return 'NULL::DOUBLE';
  return waits.map((name) => `coalesce(${figureName(name)}, 0)`).join(' + ');
}

function endOf(): string {
  const start = figureName('START_TIME');
  return `round(coalesce(${figureName('END_TIME')}, ${start} + ${figureName('TOTAL_ELAPSED_TIME')},
    ${start} + coalesce(waited, 0) + ${figureName('EXECUTION_TIME')}))`;
}

/** After its waiting; without waiting columns, its execution before its end. Never outside of the statement. */
function startOf(sources: ColumnSources): string {
  const start = figureName('START_TIME');
  const begun = WAIT_COLUMNS.some((name) => sources.has(name))
    ? `${start} + waited`
    : `ended_at - coalesce(${figureName('EXECUTION_TIME')}, elapsed)`;
  return `greatest(${start}, least(ended_at, round(${begun})))`;
}

function executionOf(): string {
  return `coalesce(${figureName('EXECUTION_TIME')}, greatest(0, elapsed - coalesce(waited, 0)))`;
}

/** NULL for a good row; {@link UNFINISHED_MARK}; else a sentence's end that names column and rule. */
function problemOf(): string {
  const unreadable = [...TIMES.slice(0, 1), ...FIGURES].map(
    (name) =>
      `WHEN ${name} IS NOT NULL AND ${figureName(name)} IS NULL THEN ${said(name, name === 'START_TIME' ? 'no time' : 'no figure of at least 0')}`,
  );
  return `CASE
    WHEN contains(',${UNFINISHED.join()},', ',' || upper(EXECUTION_STATUS) || ',') THEN '${UNFINISHED_MARK}'
    WHEN START_TIME IS NULL THEN 'START_TIME is empty'
    ${unreadable.join('\n    ')}
    WHEN END_TIME IS NOT NULL AND ${figureName('END_TIME')} IS NULL THEN ${said('END_TIME', 'no time')}
    WHEN ended_at IS NULL THEN '${UNFINISHED_MARK}'
    WHEN ended_at < ${figureName('START_TIME')} THEN 'END_TIME ' || END_TIME || ' is before START_TIME ' || START_TIME
    WHEN CREDITS_ATTRIBUTED_COMPUTE IS NOT NULL AND NOT ${isCredits('CREDITS_ATTRIBUTED_COMPUTE')}
      THEN ${said('CREDITS_ATTRIBUTED_COMPUTE', 'no amount of at least 0')}
    WHEN coalesce(QUERY_TEXT, QUERY_PARAMETERIZED_HASH, QUERY_HASH) IS NULL THEN 'it has neither text nor hash'
  END`;
}

function said(name: ColumnName, rule: string): string {
  return `'${name} is ${rule}: "' || ${name}[1:60] || '"'`;
}
