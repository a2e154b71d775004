/** In which format a client gets the rows of a statement. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';

export type ResultFormat = 'json' | 'arrow';

/** What of a session decides: who it is, and its parameters with those of the statement. */
export interface ResultReader {
  readonly clientApp: string;
  readonly clientVersion: string;
  readonly parameters: ReadonlyMap<string, unknown>;
}

/** The parameter by which a client asks for a format, by CLIENT_APP_ID. */
const FORMAT_PARAMETERS: Readonly<Record<string, string>> = {
  PythonConnector: 'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT',
  PythonSnowpark: 'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT',
  SnowflakeSQLAlchemy: 'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT',
  Go: 'GO_QUERY_RESULT_FORMAT',
  JDBC: 'JDBC_QUERY_RESULT_FORMAT',
};

/** From this version on the Python connector makes Arrow of JSON by itself. */
const PYTHON_READS_JSON_FROM = 5;

/** Programs over the Python connector that log in with a name and a version of their own. */
const OVER_PYTHON: ReadonlySet<string> = new Set(['PythonSnowpark', 'SnowflakeSQLAlchemy']);

/**
 * Arrow for SELECTs of clients that ask for it, and of these unless they ask for JSON: the Python connector below 5
 * with what is built over it, whose pandas functions raise NotSupportedError without it, and Go, which reads fractions of a second before 1970 in
 * JSON as after the full second, and whose ADBC driver reads no pages of JSON. JSON for every other statement, because Python counts the rows
 * of a DML statement in JSON only, and for clients that cannot read Arrow, such as Node's.
 */
export function resultFormat(reader: ResultReader, statementTypeId: number): ResultFormat {
  const parameter = FORMAT_PARAMETERS[reader.clientApp];
  if (statementTypeId !== STATEMENT_TYPES.select || parameter === undefined) return 'json';
  const asked = reader.parameters.get(parameter);
  const wanted = typeof asked === 'string' ? asked.toUpperCase() : '';
  if (wanted === 'JSON') return 'json';
  if (wanted === 'ARROW' || wanted === 'ARROW_FORCE') return 'arrow';
  if (reader.clientApp === 'Go' || OVER_PYTHON.has(reader.clientApp)) return 'arrow';
  const major = Number.parseInt(reader.clientVersion, 10);
  return reader.clientApp === 'PythonConnector' && major < PYTHON_READS_JSON_FROM
    ? 'arrow'
    : 'json';
}
