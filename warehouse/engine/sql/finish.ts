/** What the transpiler's output still needs. */

/** DuckDB's text ready to be bound. */
export function finish(duckSql: string): string {
  return duckSql;
}
