/** What a history says that its statements took: the truth that predictions are compared with. */
import { EventQueue } from './event-queue.js';
import { readCsv } from './read-csv.js';
import type { CellOf } from './read-csv.js';

export interface HistoryRow {
  readonly queryId: string;
  /** QUERY_PARAMETERIZED_HASH. */
  readonly shape: string;
  readonly warehouse: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** EXECUTION_TIME: what the one who waits sees, contention included. */
  readonly wallSeconds: number;
  /** CREDITS_ATTRIBUTED_COMPUTE: the share of the cluster's time. */
  readonly credits: number;
  /** Ran on a warehouse to its end: predictions of it can be right or wrong. */
  readonly isMeasured: boolean;
}

function toRow(cell: CellOf): HistoryRow {
  const credits = Number(cell('CREDITS_ATTRIBUTED_COMPUTE'));
  return {
    queryId: cell('QUERY_ID'),
    shape: cell('QUERY_PARAMETERIZED_HASH'),
    warehouse: cell('WAREHOUSE_NAME'),
    startedAt: instantOf(cell('START_TIME')),
    endedAt: instantOf(cell('END_TIME')),
    wallSeconds: Number(cell('EXECUTION_TIME')) / 1000,
    credits,
    isMeasured:
      cell('WAREHOUSE_SIZE') !== '' && cell('EXECUTION_STATUS') === 'SUCCESS' && credits > 0,
  };
}

/** `2025-06-01 10:15:00.123 +0000` as milliseconds since 1970. */
export function instantOf(text: string): number {
  return Date.parse(text.replace(' ', 'T').replace(' +0000', 'Z'));
}

/** Rows in the order of the file, which is that of their starts. */
export async function readHistory(file: string): Promise<readonly HistoryRow[]> {
  const rows: HistoryRow[] = [];
  await readCsv(file, (cell) => rows.push(toRow(cell)));
  return rows.sort((a, b) => a.startedAt - b.startedAt);
}

/**
 * Walks over a history as it was lived: before a row is given to `onStart`, every measured row that had ended by then
 * was given to `onEnd`, in the order of the ends.
 */
export function liveThrough(
  rows: readonly HistoryRow[],
  onStart: (row: HistoryRow) => void,
  onEnd: (row: HistoryRow) => void,
): void {
  const running = new EventQueue<HistoryRow>();
  for (const row of rows) {
    while (running.nextAt() <= row.startedAt) onEnd(running.pop());
    onStart(row);
    if (row.isMeasured) running.push(row.endedAt, row);
  }
}

/** Ids of the measured rows whose shape had ended before when they started. */
export function repeatedIds(rows: readonly HistoryRow[]): ReadonlySet<string> {
  const known = new Set<string>();
  const repeated = new Set<string>();
  liveThrough(
    rows,
    (row) => {
      if (row.isMeasured && known.has(row.shape)) repeated.add(row.queryId);
    },
    (row) => known.add(row.shape),
  );
  return repeated;
}
