/** BEGIN, COMMIT, ROLLBACK. COMMIT and ROLLBACK outside a transaction do nothing, as in Snowflake. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import { StatementFailed, unsupported } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';

/** Runs a transaction statement; a BEGIN inside a transaction goes on with the open one. */
export async function runTransaction(session: Session, running: Running): Promise<RowsAsText> {
  const verb = running.pieces[0]?.value;
  refuseBlock(running);
  const isStart = verb === 'BEGIN' || verb === 'START';
  if (isStart !== session.isInTransaction) {
    await session.connection.run(isStart ? 'BEGIN' : verb === 'COMMIT' ? 'COMMIT' : 'ROLLBACK');
    session.isInTransaction = isStart;
  }
  return statusRow('Statement executed successfully.', STATEMENT_TYPES.tcl);
}

/** `BEGIN` with anything but a transaction after it starts a block of Snowflake Scripting. */
function refuseBlock({ pieces }: Running): void {
  const next = pieces[1]?.value;
  const isTransaction =
    next === undefined ||
    ['WORK', 'TRANSACTION', 'NAME'].includes(next) ||
    pieces[0]?.value === 'START';
  if (pieces[0]?.value !== 'COMMIT' && pieces[0]?.value !== 'ROLLBACK' && !isTransaction)
    throw new StatementFailed(unsupported('Snowflake Scripting blocks'));
}

/** Runs a DML statement; without autocommit in a transaction that stays open, unless it is new and the statement fails. */
export async function inOwnTransaction<Result>(
  session: Session,
  isAutocommit: boolean,
  run: () => Promise<Result>,
): Promise<Result> {
  if (isAutocommit || session.isInTransaction) return await run();
  await session.connection.run('BEGIN');
  session.isInTransaction = true;
  try {
    return await run();
  } catch (cause) {
    session.isInTransaction = false;
    await session.connection.run('ROLLBACK');
    throw cause;
  }
}

/** Commits the open transaction, as Snowflake does before every definition. */
export async function commitOpen(session: Session): Promise<void> {
  if (!session.isInTransaction) return;
  session.isInTransaction = false;
  await session.connection.run('COMMIT');
}

/** The answer of a statement without rows: one text in column `status`. */
export function statusRow(status: string, statementTypeId: number): RowsAsText {
  return {
    kind: 'rows',
    columns: [columnType('status', 'text')],
    rowTexts: [JSON.stringify([status])],
    statementTypeId,
    scan: NOTHING_SCANNED,
  };
}

export const NOTHING_SCANNED = {
  bytesScanned: 0,
  partitionsScanned: 0,
  partitionsTotal: 0,
  rowsScanned: 0,
  bytesWritten: 0,
} as const;
