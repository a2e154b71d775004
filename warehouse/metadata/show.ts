/** SHOW: metadata that uses no warehouse. */
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import type { CatalogueColumn, CatalogueTable } from '../engine/engine.js';
import { rowsOf, syntaxFailure } from '../statement/outcome.js';
import type { Outcome, Rows } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-statements.js';
import { parameterRows } from '../statement/parameters.js';
import { listWarehouses } from '../fleet/show-warehouses.js';
import type { Session } from '../identity/sessions.js';
import { keyColumns } from './show-keys.js';
import { likePattern, readClauses } from './show-clauses.js';
import type { ShowClauses } from './show-clauses.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';

/** A listing before LIKE, STARTS WITH and LIMIT: a column name and type each, and rows whose name is in `nameAt`. */
interface Listing {
  readonly columns: readonly RowType[];
  readonly rows: readonly (readonly Cell[])[];
  readonly nameAt: number;
}

/** The answer to a SHOW of a kind that we know, else undefined. */
export async function show(
  world: OwnWorld,
  session: Session,
  tokens: readonly Token[],
): Promise<Outcome | undefined> {
  const reader = new TokenReader(tokens);
  reader.accept('SHOW');
  const isTerse = reader.accept('TERSE');
  const kind = reader.next();
  if (kind?.kind !== 'word') return syntaxFailure(kind?.value ?? 'SHOW');
  const keys = reader.accept('KEYS') ? keyColumns(kind.value) : undefined;
  if (keys !== undefined) return rowsOf(keys, [], STATEMENT_TYPES.show);
  if (EMPTY_KINDS.has(kind.value)) return rowsOf(EMPTY_COLUMNS, [], STATEMENT_TYPES.show);
  const clauses = readClauses(reader, session, isTerse, kind.value);
  if (clauses === undefined) return syntaxFailure(reader.peek()?.value ?? kind.value);
  const listing = await list(world, session, kind.value, clauses);
  return listing === undefined ? undefined : finish(listing, clauses);
}

async function list(
  world: OwnWorld,
  session: Session,
  kind: string,
  clauses: ShowClauses,
): Promise<Listing | undefined> {
  const { database, schema, table } = clauses.scope;
  switch (kind) {
    case 'WAREHOUSES':
      return listWarehouses(world.fleet, session);
    case 'DATABASES':
      return listDatabases(await world.engine.databases(), session);
    case 'SCHEMAS':
      return listSchemas(await world.engine.schemas(database), session, clauses.isTerse);
    case 'TABLES':
      return listTables(
        (await world.engine.tables(database, schema)).filter((one) => one.kind !== 'VIEW'),
        'TABLES',
        clauses.isTerse,
      );
    case 'VIEWS':
      return listTables(
        (await world.engine.tables(database, schema)).filter((one) => one.kind === 'VIEW'),
        'VIEWS',
        clauses.isTerse,
      );
    case 'OBJECTS':
      return listTables(await world.engine.tables(database, schema), 'OBJECTS', clauses.isTerse);
    case 'COLUMNS':
      return listColumns(await world.engine.columns(database, schema, table));
    case 'PARAMETERS':
      return listParameters(session);
    case 'ROLES':
      return listRoles(world, session);
    case 'USERS':
      return listUsers(world);
    case 'VARIABLES':
      return listVariables(session);
    default:
      return undefined;
  }
}

function listVariables(session: Session): Listing {
  const rows = [...session.variables].map(([name, value]) => [
    String(session.id),
    name,
    value,
    'text',
  ]);
  return { columns: text('session_id', 'name', 'value', 'type'), rows, nameAt: 1 };
}

function finish(listing: Listing, clauses: ShowClauses): Rows {
  const pattern = clauses.like === undefined ? undefined : likePattern(clauses.like);
  const rows = listing.rows.filter((row) => {
    const name = row[listing.nameAt] ?? '';
    if (pattern !== undefined && !pattern.test(name)) return false;
    if (clauses.after !== undefined && name <= clauses.after) return false;
    return clauses.startsWith === undefined || name.startsWith(clauses.startsWith);
  });
  return rowsOf(listing.columns, rows.slice(0, clauses.limit ?? rows.length), STATEMENT_TYPES.show);
}

const text = (...names: readonly string[]): readonly RowType[] =>
  names.map((name) => columnType(name, 'text'));
/** Kinds that this account has none of; tools list them while they read the catalogue. */
const EMPTY_KINDS: ReadonlySet<string> = new Set(
  (
    'FUNCTIONS PROCEDURES STAGES STREAMS TASKS SEQUENCES PIPES TRANSACTIONS GRANTS INTEGRATIONS SHARES STREAMLITS ' +
    'DYNAMIC MATERIALIZED EXTERNAL EVENT ICEBERG HYBRID FILE USER'
  ).split(' '),
);
const CREATED_ON: RowType = columnType('created_on', 'timestamp_ltz', { scale: 3 });
const EMPTY_COLUMNS: readonly RowType[] = [
  CREATED_ON,
  ...text('name', 'database_name', 'schema_name', 'comment'),
];
const instant = (atMs: number): Cell => (atMs / 1000).toFixed(3);
const yesNo = (condition: boolean): Cell => (condition ? 'Y' : 'N');

