/** The table that rows are loaded into, and its columns. */
import { invalidIdentifier, missingObject, StatementFailed } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import {
  closing,
  isSymbol,
  quoteDuckText,
  quoteName,
  splitAtCommas,
  type Piece,
} from '../sql/pieces.js';
import { dotted, fullName, type FullName } from '../sql/resolve.js';
import { assignedSql } from '../statement/assigned-values.js';
import { refuseReadOnly } from '../statement/read-only.js';
import type { StageSession } from './catalogue.js';
import { nameAt } from './named-objects.js';

export interface TargetColumn {
  readonly name: string;
  /** DuckDB's type. */
  readonly type: string;
  readonly isNullable: boolean;
  /** Snowflake's type as declared; undefined when the table was made of a query. */
  readonly declared: string | undefined;
}

export interface Target {
  readonly full: FullName;
  readonly isTemporary: boolean;
  /** DuckDB's schema and name. */
  readonly sql: string;
  readonly schema: string;
  /** In the order in which values come. */
  readonly columns: readonly TargetColumn[];
  readonly hasColumnList: boolean;
}

/** Reads `table [(columns)]` at piece `at`. Throws StatementFailed for a table or column that does not exist. */
export async function targetAt(
  session: StageSession,
  pieces: readonly Piece[],
  at: number,
  request: StatementRequest,
): Promise<{ readonly target: Target; readonly to: number }> {
  const { parts, to } = nameAt(pieces, at, request.sql);
  const full = fullName(parts, request);
  refuseReadOnly(full.database, full.schema);
  const isTemporary = session.temporary.has(dotted(full));
  const schema = isTemporary ? 'main' : `${full.database}.${full.schema}`;
  const all = await columnsOf(session, isTemporary ? 'temp' : 'warehouse', schema, full.name);
  if (all.length === 0) throw new StatementFailed(missingObject(dotted(full)));
  const sql = isTemporary
    ? `temp.main.${quoteName(full.name)}`
    : `${quoteName(schema)}.${quoteName(full.name)}`;
  const target = { full, isTemporary, sql, schema: isTemporary ? 'temp' : schema };
  if (!isSymbol(pieces, to, '('))
    return { target: { ...target, columns: all, hasColumnList: false }, to };
  const end = closing(pieces, to);
  const columns = splitAtCommas(pieces, to + 1, end).map(([from]) => {
    const piece = pieces[from];
    const found = all.find(({ name }) => name === piece?.value);
    if (found === undefined)
      throw new StatementFailed(
        invalidIdentifier(request.sql, piece?.start ?? -1, piece?.value ?? ''),
      );
    return found;
  });
  return { target: { ...target, columns, hasColumnList: true }, to: end + 1 };
}

/** The expression `value`, of the column's type, with the digits of a second that the column keeps. */
export function storedSql(value: string, { type, declared }: TargetColumn): string {
  if (!type.startsWith('TIME') || declared === undefined) return value;
  return assignedSql(value, { duckType: type, notes: { type: declared } });
}

async function columnsOf(
  session: StageSession,
  catalogue: string,
  schema: string,
  table: string,
): Promise<readonly TargetColumn[]> {
  const found = await session.connection.runAndReadAll(
    `SELECT column_name, data_type, is_nullable, CASE WHEN starts_with(comment, '{') THEN comment->>'$.type' END FROM duckdb_columns()
     WHERE database_name = ${quoteDuckText(catalogue)} AND schema_name = ${quoteDuckText(schema)} AND table_name = ${quoteDuckText(table)}
     ORDER BY column_index`,
  );
  return found.getRows().map(([name, type, isNullable, declared]) => ({
    name: String(name),
    type: String(type),
    isNullable: isNullable === true,
    declared: typeof declared === 'string' ? declared : undefined,
  }));
}
