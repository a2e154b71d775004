/** Earlier results as temporary tables, for RESULT_SCAN: loaded page by page, gone with the statement that reads them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { pageText } from '../../results/stored-result.js';
import type { EarlierResult } from '../engine.js';
import { resultGone, StatementFailed } from '../failures.js';
import { quoteName } from '../sql/pieces.js';
import { decodedRows, filledTable, snowflakeType } from '../statistics/provided.js';
import { resultTable } from './table-functions.js';

export class EarlierResults {
  readonly #connection: DuckDBConnection;
  readonly #loaded = new Set<string>();

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Makes a table of each result; throws StatementFailed (`000709`) for one whose pages are gone. */
  async load(results: Readonly<Record<string, EarlierResult>>): Promise<void> {
    for (const [id, result] of Object.entries(results)) {
      const table = resultTable(id);
      if (this.#loaded.has(table)) continue;
      this.#loaded.add(table);
      await this.#fill(id, quoteName(table), result);
    }
  }

  /** Drops the tables. One that an aborted transaction holds on to is tried again after the next statement. */
  async release(): Promise<void> {
    for (const table of this.#loaded) {
      try {
        await this.#connection.run(`DROP TABLE IF EXISTS temp.main.${quoteName(table)}`);
        this.#loaded.delete(table);
      } catch {
        return;
      }
    }
  }

  async #fill(id: string, table: string, { columns, rows, stored }: EarlierResult): Promise<void> {
    const typed = columns.map((column) => ({ name: column.name, type: snowflakeType(column) }));
    await this.#connection.run(filledTable(`TEMP TABLE ${table}`, typed, rows));
    const insert = `INSERT INTO temp.main.${table} ${decodedRows(typed, '$1::VARCHAR')}`;
    for (const page of stored?.pages ?? []) {
      const text = await pageText(page);
      if (text === undefined) throw new StatementFailed(resultGone(id));
      await this.#connection.run(insert, [text]);
    }
  }
}
