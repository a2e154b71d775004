/** CREATE, DROP of databases and schemas (pages "CREATE DATABASE", "CREATE SCHEMA"); CLONE copies their tables. */
import { databaseStatements, duckSchema, schemaStatements } from '../database.js';
import { missingContainer, objectExists, StatementFailed, unsupported } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { isWord, quoteDuckText, quoteName } from '../sql/pieces.js';
import { fullSchema } from '../sql/resolve.js';
import { forgetContainer } from '../stages/catalogue.js';
import { listDatabases, listSchemas } from '../statistics/catalogue.js';
import { all, status, type Head } from './ddl-parts.js';
import { refuseReadOnly } from './read-only.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { noteStatements, placeOf, readTable, rebuildStatements } from './stored-table.js';
import { nameParts } from './table-definition.js';

/** Runs the definition of a database or schema. */
export async function container(
  session: Session,
  running: Running,
  head: Head,
): Promise<RowsAsText> {
  const { parts, to } = nameParts(running.pieces, head.nameAt);
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
  const drops = [
    ...(isDatabase ? schemas : [name]).map(
      (schema) => `DROP SCHEMA ${quoteName(duckSchema(database, schema))} CASCADE`,
    ),
    ...forgetContainer(database, isDatabase ? undefined : name),
  ];
  if (!isDatabase && !databases.includes(database))
    throw new StatementFailed(missingContainer('Database', database));
  if (head.verb === 'DROP') {
    if (!exists && !head.hasIf) throw new StatementFailed(missingContainer(kind, label));
    if (!exists) return status(`Drop statement executed successfully (${label} already dropped).`);
    await all(session, drops);
    return status(`${label} successfully dropped.`);
  }
  if (head.verb !== 'CREATE') throw new StatementFailed(unsupported(`${head.verb} ${head.object}`));
  const current = isDatabase ? { database, schema: 'PUBLIC' } : { database, schema: name };
  if (exists && head.hasIf)
    return { ...status(`${label} already exists, statement succeeded.`), ...current };
  if (exists && !head.prefixes.has('REPLACE')) throw new StatementFailed(objectExists(label));
  if (!isDatabase && quoteless(running, to))
    throw new StatementFailed(unsupported('CREATE SCHEMA with these options'));
  const clones = isWord(running.pieces, to, 'CLONE')
    ? await cloneStatements(session, running, isDatabase, to + 1, current)
    : [];
  await all(session, [
    ...(exists ? drops : []),
    ...(isDatabase ? databaseStatements(database) : schemaStatements(database, name)),
    ...clones,
  ]);
  return { ...status(`${kind} ${label} successfully created.`), ...current };
}

/** FROM and other sources of a schema that are not copied here. */
function quoteless(running: Running, to: number): boolean {
  return isWord(running.pieces, to, 'FROM');
}

/** Statements that copy the tables of the source into the new container. Throws for sources with views, whose texts name the old one. */
async function cloneStatements(
  session: Session,
  running: Running,
  isDatabase: boolean,
  at: number,
  target: { readonly database: string; readonly schema: string },
): Promise<readonly string[]> {
  const { parts, to } = nameParts(running.pieces, at);
  if (to < running.pieces.length) throw new StatementFailed(unsupported('CLONE with options'));
  const source = isDatabase
    ? { database: parts[0] ?? '', name: undefined }
    : fullSchema(parts, running.request);
  const found = await listSchemas(session.connection, source.database);
  const schemas = found
    .map(({ name }) => name)
    .filter(
      (name) =>
        name !== 'INFORMATION_SCHEMA' && (source.name === undefined || name === source.name),
    );
  if (schemas.length === 0)
    throw new StatementFailed(
      missingContainer(isDatabase ? 'Database' : 'Schema', source.name ?? source.database),
    );
  const statements: string[] = [];
  for (const schema of schemas) {
    const newSchema = isDatabase ? schema : target.schema;
    if (isDatabase && schema !== 'PUBLIC')
      statements.push(...schemaStatements(target.database, schema));
    const tables = await session.connection.runAndReadAll(
      `SELECT table_name, table_type FROM tollgate.all_tables WHERE table_database = ${quoteDuckText(source.database)} AND table_schema = ${quoteDuckText(schema)}`,
    );
    for (const [name, type] of tables.getRows()) {
      if (type === 'VIEW') throw new StatementFailed(unsupported('CLONE of a schema with views'));
      const from = placeOf({ database: source.database, schema, name: String(name) }, false);
      const to = placeOf(
        { database: target.database, schema: newSchema, name: String(name) },
        false,
      );
      const table = await readTable(session, from);
      if (table.columns.some(({ notes }) => notes.identity !== undefined))
        throw new StatementFailed(unsupported('CLONE of a schema with IDENTITY columns'));
      statements.push(`CREATE TABLE ${to.target} AS FROM ${from.target}`);
      const names = table.columns.map((column) => quoteName(column.name));
      statements.push(
        ...rebuildStatements(to, table, names),
        ...noteStatements('TABLE', to.target, table),
      );
    }
  }
  return statements;
}
