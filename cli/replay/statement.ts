/** A row of a history as a statement that could come today. */
import type { Analyser, Catalogue, StatementFacts, TextFacts } from '../../policies/sql/facts.js';
import type { StatementClass } from '../../policies/sql/facts.js';
import { bareFacts } from '../../policies/sql/bare-facts.js';
import type { ReplayRow } from './row.js';

/** Classes of `QUERY_TYPE`; longer names first decide. Source: Snowflake, QUERY_HISTORY view. */
const CLASSES: readonly (readonly [pattern: RegExp, statementClass: StatementClass])[] = [
  [/^SELECT$|^EXPLAIN$/, 'query'],
  [/^(INSERT|UPDATE|DELETE|MERGE|MULTI_TABLE_INSERT|TRUNCATE_TABLE)$/, 'dml'],
  [/^COPY$/, 'load'],
  [/^UNLOAD$/, 'unload'],
  [/^(PUT_FILES|GET_FILES|LIST_FILES|REMOVE_FILES)$/, 'file'],
  [/^(SHOW|DESCRIBE|DESC)/, 'metadata'],
  [/^(USE|ALTER_SESSION|SET|UNSET)/, 'session'],
  [/^(BEGIN_TRANSACTION|COMMIT|ROLLBACK)/, 'transaction'],
  [/^CALL$/, 'procedure'],
  [/^(MULTI_STATEMENT|EXECUTE_STREAMLIT|EXECUTE_IMMEDIATE)/, 'script'],
  [/TASK/, 'task'],
  [/^(GRANT|REVOKE|ALTER_(WAREHOUSE|USER|ACCOUNT)|CREATE_(WAREHOUSE|USER|ROLE))/, 'administration'],
  [/^(CREATE|ALTER|DROP|RENAME|UNDROP|COMMENT)/, 'ddl'],
];

/** Classes that use no warehouse. */
const FREE: ReadonlySet<StatementClass> = new Set<StatementClass>([
  'metadata',
  'session',
  'transaction',
  'administration',
]);

/**
 * Facts of a row: of its text, as they are found today; without a text what its type and its hashes tell, everything
 * else unknown.
 */
export async function factsOf(
  row: ReplayRow,
  analyser: Analyser,
  catalogue: Catalogue,
): Promise<TextFacts> {
  const { queryText, database, schema } = row;
  if (queryText !== null) return await analyser.analyse(queryText, { database, schema }, catalogue);
  const statement = hashedFacts(row);
  return { statements: [statement], fingerprint: statement.fingerprint };
}

function hashedFacts(row: ReplayRow): StatementFacts {
  const given = row.ticket?.statementClass ?? row.queryType ?? '';
  const statementClass = classOf(given);
  const fingerprint = row.shapeHash ?? row.textHash ?? row.queryId;
  return {
    ...bareFacts(statementClass, fingerprint),
    literalsHash: row.shapeHash === null ? '' : (row.textHash ?? ''),
    isFree: FREE.has(statementClass),
    unknown: ['tables', 'columns', 'filters'],
  };
}

function classOf(given: string): StatementClass {
  const type = given.trim().toUpperCase();
  const found = CLASSES.find(([pattern]) => pattern.test(type));
  if (found !== undefined) return found[1];
  const own = CLASSES.find(([, statementClass]) => statementClass.toUpperCase() === type);
  return own?.[1] ?? 'query';
}
