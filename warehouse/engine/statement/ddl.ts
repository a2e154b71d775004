/** CREATE, DROP, ALTER, TRUNCATE: databases and schemas by our own reading, tables and views through translation. */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { databaseStatements, duckSchema, schemaStatements } from '../database.js';
import {
  failure,
  missingContainer,
  objectExists,
  StatementFailed,
  unsupported,
} from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { isSymbol, isWord, quoteDuckText, quoteName, type Piece } from '../sql/pieces.js';
import { dotted, fullSchema, type FullName } from '../sql/resolve.js';
import { forgetContainer } from '../stages/catalogue.js';
import { forgetLoads } from '../stages/loads.js';
import { listDatabases, listSchemas } from '../statistics/catalogue.js';
import { tableDefinition, type TableDefinition } from './table-definition.js';
import { refuseReadOnly } from './read-only.js';
import type { Running, Session } from './session.js';
import { NOTHING_SCANNED, statusRow } from './transaction.js';

const PREFIXES: ReadonlySet<string> = new Set([
  'OR',
  'REPLACE',
  'TRANSIENT',
  'TEMP',
  'TEMPORARY',
  'VOLATILE',
  'LOCAL',
  'GLOBAL',
  'SECURE',
  'RECURSIVE',
]);

interface Head {
  readonly verb: string;
  /** DATABASE, SCHEMA, TABLE, VIEW or what else is named. */
  readonly object: string;
  readonly prefixes: ReadonlySet<string>;
  readonly hasIf: boolean;
  /** First piece of the name. */
  readonly nameAt: number;
}

/** Runs a definition; answers one `status` row. */
export async function runDdl(session: Session, running: Running): Promise<RowsAsText> {
  const head = headOf(running.pieces);
  session.statistics.changed();
  switch (head.object) {
    case 'DATABASE':
    case 'SCHEMA':
      return await container(session, running, head);
    case 'TABLE':
      if (head.verb === 'CREATE') return await createTable(session, running, head);
      return await alterTable(session, running, head);
    case 'VIEW':
      return await view(session, running, head);
    default:
      throw new StatementFailed(unsupported(`${head.verb} ${head.object}`));
  }
}

function headOf(pieces: readonly Piece[]): Head {
  const prefixes = new Set<string>();
  let at = 1;
  while (PREFIXES.has(pieces[at]?.value ?? '')) prefixes.add(pieces[at++]?.value ?? '');
  const verb = pieces[0]?.value ?? '';
  const isBareTruncate = verb === 'TRUNCATE' && !isWord(pieces, at, 'TABLE');
  const object = isBareTruncate ? 'TABLE' : (pieces[at]?.value ?? '');
  if (!isBareTruncate) at += 1;
  const hasIf = isWord(pieces, at, 'IF');
  if (hasIf) at += isWord(pieces, at + 1, 'NOT') ? 3 : 2;
  return { verb, object, prefixes, hasIf, nameAt: at };
}

function nameParts(pieces: readonly Piece[], at: number): readonly string[] {
  const parts = [pieces[at]?.value ?? ''];
  for (let index = at + 1; isSymbol(pieces, index, '.'); index += 2)
    parts.push(pieces[index + 1]?.value ?? '');
  return parts;
}

async function container(session: Session, running: Running, head: Head): Promise<RowsAsText> {
  const parts = nameParts(running.pieces, head.nameAt);
  const isDatabase = head.object === 'DATABASE';
  const { database, name } = isDatabase
    ? { database: parts[0] ?? '', name: '' }
    : fullSchema(parts, running.request);
  refuseReadOnly(database, name);
  if (database.includes('.'))
    throw new StatementFailed(unsupported('a dot inside a database or schema name'));
  const databases = await listDatabases(session.connection);
  const schemas = (await listSchemas(session.connection, database)).map((schema) => schema.name);
  const exists = isDatabase ? databases.includes(database) : schemas.includes(name);
  const kind = isDatabase ? 'Database' : 'Schema';
  const label = isDatabase ? database : name;
  const drops = (isDatabase ? schemas : [name]).map(
    (schema) => `DROP SCHEMA ${quoteName(duckSchema(database, schema))} CASCADE`,
  );
  const forgotten = forgetContainer(database, isDatabase ? undefined : name);
  if (!isDatabase && !databases.includes(database))
    throw new StatementFailed(missingContainer('Database', database));
  if (head.verb === 'DROP') {
    if (!exists && !head.hasIf) throw new StatementFailed(missingContainer(kind, label));
    if (!exists) return status(`Drop statement executed successfully (${label} already dropped).`);
    await all(session, [...drops, ...forgotten]);
    return status(`${label} successfully dropped.`);
  }
  if (head.verb !== 'CREATE') throw new StatementFailed(unsupported(`${head.verb} ${head.object}`));
  const current = isDatabase ? { database, schema: 'PUBLIC' } : { database, schema: name };
  if (exists && head.hasIf)
    return { ...status(`${label} already exists, statement succeeded.`), ...current };
  if (exists && !head.prefixes.has('REPLACE')) throw new StatementFailed(objectExists(label));
  await all(session, [
    ...(exists ? [...drops, ...forgotten] : []),
    ...(isDatabase ? databaseStatements(database) : schemaStatements(database, name)),
  ]);
  return { ...status(`${kind} ${label} successfully created.`), ...current };
}

