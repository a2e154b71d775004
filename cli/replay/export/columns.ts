/**
 * The columns of a query-history export that a replay reads: those of Snowflake's ACCOUNT_USAGE.QUERY_HISTORY, and the
 * credits of QUERY_ATTRIBUTION_HISTORY. docs/replay.md has the same table for people.
 */

/** What a statement waited for before it ran, in milliseconds (Snowflake, "QUERY_HISTORY view"). */
export const WAIT_COLUMNS = [
  'COMPILATION_TIME',
  'QUEUED_PROVISIONING_TIME',
  'QUEUED_REPAIR_TIME',
  'QUEUED_OVERLOAD_TIME',
  'TRANSACTION_BLOCKED_TIME',
  'LIST_EXTERNAL_FILES_TIME',
] as const;

/** One of them says when a statement ended. */
export const END_COLUMNS = ['END_TIME', 'TOTAL_ELAPSED_TIME', 'EXECUTION_TIME'] as const;

/** One of them says what the statement was. */
const TEXT_COLUMNS = ['QUERY_TEXT', 'QUERY_PARAMETERIZED_HASH', 'QUERY_HASH'] as const;

/** In the order in which they are told. */
export const COLUMN_NAMES = [
  'START_TIME',
  'END_TIME',
  'TOTAL_ELAPSED_TIME',
  'EXECUTION_TIME',
  'QUERY_TEXT',
  'QUERY_PARAMETERIZED_HASH',
  'QUERY_HASH',
  'QUERY_ID',
  'QUERY_TYPE',
  'DATABASE_NAME',
  'SCHEMA_NAME',
  'ACCOUNT_NAME',
  'USER_NAME',
  'ROLE_NAME',
  'SESSION_ID',
  'WAREHOUSE_NAME',
  'WAREHOUSE_SIZE',
  'CLUSTER_NUMBER',
  'QUERY_TAG',
  'CLIENT_APPLICATION_ID',
  'EXECUTION_STATUS',
  'ERROR_CODE',
  'BYTES_SCANNED',
  'CREDITS_ATTRIBUTED_COMPUTE',
  'COMPILATION_TIME',
  'QUEUED_PROVISIONING_TIME',
  'QUEUED_REPAIR_TIME',
  'QUEUED_OVERLOAD_TIME',
  'TRANSACTION_BLOCKED_TIME',
  'LIST_EXTERNAL_FILES_TIME',
] as const;

/** A column that is read. */
export type ColumnName = (typeof COLUMN_NAMES)[number];

/** What a replay cannot say without a column; of the others nothing that matters is lost, or another stands in. */
const WITHOUT: Partial<Record<ColumnName, string>> = {
  QUERY_TEXT:
    'Statements are told apart by their hashes; nothing is known of their tables, and rules over facts do not apply.',
  QUERY_ID: 'Rows are named row-1, row-2, … by their place.',
  DATABASE_NAME: 'Names of tables resolve only where the text has them in full.',
  USER_NAME:
    'The mapping sees no Snowflake user: every statement falls to whatever maps without one.',
  ROLE_NAME: 'Mapping by role, and history by role, are off.',
  SESSION_ID:
    'Time zones that sessions set are not followed: days that a text counts from today are of any zone.',
  WAREHOUSE_NAME:
    'Tier and rate follow from the default tier; contention between statements is not seen.',
  WAREHOUSE_SIZE:
    'The size is the one the policy document has, and statements that used no warehouse are not told apart.',
  CLIENT_APPLICATION_ID: 'Budgets of one client count nothing, and rules over clients see none.',
  EXECUTION_STATUS: 'A statement without an error code counts as successful.',
  CREDITS_ATTRIBUTED_COMPUTE:
    'Credits are what the rate of the warehouse makes of the execution time, shared among statements that ran at once.',
};

const KNOWN: ReadonlySet<string> = new Set(COLUMN_NAMES);

/** The column that a header names, in any letter case; undefined for one that is not read. */
export function columnNamed(header: string): ColumnName | undefined {
  const name = header.trim().toUpperCase();
  return KNOWN.has(name) ? (name as ColumnName) : undefined;
}

/** What `found` is missing altogether, in words; empty when it can be read. */
export function missingColumns(found: ReadonlySet<ColumnName>): readonly string[] {
  const problems: string[] = [];
  if (!found.has('START_TIME')) problems.push('START_TIME is missing');
  if (!END_COLUMNS.some((name) => found.has(name)))
    problems.push(`one of ${END_COLUMNS.join(', ')} is missing`);
  if (!TEXT_COLUMNS.some((name) => found.has(name)))
    problems.push(`one of ${TEXT_COLUMNS.join(', ')} is missing`);
  return problems;
}

/** What follows from columns that are absent, one sentence each. */
export function consequencesOf(found: ReadonlySet<ColumnName>): readonly string[] {
  const lost = COLUMN_NAMES.flatMap((name) => {
    const without = WITHOUT[name];
    return without === undefined || found.has(name) ? [] : [`No ${name}: ${without}`];
  });
  if (WAIT_COLUMNS.some((name) => found.has(name))) return lost;
  return [
    ...lost,
    found.has('EXECUTION_TIME')
      ? 'No waiting times: a statement began its EXECUTION_TIME before it ended.'
      : 'No waiting times and no EXECUTION_TIME: waiting counts as running.',
  ];
}
