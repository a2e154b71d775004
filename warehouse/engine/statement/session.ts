/** What the steps of a statement need of the session that runs them: its connection, its names, and how it reads a query. */
import type { DuckDBType } from '@duckdb/node-api';
import type { RowType } from '#base/wire/row-type.js';
import type { Piece } from '../sql/pieces.js';
import type { Names } from '../sql/translate.js';
import type { StageSession } from '../stages/catalogue.js';
import type { Statistics } from '../statistics/statistics.js';
import type { Running } from './reading.js';

export interface Session extends StageSession {
  readonly statistics: Statistics;
  /** Full dotted names of its temporary tables. */
  readonly temporary: Set<string>;
  isInTransaction: boolean;
  /** Text of a statement for DuckDB. Throws StatementFailed. */
  translate(running: Running, pieces?: readonly Piece[]): Promise<string>;
  /** Where the names of a statement lead. */
  names(running: Running): Names;
  /** Columns of a query in DuckDB's text, under the names that the statement's text gives them. */
  describe(
    running: Running,
    duckSql: string,
  ): Promise<{ readonly columns: readonly RowType[]; readonly types: readonly DuckDBType[] }>;
}
