/** Records as they stand in the tables now, in the spelling that is hashed. */
import type { Queryable } from '#base/postgres/pool.js';
import { RECORD_PARTS, type LedgerRecord, type RecordPart } from './record.js';

const INSTANTS: ReadonlySet<string> = new Set(['occurred_at', 'recorded_at', 'ended_at']);

/** `json_build_object` of a table's columns, each as text. */
function rowOf(part: RecordPart, alias: string): string {
  const members = RECORD_PARTS[part].map((column) => {
    const place = `${alias}.${column}`;
    const text = INSTANTS.has(column)
      ? `to_char(${place} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
      : `${place}::text`;
    return `'${column}', ${text}`;
  });
  return `json_build_object(${members.join(', ')})`;
}

const rows = (part: RecordPart, alias: string, from: string, order: string): string =>
  `coalesce((SELECT json_agg(${rowOf(part, alias)} ORDER BY ${order}) FROM ${from}), '[]') AS "${part}"`;

/** The columns of a record of the journal that `journalId` names, which may be gone. */
function recordColumns(journalId: string): string {
  return [
    rows('journal', 'j', `journal j WHERE j.id = ${journalId}`, 'j.id'),
    rows('entries', 'e', `entry e WHERE e.journal_id = ${journalId}`, 'e.ordinal'),
    rows('charges', 'c', `charge c WHERE c.journal_id = ${journalId}`, 'c.ticket_id'),
    rows(
      'parts',
      'p',
      `charge c JOIN charge_part p ON p.ticket_id = c.ticket_id WHERE c.journal_id = ${journalId}`,
      'p.account COLLATE "C", p.snowflake_query_id COLLATE "C"',
    ),
    rows(
      'deltas',
      'd',
      `charge_delta d WHERE d.journal_id = ${journalId}`,
      'd.ticket_id, d.ordinal',
    ),
    rows(
      'trueUps',
      't',
      `budget_true_up t WHERE t.journal_id = ${journalId}`,
      't.budget_period_id, t.line COLLATE "C"',
    ),
  ].join(',\n  ');
}

/** A journal that is not sealed yet. */
export type UnsealedRow = LedgerRecord & {
  readonly journal_id: string;
  readonly recorded_xid: string;
};

// Of `pg_snapshot_xmin` on, some transaction may still be writing; below it every one has ended, and what it wrote is seen.
const UNSEALED = `/* prepared: billing.unsealed_records */
WITH due AS MATERIALIZED (
  SELECT id, recorded_xid FROM journal
  WHERE recorded_xid < pg_snapshot_xmin(pg_current_snapshot()) AND (recorded_xid, id) > ($1::text::xid8, $2::bigint)
  ORDER BY recorded_xid, id LIMIT $3
)
SELECT due.id AS journal_id, due.recorded_xid::text AS recorded_xid,
  ${recordColumns('due.id')}
FROM due ORDER BY due.recorded_xid, due.id`;

/** Records behind the place that sealing has reached, below the snapshot horizon, at most `limit`. */
export async function readUnsealed(
  db: Queryable,
  after: { readonly xid: string; readonly journalId: string },
  limit: number,
): Promise<readonly UnsealedRow[]> {
  const found = await db.query<UnsealedRow & Record<string, unknown>>(UNSEALED, [
    after.xid,
    after.journalId,
    limit,
  ]);
  return found.rows;
}

/** A sealed record as it stands now; `journal_id` is what its seal says. */
export type StandingRow = LedgerRecord & {
  readonly sequence: string;
  readonly journal_id: string;
  readonly hash: string;
};

const SEALED = `/* prepared: billing.sealed_records */
SELECT s.sequence, s.journal_id, encode(s.hash, 'hex') AS hash,
  ${recordColumns('s.journal_id')}
FROM ledger_seal s WHERE s.sequence >= $1 AND s.sequence <= $2 ORDER BY s.sequence`;

/** Sealed records of a range of the chain, both ends included. */
export async function readSealed(
  db: Queryable,
  range: { readonly first: number; readonly last: number },
): Promise<readonly StandingRow[]> {
  const found = await db.query<StandingRow & Record<string, unknown>>(SEALED, [
    range.first,
    range.last,
  ]);
  return found.rows;
}
