/** INSERT, UPDATE, DELETE, MERGE: one row of counts under Snowflake's column names. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import { StatementFailed, unsupported } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { isSymbol, isWord, type Piece } from '../sql/pieces.js';
import { withArrayBinds } from './array-binds.js';
import { refuseReadOnly } from './read-only.js';
import type { Running, Session } from './session.js';

const INSERTED = 'number of rows inserted';
const UPDATED = 'number of rows updated';
const DELETED = 'number of rows deleted';
const MULTI_JOINED = 'number of multi-joined rows updated';

/** Runs a DML statement. */
export async function runDml(session: Session, running: Running): Promise<RowsAsText> {
  if (isWord(running.pieces, 1, 'OVERWRITE'))
    throw new StatementFailed(unsupported('INSERT OVERWRITE'));
  const duckSql = await session.translate(running, await withArrayBinds(session, running));
  for (const { use, full } of running.mentions)
    if (use === 'write') refuseReadOnly(full.database, full.schema);
  const scans = await session.statistics.scansOf(session.connection, duckSql);
  const verb = running.pieces[0]?.value;
  const counts =
    verb === 'MERGE'
      ? await merge(session, running.pieces, duckSql)
      : await write(session, verb, duckSql);
  session.statistics.changed();
  const target = running.mentions.find(({ use }) => use === 'write');
  const written = counts.reduce((total, [, count]) => total + count, 0);
  const bytesWritten =
    target === undefined
      ? 0
      : await session.statistics.bytesOf(
          session.connection,
          `${target.full.database}.${target.full.schema}`,
          target.full.name,
          written,
        );
  return {
    kind: 'rows',
    columns: counts.map(([name]) => columnType(name, 'fixed', { precision: 19, scale: 0 })),
    rowTexts: [JSON.stringify(counts.map(([, count]) => String(count)))],
    statementTypeId: TYPES[verb ?? ''] ?? STATEMENT_TYPES.insert,
    scan: session.statistics.profile(scans, bytesWritten),
  };
}

const TYPES: Readonly<Record<string, number>> = {
  INSERT: STATEMENT_TYPES.insert,
  UPDATE: STATEMENT_TYPES.update,
  DELETE: STATEMENT_TYPES.delete,
  MERGE: STATEMENT_TYPES.merge,
};

type Counts = readonly (readonly [string, number])[];

async function write(session: Session, verb: string | undefined, duckSql: string): Promise<Counts> {
  const result = await session.connection.run(duckSql);
  const count = result.rowsChanged;
  if (verb === 'UPDATE')
    return [
      [UPDATED, count],
      [MULTI_JOINED, 0],
    ];
  return [[verb === 'DELETE' ? DELETED : INSERTED, count]];
}

/** A MERGE counts by the actions it took; only those its clauses can take are reported. */
async function merge(session: Session, pieces: readonly Piece[], duckSql: string): Promise<Counts> {
  const result = await session.connection.runAndReadAll(`${duckSql} RETURNING merge_action`);
  const taken = result.getRows().map(([action]) => action as string);
  const follows = (word: string): boolean =>
    pieces.some(
      (_, index) =>
        isWord(pieces, index, 'THEN') &&
        isWord(pieces, index + 1, word) &&
        !isSymbol(pieces, index + 2, '.'),
    );
  const count = (action: string): number => taken.filter((each) => each === action).length;
  const counts: (readonly [string, number])[] = [];
  if (follows('INSERT')) counts.push([INSERTED, count('INSERT')]);
  if (follows('UPDATE')) counts.push([UPDATED, count('UPDATE')]);
  if (follows('DELETE')) counts.push([DELETED, count('DELETE')]);
  return counts;
}
