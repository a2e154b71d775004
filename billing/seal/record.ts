/**
 * What one row of the chain stands for: a journal with its entries, its charge, the parts and the deltas. Fields have a
 * fixed order; amounts are decimal text at twelve decimals, instants UTC at microseconds, so that equal rows have equal
 * bytes wherever they are written down.
 */
import { canonicalBytes, chainedHash, leafHash, type ChainField } from '#base/hash-chain.js';

/** The tables of a record and their columns, in the order that is hashed. */
export const RECORD_PARTS = {
  journal: ['id', 'kind', 'ticket_id', 'key', 'author', 'reason', 'occurred_at', 'recorded_at'],
  entries: ['ordinal', 'budget_period_id', 'account', 'credits'],
  charges: [
    'ticket_id',
    'account',
    'team_id',
    'principal_id',
    'tier',
    'warehouse',
    'snowflake_query_id',
    'occurred_at',
    'ended_at',
    'credits',
    'money',
    'currency',
    'price_per_credit',
    'warehouse_ms',
    'bytes_scanned',
    'basis',
  ],
  parts: ['account', 'snowflake_query_id', 'ticket_id', 'ordinal', 'credits', 'money'],
  deltas: [
    'ticket_id',
    'ordinal',
    'stage',
    'previous_credits',
    'credits',
    'delta_credits',
    'previous_money',
    'money',
    'delta_money',
    'price_per_credit',
  ],
  trueUps: ['budget_period_id', 'line', 'credits'],
} as const;

export type RecordPart = keyof typeof RECORD_PARTS;
const RECORD_PART_NAMES = Object.keys(RECORD_PARTS) as readonly RecordPart[];

/** One row of a table, by column. */
export type RecordRow = Readonly<Record<string, ChainField>>;

/** `journal` has one row, and none where it was deleted; the others have any number, in the order of their keys. */
export type LedgerRecord = Readonly<Record<RecordPart, readonly RecordRow[]>>;

/** The leaf of a record. Every table is told by its name and its number of rows, so that no row passes for another's. */
export function leafOfRecord(record: LedgerRecord): string {
  const fields: ChainField[] = [];
  for (const part of RECORD_PART_NAMES) {
    fields.push(part, String(record[part].length));
    for (const row of record[part])
      for (const column of RECORD_PARTS[part]) fields.push(row[column] ?? null);
  }
  return leafHash(canonicalBytes(fields));
}

/** A record in its place in the chain. */
export interface SealedRecord {
  readonly sequence: number;
  readonly leaf: string;
  readonly hash: string;
}

/** Chains records behind `previousHash`, numbered from `firstSequence`. */
export function sealRecords(
  records: readonly LedgerRecord[],
  firstSequence: number,
  previousHash: string,
): readonly SealedRecord[] {
  let previous = previousHash;
  return records.map((record, at) => {
    const sequence = firstSequence + at;
    const leaf = leafOfRecord(record);
    previous = chainedHash(previous, sequence, leaf);
    return { sequence, leaf, hash: previous };
  });
}

/** What the anchor of a batch is made over. */
export interface BatchFacts {
  readonly id: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly previousHash: string;
  readonly headHash: string;
  readonly root: string;
  readonly keyId: string;
  /** ISO 8601 in UTC, at milliseconds. */
  readonly sealedAt: string;
}

/** For what seal keys are derived here. */
export const ANCHOR_PURPOSE = 'ledger anchor';

/** What an anchor is made over, in this order. */
export function anchorFields(batch: BatchFacts): readonly ChainField[] {
  return [
    String(batch.id),
    String(batch.firstSequence),
    String(batch.lastSequence),
    batch.previousHash,
    batch.headHash,
    batch.root,
    batch.keyId,
    batch.sealedAt,
  ];
}
