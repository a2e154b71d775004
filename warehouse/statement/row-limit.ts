import { STATEMENT_TYPES } from '#base/wire/codes.js';
import type { EngineRows } from '../engine/engine.js';
import { parameterNumber } from './parameters.js';
import type { Statement } from './statement.js';

/** The first ROWS_PER_RESULTSET rows of a query; 0 = all (Snowflake, "Parameters"). */
export function withinRowLimit({ session, request }: Statement, outcome: EngineRows): EngineRows {
  const set = new Map([...session.parameters, ...request.parameters]);
  const most = parameterNumber(set, 'ROWS_PER_RESULTSET', 0);
  return most > 0 && outcome.statementTypeId === STATEMENT_TYPES.select
    ? { ...outcome, rows: outcome.rows.slice(0, most) }
    : outcome;
}
