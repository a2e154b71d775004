/** What statements about stages need of the session that runs them. */
import type { DuckDBType } from '@duckdb/node-api';
import type { Piece } from '../sql/pieces.js';
import type { StageSession } from './catalogue.js';
import type { Target } from './target-table.js';

export interface StatementSession extends StageSession {
  /** DuckDB's text of a query's pieces. Throws StatementFailed. */
  translateQuery(pieces: readonly Piece[]): Promise<string>;
  /** Result columns of a query in DuckDB's text. */
  describeQuery(
    duckSql: string,
    pieces: readonly Piece[],
  ): Promise<readonly { readonly name: string; readonly type: DuckDBType }[]>;
  /** Runs `work` in the open transaction, or in one of its own. */
  inTransaction<Result>(isAutocommit: boolean, work: () => Promise<Result>): Promise<Result>;
  /** Bytes that so many rows of a table count for. */
  bytesOf(target: Target, rows: number): Promise<number>;
  /** Bytes and rows that a query in DuckDB's text reads by the statistics. */
  scanOf(duckSql: string): Promise<{ readonly bytes: number; readonly rows: number }>;
}
