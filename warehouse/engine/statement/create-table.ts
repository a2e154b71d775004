/** CREATE TABLE in its forms (page "CREATE TABLE"): columns, AS SELECT, LIKE, CLONE; temporary and transient. */
import { failure, objectExists, StatementFailed } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { textNames } from '../sql/column-names.js';
import { withIdentifiers } from '../sql/names-in-text.js';
import { quoteDuckText, quoteName, type Piece } from '../sql/pieces.js';
import { dotted, type FullName } from '../sql/resolve.js';
import { assignedSql } from './assigned-values.js';
import { setNow, sequenceStatement, storedColumns } from './defaults.js';
import { all, exists, instantOf, requireSchema, status, type Head } from './ddl-parts.js';
import { forgetLoads } from '../stages/loads.js';
import { refuseReadOnly } from './read-only.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import {
  columnSql,
  noteStatements,
  placeOf,
  readTable,
  type Place,
  type StoredColumn,
  type StoredTable,
  type TableNotes,
} from './stored-table.js';
import { tableDefinition, type TableDefinition } from './table-definition.js';
import { NOTHING_SCANNED } from './transaction.js';

const TEMPORARY: readonly string[] = ['TEMP', 'TEMPORARY', 'VOLATILE'];

/** Creates the table that `head` names; answers its status, with what a query behind it scanned and wrote. */
export async function createTable(
  session: Session,
  running: Running,
  head: Head,
): Promise<RowsAsText> {
  const definition = definitionOf(running, head);
  const { full } = definition;
  refuseReadOnly(full.database, full.schema);
  await requireSchema(session, full);
  const isTemporary = TEMPORARY.some((word) => head.prefixes.has(word));
  const wasTemporary = session.temporary.has(dotted(full));
  const isThere = await exists(session, full, isTemporary ? 'temporary' : 'permanent');
  if (isThere !== undefined && head.hasIf)
    return status(`${full.name} already exists, statement succeeded.`);
  if (isThere !== undefined && !(head.prefixes.has('REPLACE') && isThere === 'TABLE'))
    throw new StatementFailed(objectExists(full.name));
  const place = placeOf(full, isTemporary);
  const notes: TableNotes = {
    createdAt: instantOf(running),
    ...(definition.comment === undefined ? {} : { comment: definition.comment }),
    ...(definition.clusteringKey === null ? {} : { clusteringKey: definition.clusteringKey }),
    ...(head.prefixes.has('TRANSIENT') ? { isTransient: true } : {}),
    ...(definition.constraints.length === 0 ? {} : { constraints: definition.constraints }),
  };
  await setNow(session, running);
  // What the query behind reads is found before the new table hides an old one of its name.
  const make = await maker(session, running, definition, place, notes);
  if (isTemporary) session.temporary.add(dotted(full));
  try {
    const scan = await make();
    if (isThere !== undefined) await forgetLoads(session, full);
    return { ...status(`Table ${full.name} successfully created.`), scan };
  } catch (cause) {
    if (isTemporary && !wasTemporary) session.temporary.delete(dotted(full));
    throw cause;
  }
}

/** Columns are read before the time is put in, which their defaults keep open; queries after it. */
function definitionOf(running: Running, head: Head): TableDefinition {
  const known = tableDefinition(running.pieces, head.nameAt, running.request);
  if (known.columns.every((column) => column.default === undefined)) return known;
  const source = withIdentifiers(running.source);
  const { columns } = tableDefinition(source, head.nameAt, running.request);
  return { ...known, columns };
}

type Make = () => Promise<RowsAsText['scan']>;

async function maker(
  session: Session,
  running: Running,
  definition: TableDefinition,
  place: Place,
  notes: TableNotes,
): Promise<Make> {
  const { copies, query } = definition;
  if (copies !== undefined) {
    const source = await session.translate(running, copies.query);
    const table = await readTable(session, sourcePlace(session, running));
    const statements = copyStatements(
      place,
      definition.full,
      copies.hasRows ? await countingOn(session, table) : table,
      notes,
      copies.hasRows ? source : undefined,
    );
    return async () => {
      await all(session, statements);
      return NOTHING_SCANNED;
    };
  }
  const { columns, sequences } = await storedColumns(
    session,
    running,
    definition.full,
    definition.columns,
  );
  if (query === undefined)
    return async () => {
      await all(session, [
        ...sequences,
        createSql(place, columns),
        ...noteStatements('TABLE', place.target, { columns, notes }),
      ]);
      return NOTHING_SCANNED;
    };
  return await selecting(session, running, definition, place, { columns, notes });
}

function createSql(place: Place, columns: readonly StoredColumn[]): string {
  if (columns.length === 0)
    throw new StatementFailed(
      failure('001003', '42000', 'SQL compilation error:\nMissing column specification'),
    );
  return `CREATE OR REPLACE ${place.catalog === 'temp' ? 'TEMP ' : ''}TABLE ${place.target} (${columnSql(columns)})`;
}

/** The place of the only table that the query of LIKE or CLONE reads. */
function sourcePlace(session: Session, running: Running): Place {
  const full = running.mentions[0]?.full ?? { database: '', schema: '', name: '' };
  return placeOf(full, session.temporary.has(dotted(full)));
}

