import { AssertionError } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import { isReadOnly, sqlStateOf } from '#base/postgres/pool.js';

/** Data, constraint, and syntax or access errors: our own mistakes, not a database that is away. */
const OURS = new Set(['22', '23', '42', '0A', '21', '2B', '25']);

/**
 * Runs a move of the ledger. A database that cannot be reached, does not answer in time, takes no writes, or keeps
 * deadlocking becomes the Fault `ledgerUnavailable`; bugs and other faults pass unchanged.
 */
export async function ledgerCall<T>(move: () => Promise<T>): Promise<T> {
  try {
    return await move();
  } catch (thrown) {
    if (thrown instanceof Fault || thrown instanceof AssertionError || thrown instanceof TypeError)
      throw thrown;
    const sqlState = sqlStateOf(thrown);
    if (sqlState !== undefined && OURS.has(sqlState.slice(0, 2)) && !isReadOnly(thrown))
      throw thrown;
    const why = isReadOnly(thrown) ? 'The ledger takes no writes.' : 'The ledger does not answer.';
    throw new Fault('ledgerUnavailable', why, {
      cause: thrown,
      detail: { sqlState },
    });
  }
}
