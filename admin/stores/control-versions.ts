/** The versions of the control document: who made them, when and why, and what they said. */
import type { Queryable } from '#base/postgres/pool.js';

export interface VersionEntry {
  readonly version: number;
  readonly author: string;
  readonly reason: string;
  readonly createdAt: string;
}

interface VersionRow extends Record<string, unknown> {
  readonly version: string;
  readonly author: string;
  readonly reason: string;
  readonly created_at: Date;
}

/** At most `limit` versions, newest first; with `before` only those older than it. */
export async function listVersions(
  db: Queryable,
  page: { readonly limit: number; readonly before?: number },
): Promise<readonly VersionEntry[]> {
  const { rows } = await db.query<VersionRow>(
    `SELECT version, author, reason, created_at FROM control_version
     WHERE $2::bigint IS NULL OR version < $2 ORDER BY version DESC LIMIT $1`,
    [page.limit, page.before ?? null],
  );
  return rows.map(fromRow);
}

/** One version with its document as it was stored, or undefined. */
export async function readControlVersion(
  db: Queryable,
  version: number,
): Promise<(VersionEntry & { readonly document: unknown }) | undefined> {
  const { rows } = await db.query<VersionRow & { readonly document: unknown }>(
    'SELECT version, author, reason, created_at, document FROM control_version WHERE version = $1',
    [version],
  );
  const row = rows[0];
  return row === undefined ? undefined : { ...fromRow(row), document: row.document };
}

function fromRow(row: VersionRow): VersionEntry {
  return {
    version: Number(row.version),
    author: row.author,
    reason: row.reason,
    createdAt: row.created_at.toISOString(),
  };
}
