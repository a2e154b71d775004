/** CREATE, ALTER, DROP, DESC and SHOW of file formats (Snowflake, "CREATE FILE FORMAT"). */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import { StatementFailed, unsupported } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { isWord, type Piece } from '../sql/pieces.js';
import { refuseReadOnly } from '../statement/read-only.js';
import { statusRow } from '../statement/transaction.js';
import {
  allFormats,
  dropFormat,
  findFormat,
  missingStaged,
  nowOf,
  putFormat,
  requireSchemaOf,
  stagedExists,
  type StageSession,
} from './catalogue.js';
import { defaultFormat, formatRows, withOptions } from './file-format.js';
import { instantCell, listing, objectHead, textColumns } from './named-objects.js';
import { optionText, readOptions } from './options.js';
import type { Option } from './options.js';
import { shownObjects } from './show-clauses.js';

/** Runs the statement in `pieces`, whose object is a file format. Throws StatementFailed. */
export async function formatStatement(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const head = objectHead(pieces, 2, request);
  const known = await findFormat(session, head.full);
  const { name } = head.full;
  switch (pieces[0]?.value ?? '') {
    case 'CREATE': {
      refuseReadOnly(head.full.database, head.full.schema);
      await requireSchemaOf(session, head.full);
      const { format, comment } = split(readOptions(pieces, head.to, pieces.length, request.sql));
      const made = withOptions(defaultFormat(), format);
      const isHidden = known !== undefined && !known.isTemporary && head.isTemporary;
      if (known !== undefined && !isHidden) {
        if (head.hasIf) return done(`${name} already exists, statement succeeded.`);
        if (!head.isReplaced) throw stagedExists(head.full);
        await dropFormat(session, known);
      }
      await putFormat(session, {
        full: head.full,
        format: made,
        comment: comment ?? '',
        owner: request.context['CURRENT_ROLE'] ?? 'ACCOUNTADMIN',
        createdAtMs: nowOf(request),
        isTemporary: head.isTemporary,
      });
      return done(`File format ${name} successfully created.`);
    }
    case 'ALTER': {
      if (known === undefined) {
        if (head.hasIf) return done('Statement executed successfully.');
        throw missingStaged('File format', head.full);
      }
      if (!isWord(pieces, head.to, 'SET'))
        throw new StatementFailed(unsupported('ALTER FILE FORMAT without SET'));
      const { format, comment } = split(
        readOptions(pieces, head.to + 1, pieces.length, request.sql),
      );
      const next = withOptions(known.format, format);
      await putFormat(session, { ...known, format: next, comment: comment ?? known.comment });
      return done('Statement executed successfully.');
    }
    case 'DROP':
      if (known === undefined) {
        if (!head.hasIf) throw missingStaged('File format', head.full);
        return done(`Drop statement executed successfully (${name} already dropped).`);
      }
      await dropFormat(session, known);
      return done(`${name} successfully dropped.`);
    default:
      if (known === undefined) throw missingStaged('File format', head.full);
      return listing(
        textColumns('property', 'property_type', 'property_value', 'property_default'),
        formatRows(known.format),
        STATEMENT_TYPES.describe,
      );
  }
}

function split(options: readonly Option[]): {
  readonly format: readonly Option[];
  readonly comment: string | undefined;
} {
  const comment = options.find(({ name }) => name === 'COMMENT');
  return {
    format: options.filter((option) => option !== comment),
    comment: comment === undefined ? undefined : optionText(comment),
  };
}

function done(text: string): RowsAsText {
  return statusRow(text, STATEMENT_TYPES.ddl);
}

/** SHOW FILE FORMATS, with the columns that Snowflake lists. */
export async function showFormats(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const shown = shownObjects(pieces, 3, request);
  const formats = (await allFormats(session)).filter(({ full }) => shown.isShown(full));
  const columns = [
    columnType('created_on', 'timestamp_ltz', { scale: 3 }),
    ...textColumns('name', 'database_name', 'schema_name', 'type', 'owner', 'comment'),
    ...textColumns('format_options', 'owner_role_type'),
  ];
  const rows = formats
    .slice(0, shown.limit)
    .map((format) => [
      instantCell(format.createdAtMs),
      format.full.name,
      format.full.database,
      format.full.schema,
      format.format.type,
      format.owner,
      format.comment,
      JSON.stringify({ TYPE: format.format.type, ...format.format.values }),
      'ROLE',
    ]);
  return listing(columns, rows, STATEMENT_TYPES.show);
}
