import type { Queryable } from '../../base/postgres/pool.js';

/** Partitions of months have the columns and indexes of their table, and their number is of the day they were made on. */
const MONTH = "'_[0-9]{4}_[0-9]{2}(_|$)'";

/** What is in the schema, one line a thing, from the catalogue: the same on every supported server version, at any time. */
export async function schemaListing(db: Queryable): Promise<string> {
  const lines: string[] = [];
  const { rows: columns } = await db.query<
    Record<'table' | 'kind' | 'name' | 'type' | 'rule', string>
  >(
    `SELECT t.table_name AS "table", lower(t.table_type) AS kind, c.column_name AS name,
        c.data_type || CASE WHEN c.data_type = 'numeric' AND c.numeric_precision IS NOT NULL
          THEN format('(%s,%s)', c.numeric_precision, c.numeric_scale) ELSE '' END AS type,
        CASE WHEN c.is_nullable = 'NO' THEN ' not null' ELSE '' END || coalesce(' default ' || c.column_default, '')
          || CASE WHEN c.is_identity = 'YES' THEN ' identity' ELSE '' END AS rule
      FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
      WHERE c.table_schema = 'tollgate' AND t.table_name !~ ${MONTH} ORDER BY t.table_type, t.table_name, c.ordinal_position`,
  );
  let table = '';
  for (const column of columns) {
    if (column.table !== table) lines.push('', `${column.kind} ${column.table}`);
    table = column.table;
    lines.push(`  ${column.name} ${column.type}${column.rule}`);
  }
  const others = [
    // Not-null constraints are rows of their own since Postgres 18; the columns above say the same.
    `SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS line
      FROM pg_constraint WHERE connamespace = 'tollgate'::regnamespace AND contype <> 'n' AND conrelid::regclass::text !~ ${MONTH} ORDER BY 1`,
    `SELECT 'partitions of ' || partrelid::regclass || ' by ' || pg_get_partkeydef(partrelid) AS line
      FROM pg_partitioned_table ORDER BY 1`,
    `SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'tollgate' AND tablename !~ ${MONTH} ORDER BY 1`,
    `SELECT pg_get_triggerdef(t.oid) AS line FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE c.relnamespace = 'tollgate'::regnamespace AND NOT t.tgisinternal AND c.relname !~ ${MONTH} ORDER BY 1`,
    `SELECT 'function ' || proname || '(' || pg_get_function_identity_arguments(oid) || ')' AS line
      FROM pg_proc WHERE pronamespace = 'tollgate'::regnamespace ORDER BY 1`,
  ];
  for (const sql of others) {
    const { rows } = await db.query<{ line: string }>(sql);
    lines.push('', ...rows.map(({ line }) => line));
  }
  return `${lines.join('\n').trim()}\n`;
}