/** Runs statements in one transaction: the session's own has been committed by now. */
async function all(session: Session, statements: readonly string[]): Promise<void> {
  await session.connection.run('BEGIN');
  try {
    for (const statement of statements) await session.connection.run(statement);
    await session.connection.run('COMMIT');
  } catch (cause) {
    await session.connection.run('ROLLBACK');
    throw cause;
  }
}

async function createTable(session: Session, running: Running, head: Head): Promise<RowsAsText> {
  const definition = tableDefinition(running.pieces, head.nameAt, running.request);
  const { full } = definition;
  refuseReadOnly(full.database, full.schema);
  const isTemporary = ['TEMP', 'TEMPORARY', 'VOLATILE'].some((word) => head.prefixes.has(word));
  const label = full.name;
  await requireSchema(session, full);
  const wasTemporary = session.temporary.has(dotted(full));
  if (isTemporary) session.temporary.add(dotted(full));
  else if (wasTemporary) throw new StatementFailed(objectExists(dotted(full)));
  try {
    if (head.hasIf && (await exists(session, full, isTemporary)))
      return status(`${label} already exists, statement succeeded.`);
    const replace = head.prefixes.has('REPLACE') ? 'OR REPLACE ' : '';
    const scan = await define(
      session,
      running,
      `CREATE ${replace}${isTemporary ? 'TEMPORARY ' : ''}TABLE`,
      definition,
    );
    if (!isTemporary) await remember(session, full, definition.clusteringKey);
    return { ...status(`Table ${label} successfully created.`), scan };
  } catch (cause) {
    if (isTemporary && !wasTemporary) session.temporary.delete(dotted(full));
    throw cause;
  }
}

async function define(
  session: Session,
  running: Running,
  create: string,
  definition: TableDefinition,
): Promise<RowsAsText['scan']> {
  const { full } = definition;
  const isTemporary = session.temporary.has(dotted(full));
  const target = isTemporary
    ? `temp.main.${quoteName(full.name)}`
    : `${quoteName(`${full.database}.${full.schema}`)}.${quoteName(full.name)}`;
  if (definition.copies !== undefined) {
    const source = await session.translate(running, definition.copies.query);
    await session.connection.run(
      `${create} ${target} AS ${source}${definition.copies.hasRows ? '' : ' LIMIT 0'}`,
    );
    return NOTHING_SCANNED;
  }
  const columns = definition.columns.length === 0 ? '' : ` (${definition.columns.join(', ')})`;
  if (definition.query === undefined) {
    await session.connection.run(`${create} ${target}${columns}`);
    return NOTHING_SCANNED;
  }
  const query = await session.translate(running, definition.query);
  const scans = await session.statistics.scansOf(session.connection, query);
  const result = await session.connection.run(`${create} ${target} AS ${query}`);
  const schema = isTemporary ? 'temp' : `${full.database}.${full.schema}`;
  const bytesWritten = await session.statistics.bytesOf(
    session.connection,
    schema,
    full.name,
    result.rowsChanged,
  );
  return session.statistics.profile(scans, bytesWritten);
}

async function remember(
  session: Session,
  full: FullName,
  clusteringKey: string | null,
): Promise<void> {
  const values = [full.database, full.schema, full.name].map(quoteDuckText).join(', ');
  await session.connection.run(
    `INSERT INTO tollgate.created VALUES (${values}, now(), ${clusteringKey === null ? 'NULL' : quoteDuckText(clusteringKey)})`,
  );
}

async function exists(session: Session, full: FullName, isTemporary: boolean): Promise<boolean> {
  const found = await session.connection.runAndReadAll(
    isTemporary
      ? `SELECT count(*)::INTEGER FROM duckdb_tables() WHERE database_name = 'temp' AND table_name = ${quoteDuckText(full.name)}`
      : `SELECT count(*)::INTEGER FROM tollgate.all_tables WHERE table_database = ${quoteDuckText(full.database)}
           AND table_schema = ${quoteDuckText(full.schema)} AND table_name = ${quoteDuckText(full.name)}`,
  );
  return found.getRows()[0]?.[0] !== 0;
}

async function requireSchema(session: Session, full: FullName): Promise<void> {
  const schemas = await listSchemas(session.connection, full.database);
  if (!schemas.some(({ name }) => name === full.schema))
    throw new StatementFailed(missingContainer('Schema', `${full.database}.${full.schema}`));
}

