/** Table functions: GENERATOR, RESULT_SCAN and those of INFORMATION_SCHEMA, as DuckDB text in place of the call. */
import type { StatementRequest } from '../process/messages.js';
import type { Piece } from '../sql/pieces.js';
import type { TableMention } from '../sql/table-names.js';

/** Text that stands for the call at `mention` and the piece after it; undefined for functions left to DuckDB. */
export function tableFunction(
  _mention: TableMention,
  _pieces: readonly Piece[],
  _request: StatementRequest,
): { readonly sql: string; readonly to: number } | undefined {
  return undefined;
}
