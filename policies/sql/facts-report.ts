/** The line that `tollgate explain --facts-only` prints for one text. Other people's scripts read it. */
import type { Filter, TextFacts } from './facts.js';

/** One statement in the line. */
export interface StatementReport {
  readonly class: string;
  readonly opaque: boolean;
  readonly fingerprint: string;
  readonly tablesRead: readonly string[];
  readonly tablesWritten: readonly string[];
  readonly columns: Readonly<Record<string, readonly string[]>>;
  readonly filters: readonly Filter[];
  readonly unknown: readonly string[];
}

/** The line as an object; `JSON.stringify` of it, keys in this order, is the line. */
export interface FactsReport {
  readonly id: string;
  readonly statements: readonly StatementReport[];
}

/** Report of the facts of the text that the input line called `id`. */
export function factsReport(id: string, facts: TextFacts): FactsReport {
  return {
    id,
    statements: facts.statements.map((statement) => ({
      class: statement.class,
      opaque: statement.opaque,
      fingerprint: statement.fingerprint,
      tablesRead: statement.tablesRead,
      tablesWritten: statement.tablesWritten,
      columns: statement.columns,
      filters: statement.filters.map(({ table, column, operator, low, high }) => ({
        table,
        column,
        operator,
        low,
        high,
      })),
      unknown: statement.unknown,
    })),
  };
}
