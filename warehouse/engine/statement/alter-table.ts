/** ALTER TABLE (page "ALTER TABLE"): a table gets new columns by being made anew with its rows, which is one path for every change. */
import {
  failure,
  invalidIdentifier,
  objectExists,
  StatementFailed,
  unsupported,
} from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import {
  closing,
  isSymbol,
  isWord,
  quoteName,
  render,
  splitAtCommas,
  type Piece,
} from '../sql/pieces.js';
import { dotted, fullName, type FullName } from '../sql/resolve.js';
import { duckType } from '../sql/types.js';
import { columnDefinition, sizeOf } from './column-definition.js';
import { tableConstraint } from './constraints.js';
import { defaultSql, setNow, storedColumns } from './defaults.js';
import { all, exists, missing, requireSchema, status } from './ddl-parts.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import {
  noteStatements,
  placeOf,
  readTable,
  rebuildStatements,
  type Place,
  type StoredColumn,
  type StoredTable,
} from './stored-table.js';
import { nameParts } from './table-definition.js';

const DONE = 'Statement executed successfully.';

/** One change: the table as it shall be and, for each column, the expression over the old table that fills it. */
interface Change {
  readonly table: StoredTable;
  readonly values?: readonly string[];
  /** Statements to run before. */
  readonly before?: readonly string[];
}

/** Changes the table `full`, whose name ends before piece `at`. Throws StatementFailed for forms that are not kept. */
export async function alterTable(
  session: Session,
  running: Running,
  full: FullName,
  at: number,
): Promise<RowsAsText> {
  const { pieces } = running;
  const isTemporary = session.temporary.has(dotted(full));
  const place = placeOf(full, isTemporary);
  if (isWord(pieces, at, 'RENAME') && isWord(pieces, at + 1, 'TO'))
    return await rename(session, running, full, at + 2);
  if (isWord(pieces, at, 'SWAP') && isWord(pieces, at + 1, 'WITH'))
    return await swap(session, running, full, at + 2);
  await setNow(session, running);
  const table = await readTable(session, place);
  const change = await changeOf(session, running, full, table, at);
  if (change === undefined) return status(DONE);
  const statements =
    change.values === undefined
      ? noteStatements('TABLE', place.target, change.table)
      : rebuildStatements(place, change.table, change.values);
  await all(session, [...(change.before ?? []), ...statements]);
  return status(DONE);
}

async function changeOf(
  session: Session,
  running: Running,
  full: FullName,
  table: StoredTable,
  at: number,
): Promise<Change | undefined> {
  const { pieces } = running;
  const word = pieces[at]?.value ?? '';
  switch (word) {
    case 'ADD':
      return await add(session, running, full, table, at + 1);
    case 'DROP':
      return drop(running, table, at + 1);
    case 'RENAME':
      return renameColumn(running, table, at + 1);
    case 'ALTER':
    case 'MODIFY':
      return await modify(session, running, table, at + 1);
    case 'CLUSTER': {
      const key = `LINEAR(${render(pieces.slice(at + 3, closing(pieces, at + 2)))})`;
      return { table: { ...table, notes: { ...table.notes, clusteringKey: key } } };
    }
    case 'SUSPEND':
    case 'RESUME':
      return undefined;
    case 'SET':
    case 'UNSET':
      return settings(pieces, table, at);
    default:
      throw new StatementFailed(unsupported(`ALTER TABLE … ${word}`));
  }
}

/** SET and UNSET: the comment is kept, retention and the like mean nothing here. */
function settings(pieces: readonly Piece[], table: StoredTable, at: number): Change | undefined {
  const name = pieces[at + 1]?.value ?? '';
  if (name === 'COMMENT') {
    const { comment: _, ...rest } = table.notes;
    const text = isWord(pieces, at, 'SET') ? pieces[at + 3]?.value : undefined;
    return { table: { ...table, notes: text === undefined ? rest : { ...rest, comment: text } } };
  }
  const isHarmless = [
    'DATA_RETENTION_TIME_IN_DAYS',
    'MAX_DATA_EXTENSION_TIME_IN_DAYS',
    'CHANGE_TRACKING',
  ];
  if (isHarmless.includes(name)) return undefined;
  throw new StatementFailed(unsupported(`ALTER TABLE … ${pieces[at]?.value ?? ''} ${name}`));
}

const same = (columns: readonly StoredColumn[]): readonly string[] =>
  columns.map(({ name }) => quoteName(name));

