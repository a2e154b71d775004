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
  const branches = [queryId, rootQueryId].flatMap((id, near) => [
    `SELECT id, team_id, principal_id, ${near} AS distance FROM ticket WHERE account = $1 AND snowflake_query_id = ${id}`,
    `SELECT t.id, t.team_id, t.principal_id, ${near} FROM charge_part p JOIN ticket t ON t.id = p.ticket_id
    WHERE p.account = $1 AND p.snowflake_query_id = ${id}`,
  ]);
  return `LATERAL (
  SELECT id, team_id, principal_id FROM (
    ${branches.join('\n    UNION ALL ')}
  ) known ORDER BY distance LIMIT 1
) t`;
}
