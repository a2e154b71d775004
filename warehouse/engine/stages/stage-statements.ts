/** CREATE, ALTER, DROP, DESC and SHOW of stages (Snowflake, "CREATE STAGE"). Only internal stages exist here. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import { StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { isWord, type Piece } from '../sql/pieces.js';
import { refuseReadOnly } from '../statement/read-only.js';
import { statusRow } from '../statement/transaction.js';
import {
  allStages,
  dropStage,
  findStage,
  missingStaged,
  nowOf,
  putStage,
  requireSchemaOf,
  stagedExists,
  type NamedStage,
  type StageSession,
} from './catalogue.js';
import { formatRows } from './file-format.js';
import { formatOf, writtenName, type ChosenFormat } from './format-of.js';
import { instantCell, listing, objectHead, textColumns } from './named-objects.js';
import { nestedOptions, optionFlag, optionText, readOptions, unknownOption } from './options.js';
import type { Option } from './options.js';
import { shownObjects } from './show-clauses.js';

/** Runs the statement in `pieces`, whose object is a stage. Throws StatementFailed. */
export async function stageStatement(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  switch (pieces[0]?.value ?? '') {
    case 'CREATE':
      return await create(session, pieces, request);
    case 'ALTER':
      return await alter(session, pieces, request);
    case 'DROP': {
      const head = objectHead(pieces, 1, request);
      const stage = await findStage(session, head.full);
      const { name } = head.full;
      if (stage === undefined) {
        if (!head.hasIf) throw missingStaged('Stage', head.full);
        return done(`Drop statement executed successfully (${name} already dropped).`);
      }
      await dropStage(session, stage);
      return done(`${name} successfully dropped.`);
    }
    default:
      return await describe(session, pieces, request);
  }
}

function done(text: string): RowsAsText {
  return statusRow(text, STATEMENT_TYPES.ddl);
}

interface Properties {
  readonly format?: ChosenFormat;
  readonly comment?: string;
  readonly hasDirectory?: boolean;
}

async function create(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const head = objectHead(pieces, 1, request);
  const { full } = head;
  refuseReadOnly(full.database, full.schema);
  await requireSchemaOf(session, full);
  const options = readOptions(pieces, head.to, pieces.length, request.sql);
  const properties = await readProperties(session, options, request);
  const known = await findStage(session, full);
  const isHidden = known !== undefined && !known.isTemporary && head.isTemporary;
  if (known !== undefined && !isHidden) {
    if (head.hasIf) return done(`${full.name} already exists, statement succeeded.`);
    if (!head.isReplaced) throw stagedExists(full);
    await dropStage(session, known);
  }
  await putStage(session, {
    full,
    directory: session.stages.newDirectory(head.isTemporary),
    ...withFormat(properties.format),
    comment: properties.comment ?? '',
    owner: request.context['CURRENT_ROLE'] ?? 'ACCOUNTADMIN',
    createdAtMs: nowOf(request),
    hasDirectory: properties.hasDirectory ?? false,
    isTemporary: head.isTemporary,
  });
  return done(`Stage area ${full.name} successfully created.`);
}

function withFormat(chosen: ChosenFormat | undefined): Pick<NamedStage, 'format' | 'formatName'> {
  const named = chosen?.named ?? null;
  return {
    format: named === null ? chosen?.format : undefined,
    formatName: named === null ? null : JSON.stringify([named.database, named.schema, named.name]),
  };
}

async function alter(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const head = objectHead(pieces, 1, request);
  const stage = await findStage(session, head.full);
  if (stage === undefined) {
    if (head.hasIf) return done('Statement executed successfully.');
    throw missingStaged('Stage', head.full);
  }
  if (!isWord(pieces, head.to, 'SET'))
    throw new StatementFailed(
      unsupported(`ALTER STAGE … ${pieces[head.to]?.value ?? ''}; SET is what there is`),
    );
  const options = readOptions(pieces, head.to + 1, pieces.length, request.sql);
  const properties = await readProperties(session, options, request);
  await putStage(session, {
    ...stage,
    ...(properties.format === undefined ? {} : withFormat(properties.format)),
    comment: properties.comment ?? stage.comment,
    hasDirectory: properties.hasDirectory ?? stage.hasDirectory,
  });
  return done('Statement executed successfully.');
}

