/** Imports that somebody asked for beside the schedule, and how far each view of an account is imported. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

export interface ImportRequest {
  readonly id: string;
  readonly account: string;
  /** null: from where it was read to. */
  readonly from: EpochMs | null;
  readonly askedBy: string;
  readonly askedAt: EpochMs;
  /** null: not yet. */
  readonly doneAt: EpochMs | null;
  /** Why it could not be done. */
  readonly problem: string | null;
  readonly rowsWritten: number | null;
}

export interface ImportedTo {
  readonly account: string;
  readonly view: string;
  readonly readTo: EpochMs;
  readonly importedAt: EpochMs;
}

/** Open requests of one account at most; more would only import the same again. */
export const OPEN_REQUESTS_MAX = 20;

interface RequestRow {
  readonly id: string;
  readonly account: string;
  readonly from_at: Date | null;
  readonly asked_by: string;
  readonly asked_at: Date;
  readonly done_at: Date | null;
  readonly problem: string | null;
  readonly rows_written: string | null;
}

const COLUMNS = 'id, account, from_at, asked_by, asked_at, done_at, problem, rows_written';

/** Asks for an import; undefined where as many are open as may be. Faults of Postgres propagate. */
export async function askForImport(
  db: Queryable,
  asked: Pick<ImportRequest, 'account' | 'from' | 'askedBy' | 'askedAt'>,
): Promise<ImportRequest | undefined> {
  const { account, from, askedBy, askedAt } = asked;
  const { rows } = await db.query<RequestRow>(
    `INSERT INTO usage_import_request (account, from_at, asked_by, asked_at)
     SELECT $1, $2, $3, $4
     WHERE (SELECT count(*) FROM usage_import_request WHERE account = $1 AND done_at IS NULL) < ${OPEN_REQUESTS_MAX}
     RETURNING ${COLUMNS}`,
    [account, from === null ? null : new Date(from), askedBy, new Date(askedAt)],
  );
  return rows[0] && requestOf(rows[0]);
}

/** The request with this id. */
export async function importRequest(db: Queryable, id: string): Promise<ImportRequest | undefined> {
  const { rows } = await db.query<RequestRow>(
    `SELECT ${COLUMNS} FROM usage_import_request WHERE id = $1`,
    [id],
  );
  return rows[0] && requestOf(rows[0]);
}

/** Requests that are not done, oldest first. */
export async function openImportRequests(db: Queryable): Promise<readonly ImportRequest[]> {
  const { rows } = await db.query<RequestRow>(
    `SELECT ${COLUMNS} FROM usage_import_request WHERE done_at IS NULL ORDER BY id LIMIT 100`,
  );
  return rows.map(requestOf);
}

/** Writes what became of a request. */
export async function closeImportRequest(
  db: Queryable,
  id: string,
  became: Pick<ImportRequest, 'problem' | 'rowsWritten'> & { readonly doneAt: EpochMs },
): Promise<void> {
  await db.query(
    'UPDATE usage_import_request SET done_at = $2, problem = $3, rows_written = $4 WHERE id = $1',
    [id, new Date(became.doneAt), became.problem, became.rowsWritten],
  );
}

/** How far each view of each account is imported. */
export async function importedTo(db: Queryable): Promise<readonly ImportedTo[]> {
  const { rows } = await db.query<{
    account: string;
    view_name: string;
    read_to: Date;
    imported_at: Date;
  }>(
    'SELECT account, view_name, read_to, imported_at FROM usage_import ORDER BY account, view_name',
  );
  return rows.map((row) => ({
    account: row.account,
    view: row.view_name,
    readTo: row.read_to.getTime(),
    importedAt: row.imported_at.getTime(),
  }));
}

function requestOf(row: RequestRow): ImportRequest {
  return {
    id: row.id,
    account: row.account,
    from: row.from_at?.getTime() ?? null,
    askedBy: row.asked_by,
    askedAt: row.asked_at.getTime(),
    doneAt: row.done_at?.getTime() ?? null,
    problem: row.problem,
    rowsWritten: row.rows_written === null ? null : Number(row.rows_written),
  };
}
