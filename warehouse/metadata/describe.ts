import { columnType } from '#base/wire/row-type.js';
import type { RowType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { missingObject, rowsOf } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-statements.js';
import type { Session } from '../identity/sessions.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';

const COLUMNS: readonly RowType[] = [
  'name',
  'type',
  'kind',
  'null?',
  'default',
  'primary key',
  'unique key',
  'check',
  'expression',
  'comment',
  'policy name',
].map((name) => columnType(name, 'text'));

/** What `TYPE = STAGE` describes: the properties of a table's stage, and no table here has one. */
const STAGE_COLUMNS: readonly RowType[] = [
  'parent_property',
  'property',
  'property_type',
  'property_value',
  'property_default',
].map((name) => columnType(name, 'text'));

/** `DESC[RIBE] [TABLE|VIEW] <name> [TYPE = COLUMNS|STAGE]`; undefined for other kinds of object. */
export async function describeObject(
  world: OwnWorld,
  session: Session,
  tokens: readonly Token[],
): Promise<Outcome | undefined> {
  const reader = new TokenReader(tokens);
  reader.next();
  reader.acceptOne('TABLE', 'VIEW');
  const name = reader.acceptName();
  const table = name?.at(-1);
  const aspect = reader.accept('TYPE', '=') ? reader.acceptOne('COLUMNS', 'STAGE') : 'COLUMNS';
  if (name === undefined || table === undefined || aspect === undefined || !reader.atEnd)
    return undefined;
  const database = name.at(-3) ?? session.database;
  const schema = name.at(-2) ?? session.schema;
  const columns = await world.engine.columns(database, schema, table);
  if (columns.length === 0)
    return missingObject(
      'Table',
      [database, schema, table].filter((part) => part !== null).join('.'),
    );
  if (aspect === 'STAGE') return rowsOf(STAGE_COLUMNS, [], STATEMENT_TYPES.describe);
  const rows = columns.map((column) => [
    column.name,
    column.dataType,
    'COLUMN',
    column.nullable ? 'Y' : 'N',
    null,
    'N',
    'N',
    null,
    null,
    null,
    null,
  ]);
  return rowsOf(COLUMNS, rows, STATEMENT_TYPES.describe);
}
