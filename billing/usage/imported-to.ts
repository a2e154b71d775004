/** How far each view of an account is imported, what was given of it in files, and which figures wait for their statement. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

export interface ImportedTo {
  readonly account: string;
  /** A view, or `EVERY VIEW` for what keeps all of them from being read. */
  readonly view: string;
  /** null: never yet. */
  readonly readTo: EpochMs | null;
  readonly importedAt: EpochMs | null;
  /** Why it is not imported now, and what helps; null: it is. */
  readonly problem: string | null;
  readonly wayOut: string | null;
  /** The last file that was given of it; null: none was. */
  readonly file: { readonly name: string; readonly rows: number; readonly givenAt: EpochMs } | null;
}

/** Figures of Snowflake's own whose statements QUERY_HISTORY has not given yet: their credits are short-query lines meanwhile. */
export interface WaitingFigures {
  readonly account: string;
  readonly figures: number;
  /** What they sum to. */
  readonly credits: string;
  /** When the first and the last of their statements ended; null: not known of any. */
  readonly firstEndedAt: EpochMs | null;
  readonly lastEndedAt: EpochMs | null;
}

const IMPORTED_TO = `/* prepared: billing.imported_to */
WITH file AS (
  SELECT DISTINCT ON (account, file_view) account, file_view AS view_name, file_name, file_rows, asked_at
  FROM usage_import_request WHERE file_view IS NOT NULL ORDER BY account, file_view, id DESC
)
SELECT account, view_name, i.read_to, i.imported_at, p.problem, p.way_out, f.file_name, f.file_rows::integer, f.asked_at
FROM usage_import i FULL JOIN usage_import_problem p USING (account, view_name) FULL JOIN file f USING (account, view_name)
ORDER BY account, view_name`;

/** How far each view of each account is imported; of an account that gives files alone, the files. Faults of Postgres propagate. */
export async function importedTo(db: Queryable): Promise<readonly ImportedTo[]> {
  const { rows } = await db.query<{
    account: string;
    view_name: string;
    read_to: Date | null;
    imported_at: Date | null;
    problem: string | null;
    way_out: string | null;
    file_name: string | null;
    file_rows: number | null;
    asked_at: Date | null;
  }>(IMPORTED_TO);
  return rows.map((row) => ({
    account: row.account,
    view: row.view_name,
    readTo: row.read_to?.getTime() ?? null,
    importedAt: row.imported_at?.getTime() ?? null,
    problem: row.problem,
    wayOut: row.way_out,
    file:
      row.asked_at === null
        ? null
        : {
            name: row.file_name ?? '',
            rows: row.file_rows ?? 0,
            givenAt: row.asked_at.getTime(),
          },
  }));
}

const WAITING = `/* prepared: billing.waiting_figures */
SELECT account, count(*)::integer AS figures, sum(attributed_credits)::text AS credits, min(ended_at) AS first_ended_at,
  max(ended_at) AS last_ended_at
FROM usage_query_ahead WHERE attributed_credits > 0 AND ($1::text IS NULL OR account = $1)
GROUP BY account ORDER BY account`;

/**
 * Figures that wait, by account; an account without any is left out. Faults of Postgres propagate.
 * @param account of this one alone; null: of every one.
 */
export async function waitingFigures(
  db: Queryable,
  account: string | null,
): Promise<readonly WaitingFigures[]> {
  const { rows } = await db.query<{
    account: string;
    figures: number;
    credits: string;
    first_ended_at: Date | null;
    last_ended_at: Date | null;
  }>(WAITING, [account]);
  return rows.map((row) => ({
    account: row.account,
    figures: row.figures,
    credits: row.credits,
    firstEndedAt: row.first_ended_at?.getTime() ?? null,
    lastEndedAt: row.last_ended_at?.getTime() ?? null,
  }));
}
