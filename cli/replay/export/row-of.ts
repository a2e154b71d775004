/** Rows as DuckDB hands them over, column by column → rows of a replay. */
import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import { must } from '../../../base/assert.js';
import type { ReplayRow } from '../row.js';
import { decodeQueryTag } from '../../../policies/query-tag.js';
import { creditsText } from '../../../base/credits-text.js';

const COLUMNS = [
  'query_id',
  'query_text',
  'shape_hash',
  'text_hash',
  'query_tag',
  'session_id',
  'cluster_number',
  'submitted_at',
  'started_at',
  'ended_at',
  'execution_ms',
  'is_success',
  'bytes_scanned',
  'credits',
  'surroundings',
] as const;

type Column = (typeof COLUMNS)[number];
type Values = Readonly<Record<Column, readonly DuckDBValue[]>>;

/** What many rows have in common. */
type Surroundings = Pick<
  ReplayRow,
  | 'queryType'
  | 'database'
  | 'schema'
  | 'account'
  | 'user'
  | 'role'
  | 'warehouse'
  | 'warehouseSize'
  | 'client'
>;

/** Between the parts, and in place of one that is null: control characters that no name has. */
const SEPARATOR = '\u001f';
const NULL_PART = '\u001e';
const PARTS =
  'query_type database_name schema_name account_name user_name role_name warehouse_name warehouse_size client';
const SURROUNDINGS = `concat_ws(chr(31), ${PARTS.split(' ')
  .map((part) => `coalesce(${part}, chr(30))`)
  .join(', ')}) AS surroundings`;

/** In this order {@link RowReader} takes them. */
export const ROW_COLUMNS: string = COLUMNS.map((column) =>
  column === 'surroundings' ? SURROUNDINGS : column,
).join(', ');

/** Every tag of Tollgate's has it. */
const TOLLGATE_KEY = '"tg"';
const KEPT_MAX = 50_000;

/**
 * Turns chunks into rows. A text costs most where it becomes a string of JavaScript, so the nine names that repeat come
 * as one text, taken apart once for all rows that have the same.
 */
export class RowReader {
  readonly #kept = new Map<string, Surroundings>();

  /** The rows of a chunk whose columns are {@link ROW_COLUMNS}. */
  rowsOf(chunk: DuckDBDataChunk): readonly ReplayRow[] {
    const columns = chunk.getColumns();
    const of = (column: Column): readonly DuckDBValue[] =>
      must(columns[COLUMNS.indexOf(column)], 'a chunk has every column that was asked for');
    const values: Values = {
      query_id: of('query_id'),
      query_text: of('query_text'),
      shape_hash: of('shape_hash'),
      text_hash: of('text_hash'),
      query_tag: of('query_tag'),
      session_id: of('session_id'),
      cluster_number: of('cluster_number'),
      submitted_at: of('submitted_at'),
      started_at: of('started_at'),
      ended_at: of('ended_at'),
      execution_ms: of('execution_ms'),
      is_success: of('is_success'),
      bytes_scanned: of('bytes_scanned'),
      credits: of('credits'),
      surroundings: of('surroundings'),
    };
    return Array.from({ length: chunk.rowCount }, (_, row) => this.#rowAt(values, row));
  }

  #rowAt(values: Values, row: number): ReplayRow {
    const credits = textOrNull(values.credits[row]);
    const surroundings = this.#surroundings(textOrNull(values.surroundings[row]) ?? '');
    return {
      queryId: must(textOrNull(values.query_id[row]) ?? undefined, 'every staged row has an id'),
      queryText: textOrNull(values.query_text[row]),
      shapeHash: textOrNull(values.shape_hash[row]),
      textHash: textOrNull(values.text_hash[row]),
      queryType: surroundings.queryType,
      database: surroundings.database,
      schema: surroundings.schema,
      account: surroundings.account,
      user: surroundings.user,
      role: surroundings.role,
      warehouse: surroundings.warehouse,
      warehouseSize: surroundings.warehouseSize,
      cluster: figureOrNull(values.cluster_number[row]),
      sessionId: textOrNull(values.session_id[row]),
      queryTag: ownTag(textOrNull(values.query_tag[row])),
      client: surroundings.client,
      isOffPeak: false,
      submittedAt: instant(values.submitted_at[row]),
      startedAt: instant(values.started_at[row]),
      endedAt: instant(values.ended_at[row]),
      executionMs: figureOrNull(values.execution_ms[row]) ?? 0,
      isSuccess: values.is_success[row] === true,
      bytesScanned: figureOrNull(values.bytes_scanned[row]),
      credits: credits === null ? null : must(creditsText(credits), 'staged credits can be read'),
      ticket: null,
    };
  }

  #surroundings(packed: string): Surroundings {
    const kept = this.#kept.get(packed);
    if (kept !== undefined) return kept;
    const parts = packed.split(SEPARATOR);
    const part = (index: number): string | null => {
      const text = parts[index] ?? NULL_PART;
      return text === NULL_PART ? null : text;
    };
    const made: Surroundings = {
      queryType: part(0),
      database: part(1),
      schema: part(2),
      account: part(3),
      user: part(4),
      role: part(5),
      warehouse: part(6),
      warehouseSize: part(7),
      client: part(8),
    };
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    this.#kept.set(packed, made);
    return made;
  }
}

/** What the author of a statement had as its tag, of one that was sent through Tollgate. */
function ownTag(tag: string | null): string | null {
  if (tag === null || !tag.includes(TOLLGATE_KEY)) return tag;
  const decoded = decodeQueryTag(tag);
  return decoded === undefined ? tag : decoded.userTag;
}

function instant(value: DuckDBValue | undefined): number {
  return must(figureOrNull(value) ?? undefined, 'every staged row has its instants');
}

function textOrNull(value: DuckDBValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function figureOrNull(value: DuckDBValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
