/** DESCRIBE of a temporary table, which only its session knows; every other object is described by the server. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import type { RowType } from '#base/wire/row-type.js';
import { snowflakeTypeText } from '../../metadata/type-text.js';
import { missingObject, StatementFailed } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { isWord } from '../sql/pieces.js';
import { dotted, fullName } from '../sql/resolve.js';
import { nameAt, listing, textColumns } from '../stages/named-objects.js';
import { describedColumns } from './described-columns.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { placeOf, readTable } from './stored-table.js';

const COLUMNS: readonly RowType[] = [
  ...textColumns('name', 'type', 'kind', 'null?', 'default', 'primary key', 'unique key', 'check'),
  ...textColumns('expression', 'comment', 'policy name', 'privacy domain'),
];

function typeText(column: RowType | undefined): string {
  return column === undefined ? '' : snowflakeTypeText(column);
}

/** Runs `DESC[RIBE] [TABLE] name`. Throws StatementFailed: 002003 for what is no temporary table of the session. */
export async function describeTemporary(
  session: Session,
  { pieces, request }: Running,
): Promise<RowsAsText> {
  const { parts } = nameAt(pieces, isWord(pieces, 1, 'TABLE') ? 2 : 1, request.sql);
  const full = fullName(parts, request);
  if (!session.temporary.has(dotted(full))) throw new StatementFailed(missingObject(dotted(full)));
  const place = placeOf(full, true);
  const { columns, notes } = await readTable(session, place);
  const prepared = await session.connection.prepare(`SELECT * FROM ${place.target}`);
  const told = describedColumns(prepared, []).columns;
  prepared.destroySync();
  const isIn = (kind: string, column: string): boolean =>
    (notes.constraints ?? []).some((key) => key.kind === kind && key.columns.includes(column));
  const yesNo = (is: boolean): string => (is ? 'Y' : 'N');
  return listing(
    COLUMNS,
    columns.map(({ name, isNullable, notes: own }, at) => [
      name,
      own.type ?? typeText(told[at]),
      'COLUMN',
      yesNo(isNullable),
      own.default ?? null,
      yesNo(isIn('PRIMARY KEY', name)),
      yesNo(isIn('UNIQUE', name)),
      null,
      null,
      own.comment ?? null,
      null,
      null,
    ]),
    STATEMENT_TYPES.describe,
  );
}
