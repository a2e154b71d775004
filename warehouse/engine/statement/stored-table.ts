/**
 * A table as it is stored: its columns with what DuckDB keeps of them, and notes that it does not know (declared type,
 * default's text, comment, keys), which travel as JSON in DuckDB's comments so that renames and rollbacks take them along.
 */
import { quoteDuckText, quoteName } from '../sql/pieces.js';
import type { FullName } from '../sql/resolve.js';
import type { ColumnDefinition } from './column-definition.js';
import type { Constraint } from './constraints.js';
import type { Session } from './session.js';

export interface ColumnNotes {
  readonly type?: string;
  readonly lengthMax?: number;
  readonly default?: string;
  readonly comment?: string;
  readonly identity?: { readonly start: number; readonly step: number };
}

export interface StoredColumn {
  readonly name: string;
  readonly duckType: string;
  readonly isNullable: boolean;
  /** DuckDB's text of the default. */
  readonly default: string | null;
  readonly notes: ColumnNotes;
}

export interface TableNotes {
  readonly comment?: string;
  readonly clusteringKey?: string;
  readonly isTransient?: boolean;
  readonly constraints?: readonly Constraint[];
  /** ISO instant on the warehouse's clock. */
  readonly createdAt?: string;
  /** The statement that made a view. */
  readonly text?: string;
  readonly isSecure?: boolean;
}

export interface StoredTable {
  readonly columns: readonly StoredColumn[];
  readonly notes: TableNotes;
}

/** Where a table is in DuckDB: the catalogue, the schema and its quoted full name. */
export interface Place {
  readonly catalog: 'warehouse' | 'temp';
  readonly schema: string;
  readonly name: string;
  readonly target: string;
}

/** The place of the table `full`; temporary tables live in the session's own catalogue. */
export function placeOf(full: FullName, isTemporary: boolean): Place {
  const schema = isTemporary ? 'main' : `${full.database}.${full.schema}`;
  const prefix = isTemporary ? 'temp.main' : quoteName(schema);
  return {
    catalog: isTemporary ? 'temp' : 'warehouse',
    schema,
    name: full.name,
    target: `${prefix}.${quoteName(full.name)}`,
  };
}

/** Reads a table; its columns are empty when there is none. */
export async function readTable(session: Session, place: Place): Promise<StoredTable> {
  const where = `database_name = '${place.catalog}' AND schema_name = ${quoteDuckText(place.schema)} AND table_name = ${quoteDuckText(place.name)}`;
  const columns = await session.connection.runAndReadAll(
    `SELECT column_name, data_type, is_nullable, column_default, comment FROM duckdb_columns() WHERE ${where} ORDER BY column_index`,
  );
  const tables = await session.connection.runAndReadAll(
    `SELECT comment FROM duckdb_tables() WHERE ${where}`,
  );
  return {
    columns: columns.getRows().map((row) => ({
      name: String(row[0]),
      duckType: String(row[1]),
      isNullable: row[2] === true,
      default: row[3] === null || row[3] === undefined ? null : String(row[3]),
      notes: notesOf<ColumnNotes>(row[4]),
    })),
    notes: notesOf<TableNotes>(tables.getRows()[0]?.[0]),
  };
}

function notesOf<Notes extends object>(comment: unknown): Notes | Record<string, never> {
  if (typeof comment !== 'string' || !comment.startsWith('{')) return {};
  const notes: unknown = JSON.parse(comment);
  return typeof notes === 'object' && notes !== null ? (notes as Notes) : {};
}

/** A column as stored, from its definition; `fallback` is the default in DuckDB's text. */
export function storedColumn(
  definition: ColumnDefinition,
  fallback: string | null,
  defaultText: string | undefined,
): StoredColumn {
  const { name, duckType, isNullable, declared, lengthMax, comment, identity } = definition;
  return {
    name,
    duckType,
    isNullable: isNullable && identity === undefined ? true : isNullable,
    default: fallback,
    notes: {
      type: declared,
      ...(lengthMax === undefined ? {} : { lengthMax }),
      ...(comment === undefined ? {} : { comment }),
      ...(identity === undefined ? {} : { identity }),
      ...(defaultText === undefined ? {} : { default: defaultText }),
    },
  };
}

/** DuckDB's definitions of columns; the length of a text is a constraint that fails with Snowflake's 100078. */
export function columnSql(columns: readonly StoredColumn[]): string {
  const definitions = columns.map(({ name, duckType, isNullable, default: fallback }) =>
    [
      `${quoteName(name)} ${duckType}`,
      ...(isNullable ? [] : ['NOT NULL']),
      ...(fallback === null ? [] : [`DEFAULT (${fallback})`]),
    ].join(' '),
  );
  const checks = columns.flatMap(({ name, duckType, notes }) =>
    notes.lengthMax === undefined ? [] : [lengthCheck(name, duckType, notes.lengthMax)],
  );
  return [...definitions, ...checks].join(', ');
}

function lengthCheck(name: string, duckType: string, lengthMax: number): string {
  const column = quoteName(name);
  const [length, shown] =
    duckType === 'BLOB'
      ? [`octet_length(${column})`, `hex(${column})`]
      : [`length(${column})`, column];
  return `CHECK (CASE WHEN ${length} > ${lengthMax} THEN error(concat('TGFAIL:100078:22000:String ''', ${shown}, ''' is too long and would be truncated:TGEND')) ELSE true END)`;
}

/** COMMENT statements that keep the notes of a table and its columns. */
export function noteStatements(
  kind: 'TABLE' | 'VIEW',
  target: string,
  table: StoredTable,
): readonly string[] {
  const note = (notes: object): string =>
    Object.keys(notes).length === 0 ? 'NULL' : quoteDuckText(JSON.stringify(notes));
  return [
    `COMMENT ON ${kind} ${target} IS ${note(table.notes)}`,
    ...table.columns
      .filter(({ notes }) => Object.keys(notes).length > 0)
      .map(({ name, notes }) => `COMMENT ON COLUMN ${target}.${quoteName(name)} IS ${note(notes)}`),
  ];
}

const COPY = 'tg copy';

/**
 * Statements that give a table other columns and keep its rows; to be run in one transaction.
 *
 * @param values for each column the expression over the old table that fills it.
 */
export function rebuildStatements(
  { target, catalog }: Place,
  table: StoredTable,
  values: readonly string[],
): readonly string[] {
  return [
    `CREATE OR REPLACE TEMP TABLE ${quoteName(COPY)} AS FROM ${target}`,
    `CREATE OR REPLACE ${catalog === 'temp' ? 'TEMP ' : ''}TABLE ${target} (${columnSql(table.columns)})`,
    `INSERT INTO ${target} SELECT ${values.join(', ')} FROM temp.main.${quoteName(COPY)}`,
    `DROP TABLE temp.main.${quoteName(COPY)}`,
    ...noteStatements('TABLE', target, table),
  ];
}
