/** SHOW DATABASES, SCHEMAS, TABLES, VIEWS, OBJECTS, COLUMNS and SEQUENCES. */
import type { Cell } from '#base/wire/row-type.js';
import type { CatalogueColumn, CatalogueSequence, CatalogueTable } from '../engine/engine.js';
import type { Session } from '../identity/sessions.js';
import { instant, listingOf, yesNo } from './listing.js';
import type { Listing } from './listing.js';

const TERSE = 'created_on name kind database_name schema_name';
const OWNER = 'ACCOUNTADMIN';
const OWNED = { owner: OWNER, owner_role_type: 'ROLE', comment: '' } as const;

/** `names` in the columns of SHOW DATABASES. */
export function listDatabases(
  names: readonly string[],
  session: Session,
  isTerse: boolean,
): Listing {
  const rows = names.map((name) => ({
    ...OWNED,
    created_on: instant(0),
    name,
    is_default: 'N',
    is_current: yesNo(name === session.database),
    origin: '',
    options: '',
    retention_time: '1',
    kind: 'STANDARD',
  }));
  return isTerse
    ? listingOf(TERSE, rows)
    : listingOf(
        'created_on name is_default is_current origin owner comment options retention_time kind budget owner_role_type',
        rows,
      );
}

/** In the columns of SHOW SCHEMAS. */
export function listSchemas(
  schemas: readonly { readonly database: string; readonly name: string }[],
  session: Session,
  isTerse: boolean,
): Listing {
  const rows = schemas.map(({ database, name }) => ({
    ...OWNED,
    created_on: instant(0),
    name,
    is_default: 'N',
    is_current: yesNo(database === session.database && name === session.schema),
    database_name: database,
    options: '',
    retention_time: '1',
  }));
  return isTerse
    ? listingOf(TERSE, rows)
    : listingOf(
        'created_on name is_default is_current database_name owner comment options retention_time owner_role_type budget',
        rows,
      );
}

const TABLE_COLUMNS =
  'created_on name database_name schema_name kind comment cluster_by rows bytes owner retention_time ' +
  'automatic_clustering change_tracking search_optimization search_optimization_progress ' +
  'search_optimization_bytes is_external enable_schema_evolution owner_role_type is_event budget is_hybrid ' +
  'is_iceberg is_dynamic is_immutable';
const VIEW_COLUMNS =
  'created_on name reserved database_name schema_name owner comment text is_secure is_materialized ' +
  'owner_role_type change_tracking';
const OBJECT_COLUMNS =
  'created_on name database_name schema_name kind comment cluster_by rows bytes owner retention_time ' +
  'owner_role_type budget is_hybrid is_dynamic is_iceberg is_interactive';

/** Tables, views or both in the columns of SHOW TABLES, VIEWS or OBJECTS. */
export function listTables(
  tables: readonly CatalogueTable[],
  kind: 'TABLES' | 'VIEWS' | 'OBJECTS',
  isTerse: boolean,
): Listing {
  const wanted = tables.filter(
    (table) => kind === 'OBJECTS' || (table.kind === 'VIEW') === (kind === 'VIEWS'),
  );
  const rows = wanted.map(kind === 'VIEWS' ? viewRow : tableRow);
  if (isTerse) return listingOf(TERSE, rows);
  const columns = { TABLES: TABLE_COLUMNS, VIEWS: VIEW_COLUMNS, OBJECTS: OBJECT_COLUMNS } as const;
  return listingOf(columns[kind], rows);
}

function tableRow(table: CatalogueTable): Readonly<Record<string, Cell>> {
  const isView = table.kind === 'VIEW';
  return {
    ...OWNED,
    ...placeOf(table),
    cluster_by: table.clusteringKey === null ? '' : `LINEAR(${table.clusteringKey})`,
    rows: isView ? null : String(table.rows),
    bytes: isView ? null : String(table.bytes),
    retention_time: '1',
    automatic_clustering: table.clusteringKey === null ? 'OFF' : 'ON',
    change_tracking: 'OFF',
    search_optimization: 'OFF',
    is_external: 'N',
    enable_schema_evolution: 'N',
    is_event: 'N',
    is_hybrid: 'N',
    is_iceberg: 'N',
    is_dynamic: 'N',
    is_immutable: 'N',
    is_interactive: 'N',
  };
}

function viewRow(view: CatalogueTable): Readonly<Record<string, Cell>> {
  return {
    ...OWNED,
    ...placeOf(view),
    reserved: '',
    text: view.viewText ?? '',
    is_secure: String(view.isSecure),
    is_materialized: 'false',
    change_tracking: 'OFF',
  };
}

function placeOf(table: CatalogueTable): Readonly<Record<string, Cell>> {
  return {
    created_on: instant(table.createdAtMs),
    name: table.name,
    kind: table.kind,
    comment: table.comment ?? '',
    database_name: table.database,
    schema_name: table.schema,
  };
}

/** In the columns of SHOW COLUMNS. */
export function listColumns(columns: readonly CatalogueColumn[]): Listing {
  const rows = columns.map((column) => ({
    table_name: column.table,
    schema_name: column.schema,
    column_name: column.name,
    data_type: dataTypeJson(column),
    'null?': column.nullable ? 'true' : 'NOT_NULL',
    default: column.default ?? '',
    kind: 'COLUMN',
    expression: '',
    comment: column.comment ?? '',
    database_name: column.database,
    autoincrement: '',
  }));
  return listingOf(
    'table_name schema_name column_name data_type null? default kind expression comment database_name autoincrement schema_evolution_record',
    rows,
    'column_name',
  );
}

/** SHOW COLUMNS prints types as JSON, e.g. `{"type":"FIXED","precision":38,"scale":0,"nullable":true}`. */
function dataTypeJson({ dataType, nullable }: CatalogueColumn): string {
  const match = /^([A-Z_ ]+)(?:\((\d+)(?:,\s*(\d+))?\))?/i.exec(dataType);
  const name = match?.[1]?.trim().toUpperCase() ?? dataType;
  const first = match?.[2] === undefined ? undefined : Number(match[2]);
  switch (name) {
    case 'NUMBER': {
      const scale = Number(match?.[3] ?? 0);
      return JSON.stringify({ type: 'FIXED', precision: first ?? 38, scale, nullable });
    }
    case 'VARCHAR':
    case 'TEXT': {
      const length = first ?? 16_777_216;
      const byteLength = Math.min(length * 4, 16_777_216);
      return JSON.stringify({ type: 'TEXT', length, byteLength, nullable, fixed: false });
    }
    case 'BINARY': {
      const length = first ?? 8_388_608;
      return JSON.stringify({ type: name, length, byteLength: length, nullable, fixed: true });
    }
    case 'FLOAT':
    case 'DOUBLE':
      return JSON.stringify({ type: 'REAL', nullable });
    case 'TIME':
    case 'TIMESTAMP_NTZ':
    case 'TIMESTAMP_LTZ':
    case 'TIMESTAMP_TZ':
      return JSON.stringify({ type: name, precision: 0, scale: first ?? 9, nullable });
    default:
      return JSON.stringify({ type: name, nullable });
  }
}

/** SHOW SEQUENCES, and DESC SEQUENCE of the one in it. */
export function listSequences(sequences: readonly CatalogueSequence[]): Listing {
  return listingOf(
    'name database_name schema_name next_value interval created_on owner comment owner_role_type ordered',
    sequences.map((sequence) => ({
      ...OWNED,
      name: sequence.name,
      database_name: sequence.database,
      schema_name: sequence.schema,
      next_value: sequence.nextValue,
      interval: sequence.increment,
      ordered: 'Y',
    })),
  );
}