async function add(
  session: Session,
  running: Running,
  full: FullName,
  table: StoredTable,
  from: number,
): Promise<Change | undefined> {
  const { pieces } = running;
  if (['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN'].includes(pieces[from]?.value ?? '')) {
    const constraints = [
      ...(table.notes.constraints ?? []),
      tableConstraint(pieces, from, pieces.length),
    ];
    return { table: { ...table, notes: { ...table.notes, constraints } } };
  }
  const listed = splitAtCommas(
    pieces,
    isWord(pieces, from, 'COLUMN') ? from + 1 : from,
    pieces.length,
  );
  const definitions = [];
  let hasIf = false;
  for (const [start, end] of listed) {
    let at = isWord(pieces, start, 'COLUMN') ? start + 1 : start;
    if (isWord(pieces, at, 'IF')) {
      hasIf = true;
      at += 3;
    }
    definitions.push(columnDefinition(pieces, at, end));
  }
  const isThere = (name: string): boolean => table.columns.some((column) => column.name === name);
  const taken = definitions.find(({ name }) => isThere(name));
  if (taken !== undefined && !hasIf) throw new StatementFailed(columnExists(taken.name));
  const fresh = definitions.filter(({ name }) => !isThere(name));
  if (fresh.length === 0) return undefined;
  const { columns, sequences } = await storedColumns(session, running, full, fresh);
  return {
    table: { ...table, columns: [...table.columns, ...columns] },
    values: [
      ...same(table.columns),
      ...columns.map((column) => column.default ?? `CAST(NULL AS ${column.duckType})`),
    ],
    before: sequences,
  };
}

/** `001430`: the table has a column of that name. */
function columnExists(name: string): ReturnType<typeof failure> {
  return failure('001430', '42601', `SQL compilation error:\ncolumn '${name}' already exists`);
}

function drop(running: Running, table: StoredTable, from: number): Change | undefined {
  const { pieces } = running;
  if (isWord(pieces, from, 'CLUSTERING')) {
    const { clusteringKey: _, ...notes } = table.notes;
    return { table: { ...table, notes } };
  }
  if (['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN'].includes(pieces[from]?.value ?? ''))
    return dropConstraint(pieces, table, from);
  let at = isWord(pieces, from, 'COLUMN') ? from + 1 : from;
  const hasIf = isWord(pieces, at, 'IF');
  if (hasIf) at += 2;
  const names = splitAtCommas(pieces, at, pieces.length).map(([start]) => start);
  const dropped = names.filter((start) => {
    const isThere = table.columns.some(({ name }) => name === pieces[start]?.value);
    if (!isThere && !hasIf) throw noColumn(running, start);
    return isThere;
  });
  if (dropped.length === 0) return undefined;
  const gone = new Set(dropped.map((start) => pieces[start]?.value ?? ''));
  const columns = table.columns.filter(({ name }) => !gone.has(name));
  if (columns.length === 0) throw new StatementFailed(unsupported('a table without columns'));
  return { table: { ...table, columns }, values: same(columns) };
}

function dropConstraint(pieces: readonly Piece[], table: StoredTable, from: number): Change {
  const word = pieces[from]?.value ?? '';
  const name = pieces[from + 1]?.value;
  const constraints = (table.notes.constraints ?? []).filter((constraint) =>
    word === 'CONSTRAINT' ? constraint.name !== name : !constraint.kind.startsWith(word),
  );
  return { table: { ...table, notes: { ...table.notes, constraints } } };
}

function noColumn(running: Running, at: number): StatementFailed {
  const piece = running.pieces[at];
  return new StatementFailed(
    invalidIdentifier(running.request.sql, piece?.start ?? -1, piece?.value ?? ''),
  );
}

function renameColumn(running: Running, table: StoredTable, from: number): Change {
  const { pieces } = running;
  const at = isWord(pieces, from, 'COLUMN') ? from + 1 : from;
  const index = columnAt(running, table, at);
  const name = pieces[at + 2]?.value ?? '';
  if (table.columns.some((column) => column.name === name))
    throw new StatementFailed(columnExists(name));
  const columns = table.columns.map((column, each) =>
    each === index ? { ...column, name } : column,
  );
  return { table: { ...table, columns }, values: same(table.columns) };
}

function columnAt(running: Running, table: StoredTable, at: number): number {
  const index = table.columns.findIndex(({ name }) => name === running.pieces[at]?.value);
  if (index < 0) throw noColumn(running, at);
  return index;
}

/** ALTER|MODIFY [COLUMN] c …, several at once in brackets or parted by commas. */
async function modify(
  session: Session,
  running: Running,
  table: StoredTable,
  from: number,
): Promise<Change> {
  const { pieces } = running;
  const isBracketed = isSymbol(pieces, from, '(');
  const items = splitAtCommas(
    pieces,
    isBracketed ? from + 1 : from,
    isBracketed ? closing(pieces, from) : pieces.length,
  );
  let columns = table.columns;
  for (const [start, end] of items) {
    const at = isWord(pieces, start, 'COLUMN') ? start + 1 : start;
    const index = columnAt(running, { ...table, columns }, at);
    const column = columns[index];
    if (column === undefined) continue;
    const changed = await modified(session, running, column, at + 1, end);
    columns = columns.map((each, position) => (position === index ? changed : each));
  }
  const values = columns.map(({ name, duckType: type }) => `CAST(${quoteName(name)} AS ${type})`);
  return { table: { ...table, columns }, values };
}

