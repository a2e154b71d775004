/** Tables of the engine that hold a view's rows, brought up to date by what has changed of them only. */
import { Fault } from '#base/errors.js';
import type { Engine, ProvidedColumn, TableAmendment } from '../engine/engine.js';
import type { ViewRow } from './view-cells.js';

const DATABASE = 'SNOWFLAKE';
/** Rows of one message to the engine. */
const ROWS_AT_ONCE = 5_000;

export interface TableName {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ProvidedColumn[];
}

/** A table that grows: rows are appended, and those after some instant may be taken back. */
export class GrowingTable {
  readonly #engine: Engine;
  readonly #table: TableName;
  #rows: number | undefined;

  constructor(engine: Engine, table: TableName) {
    this.#engine = engine;
    this.#table = table;
  }

  /** Begins anew with no rows. */
  async clear(): Promise<void> {
    this.#rows = undefined;
    const { schema, name, columns } = this.#table;
    await this.#engine.replaceTable(DATABASE, schema, name, columns, []);
    this.#rows = 0;
  }

  /**
   * Appends rows.
   *
   * @param keptRows how many rows stay of those that are there; the rest, which `from` finds, is taken back first.
   * @returns false when the table is not what it was, because the engine process was lost: it must be filled anew.
   */
  async append(
    rows: readonly ViewRow[],
    from?: TableAmendment['from'],
    keptRows: number | undefined = this.#rows,
  ): Promise<boolean> {
    if (keptRows === undefined) return false;
    const { schema, name, columns } = this.#table;
    let kept = keptRows;
    for (let at = 0; at === 0 || at < rows.length; at += ROWS_AT_ONCE) {
      const some = rows.slice(at, at + ROWS_AT_ONCE);
      const amendment = { from: at === 0 ? from : undefined, keptRows: kept };
      if (!(await this.#engine.amendTable(DATABASE, schema, name, columns, amendment, some))) {
        this.#rows = undefined;
        return false;
      }
      kept += some.length;
      this.#rows = kept;
    }
    return true;
  }
}

/** A table whose rows are computed as a whole, in order of one column; only rows from the first that differs on are sent. */
export class ComparedTable {
  readonly #table: GrowingTable;
  readonly #orderBy: string;
  readonly #orderIndex: number;
  #sent: readonly SentRow[] = [];

  /** @param orderBy a column of type DATE or TIMESTAMP_LTZ that the rows are sorted by. */
  constructor(engine: Engine, table: TableName, orderBy: string) {
    this.#table = new GrowingTable(engine, table);
    this.#orderBy = orderBy;
    this.#orderIndex = table.columns.findIndex(({ name }) => name === orderBy);
  }

  /** Makes the table hold exactly `rows`. */
  async show(rows: readonly ViewRow[]): Promise<void> {
    const wanted = rows.map((row) => ({
      text: row.map((cell) => cell ?? '\u0000').join('\u001f'),
      order: row[this.#orderIndex] ?? '0',
    }));
    const differs = firstDifference(this.#sent, wanted);
    const orders = [this.#sent[differs], wanted[differs]].flatMap((row) =>
      row === undefined ? [] : [row.order],
    );
    const cell = orders.sort((a, b) => Number(a) - Number(b))[0];
    const kept =
      cell === undefined
        ? wanted.length
        : wanted.filter(({ order }) => Number(order) < Number(cell)).length;
    const from = cell === undefined ? undefined : { column: this.#orderBy, cell };
    this.#sent = [];
    if (!(await this.#table.append(rows.slice(kept), from, kept))) {
      await this.#table.clear();
      if (!(await this.#table.append(rows)))
        throw new Fault('internal', 'the engine was lost while a view was filled');
    }
    this.#sent = wanted;
  }
}

interface SentRow {
  readonly text: string;
  readonly order: string;
}

function firstDifference(before: readonly SentRow[], after: readonly SentRow[]): number {
  const shorter = Math.min(before.length, after.length);
  for (let index = 0; index < shorter; index += 1)
    if (before[index]?.text !== after[index]?.text) return index;
  return shorter;
}
