/** Why a view of an account is not imported, in words that help: kept until it is, one a view. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { VIEWS } from './read-views.js';
import type { UsageView } from './read-views.js';

/** Stands in the place of a view for what keeps every view of an account from being read. */
export const EVERY_VIEW = 'EVERY VIEW';
type ReadPlace = UsageView | typeof EVERY_VIEW;

const PROBLEM_CHARACTERS_MAX = 500;

/** Snowflake tells nobody whether something does not exist or is not theirs (error 2003), or names the privilege (3001). */
const NO_PRIVILEGE = /does not exist or not authorized|insufficient privileges/i;
const AFTER_GRANT = 'it is read at the next import';

interface ViewProblem {
  readonly account: string;
  readonly view: ReadPlace;
  readonly cause: Error;
  readonly now: EpochMs;
}

/** Writes the problem down and returns it. Faults of Postgres propagate. */
export async function noteViewProblem(
  db: Queryable,
  { account, view, cause, now }: ViewProblem,
): Promise<string> {
  const problem = cause.message.replace(/\s+/g, ' ').slice(0, PROBLEM_CHARACTERS_MAX);
  await db.query(
    `INSERT INTO usage_import_problem (account, view_name, problem, way_out, occurred_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (account, view_name) DO UPDATE SET problem = excluded.problem, way_out = excluded.way_out,
       occurred_at = excluded.occurred_at`,
    [account, view, problem, wayOutOf(view, problem), new Date(now)],
  );
  return problem;
}

/** The view is imported again. */
export async function clearViewProblem(
  db: Queryable,
  account: string,
  view: ReadPlace,
): Promise<void> {
  await db.query('DELETE FROM usage_import_problem WHERE account = $1 AND view_name = $2', [
    account,
    view,
  ]);
}

/** What helps: the grant where a privilege is missing. */
export function wayOutOf(view: ReadPlace, problem: string): string {
  if (view === EVERY_VIEW)
    return 'tollgate doctor says what the service user lacks; it is tried again within a quarter of an hour, or by tollgate import';
  const { schema, grant } = VIEWS[view];
  if (!NO_PRIVILEGE.test(problem))
    return `look at the account with the service user: SELECT * FROM SNOWFLAKE.${schema}.${view} LIMIT 1; ${AFTER_GRANT}`;
  const file = `or upload an export of it: tollgate import --file ${view.toLowerCase()}.csv --view ${view}`;
  return `GRANT DATABASE ROLE SNOWFLAKE.${grant} TO ROLE <role of the service user>; ${AFTER_GRANT}; ${file}`;
}