async function readProperties(
  session: StageSession,
  options: readonly Option[],
  request: StatementRequest,
): Promise<Properties> {
  let properties: Properties = {};
  for (const option of options) {
    switch (option.name) {
      case 'FILE_FORMAT':
        properties = { ...properties, format: await formatOf(session, option, request) };
        break;
      case 'COMMENT':
        properties = { ...properties, comment: optionText(option) };
        break;
      case 'DIRECTORY':
        properties = { ...properties, hasDirectory: isDirectoryEnabled(option, request.sql) };
        break;
      case 'ENCRYPTION':
        checkEncryption(option, request.sql);
        break;
      case 'URL':
      case 'STORAGE_INTEGRATION':
      case 'CREDENTIALS':
      case 'ENDPOINT':
        throw new StatementFailed(
          unsupported('external stages (URL = …); an internal stage holds files here'),
        );
      case 'COPY_OPTIONS':
        throw new StatementFailed(unsupported('COPY_OPTIONS of a stage; name them in COPY INTO'));
      default:
        throw unknownOption(option);
    }
  }
  return properties;
}

function isDirectoryEnabled(option: Option, sql: string): boolean {
  let isEnabled = false;
  for (const inner of nestedOptions(option, sql)) {
    if (inner.name !== 'ENABLE') throw unknownOption(inner);
    isEnabled = optionFlag(inner);
  }
  return isEnabled;
}

/** Files are never encrypted on the client here, which is what SNOWFLAKE_SSE promises; the other type is not refused. */
function checkEncryption(option: Option, sql: string): void {
  for (const inner of nestedOptions(option, sql)) {
    const text = optionText(inner).toUpperCase();
    if (inner.name !== 'TYPE' || !['SNOWFLAKE_FULL', 'SNOWFLAKE_SSE'].includes(text))
      throw unknownOption(inner);
  }
}

async function describe(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const head = objectHead(pieces, 1, request);
  if (head.to !== pieces.length)
    throw new StatementFailed(
      syntaxError(request.sql, pieces[head.to]?.start ?? -1, pieces[head.to]?.value ?? ''),
    );
  const stage = await findStage(session, head.full);
  if (stage === undefined) throw missingStaged('Stage', head.full);
  const columns = textColumns(
    'parent_property',
    'property',
    'property_type',
    'property_value',
    'property_default',
  );
  const format =
    stage.formatName === null
      ? stage.format === undefined
        ? []
        : formatRows(stage.format).map((row) => ['STAGE_FILE_FORMAT', ...row])
      : [['STAGE_FILE_FORMAT', 'FORMAT_NAME', 'String', formatLabel(stage.formatName), '']];
  const rows = [
    ...format,
    ['STAGE_COPY_OPTIONS', 'ON_ERROR', 'String', 'ABORT_STATEMENT', 'ABORT_STATEMENT'],
    ['STAGE_COPY_OPTIONS', 'SIZE_LIMIT', 'Long', '', ''],
    ['STAGE_COPY_OPTIONS', 'PURGE', 'Boolean', 'false', 'false'],
    ['STAGE_LOCATION', 'URL', 'String', '', ''],
    ['DIRECTORY', 'ENABLE', 'Boolean', String(stage.hasDirectory), 'false'],
  ];
  return listing(columns, rows, STATEMENT_TYPES.describe);
}

function formatLabel(stored: string): string {
  const [database = '', schema = '', name = ''] = JSON.parse(stored) as string[];
  return writtenName({ database, schema, name });
}

/** SHOW STAGES, with the columns that Snowflake lists. */
export async function showStages(
  session: StageSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const shown = shownObjects(pieces, 2, request);
  const stages = (await allStages(session)).filter(({ full }) => shown.isShown(full));
  const columns = [
    columnType('created_on', 'timestamp_ltz', { scale: 3 }),
    ...textColumns('name', 'database_name', 'schema_name', 'url', 'has_credentials'),
    ...textColumns('has_encryption_key', 'owner', 'comment', 'region', 'type', 'cloud'),
    ...textColumns('notification_channel', 'storage_integration', 'endpoint', 'owner_role_type'),
    ...textColumns('directory_enabled'),
  ];
  const rows = stages
    .slice(0, shown.limit)
    .map((stage) => [
      instantCell(stage.createdAtMs),
      stage.full.name,
      stage.full.database,
      stage.full.schema,
      '',
      'N',
      'N',
      stage.owner,
      stage.comment,
      null,
      stage.isTemporary ? 'INTERNAL TEMPORARY' : 'INTERNAL',
      null,
      null,
      null,
      null,
      'ROLE',
      stage.hasDirectory ? 'Y' : 'N',
    ]);
  return listing(columns, rows, STATEMENT_TYPES.show);
}