function listDatabases(names: readonly string[], session: Session): Listing {
  const rows = names.map((name) => [
    instant(0),
    name,
    'N',
    yesNo(name === session.database),
    '',
    'ACCOUNTADMIN',
    '',
    '',
    '1',
    'STANDARD',
  ]);
  const columns = [
    CREATED_ON,
    ...text(
      'name',
      'is_default',
      'is_current',
      'origin',
      'owner',
      'comment',
      'options',
      'retention_time',
      'kind',
    ),
  ];
  return { columns, rows, nameAt: 1 };
}

function listSchemas(
  schemas: readonly { readonly database: string; readonly name: string }[],
  session: Session,
  isTerse: boolean,
): Listing {
  if (isTerse) {
    const rows = schemas.map(({ database, name }) => [instant(0), name, null, database, null]);
    return {
      columns: [CREATED_ON, ...text('name', 'kind', 'database_name', 'schema_name')],
      rows,
      nameAt: 1,
    };
  }
  const rows = schemas.map(({ database, name }) => {
    const isCurrent = database === session.database && name === session.schema;
    return [instant(0), name, 'N', yesNo(isCurrent), database, 'ACCOUNTADMIN', '', '', '1'];
  });
  const columns = [
    CREATED_ON,
    ...text(
      'name',
      'is_default',
      'is_current',
      'database_name',
      'owner',
      'comment',
      'options',
      'retention_time',
    ),
  ];
  return { columns, rows, nameAt: 1 };
}

function listTables(tables: readonly CatalogueTable[], kind: string, isTerse: boolean): Listing {
  const head = [CREATED_ON, ...text('name', 'kind', 'database_name', 'schema_name')];
  const terse = (table: CatalogueTable): readonly Cell[] => [
    instant(table.createdAtMs),
    table.name,
    table.kind,
    table.database,
    table.schema,
  ];
  if (isTerse) return { columns: head, rows: tables.map(terse), nameAt: 1 };
  const columns = [
    ...head,
    ...text('comment', 'cluster_by'),
    columnType('rows', 'fixed'),
    columnType('bytes', 'fixed'),
    ...text('owner', 'retention_time', 'is_dynamic', 'is_iceberg', 'is_hybrid'),
    ...(kind === 'VIEWS' ? text('text', 'is_secure', 'is_materialized') : []),
  ];
  const rows = tables.map((table) => [
    ...terse(table),
    '',
    table.clusteringKey === null ? '' : `LINEAR(${table.clusteringKey})`,
    ...(table.kind === 'VIEW' ? [null, null] : [String(table.rows), String(table.bytes)]),
    'ACCOUNTADMIN',
    '1',
    'N',
    'N',
    'N',
    ...(kind === 'VIEWS' ? ['', 'false', 'false'] : []),
  ]);
  return { columns, rows, nameAt: 1 };
}

function listColumns(columns: readonly CatalogueColumn[]): Listing {
  const rows = columns.map((column) => [
    column.table,
    column.schema,
    column.name,
    dataTypeJson(column),
    yesNo(column.nullable),
    '',
    'COLUMN',
    '',
    '',
    column.database,
    '',
  ]);
  const names = ['table_name', 'schema_name', 'column_name', 'data_type', 'null?', 'default'];
  const more = ['kind', 'expression', 'comment', 'database_name', 'autoincrement'];
  return { columns: text(...names, ...more), rows, nameAt: 2 };
}

/** SHOW COLUMNS prints types as JSON, e.g. `{"type":"FIXED","precision":38,"scale":0,"nullable":true}`. */
function dataTypeJson(column: CatalogueColumn): string {
  const match = /^([A-Z_ ]+)(?:\((\d+)(?:,\s*(\d+))?\))?/i.exec(column.dataType);
  const name = match?.[1]?.trim().toUpperCase() ?? column.dataType;
  const { nullable } = column;
  if (name === 'NUMBER')
    return JSON.stringify({
      type: 'FIXED',
      precision: Number(match?.[2] ?? 38),
      scale: Number(match?.[3] ?? 0),
      nullable,
    });
  if (name === 'VARCHAR' || name === 'TEXT')
    return JSON.stringify({
      type: 'TEXT',
      length: Number(match?.[2] ?? 16_777_216),
      nullable,
      fixed: false,
    });
  if (name === 'FLOAT' || name === 'DOUBLE') return JSON.stringify({ type: 'REAL', nullable });
  return JSON.stringify({ type: name, nullable });
}

function listParameters(session: Session): Listing {
  const rows = parameterRows(session.parameters).map((row) => [
    row.key,
    row.value,
    row.default,
    row.level,
    '',
    row.type,
  ]);
  return {
    columns: text('key', 'value', 'default', 'level', 'description', 'type'),
    rows,
    nameAt: 0,
  };
}

function listRoles(world: OwnWorld, session: Session): Listing {
  const roles = [...new Set(world.users.list().flatMap((user) => user.roles))].sort();
  const rows = roles.map((role) => [
    instant(0),
    role,
    'N',
    yesNo(role === session.role),
    yesNo(session.user.roles.includes(role)),
    'ACCOUNTADMIN',
    '',
  ]);
  const columns = [
    CREATED_ON,
    ...text('name', 'is_default', 'is_current', 'is_inherited', 'owner', 'comment'),
  ];
  return { columns, rows, nameAt: 1 };
}

function listUsers(world: OwnWorld): Listing {
  const rows = world.users
    .list()
    .map((user) => [user.name, instant(0), user.name, user.roles[0] ?? '', 'false']);
  const columns = [...text('name'), CREATED_ON, ...text('login_name', 'default_role', 'disabled')];
  return { columns, rows, nameAt: 0 };
}
