/** What DuckDB is told of one file: how its rows are read, and which of its columns are which of Snowflake's. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { VerbError } from '../../verb-error.js';
import {
  columnNamed,
  type ColumnName,
  END_COLUMNS,
  missingColumns,
  WAIT_COLUMNS,
} from './columns.js';
import { readCsvHeader } from './csv-header.js';
import { csvParts } from './csv-parts.js';
import type { ExportFile } from './files.js';
import type { ColumnSources } from './staging-sql.js';

export interface Relation {
  /** Which expression over a part is which of Snowflake's columns. */
  readonly sources: ColumnSources;
  /**
   * What follows FROM, once a part of the file; it has a column `place`, the number of the row in the part. A part is
   * there until the next is asked for.
   * @param target a file that may be written for it.
   */
  parts(target: string): AsyncIterable<string>;
}

/** A text of 1 MiB may double when it is nothing but quotes. */
const LINE_BYTES_MAX = 4 * 1_048_576;
const BUFFER_BYTES = 4 * LINE_BYTES_MAX;
const NAMES_SHOWN_MAX = 12;

/** Times and numbers. */
const VALUES: ReadonlySet<ColumnName> = new Set<ColumnName>([
  'START_TIME',
  ...END_COLUMNS,
  ...WAIT_COLUMNS,
  'CLUSTER_NUMBER',
  'BYTES_SCANNED',
  'CREDITS_ATTRIBUTED_COMPUTE',
]);

/**
 * Looks at the names of the columns of `file`.
 * @throws VerbError (usage) when it cannot be read or lacks what a replay cannot do without.
 */
export async function relationOf(
  connection: DuckDBConnection,
  file: ExportFile,
): Promise<Relation> {
  return file.kind === 'parquet' ? parquetRelation(connection, file) : csvRelation(file);
}

async function csvRelation(file: ExportFile): Promise<Relation> {
  const { delimiter, names } = await readCsvHeader(file);
  const sources = sourcesOf(file, names, (name, index) => cleaned(name, `c${index}`));
  const columns = names.map((_, index) => `'c${index}': 'VARCHAR'`).join(', ');
  return {
    sources,
    async *parts(target) {
      for await (const _ of csvParts(file, target))
        yield `(SELECT row_number() OVER () AS place, * FROM read_csv(${literal(target)}, auto_detect = false,
          header = false, delim = ${literal(delimiter)}, quote = '"', escape = '"', columns = {${columns}},
          nullstr = ['', '\\N', 'NULL', 'null'], parallel = false, max_line_size = ${LINE_BYTES_MAX},
          buffer_size = ${BUFFER_BYTES}, store_rejects = true, rejects_limit = ${REJECTS_MAX}))`;
    },
  };
}

/** Records that are no CSV; so many are no accident. */
export const REJECTS_MAX = 10_000;

async function parquetRelation(connection: DuckDBConnection, file: ExportFile): Promise<Relation> {
  const from = `read_parquet(${literal(file.path)}, binary_as_string = true, file_row_number = true)`;
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
  const columns = described.getRows().map(([name, type]) => ({
    name: String(name),
    type: String(type),
  }));
  const sources = sourcesOf(
    file,
    columns.map(({ name }) => name),
    (name, index) => textOf(name, columns[index]),
  );
  return {
    sources,
    async *parts() {
      yield await Promise.resolve(`(SELECT file_row_number + 1 AS place, * FROM ${from})`);
    },
  };
}

interface TypedColumn {
  readonly name: string;
  readonly type: string;
}

/** A value of any type as text: instants as milliseconds since 1970, so that no zone is lost on the way. */
function textOf(use: ColumnName, column: TypedColumn | undefined): string {
  const name = `"${(column?.name ?? '').replaceAll('"', '""')}"`;
  const type = column?.type ?? '';
  if (type === 'VARCHAR') return `nullif(${cleaned(use, name)}, '')`;
  if (type.startsWith('TIMESTAMP WITH TIME ZONE')) return `epoch_ms(${name})::VARCHAR`;
  if (type.startsWith('TIMESTAMP')) return `epoch_ms(${name}::TIMESTAMP)::VARCHAR`;
  // A column of whole numbers with gaps is often written as floats, the gaps as NaN.
  if (/^(?:DOUBLE|FLOAT)/.test(type))
    return `CASE WHEN NOT isnan(${name}) THEN ${name}::VARCHAR END`;
  return `${name}::VARCHAR`;
}

/** Blanks around a value mean nothing; a text keeps them. */
function cleaned(use: ColumnName, text: string): string {
  return VALUES.has(use) ? `trim(${text})` : text;
}

/** The first column of a name is the one: a join of two views has some twice. */
function sourcesOf(
  file: ExportFile,
  names: readonly string[],
  sourceOf: (name: ColumnName, index: number) => string,
): ColumnSources {
  const sources = new Map<ColumnName, string>();
  names.forEach((header, index) => {
    const name = columnNamed(header);
    if (name !== undefined && !sources.has(name)) sources.set(name, sourceOf(name, index));
  });
  const missing = missingColumns(new Set(sources.keys()));
  if (missing.length === 0) return sources;
  throw new VerbError(
    `${file.name} is not an export of QUERY_HISTORY: ${missing.join('; ')}. Its first record names ${someOf(names)}; docs/replay.md has the columns.`,
    2,
  );
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => printable(name.slice(0, 40)));
  const more = names.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What a file says, fit for a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '\u{FFFD}');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
