/**
 * How a view of Snowflake is read: which columns in which form, from the account itself or from a file that somebody
 * exported of it. Instants are asked for as epoch milliseconds and amounts as text, so that neither the session's time
 * zone nor a double stands between the view and us.
 */
import type { EpochMs, Period } from '#base/time.js';
import type { RowReader } from './usage-rows.js';

/**
 * `id` is a number that names something, `amount` a decimal or double, `day` a DATE, `flag` a BOOLEAN; the others are what
 * they are called.
 */
export const CELL_FORMS = ['text', 'id', 'whole', 'amount', 'instant', 'day', 'flag'] as const;
export type CellForm = (typeof CELL_FORMS)[number];

export interface ReadColumn {
  readonly name: string;
  readonly form: CellForm;
  /** A file may lack it: it says less then, and nothing wrong. */
  readonly isOptional: boolean;
}

/** One row as the tables have it, by column. */
export type UsageRow = Readonly<Record<string, string | number | boolean | null>>;

export interface ViewReading {
  readonly schema: 'ACCOUNT_USAGE' | 'ORGANIZATION_USAGE';
  /** The column that a window is cut by. */
  readonly time: string;
  readonly columns: readonly ReadColumn[];
  /** Rows that are of no use, as SQL over `v` and as what is asked of a row of a file. */
  readonly where?: string;
  readonly keeps?: (read: RowReader) => boolean;
  /** Rows may come, or change, that long after their time; the documented latency and a margin. */
  readonly lateMs: number;
  /** The database role of SNOWFLAKE that may read it (Snowflake, "SNOWFLAKE database roles"). */
  readonly grant: string;
  readonly toRow: (read: RowReader) => UsageRow;
}

/** Columns from `NAME`, `NAME:form`, `NAME?:form`, parted by blanks; a `?` marks what a file may lack. */
export function readColumns(text: string): readonly ReadColumn[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => {
      const [marked = '', form = 'text'] = word.split(':');
      const known = CELL_FORMS.find((each) => each === form);
      if (known === undefined) throw new Error(`no form of a cell: ${word}`);
      return { name: marked.replace('?', ''), form: known, isOptional: marked.endsWith('?') };
    });
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The rows of `view` whose time lies in `[startsAt, endsAt)`; of a view of days, those of every day that it touches.
 * @param lacking columns that the account's view does not have: nothing is known of them.
 */
export function viewQuery(
  view: string,
  reading: ViewReading,
  period: Period,
  lacking: ReadonlySet<string> = NONE,
): string {
  const { schema, columns, time, where } = reading;
  const conditions = [
    between(`v.${time}`, isOfDays(reading), period),
    ...(where === undefined ? [] : [where]),
  ];
  const wanted = columns.map(
    (column) => `${lacking.has(column.name) ? 'NULL' : expressionOf(column)} AS ${column.name}`,
  );
  return `SELECT ${wanted.join(', ')} FROM SNOWFLAKE.${schema}.${view} AS v WHERE ${conditions.join(' AND ')}`;
}

/** Whether the rows of a view are of days. */
export function isOfDays({ columns, time }: Pick<ViewReading, 'columns' | 'time'>): boolean {
  return columns.find(({ name }) => name === time)?.form === 'day';
}

function expressionOf({ name, form }: ReadColumn): string {
  switch (form) {
    case 'text':
    case 'whole':
    case 'flag':
      return `v.${name}`;
    case 'id':
    case 'amount':
      return `TO_VARCHAR(v.${name})`;
    case 'instant':
      return `DATE_PART(EPOCH_MILLISECOND, v.${name})`;
    case 'day':
      return `TO_VARCHAR(v.${name}, 'YYYY-MM-DD')`;
  }
}

function between(time: string, isByDay: boolean, { startsAt, endsAt }: Period): string {
  if (!isByDay) return `${time} >= ${timestamp(startsAt)} AND ${time} < ${timestamp(endsAt)}`;
  const [first, last] = [startsAt, endsAt - 1].map((at) => instantText(at).slice(0, 10));
  return `${time} BETWEEN '${first ?? ''}'::DATE AND '${last ?? ''}'::DATE`;
}

function timestamp(at: EpochMs): string {
  return `'${instantText(at).replace('T', ' ').replace('Z', ' +0000')}'::TIMESTAMP_TZ`;
}

/** As Postgres takes it. */
export function instantText(at: EpochMs): string {
  return new Date(at).toISOString();
}
