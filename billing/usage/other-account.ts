/**
 * Files of ACCOUNT_USAGE do not say whose they are: one that is given for another account would bill the same usage twice, and
 * nothing takes it back. What shows it is the same file, or statements, that another account has already.
 */
import type { Transaction } from '#base/postgres/pool.js';
import { UsageFileError } from './usage-files.js';
import type { UsageRow } from './view-reading.js';

export interface OfAccount {
  readonly account: string;
  readonly sha256: string;
  /** Another account that has the same, said on purpose; null: none may. */
  readonly alsoOf: string | null;
}

const SAME_FILE = `/* prepared: billing.same_file */
SELECT account FROM usage_import_request
WHERE file_sha256 = $1 AND file_rows > 0 AND account <> $2 AND account IS DISTINCT FROM $3 ORDER BY id LIMIT 1`;

/** Throws UsageFileError where the same bytes were imported for another account. */
export async function checkFileOfAccount(tx: Transaction, of: OfAccount): Promise<void> {
  const { rows } = await tx.query<{ account: string }>(SAME_FILE, [
    of.sha256,
    of.account,
    of.alsoOf,
  ]);
  const [other] = rows;
  if (other !== undefined) throw ofOther('the same file was imported', other.account, of);
}

const SAME_STATEMENT = `/* prepared: billing.same_statement */
WITH other AS (
  SELECT account FROM usage_import UNION SELECT account FROM usage_import_request WHERE file_view IS NOT NULL
)
SELECT o.account, q.query_id FROM other o JOIN usage_query q ON q.account = o.account AND q.query_id = ANY($1::text[])
WHERE o.account <> $2 AND o.account IS DISTINCT FROM $3 ORDER BY o.account, q.query_id LIMIT 1`;

/** Throws UsageFileError where a statement of `rows` is one of another account; ids of statements are of one account only. */
export async function checkStatementsOfAccount(
  tx: Transaction,
  of: OfAccount,
  rows: readonly UsageRow[],
): Promise<void> {
  const ids = rows.flatMap(({ query_id: id }) => (typeof id === 'string' ? [id] : []));
  if (ids.length === 0) return;
  const { rows: others } = await tx.query<{ account: string; query_id: string }>(SAME_STATEMENT, [
    ids,
    of.account,
    of.alsoOf,
  ]);
  const [other] = others;
  if (other !== undefined) throw ofOther(`statement ${other.query_id} is known`, other.account, of);
}

function ofOther(what: string, other: string, of: OfAccount): UsageFileError {
  return new UsageFileError(
    null,
    `${what} as one of account ${other}, and is given for ${of.account}; choose the account it is of, or say alsoOf=${other} (tollgate import --also-of ${other}) where ${other} has it by mistake`,
  );
}
