/** CREATE, DROP, ALTER, TRUNCATE, COMMENT: which statement is whose. */
import { objectExists, StatementFailed, unsupported } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { isSymbol, isWord, quoteDuckText, quoteName } from '../sql/pieces.js';
import { dotted, fullName } from '../sql/resolve.js';
import { sequenceName } from '../sql/sequences.js';
import { forgetLoads } from '../stages/loads.js';
import { alterTable } from './alter-table.js';
import { container } from './containers.js';
import { createTable } from './create-table.js';
import { sequenceStatement } from './defaults.js';
import { exists, headOf, missing, requireSchema, status, type Head } from './ddl-parts.js';
import { refuseReadOnly } from './read-only.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { noteStatements, placeOf, readTable } from './stored-table.js';
import { nameParts } from './table-definition.js';
import { view } from './views.js';

/** Runs a definition; answers one `status` row. */
export async function runDdl(session: Session, running: Running): Promise<RowsAsText> {
  session.statistics.changed();
  try {
    return await dispatch(session, running);
  } finally {
    session.statistics.changed();
  }
}

async function dispatch(session: Session, running: Running): Promise<RowsAsText> {
  const head = headOf(running.pieces);
  if (head.verb === 'COMMENT') return await comment(session, running);
  if (head.verb === 'UNDROP') throw new StatementFailed(unsupported('UNDROP'));
  switch (head.object) {
    case 'DATABASE':
    case 'SCHEMA':
      return await container(session, running, head);
    case 'TABLE':
      return head.verb === 'CREATE'
        ? await createTable(session, running, head)
        : await changeTable(session, running, head);
    case 'VIEW':
      return await view(session, running, head);
    case 'SEQUENCE':
      return await sequence(session, running, head);
    default:
      throw new StatementFailed(unsupported(`${head.verb} ${head.object}`));
  }
}

/** DROP, TRUNCATE and ALTER of a table. */
async function changeTable(session: Session, running: Running, head: Head): Promise<RowsAsText> {
  const { parts, to } = nameParts(running.pieces, head.nameAt);
  const full = fullName(parts, running.request);
  refuseReadOnly(full.database, full.schema);
  const isTemporary = session.temporary.has(dotted(full));
  const { target } = placeOf(full, isTemporary);
  const there = await exists(session, full, isTemporary ? 'temporary' : 'permanent');
  if (there !== 'TABLE') {
    if (!head.hasIf || there === 'VIEW') throw missing('Table', dotted(full));
    return status(
      head.verb === 'DROP'
        ? `Drop statement executed successfully (${full.name} already dropped).`
        : 'Statement executed successfully.',
    );
  }
  switch (head.verb) {
    case 'DROP':
      await session.connection.run(`DROP TABLE ${target}`);
      await forgetLoads(session, full);
      session.temporary.delete(dotted(full));
      return status(`${full.name} successfully dropped.`);
    case 'TRUNCATE':
      await session.connection.run(`TRUNCATE ${target}`);
      await forgetLoads(session, full);
      return status('Statement executed successfully.');
    default:
      return await alterTable(session, running, full, to);
  }
}

/** CREATE and DROP SEQUENCE (page "CREATE SEQUENCE"). */
async function sequence(session: Session, running: Running, head: Head): Promise<RowsAsText> {
  const { parts, to } = nameParts(running.pieces, head.nameAt);
  const full = fullName(parts, running.request);
  refuseReadOnly(full.database, full.schema);
  const found = await session.connection.runAndReadAll(
    `SELECT 1 FROM duckdb_sequences() WHERE database_name = 'warehouse' AND schema_name = ${quoteDuckText(`${full.database}.${full.schema}`)} AND sequence_name = ${quoteDuckText(full.name)}`,
  );
  const isThere = found.currentRowCount > 0;
  const name = sequenceName(full);
  if (head.verb === 'DROP') {
    if (!isThere && head.hasIf)
      return status(`Drop statement executed successfully (${full.name} already dropped).`);
    if (!isThere) throw missing('Sequence', dotted(full));
    await session.connection.run(`DROP SEQUENCE ${name}`);
    return status(`${full.name} successfully dropped.`);
  }
  if (head.verb !== 'CREATE') throw new StatementFailed(unsupported(`${head.verb} SEQUENCE`));
  await requireSchema(session, full);
  if (isThere && head.hasIf) return status(`${full.name} already exists, statement succeeded.`);
  if (isThere && !head.prefixes.has('REPLACE')) throw new StatementFailed(objectExists(full.name));
  const { start, step } = sequenceOptions(running, to);
  if (isThere) await session.connection.run(`DROP SEQUENCE ${name}`);
  await session.connection.run(sequenceStatement(name, start, step));
  return status(`Sequence ${full.name} successfully created.`);
}

function sequenceOptions(
  { pieces }: Running,
  from: number,
): { readonly start: number; readonly step: number } {
  let start = 1;
  let step = 1;
  for (let at = from; at < pieces.length; at += 1) {
    const word = pieces[at]?.value ?? '';
    if (word !== 'START' && word !== 'INCREMENT') continue;
    while (['WITH', 'BY', '='].includes(pieces[at + 1]?.value ?? '')) at += 1;
    const isNegative = isSymbol(pieces, at + 1, '-');
    if (isNegative) at += 1;
    const value = Number(pieces[at + 1]?.value) * (isNegative ? -1 : 1);
    if (word === 'START') start = value;
    else step = value;
  }
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(step) || step === 0)
    throw new StatementFailed(unsupported('a sequence with these numbers'));
  return { start, step };
}

/** COMMENT [IF EXISTS] ON TABLE|VIEW|COLUMN … IS '…' (page "COMMENT"). */
async function comment(session: Session, running: Running): Promise<RowsAsText> {
  const { pieces } = running;
  const hasIf = isWord(pieces, 1, 'IF');
  const at = hasIf ? 4 : 2;
  const kind = pieces[at]?.value ?? '';
  const { parts, to } = nameParts(pieces, at + 1);
  const text = pieces[to + 1];
  if (
    !['TABLE', 'VIEW', 'COLUMN'].includes(kind) ||
    !isWord(pieces, to, 'IS') ||
    text?.kind !== 'string'
  )
    throw new StatementFailed(unsupported(`COMMENT ON ${kind}`));
  const full = fullName(kind === 'COLUMN' ? parts.slice(0, -1) : parts, running.request);
  refuseReadOnly(full.database, full.schema);
  const isTemporary = session.temporary.has(dotted(full));
  const there = await exists(session, full, isTemporary ? 'temporary' : 'permanent');
  if (there === undefined || (kind === 'VIEW' && there !== 'VIEW')) {
    if (hasIf) return status('Statement executed successfully.');
    throw missing(kind === 'VIEW' ? 'View' : 'Table', dotted(full));
  }
  const place = placeOf(full, isTemporary);
  const table = await readTable(session, place);
  if (kind === 'COLUMN' || there === 'VIEW') {
    const column = table.columns.find(({ name }) => name === parts.at(-1));
    if (kind !== 'COLUMN' || there === 'VIEW' || column === undefined)
      throw new StatementFailed(unsupported('this COMMENT'));
    const notes = JSON.stringify({ ...column.notes, comment: text.value });
    await session.connection.run(
      `COMMENT ON COLUMN ${place.target}.${quoteName(column.name)} IS ${quoteDuckText(notes)}`,
    );
  } else {
    const notes = { ...table.notes, comment: text.value };
    for (const statement of noteStatements('TABLE', place.target, { columns: [], notes }))
      await session.connection.run(statement);
  }
  return status('Statement executed successfully.');
}