/** The table with IDENTITY columns that go on from where those of a clone's source stand. */
async function countingOn(session: Session, table: StoredTable): Promise<StoredTable> {
  const columns: StoredColumn[] = [];
  for (const column of table.columns) {
    const { identity } = column.notes;
    const found =
      identity === undefined
        ? undefined
        : await session.connection.runAndReadAll(
            `SELECT coalesce(last_value + increment_by, start_value)::VARCHAR FROM duckdb_sequences() WHERE contains(${quoteDuckText(column.default ?? '')}, sequence_name) AND schema_name = 'tollgate'`,
          );
    const next = Number(found?.getRows()[0]?.[0]);
    columns.push(
      identity === undefined || !Number.isSafeInteger(next)
        ? column
        : { ...column, notes: { ...column.notes, identity: { ...identity, start: next } } },
    );
  }
  return { ...table, columns };
}

function copyStatements(
  place: Place,
  full: FullName,
  table: StoredTable,
  notes: TableNotes,
  rows: string | undefined,
): readonly string[] {
  if (table.columns.length === 0) {
    // A view has no stored columns of its own: only tables are cloned or copied.
    throw new StatementFailed(
      failure(
        '002003',
        '02000',
        `SQL compilation error:\nTable '${full.name}' does not exist or not authorized.`,
      ),
    );
  }
  const sequences: string[] = [];
  const columns = table.columns.map((column, index) => {
    const { identity } = column.notes;
    if (identity === undefined) return column;
    const name = `warehouse.tollgate.${quoteName(`identity ${dotted(full)} ${index} ${Date.now().toString(36)}`)}`;
    sequences.push(sequenceStatement(name, identity.start, identity.step));
    return { ...column, default: `nextval('${name.replaceAll("'", "''")}')` };
  });
  const { createdAt: _, ...kept } = table.notes;
  const all = { columns, notes: { ...kept, ...notes } };
  return [
    ...sequences,
    // The rows are read before the table that may be replaced is gone.
    ...(rows === undefined ? [] : [`CREATE OR REPLACE TEMP TABLE "tg clone" AS ${rows}`]),
    createSql(place, columns),
    ...(rows === undefined
      ? []
      : [
          `INSERT INTO ${place.target} FROM temp.main."tg clone"`,
          `DROP TABLE temp.main."tg clone"`,
        ]),
    ...noteStatements('TABLE', place.target, all),
  ];
}

async function selecting(
  session: Session,
  running: Running,
  definition: TableDefinition,
  place: Place,
  { columns, notes }: StoredTable,
): Promise<Make> {
  const { query = [], names, full } = definition;
  const isNamed = names.length > 0 || columns.length > 0;
  if (!isNamed) requireNames(query, running.request.sql);
  const duckSql = await session.translate(running, query);
  const scans = await session.statistics.scansOf(session.connection, duckSql);
  const width = await widthOf(session, duckSql);
  const given = columns.length > 0 ? columns.length : names.length;
  if (isNamed && given !== width)
    throw new StatementFailed(
      failure('002026', '42601', 'SQL compilation error:\nInvalid column definition list'),
    );
  const listed = names.length === 0 ? '' : ` AS q(${names.map(quoteName).join(', ')})`;
  const selected = names.length === 0 ? duckSql : `SELECT * FROM (${duckSql})${listed}`;
  const kind = place.catalog === 'temp' ? 'TEMP ' : '';
  return async () => {
    await session.connection.run('BEGIN');
    try {
      let rows: number;
      if (columns.length > 0) {
        await session.connection.run(`CREATE OR REPLACE TEMP TABLE "tg selected" AS ${selected}`);
        await session.connection.run(createSql(place, columns));
        const own = columns.map((_, at) => `c${at + 1}`);
        const values = columns.map((column, at) => assignedSql(own[at] ?? '', column));
        const result = await session.connection.run(
          `INSERT INTO ${place.target} SELECT ${values.join(', ')} FROM temp.main."tg selected" AS q(${own.join(', ')})`,
        );
        await session.connection.run(`DROP TABLE temp.main."tg selected"`);
        rows = result.rowsChanged;
      } else {
        const result = await session.connection.run(
          `CREATE OR REPLACE ${kind}TABLE ${place.target} AS ${selected}`,
        );
        rows = result.rowsChanged;
      }
      for (const statement of noteStatements('TABLE', place.target, { columns, notes }))
        await session.connection.run(statement);
      await session.connection.run('COMMIT');
      const schema = place.catalog === 'temp' ? 'temp' : place.schema;
      const bytes = await session.statistics.bytesOf(session.connection, schema, full.name, rows);
      return session.statistics.profile(scans, bytes);
    } catch (cause) {
      await session.connection.run('ROLLBACK');
      throw cause;
    }
  };
}

/** Throws 002022 when an item of the query's list has no name: Snowflake makes no column of `1 + 1`. */
export function requireNames(query: readonly Piece[], sql: string): void {
  if (textNames(query, sql).some((name) => name !== undefined && name !== '*'))
    throw new StatementFailed(
      failure('002022', '42601', 'SQL compilation error:\nMissing column specification'),
    );
}

/** Columns of the query. */
async function widthOf(session: Session, duckSql: string): Promise<number> {
  const prepared = await session.connection.prepare(duckSql);
  const count = prepared.columnCount;
  prepared.destroySync();
  return count;
}
