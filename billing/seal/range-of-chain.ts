/** A range of the chain as SQL, for followers that read what belongs to its journals. */

/** Common table `range (journal_id)`: the journals that are sealed from `$1` to `$2`, both included. */
export const RANGE = `range AS MATERIALIZED (
  SELECT journal_id FROM ledger_seal WHERE sequence BETWEEN $1 AND $2
)`;

/**
 * Condition on a `row` that is joined with `range`: its journal is between the first and the last of them. It leaves out
 * nothing that the join keeps; but by it a month is asked for all journals at once and not for each.
 */
export function withinRange(row: string): string {
  return `${row}.journal_id >= (SELECT min(journal_id) FROM range)
    AND ${row}.journal_id <= (SELECT max(journal_id) FROM range)`;
}
