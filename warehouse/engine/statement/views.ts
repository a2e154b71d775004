/** CREATE VIEW and DROP VIEW (page "CREATE VIEW"); materialised views are refused. */
import { failure, objectExists, StatementFailed, unsupported } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { quoteDuckText, quoteName } from '../sql/pieces.js';
import { dotted, type FullName } from '../sql/resolve.js';
import { requireNames } from './create-table.js';
import { all, exists, instantOf, missing, requireSchema, status, type Head } from './ddl-parts.js';
import { refuseReadOnly } from './read-only.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { noteStatements, placeOf, type TableNotes } from './stored-table.js';
import { tableDefinition } from './table-definition.js';

const TEMPORARY: readonly string[] = ['TEMP', 'TEMPORARY', 'VOLATILE'];

/** What of the session's own objects has the name: a table and a view share it. */
async function temporaryView(
  session: Session,
  full: FullName,
): Promise<'TABLE' | 'VIEW' | undefined> {
  if (!session.temporary.has(dotted(full))) return undefined;
  const found = await session.connection.runAndReadAll(
    `SELECT 1 FROM duckdb_views() WHERE database_name = 'temp' AND schema_name = 'main' AND view_name = ${quoteDuckText(full.name)}`,
  );
  return found.currentRowCount > 0 ? 'VIEW' : 'TABLE';
}

/** Runs the definition of a view. */
export async function view(session: Session, running: Running, head: Head): Promise<RowsAsText> {
  const definition = tableDefinition(running.pieces, head.nameAt, running.request);
  const { full } = definition;
  refuseReadOnly(full.database, full.schema);
  const isTemporary =
    head.verb === 'CREATE'
      ? TEMPORARY.some((word) => head.prefixes.has(word))
      : session.temporary.has(dotted(full));
  const { target } = placeOf(full, isTemporary);
  const there = isTemporary
    ? await temporaryView(session, full)
    : await exists(session, full, 'permanent');
  if (head.verb === 'DROP') {
    if (there === undefined && head.hasIf)
      return status(`Drop statement executed successfully (${full.name} already dropped).`);
    if (there !== 'VIEW') throw missing('View', dotted(full));
    await session.connection.run(`DROP VIEW ${target}`);
    session.temporary.delete(dotted(full));
    return status(`${full.name} successfully dropped.`);
  }
  if (head.verb !== 'CREATE' || definition.query === undefined)
    throw new StatementFailed(unsupported(`${head.verb} VIEW in this form`));
  await requireSchema(session, full);
  if (there !== undefined && head.hasIf)
    return status(`${full.name} already exists, statement succeeded.`);
  if (there !== undefined && !(head.prefixes.has('REPLACE') && there === 'VIEW'))
    throw new StatementFailed(objectExists(full.name));
  const { query, names, comment } = definition;
  if (names.length === 0) requireNames(query, running.request.sql);
  const duckSql = await session.translate(running, query);
  if (
    !isTemporary &&
    running.mentions.some((mention) => session.temporary.has(dotted(mention.full)))
  )
    throw new StatementFailed(unsupported('a view over temporary tables'));
  await requireWidth(session, duckSql, names.length);
  const columns = names.length === 0 ? '' : ` (${names.map(quoteName).join(', ')})`;
  const notes: TableNotes = {
    createdAt: instantOf(running),
    text: running.request.sql,
    ...(comment === undefined ? {} : { comment }),
    ...(head.prefixes.has('SECURE') ? { isSecure: true } : {}),
  };
  await all(session, [
    `CREATE OR REPLACE ${isTemporary ? 'TEMP ' : ''}VIEW ${target}${columns} AS ${duckSql}`,
    ...noteStatements('VIEW', target, { columns: [], notes }),
  ]);
  if (isTemporary) session.temporary.add(dotted(full));
  return status(`View ${full.name} successfully created.`);
}

/** Throws 002026 when the view names another number of columns than its query has. */
async function requireWidth(session: Session, duckSql: string, names: number): Promise<void> {
  if (names === 0) return;
  const prepared = await session.connection.prepare(duckSql);
  const count = prepared.columnCount;
  prepared.destroySync();
  if (count !== names)
    throw new StatementFailed(
      failure('002026', '42601', 'SQL compilation error:\nInvalid column definition list'),
    );
}
