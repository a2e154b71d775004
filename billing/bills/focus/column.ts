/** What one column of a FOCUS dataset is: data, that the file, its page and its tests are made of. */
import type { FocusVersion } from './versions.js';

/** Whether FOCUS wants it always, where it applies, or better than not; `custom` is ours (`x_`). */
export type Feature = 'Mandatory' | 'Conditional' | 'Recommended' | 'Custom';
export type ColumnType = 'String' | 'Decimal' | 'DateTime' | 'JSON';

export interface Column<Row> {
  readonly name: string;
  readonly feature: Feature;
  readonly type: ColumnType;
  readonly isNullable: boolean;
  /** First and last version that has it; no last one: the newest does. */
  readonly since: FocusVersion;
  readonly until?: FocusVersion;
  /** Where it comes from, for the page. */
  readonly from: string;
  /** null: empty in the file, which is how FOCUS writes it. */
  readonly value: (row: Row) => string | null;
}

type Part<Row> = Pick<Column<Row>, 'from' | 'value'>;

/** A column with a value in every row. */
export function filled<Row>(
  name: string,
  kind: { readonly feature: Feature; readonly type: ColumnType; readonly since?: FocusVersion },
  from: Part<Row>['from'],
  value: (row: Row) => string,
): Column<Row> {
  return { name, since: '1.2', ...kind, isNullable: false, from, value };
}

/** A column that is empty in some rows. */
export function nullable<Row>(
  name: string,
  kind: { readonly feature: Feature; readonly type: ColumnType; readonly since?: FocusVersion },
  from: Part<Row>['from'],
  value: Part<Row>['value'],
): Column<Row> {
  return { name, since: '1.2', ...kind, isNullable: true, from, value };
}

/** `2026-10-31` → `2026-10-31T00:00:00Z`. */
export function midnightOf(day: string): string {
  return `${day}T00:00:00Z`;
}

/** The instant without its milliseconds, as FOCUS writes it. */
export function secondsOf(instant: string): string {
  return `${instant.slice(0, 19)}Z`;
}
