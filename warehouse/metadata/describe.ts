/** DESCRIBE: metadata that uses no warehouse. */
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { snowflakeTypeText } from './type-text.js';
import {
  failure,
  missingObject,
  rowsOf,
  syntaxFailure,
  unsupported,
} from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { CatalogueKey } from '../engine/engine.js';
import type { OwnWorld } from '../statement/own-world.js';
import type { Session } from '../identity/sessions.js';
import { instant, yesNo } from './listing.js';
import { listSequences } from './show-catalogue.js';
import { describeUser } from './show-identity.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';

const text = (...names: readonly string[]): readonly RowType[] =>
  names.map((name) => columnType(name, 'text'));
const COLUMNS: readonly RowType[] = [
  ...text('name', 'type', 'kind', 'null?', 'default', 'primary key', 'unique key', 'check'),
  ...text('expression', 'comment', 'policy name', 'privacy domain'),
];
/** What `TYPE = STAGE` describes: the properties of a table's stage, and no table here has one. */
const STAGE_COLUMNS: readonly RowType[] = [
  ...text('parent_property', 'property', 'property_type', 'property_value', 'property_default'),
];
const MEMBER_COLUMNS: readonly RowType[] = [
  columnType('created_on', 'timestamp_ltz', { scale: 3 }),
  ...text('name', 'kind'),
];
/** Kinds that this warehouse has no objects of: whatever is named does not exist. */
const ABSENT: readonly string[] = [
  'FUNCTION',
  'PROCEDURE',
  'STREAM',
  'TASK',
  'PIPE',
  'ALERT',
  'SHARE',
  'SECRET',
  'STREAMLIT',
  'NOTEBOOK',
  'MODEL',
];

/**
 * `DESC[RIBE]` of a table or view (with or without the word), a schema, a database, a sequence, a result by its query id, and a
 * user; undefined for kinds that are described elsewhere.
 */
export async function describeObject(
  world: OwnWorld,
  session: Session,
  tokens: readonly Token[],
): Promise<Outcome | undefined> {
  const reader = new TokenReader(tokens);
  reader.next();
  if (reader.accept('RESULT')) return describeResult(world, session, reader);
  if (reader.accept('USER')) {
    const name = reader.acceptName()?.[0];
    return name === undefined ? syntaxFailure('USER') : describeUser(world, session, name);
  }
  if (reader.accept('SCHEMA')) return describeSchema(world, session, reader);
  if (reader.accept('DATABASE')) return describeDatabase(world, session, reader);
  if (reader.accept('SEQUENCE')) return describeSequence(world, session, reader);
  const absent = reader.acceptOne(...ABSENT);
  const isKindAlone = absent !== undefined && (reader.atEnd || reader.peek()?.kind === 'mark');
  if (absent !== undefined && !isKindAlone) {
    const kind = `${absent.charAt(0)}${absent.slice(1).toLowerCase()}`;
    return missingObject(kind, reader.acceptName()?.join('.') ?? '');
  }
  if (isKindAlone) return syntaxFailure(absent);
  return describeTable(world, session, reader);
}

async function describeTable(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
): Promise<Outcome | undefined> {
  const isView = reader.acceptOne('TABLE', 'VIEW') === 'VIEW';
  const name = reader.acceptName();
  const table = name?.at(-1);
  const aspect = reader.accept('TYPE', '=') ? reader.acceptOne('COLUMNS', 'STAGE') : 'COLUMNS';
  if (name === undefined || table === undefined || aspect === undefined || !reader.atEnd)
    return undefined;
  const database = name.at(-3) ?? session.database;
  const schema = name.at(-2) ?? session.schema;
  const temporary = isView ? undefined : await temporaryTable(world, session, name);
  if (temporary !== undefined && aspect === 'COLUMNS') return temporary;
  const columns = await world.engine.columns(database, schema, table);
  if (columns.length === 0)
    return missingObject(
      isView ? 'View' : 'Table',
      [database, schema, table].filter((part) => part !== null).join('.'),
    );
  if (aspect === 'STAGE') return rowsOf(STAGE_COLUMNS, [], STATEMENT_TYPES.describe);
  const found = await world.engine.tables(database, schema);
  const keys = found.find(({ name: one }) => one === table)?.keys ?? [];
  const isIn = (kind: CatalogueKey['kind'], column: string): boolean =>
    keys.some((key) => key.kind === kind && key.columns.includes(column));
  const rows = columns.map((column) =>
    columnRow(column.name, column.dataType, column.nullable, {
      default: column.default,
      comment: column.comment,
      isPrimary: isIn('PRIMARY KEY', column.name),
      isUnique: isIn('UNIQUE', column.name),
    }),
  );
  return rowsOf(COLUMNS, rows, STATEMENT_TYPES.describe);
}

