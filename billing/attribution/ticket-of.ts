/**
 * The ticket that proves that a statement came through Tollgate: by Snowflake's own id of it, which no client can choose, or
 * by that of the topmost statement that it ran inside of, such as the CALL of its procedure.
 */

/**
 * SQL of a relation `t (id, team_id, principal_id)` of at most one row, to be joined to what has the ids; `$1` is the account.
 * @param queryId the expression of the statement's own id.
 * @param rootQueryId that of the topmost statement it ran in; NULL: none.
 */
export function ticketOf(queryId: string, rootQueryId: string): string {
  const branches = [queryId, rootQueryId].map(
    (id, near) => `SELECT k.id, k.team_id, k.principal_id, ${near} AS distance
    FROM ticket_of_query asked JOIN ticket k ON k.id = asked.ticket_id
    WHERE asked.account = $1 AND asked.snowflake_query_id = ${id}`,
  );
  return `LATERAL (
  SELECT id, team_id, principal_id FROM (
    ${branches.join('\n    UNION ALL ')}
  ) known ORDER BY distance LIMIT 1
) t`;
}
