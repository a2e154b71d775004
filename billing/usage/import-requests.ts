/** Imports that somebody asked for beside the schedule: of views, or of a file in place of one. */
import { must } from '#base/assert.js';
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
  /** The file that somebody gave in place of a view; null: the account's views were asked for. */
  readonly file: ImportedFile | null;
}

export interface ImportedFile {
  readonly view: string;
  readonly name: string;
  readonly sha256: string;
  readonly rows: number;
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
  readonly file_view: string | null;
  readonly file_name: string | null;
  readonly file_sha256: string | null;
  readonly file_rows: string | null;
}

const COLUMNS = `id, account, from_at, asked_by, asked_at, done_at, problem, rows_written, file_view, file_name,
  file_sha256, file_rows`;

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

/** Writes that the rows of a file are in; the worker allocates them and closes it. Faults of Postgres propagate. */
export async function noteFileImport(
  db: Queryable,
  asked: Pick<ImportRequest, 'account' | 'askedBy' | 'askedAt'> & {
    readonly file: ImportedFile;
    readonly rowsWritten: number;
  },
): Promise<ImportRequest> {
  const { account, askedBy, askedAt, file, rowsWritten } = asked;
  const { rows } = await db.query<RequestRow>(
    `INSERT INTO usage_import_request (account, asked_by, asked_at, rows_written, file_view, file_name, file_sha256, file_rows)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
    [
      account,
      askedBy,
      new Date(askedAt),
      rowsWritten,
      file.view,
      file.name,
      file.sha256,
      file.rows,
    ],
  );
  return requestOf(must(rows[0], 'an insert returns its row'));
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
    file:
      row.file_view === null
        ? null
        : {
            view: row.file_view,
            name: row.file_name ?? '',
            sha256: row.file_sha256 ?? '',
            rows: Number(row.file_rows ?? 0),
          },
  };
}
