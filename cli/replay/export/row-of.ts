/** Rows as DuckDB hands them over, column by column → rows of a replay. */
import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import { must } from '../../../base/assert.js';
import type { ReplayRow } from '../row.js';
import { creditsText } from './credits-text.js';

const COLUMNS = [
  'query_id',
  'query_text',
  'shape_hash',
  'text_hash',
  'query_type',
  'database_name',
  'schema_name',
  'account_name',
  'user_name',
  'role_name',
  'warehouse_name',
  'warehouse_size',
  'cluster_number',
  'query_tag',
  'submitted_at',
  'started_at',
  'ended_at',
  'execution_ms',
  'is_success',
  'bytes_scanned',
  'credits',
] as const;

type Column = (typeof COLUMNS)[number];

/** In this order {@link rowsOf} takes them. */
export const ROW_COLUMNS: string = COLUMNS.join(', ');

/** The rows of a chunk whose columns are {@link ROW_COLUMNS}. */
export function rowsOf(chunk: DuckDBDataChunk): readonly ReplayRow[] {
  const columns = chunk.getColumns();
  const valuesOf = (column: Column): readonly DuckDBValue[] =>
    must(columns[COLUMNS.indexOf(column)], 'a chunk has every column that was asked for');
  const values = Object.fromEntries(COLUMNS.map((column) => [column, valuesOf(column)])) as Record<
    Column,
    readonly DuckDBValue[]
  >;
  return Array.from({ length: chunk.rowCount }, (_, row) => rowAt(values, row));
}

function rowAt(values: Record<Column, readonly DuckDBValue[]>, row: number): ReplayRow {
  const text = (column: Column): string | null => textOrNull(values[column][row]);
  const figure = (column: Column): number | null => figureOrNull(values[column][row]);
  const credits = text('credits');
  return {
    queryId: must(text('query_id') ?? undefined, 'every staged row has an id'),
    queryText: text('query_text'),
    shapeHash: text('shape_hash'),
    textHash: text('text_hash'),
    queryType: text('query_type'),
    database: text('database_name'),
    schema: text('schema_name'),
    account: text('account_name'),
    user: text('user_name'),
    role: text('role_name'),
    warehouse: text('warehouse_name'),
    warehouseSize: text('warehouse_size'),
    cluster: figure('cluster_number'),
    queryTag: text('query_tag'),
    submittedAt: instant(figure('submitted_at')),
    startedAt: instant(figure('started_at')),
    endedAt: instant(figure('ended_at')),
    executionMs: figure('execution_ms') ?? 0,
    isSuccess: values.is_success[row] === true,
    bytesScanned: figure('bytes_scanned'),
    credits: credits === null ? null : must(creditsText(credits), 'staged credits can be read'),
    ticket: null,
  };
}

function instant(value: number | null): number {
  return must(value ?? undefined, 'every staged row has its instants');
}

function textOrNull(value: DuckDBValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function figureOrNull(value: DuckDBValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
