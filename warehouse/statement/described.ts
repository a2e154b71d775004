/** The columns that a statement would answer with, for requests that only describe it. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import type { RowType } from '#base/wire/row-type.js';
import type { EnginePlan } from '../engine/engine.js';
import { readTokens } from './tokens.js';

const INSERTED = 'number of rows inserted';
const UPDATED = 'number of rows updated';
const DELETED = 'number of rows deleted';
const MULTI_JOINED = 'number of multi-joined rows updated';

/** Those of the plan; counts for DML and `status` for what has no rows, because the engine plans neither. */
export function describedColumns(plan: EnginePlan, sql: string): readonly RowType[] {
  if (plan.columns.length > 0) return plan.columns;
  switch (plan.statementTypeId) {
    case STATEMENT_TYPES.select:
      return plan.columns;
    case STATEMENT_TYPES.insert:
      return counts(INSERTED);
    case STATEMENT_TYPES.update:
      return counts(UPDATED, MULTI_JOINED);
    case STATEMENT_TYPES.delete:
      return counts(DELETED);
    case STATEMENT_TYPES.merge:
      return mergeCounts(sql);
  }
  return [columnType('status', 'text')];
}

/** A MERGE counts only what its clauses can do. */
function mergeCounts(sql: string): readonly RowType[] {
  const words = readTokens(sql).map(({ value }) => value);
  const actions = words.filter((_, index) => words[index - 1] === 'THEN');
  return counts(
    ...(actions.includes('INSERT') ? [INSERTED] : []),
    ...(actions.includes('UPDATE') ? [UPDATED] : []),
    ...(actions.includes('DELETE') ? [DELETED] : []),
  );
}

function counts(...names: readonly string[]): readonly RowType[] {
  return names.map((name) => columnType(name, 'fixed', { precision: 19, scale: 0 }));
}