/** The columns of the session's own temporary table of this name, which hides others; undefined when it has none. */
async function temporaryTable(
  world: OwnWorld,
  session: Session,
  name: readonly string[],
): Promise<Outcome | undefined> {
  const engine = await world.sessions.engineSession(session);
  const quoted = name.map((part) => `"${part.replaceAll('"', '""')}"`);
  const outcome = await engine.execute(
    {
      sql: `DESCRIBE TABLE ${quoted.join('.')}`,
      database: session.database,
      schema: session.schema,
      binds: [],
      context: {},
      result: () => undefined,
    },
    new AbortController().signal,
  );
  const isThere = outcome.kind === 'rows' && outcome.statementTypeId === STATEMENT_TYPES.describe;
  return isThere ? outcome : undefined;
}

interface ColumnNotes {
  readonly default: string | null;
  readonly comment: string | null;
  readonly isPrimary: boolean;
  readonly isUnique: boolean;
}

const NO_NOTES: ColumnNotes = { default: null, comment: null, isPrimary: false, isUnique: false };

function columnRow(
  name: string,
  type: string,
  isNullable: boolean,
  notes: ColumnNotes,
): readonly Cell[] {
  const keys = [yesNo(notes.isPrimary), yesNo(notes.isUnique)];
  return [
    name,
    type,
    'COLUMN',
    yesNo(isNullable),
    notes.default,
    ...keys,
    null,
    null,
    notes.comment,
    null,
    null,
  ];
}

/** `DESC RESULT '<id>' | LAST_QUERY_ID()`: the columns of a result that is still kept. */
function describeResult(world: OwnWorld, session: Session, reader: TokenReader): Outcome {
  const isLast = reader.accept('LAST_QUERY_ID', '(', ')');
  const token = isLast ? undefined : reader.next();
  const id = isLast ? session.lastQueryIds.at(-1) : token?.value;
  if (id === undefined || (token !== undefined && token.kind !== 'string') || !reader.atEnd)
    return syntaxFailure(token?.value ?? 'RESULT');
  const outcome = world.statements().find(session, id)?.settled?.outcome;
  if (outcome?.kind !== 'rows')
    return failure(WIRE_CODES.queryUnknown, '02000', `Statement ${id} not found`);
  const rows = outcome.columns.map((column) =>
    columnRow(column.name, snowflakeTypeText(column), column.nullable, NO_NOTES),
  );
  return rowsOf(COLUMNS, rows, STATEMENT_TYPES.describe);
}

async function describeSchema(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
): Promise<Outcome> {
  const name = reader.acceptName() ?? [];
  const schema = name.at(-1);
  const database = name.at(-2) ?? session.database;
  if (schema === undefined || !reader.atEnd) return syntaxFailure(reader.peek()?.value ?? 'SCHEMA');
  const known = await world.engine.schemas(database);
  if (!known.some((one) => one.database === database && one.name === schema))
    return missingObject('Schema', [database, schema].filter((part) => part !== null).join('.'));
  const tables = await world.engine.tables(database, schema);
  const rows = tables.map((table) => [
    instant(table.createdAtMs),
    table.name,
    table.kind === 'VIEW' ? 'VIEW' : 'TABLE',
  ]);
  return rowsOf(MEMBER_COLUMNS, rows, STATEMENT_TYPES.describe);
}

async function describeDatabase(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
): Promise<Outcome> {
  const database = reader.acceptName()?.[0] ?? session.database;
  if (database === null)
    return unsupported('DESCRIBE DATABASE without a name or a database in use');
  if (!(await world.engine.databases()).includes(database))
    return missingObject('Database', database);
  const schemas = await world.engine.schemas(database);
  const rows = schemas
    .filter((schema) => schema.database === database)
    .map((schema) => [instant(0), schema.name, 'SCHEMA']);
  return rowsOf(MEMBER_COLUMNS, rows, STATEMENT_TYPES.describe);
}

/** One row with the columns of SHOW SEQUENCES (page "DESCRIBE SEQUENCE"). */
async function describeSequence(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
): Promise<Outcome> {
  const name = reader.acceptName() ?? [];
  const sequence = name.at(-1);
  const database = name.at(-3) ?? session.database;
  const schema = name.at(-2) ?? session.schema;
  if (sequence === undefined || !reader.atEnd)
    return syntaxFailure(reader.peek()?.value ?? 'SEQUENCE');
  const found = await world.engine.sequences(database, schema);
  const { columns, rows } = listSequences(found.filter((one) => one.name === sequence));
  if (rows.length === 0)
    return missingObject(
      'Sequence',
      [database, schema, sequence].filter((part) => part !== null).join('.'),
    );
  return rowsOf(columns, rows, STATEMENT_TYPES.describe);
}
