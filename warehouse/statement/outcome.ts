import type { EngineFailure, EngineRows, ScanProfile } from '../engine/engine.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { columnType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';

/** Rows that a statement produced, whoever produced them. */
export interface Rows extends Omit<EngineRows, 'database' | 'schema'> {
  /** Children of a multi-statement request. */
  readonly children?: readonly { readonly id: string; readonly statementTypeId: number }[];
}

/** How a statement ended. */
export type Outcome = Rows | EngineFailure;

export const NO_SCAN: ScanProfile = {
  bytesScanned: 0,
  partitionsScanned: 0,
  partitionsTotal: 0,
  rowsScanned: 0,
  bytesWritten: 0,
};

/** How many rows an outcome has, inline and on disk; none for a failure. */
export function rowCountOf(outcome: Outcome): number {
  return outcome.kind === 'failed' ? 0 : outcome.rows.length + (outcome.stored?.rowCount ?? 0);
}

/** Rows that cost no scan. */
export function rowsOf(
  columns: readonly RowType[],
  rows: readonly (readonly Cell[])[],
  statementTypeId: number,
): Rows {
  return { kind: 'rows', columns, rows, statementTypeId, scan: NO_SCAN };
}

/** The one-row `status` answer of session and DDL statements. */
export function statusRow(text: string, statementTypeId: number): Rows {
  return rowsOf([columnType('status', 'text')], [[text]], statementTypeId);
}

/** One text cell under a column name, as SYSTEM$ functions answer. */
export function textRow(column: string, text: string | null): Rows {
  return rowsOf([columnType(column, 'text')], [[text]], STATEMENT_TYPES.select);
}

/** A failure in Snowflake's words. */
export function failure(code: string, sqlState: string, message: string): EngineFailure {
  return { kind: 'failed', code, sqlState, message, line: -1, pos: -1 };
}

/** `001003`: the text is not a statement we know. */
export function syntaxFailure(near: string): EngineFailure {
  return failure(
    WIRE_CODES.syntaxError,
    '42000',
    `SQL compilation error:\nsyntax error unexpected '${near.slice(0, 100)}'.`,
  );
}

/** `000002`: legal in Snowflake, and not in this warehouse; `what` completes the sentence. */
export function unsupported(what: string): EngineFailure {
  return failure(
    WIRE_CODES.unsupported,
    '0A000',
    `Unsupported feature in the embedded warehouse: ${what}.`,
  );
}

/** `002003`: the wording that dbt and others look for. */
export function missingObject(kind: string, name: string): EngineFailure {
  return failure(
    WIRE_CODES.objectMissing,
    '02000',
    `SQL compilation error:\n${kind} '${name}' does not exist or not authorized.`,
  );
}

/** `000604`. */
export function cancelled(): EngineFailure {
  return failure(WIRE_CODES.queryCancelled, '57014', 'SQL execution canceled');
}

/** `000630`. */
export function timedOut(limitSeconds: number): EngineFailure {
  return failure(
    WIRE_CODES.statementTimeout,
    '57014',
    `Statement reached its statement or warehouse timeout of ${limitSeconds} second(s) and was canceled.`,
  );
}

const CHANGED_COLUMNS = {
  rowsInserted: 'number of rows inserted',
  rowsUpdated: 'number of rows updated',
  rowsDeleted: 'number of rows deleted',
} as const;

/** How many rows a DML statement changed, by kind, from the counts that it answers; nothing for other statements. */
export function changedRows(
  outcome: Outcome,
): Partial<Record<keyof typeof CHANGED_COLUMNS, number>> {
  if (outcome.kind !== 'rows' || outcome.rows.length !== 1) return {};
  const isDml =
    outcome.statementTypeId >= STATEMENT_TYPES.insert &&
    outcome.statementTypeId <= STATEMENT_TYPES.merge;
  if (!isDml) return {};
  const counts = Object.entries(CHANGED_COLUMNS).flatMap(([kind, column]) => {
    const index = outcome.columns.findIndex(({ name }) => name === column);
    const count = index < 0 ? 0 : Number(outcome.rows[0]?.[index] ?? 0);
    return count > 0 ? [[kind, count] as const] : [];
  });
  return Object.fromEntries(counts);
}