/** DROP, TRUNCATE and ALTER of a table. */
async function alterTable(session: Session, running: Running, head: Head): Promise<RowsAsText> {
  const { full } = tableDefinition(
    running.pieces.slice(0, nameEnd(running.pieces, head.nameAt)),
    head.nameAt,
    running.request,
  );
  refuseReadOnly(full.database, full.schema);
  const isTemporary = session.temporary.has(dotted(full));
  const target = isTemporary
    ? `temp.main.${quoteName(full.name)}`
    : `${quoteName(`${full.database}.${full.schema}`)}.${quoteName(full.name)}`;
  if (!(await exists(session, full, isTemporary))) {
    if (head.hasIf)
      return status(`Drop statement executed successfully (${full.name} already dropped).`);
    throw new StatementFailed(
      failure(
        WIRE_CODES.objectMissing,
        '42S02',
        `SQL compilation error:\nTable '${dotted(full)}' does not exist or not authorized.`,
      ),
    );
  }
  switch (head.verb) {
    case 'DROP':
      await session.connection.run(`DROP TABLE ${target}`);
      session.temporary.delete(dotted(full));
      return status(`${full.name} successfully dropped.`);
    case 'TRUNCATE':
      await session.connection.run(`TRUNCATE ${target}`);
      await forgetLoads(session, full);
      return status('Statement executed successfully.');
    default:
      await alter(session, running, nameEnd(running.pieces, head.nameAt), target);
      return status('Statement executed successfully.');
  }
}

function nameEnd(pieces: readonly Piece[], at: number): number {
  let end = at + 1;
  while (isSymbol(pieces, end, '.')) end += 2;
  return end;
}

/** RENAME TO, RENAME COLUMN, ADD COLUMN, DROP COLUMN: DuckDB's forms are the same. */
async function alter(
  session: Session,
  running: Running,
  at: number,
  target: string,
): Promise<void> {
  const rest = running.pieces.slice(at);
  const words = rest.map(({ value }) => value).join(' ');
  if (words.startsWith('RENAME TO ')) {
    const last = rest.at(-1);
    await session.connection.run(`ALTER TABLE ${target} RENAME TO ${quoteName(last?.value ?? '')}`);
    return;
  }
  const column = (index: number): string => quoteName(rest[index]?.value ?? '');
  if (/^RENAME COLUMN \S+ TO /.test(words)) {
    await session.connection.run(
      `ALTER TABLE ${target} RENAME COLUMN ${column(2)} TO ${column(4)}`,
    );
    return;
  }
  if (/^DROP COLUMN \S+$/.test(words)) {
    await session.connection.run(`ALTER TABLE ${target} DROP COLUMN ${column(2)}`);
    return;
  }
  if (/^ADD (?:COLUMN )?/.test(words)) {
    const from = isWord(rest, 1, 'COLUMN') ? 2 : 1;
    const { columns } = tableDefinition(
      [...opened(rest[0]), ...rest.slice(from), closed(rest[0])],
      0,
      { database: 'D', schema: 'S' },
    );
    for (const each of columns)
      await session.connection.run(`ALTER TABLE ${target} ADD COLUMN ${each}`);
    return;
  }
  throw new StatementFailed(unsupported(`ALTER TABLE … ${words.slice(0, 40)}`));
}

const opened = (at: Piece | undefined): readonly Piece[] => [
  { kind: 'word', text: 'T', value: 'T', start: at?.start ?? -1, isSpaced: true },
  { kind: 'symbol', text: '(', value: '(', start: -1, isSpaced: false },
];
const closed = (at: Piece | undefined): Piece => ({
  kind: 'symbol',
  text: ')',
  value: ')',
  start: at?.start ?? -1,
  isSpaced: false,
});

async function view(session: Session, running: Running, head: Head): Promise<RowsAsText> {
  const definition = tableDefinition(running.pieces, head.nameAt, running.request);
  const { full } = definition;
  refuseReadOnly(full.database, full.schema);
  const target = `${quoteName(`${full.database}.${full.schema}`)}.${quoteName(full.name)}`;
  const isThere = await exists(session, full, false);
  if (head.verb === 'DROP') {
    if (!isThere && head.hasIf)
      return status(`Drop statement executed successfully (${full.name} already dropped).`);
    if (!isThere)
      throw new StatementFailed(
        failure(
          WIRE_CODES.objectMissing,
          '42S02',
          `SQL compilation error:\nView '${dotted(full)}' does not exist or not authorized.`,
        ),
      );
    await session.connection.run(`DROP VIEW ${target}`);
    return status(`${full.name} successfully dropped.`);
  }
  if (head.verb !== 'CREATE' || definition.query === undefined)
    throw new StatementFailed(unsupported(`${head.verb} VIEW in this form`));
  await requireSchema(session, full);
  if (isThere && head.hasIf) return status(`${full.name} already exists, statement succeeded.`);
  const query = await session.translate(running, definition.query);
  const names =
    definition.viewColumns.length === 0
      ? ''
      : ` (${definition.viewColumns.map(quoteName).join(', ')})`;
  await session.connection.run(
    `CREATE ${head.prefixes.has('REPLACE') ? 'OR REPLACE ' : ''}VIEW ${target}${names} AS ${query}`,
  );
  await remember(session, full, null);
  return status(`View ${full.name} successfully created.`);
}

function status(text: string): RowsAsText {
  return statusRow(text, STATEMENT_TYPES.ddl);
}
