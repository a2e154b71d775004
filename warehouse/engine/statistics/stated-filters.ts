/**
 * Filters as a statement states them. A plan shows those of functions that are macros in a form that is no SQL; here they
 * are read from DuckDB's own parse of the text, for a table that stands once in it, where every row has to pass them.
 */
import type { DuckDBConnection } from '@duckdb/node-api';

type Node = { readonly [field: string]: Json };
type Json = string | number | boolean | null | readonly Json[] | Node;

/** A column whose values in a run of rows lie between two expressions over the key. */
export interface Ranged {
  readonly least: string;
  readonly greatest: string;
}

export interface StatedTable {
  readonly schema: string;
  readonly table: string;
  /** The column of which each run of rows has one value. */
  readonly key: string;
  readonly ranged: Readonly<Record<string, Ranged>>;
}

/** SQL over a bare key for every condition of `duckSql` that leaves out runs of rows of `table`. */
export async function statedFilters(
  connection: DuckDBConnection,
  duckSql: string,
  table: StatedTable,
): Promise<readonly string[]> {
  const parsed = await one(connection, 'SELECT json_serialize_sql($1::VARCHAR)', duckSql);
  if (parsed === undefined) return [];
  const selects = nodesOf(JSON.parse(parsed, atNoPlace) as Json).filter(
    (node) => node['type'] === 'SELECT_NODE' && namesOf(node['from_table'], table) !== undefined,
  );
  const [select] = selects;
  if (select === undefined || selects.length > 1 || !isNode(select['where_clause'])) return [];
  const names = namesOf(select['from_table'], table) ?? new Set<string>();
  const test = await new Conditions(connection, table, names).testOf(select['where_clause']);
  return test === undefined ? [] : [test];
}

/** The test of a run of rows that a condition implies; undefined for one that leaves out none. */
class Conditions {
  readonly #connection: DuckDBConnection;
  readonly #table: StatedTable;
  readonly #names: ReadonlySet<string>;

  constructor(connection: DuckDBConnection, table: StatedTable, names: ReadonlySet<string>) {
    this.#connection = connection;
    this.#table = table;
    this.#names = names;
  }

  async testOf(condition: Node): Promise<string | undefined> {
    const { key } = this.#table;
    if (this.#reads(condition, key)) return await sqlOf(this.#connection, bare(condition, key));
    switch (text(condition['type'])) {
      case 'CONJUNCTION_AND': {
        const tests = await this.#testsOf(condition);
        const known = tests.filter((test) => test !== undefined);
        return known.length === 0 ? undefined : known.map((test) => `(${test})`).join(' AND ');
      }
      case 'CONJUNCTION_OR': {
        const tests = await this.#testsOf(condition);
        return tests.includes(undefined)
          ? undefined
          : tests.map((test) => `(${test ?? ''})`).join(' OR ');
      }
      case 'COMPARE_BETWEEN':
        return await this.#between(condition);
      default:
        return await this.#comparison(condition);
    }
  }

  async #testsOf(condition: Node): Promise<readonly (string | undefined)[]> {
    const tests: (string | undefined)[] = [];
    for (const child of nodesIn(condition['children'])) tests.push(await this.testOf(child));
    return tests;
  }

  async #comparison(condition: Node): Promise<string | undefined> {
    const operator = OPERATORS[text(condition['type'])];
    const { left, right } = condition;
    if (operator === undefined || !isNode(left) || !isNode(right)) return undefined;
    const onLeft = this.#ranged(left);
    const range = onLeft ?? this.#ranged(right);
    const constant = await this.#constant(onLeft === undefined ? left : right);
    if (range === undefined || constant === undefined) return undefined;
    const said = onLeft === undefined ? FLIPPED[operator] : operator;
    if (said === '=') return `${range.least} <= ${constant} AND ${range.greatest} >= ${constant}`;
    return `${said === '<' || said === '<=' ? range.least : range.greatest} ${said ?? ''} ${constant}`;
  }

  async #between({ input, lower, upper }: Node): Promise<string | undefined> {
    if (!isNode(input) || !isNode(lower) || !isNode(upper)) return undefined;
    const range = this.#ranged(input);
    const from = await this.#constant(lower);
    const to = await this.#constant(upper);
    return range === undefined || from === undefined || to === undefined
      ? undefined
      : `${range.greatest} >= ${from} AND ${range.least} <= ${to}`;
  }

  #ranged(node: Node): Ranged | undefined {
    if (node['class'] !== 'COLUMN_REF') return undefined;
    return Object.entries(this.#table.ranged).find(([column]) => this.#reads(node, column))?.[1];
  }

  async #constant(node: Node): Promise<string | undefined> {
    const isConstant = nodesOf(node).every(({ class: kind }) => !READING.has(text(kind)));
    return isConstant ? await sqlOf(this.#connection, node) : undefined;
  }

  /** Whether `condition` reads `column` of the table and nothing else. */
  #reads(condition: Node, column: string): boolean {
    const read = nodesOf(condition).filter(({ class: kind }) => READING.has(text(kind)));
    return read.length > 0 && read.every((node) => this.#isColumn(node, column));
  }

  #isColumn({ class: kind, column_names: path }: Node, column: string): boolean {
    const parts = kind === 'COLUMN_REF' && Array.isArray(path) ? path.map(text) : [];
    const isOurs = parts.length === 1 || (parts.length === 2 && this.#names.has(parts[0] ?? ''));
    return isOurs && parts.at(-1) === column;
  }
}

/** Expressions that bring values in from elsewhere. */
const READING: ReadonlySet<string> = new Set(['COLUMN_REF', 'SUBQUERY', 'STAR']);

const OPERATORS: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: '=',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
};
const FLIPPED: Readonly<Record<string, string>> = {
  '=': '=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

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

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
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
    return new Set([alias === '' ? text(name) : text(alias)]);
  }
  if (from['type'] !== 'JOIN' || from['join_type'] !== 'INNER') return undefined;
  const sides = [namesOf(from['left'], table), namesOf(from['right'], table)];
  const found = sides.filter((names) => names !== undefined);
  return found.length === 1 ? found[0] : undefined;
}

function nodesIn(value: Json | undefined): readonly Node[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isNode) : [];
}

/** `condition` with the column under its bare name. */
function bare(condition: Node, column: string): Node {
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
  const written = await one(
    connection,
    'SELECT json_deserialize_sql($1::JSON)',
    JSON.stringify(statement),
  );
  return written?.startsWith(START) === true ? written.slice(START.length) : undefined;
}
