/**
 * Filters as a statement states them. A plan shows those of functions that are macros in a form that is no SQL; here they
 * are read from DuckDB's own parse of the text, for a table that stands once in it, where every row has to pass them.
 */
import type { DuckDBConnection } from '@duckdb/node-api';

type Node = { readonly [field: string]: Json };
type Json = string | number | boolean | null | readonly Json[] | Node;

/** Conditions of `duckSql` over nothing but `column` of `schema`.`table`, as SQL over a bare `column`. */
export async function statedFilters(
  connection: DuckDBConnection,
  duckSql: string,
  table: { readonly schema: string; readonly table: string },
  column: string,
): Promise<readonly string[]> {
  const parsed = await one(connection, 'SELECT json_serialize_sql($1::VARCHAR)', duckSql);
  if (parsed === undefined) return [];
  const selects = nodesOf(JSON.parse(parsed, atNoPlace) as Json).filter(
    (node) => node['type'] === 'SELECT_NODE' && namesOf(node['from_table'], table) !== undefined,
  );
  const [select] = selects;
  if (select === undefined || selects.length > 1) return [];
  const names = namesOf(select['from_table'], table) ?? new Set<string>();
  const filters: string[] = [];
  for (const condition of conjunction(select['where_clause'])) {
    const bare = overColumn(condition, names, column);
    const text = bare === undefined ? undefined : await sqlOf(connection, bare);
    if (text !== undefined) filters.push(text);
  }
  return filters;
}

/** Places in the text are beyond what a double holds, and say nothing here. */
function atNoPlace(field: string, value: unknown): unknown {
  return field === 'query_location' ? 0 : value;
}

async function one(
  connection: DuckDBConnection,
  sql: string,
  argument: string,
): Promise<string | undefined> {
  try {
    const read = await connection.runAndReadAll(sql, [argument]);
    const value = read.getRows()[0]?.[0];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function isNode(value: Json | undefined): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every object in `value`, itself first. */
function nodesOf(value: Json | undefined): readonly Node[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap((item) => nodesOf(item));
  return isNode(value) ? [value, ...Object.values(value).flatMap((item) => nodesOf(item))] : [];
}

/**
 * The names that the table goes by in a FROM clause where it stands once and is joined to others in ways that keep no
 * row of it which a condition does not; undefined where it does not stand so.
 */
function namesOf(
  from: Json | undefined,
  table: { readonly schema: string; readonly table: string },
): ReadonlySet<string> | undefined {
  if (!isNode(from)) return undefined;
  if (from['type'] === 'BASE_TABLE') {
    const { schema_name: schema, table_name: name, alias } = from;
    if (schema !== table.schema || name !== table.table || from['sample'] !== null)
      return undefined;
    return new Set([alias === '' ? name : alias].map(String));
  }
  if (from['type'] !== 'JOIN' || from['join_type'] !== 'INNER') return undefined;
  const sides = [namesOf(from['left'], table), namesOf(from['right'], table)];
  const found = sides.filter((names) => names !== undefined);
  return found.length === 1 ? found[0] : undefined;
}

function conjunction(where: Json | undefined): readonly Node[] {
  if (!isNode(where)) return [];
  if (where['type'] !== 'CONJUNCTION_AND') return [where];
  return nodesIn(where['children']).flatMap((child) => conjunction(child));
}

function nodesIn(value: Json | undefined): readonly Node[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isNode) : [];
}

/** `condition` with the column under its bare name; undefined when it reads anything else. */
function overColumn(condition: Node, names: ReadonlySet<string>, column: string): Node | undefined {
  const nodes = nodesOf(condition);
  const references = nodes.filter(({ class: kind }) => kind === 'COLUMN_REF');
  const isColumn = ({ column_names: path }: Node): boolean => {
    const parts = Array.isArray(path) ? path.map(String) : [];
    return (
      parts.at(-1) === column &&
      (parts.length === 1 || (parts.length === 2 && names.has(parts[0] ?? '')))
    );
  };
  const readsOthers = nodes.some(({ class: kind }) => kind === 'SUBQUERY' || kind === 'STAR');
  if (readsOthers || references.length === 0 || !references.every(isColumn)) return undefined;
  return JSON.parse(JSON.stringify(condition), (field, value: unknown) =>
    field === 'column_names' ? [column] : value,
  ) as Node;
}

const START = 'SELECT 1 WHERE ';

/** The text of a condition: DuckDB's own, of a statement that has no other part. */
async function sqlOf(connection: DuckDBConnection, condition: Node): Promise<string | undefined> {
  const frame = await one(connection, 'SELECT json_serialize_sql($1::VARCHAR)', `${START}true`);
  if (frame === undefined) return undefined;
  const statement = JSON.parse(frame, (field, value: unknown) =>
    field === 'where_clause' ? condition : atNoPlace(field, value),
  ) as Json;
  const text = await one(
    connection,
    'SELECT json_deserialize_sql($1::JSON)',
    JSON.stringify(statement),
  );
  return text?.startsWith(START) === true ? text.slice(START.length) : undefined;
}