async function modified(
  session: Session,
  running: Running,
  column: StoredColumn,
  from: number,
  to: number,
): Promise<StoredColumn> {
  const { pieces } = running;
  const words = pieces
    .slice(from, to)
    .map(({ value }) => value)
    .join(' ');
  if (/^(?:SET )?NOT NULL$/.test(words)) return { ...column, isNullable: false };
  if (words === 'DROP NOT NULL') return { ...column, isNullable: true };
  if (words === 'DROP DEFAULT') {
    const { default: _, ...notes } = column.notes;
    return { ...column, default: null, notes };
  }
  if (words.startsWith('SET DEFAULT ')) {
    const pieceList = pieces.slice(from + 2, to);
    const isSequence = isWord(pieceList, pieceList.length - 1, 'NEXTVAL');
    if (!isSequence)
      throw new StatementFailed(unsupported('SET DEFAULT of anything but a sequence'));
    const fallback = await defaultSql(session, running, pieceList);
    return { ...column, default: fallback, notes: { ...column.notes, default: render(pieceList) } };
  }
  if (isWord(pieces, from, 'COMMENT'))
    return { ...column, notes: { ...column.notes, comment: pieces[from + 1]?.value ?? '' } };
  const isTyped = /^(?:SET DATA )?TYPE /.test(words);
  const at = isTyped ? from + (isWord(pieces, from, 'SET') ? 3 : 1) : from;
  return retyped(pieces, column, at);
}

/** Texts may become longer or shorter, numbers wider; another type is refused by Snowflake with 002108. */
function retyped(pieces: readonly Piece[], column: StoredColumn, at: number): StoredColumn {
  const { sql } = duckType(pieces, at);
  const { declared, lengthMax } = sizeOf(pieces, at, sql);
  const scaleOf = (type: string): string => /,(\d+)\)/.exec(type)?.[1] ?? '';
  const isSameKind =
    sql === column.duckType ||
    (sql.startsWith('DECIMAL') &&
      column.duckType.startsWith('DECIMAL') &&
      scaleOf(sql) === scaleOf(column.duckType));
  if (!isSameKind)
    throw new StatementFailed(
      failure(
        '002108',
        '22000',
        `SQL compilation error: cannot change column ${column.name} from type ${column.notes.type ?? column.duckType} to ${declared}`,
      ),
    );
  const { lengthMax: _, ...notes } = column.notes;
  return {
    ...column,
    duckType: sql,
    notes: { ...notes, type: declared, ...(lengthMax === undefined ? {} : { lengthMax }) },
  };
}

async function rename(
  session: Session,
  running: Running,
  full: FullName,
  at: number,
): Promise<RowsAsText> {
  const to = fullName(nameParts(running.pieces, at).parts, running.request);
  await requireSchema(session, to);
  const isTemporary = session.temporary.has(dotted(full));
  if ((await exists(session, to, isTemporary ? 'temporary' : 'permanent')) !== undefined)
    throw new StatementFailed(objectExists(dotted(to)));
  const from = placeOf(full, isTemporary);
  if (isTemporary && to.name === full.name)
    throw new StatementFailed(unsupported('moving a temporary table to another schema'));
  if (isTemporary || (to.database === full.database && to.schema === full.schema)) {
    await session.connection.run(`ALTER TABLE ${from.target} RENAME TO ${quoteName(to.name)}`);
  } else {
    const table = await readTable(session, from);
    const moved = placeOf(to, false);
    await all(session, [
      `CREATE TABLE ${moved.target} AS FROM ${from.target}`,
      ...rebuildStatements(moved, table, same(table.columns)),
      `DROP TABLE ${from.target}`,
    ]);
  }
  if (isTemporary) {
    session.temporary.delete(dotted(full));
    session.temporary.add(dotted(to));
  }
  return status(DONE);
}

async function swap(
  session: Session,
  running: Running,
  full: FullName,
  at: number,
): Promise<RowsAsText> {
  const other = fullName(nameParts(running.pieces, at).parts, running.request);
  if ([full, other].some((each) => session.temporary.has(dotted(each))))
    throw new StatementFailed(unsupported('SWAP WITH of temporary tables'));
  if ((await exists(session, other, 'permanent')) !== 'TABLE')
    throw missing('Table', dotted(other));
  const places: readonly Place[] = [placeOf(full, false), placeOf(other, false)];
  const [a, b] = places;
  if (a === undefined || b === undefined || a.target === b.target) return status(DONE);
  if (a.schema !== b.schema) throw new StatementFailed(unsupported('SWAP WITH across schemas'));
  const middle = 'tg swapped';
  await all(session, [
    `ALTER TABLE ${a.target} RENAME TO ${quoteName(middle)}`,
    `ALTER TABLE ${b.target} RENAME TO ${quoteName(a.name)}`,
    `ALTER TABLE ${quoteName(a.schema)}.${quoteName(middle)} RENAME TO ${quoteName(b.name)}`,
  ]);
  return status(DONE);
}
