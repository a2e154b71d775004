/** INSERT, UPDATE, DELETE, MERGE: one row of counts under Snowflake's column names. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import type { RowsAsText } from '../process/messages.js';
import { withDeleteSource, withSetTargets } from '../sql/forms/dml-forms.js';
import { isSymbol, isWord, syntax, type Piece } from '../sql/pieces.js';
import { withArrayBinds } from './array-binds.js';
import { withAssignedValues } from './assigned-values.js';
import { setNow } from './defaults.js';
import { inOneTransaction, insertMany } from './insert-forms.js';
import { refuseAmbiguousMerge, updateCounts } from './joined-rows.js';
import { refuseReadOnly } from './read-only.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { nameParts } from './table-definition.js';

const INSERTED = 'number of rows inserted';
const UPDATED = 'number of rows updated';
const DELETED = 'number of rows deleted';
const MULTI_JOINED = 'number of multi-joined rows updated';

/** Runs a DML statement. */
export async function runDml(session: Session, running: Running): Promise<RowsAsText> {
  await setNow(session, running);
  const { pieces } = running;
  const isOverwriting = isWord(pieces, 1, 'OVERWRITE');
  if (
    isWord(pieces, isOverwriting ? 2 : 1, 'ALL') ||
    isWord(pieces, isOverwriting ? 2 : 1, 'FIRST')
  )
    return await insertMany(session, running);
  if (!isOverwriting) return await runOne(session, running, pieces);
  const plain = [...pieces.slice(0, 1), ...pieces.slice(2)];
  return await inOneTransaction(session, async () => {
    const { to } = nameParts(plain, 2);
    const emptied = await session.translate({ ...running }, [
      ...syntax('DELETE FROM', pieces[0]),
      ...plain.slice(2, to),
    ]);
    // The query may read what it overwrites: its rows go into place before the old ones are gone.
    const before = await session.connection.runAndReadAll(
      emptied.replace(/^DELETE FROM/i, 'SELECT coalesce(max(rowid), -1) FROM'),
    );
    const answer = await runOne(session, running, plain);
    await session.connection.run(`${emptied} WHERE rowid <= ${String(before.getRows()[0]?.[0])}`);
    return answer;
  });
}

async function runOne(
  session: Session,
  running: Running,
  pieces: readonly Piece[],
): Promise<RowsAsText> {
  const verb = pieces[0]?.value;
  const given = await withArrayBinds(session, { ...running, pieces });
  const bound = await withAssignedValues(session, running, given);
  const duckSql = await session.translate(running, withDeleteSource(withSetTargets(bound)));
  for (const { use, full } of running.mentions)
    if (use === 'write') refuseReadOnly(full.database, full.schema);
  const joined = verb === 'UPDATE' ? await updateCounts(session, running) : undefined;
  if (verb === 'MERGE') await refuseAmbiguousMerge(session, running);
  const scans = await session.statistics.scansOf(session.connection, duckSql);
  const counts =
    verb === 'MERGE'
      ? await merge(session, running.pieces, duckSql)
      : await write(session, verb, duckSql, joined);
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

async function write(
  session: Session,
  verb: string | undefined,
  duckSql: string,
  joined: { readonly rows: number; readonly multiJoined: number } | undefined,
): Promise<Counts> {
  const result = await session.connection.run(duckSql);
  const count = result.rowsChanged;
  if (verb === 'UPDATE')
    return [
      [UPDATED, joined?.rows ?? count],
      [MULTI_JOINED, joined?.multiJoined ?? 0],
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
