/**
 * The chain as a file for whoever checks it elsewhere: a manifest, every record as it stands in the tables now with the
 * hash that was sealed, the anchor of every batch behind its records, and what has no seal. One line each, in one spelling.
 */
import { z } from 'zod';
import { canonicalJson } from '#base/canonical-json.js';
import { GENESIS_HASH, HASH_PATTERN } from '#base/hash-chain.js';
import type { Database, Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { readSealed, type StandingRow } from './read-records.js';
import { type BatchFacts, RECORD_PARTS, type RecordPart } from './record.js';
import { readPassedOver } from './seal.js';

export const LEDGER_FORMAT = 'tollgate-ledger-1';

type Rows = readonly Readonly<Record<string, string | null>>[];

export interface ManifestLine {
  readonly kind: 'manifest';
  readonly format: typeof LEDGER_FORMAT;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly previousHash: string;
  readonly headHash: string;
  readonly batches: number;
  readonly unsealed: number;
}

export interface RecordLine extends Readonly<Record<RecordPart, Rows>> {
  readonly kind: 'record';
  readonly sequence: number;
  readonly journalId: string;
  readonly hash: string;
}

export interface BatchLine extends BatchFacts {
  readonly kind: 'batch';
  readonly anchor: string;
}

export interface UnsealedLine {
  readonly kind: 'unsealed';
  readonly journalId: string;
}

export type LedgerLine = ManifestLine | RecordLine | BatchLine | UnsealedLine;

const hash = z.string().regex(HASH_PATTERN);
const count = z.int().min(0);

function rowsOf(part: RecordPart): z.ZodType<Rows> {
  const columns = RECORD_PARTS[part].map((column) => [column, z.string().nullable()] as const);
  return z.array(z.strictObject(Object.fromEntries(columns)));
}

export const ledgerLineSchema: z.ZodType<LedgerLine> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('manifest'),
    format: z.literal(LEDGER_FORMAT),
    firstSequence: count,
    lastSequence: count,
    previousHash: hash,
    headHash: hash,
    batches: count,
    unsealed: count,
  }),
  z.strictObject({
    kind: z.literal('record'),
    sequence: count,
    journalId: z.string(),
    hash,
    journal: rowsOf('journal'),
    entries: rowsOf('entries'),
    charges: rowsOf('charges'),
    parts: rowsOf('parts'),
    deltas: rowsOf('deltas'),
    trueUps: rowsOf('trueUps'),
  }),
  z.strictObject({
    kind: z.literal('batch'),
    id: count,
    firstSequence: count,
    lastSequence: count,
    previousHash: hash,
    headHash: hash,
    root: hash,
    keyId: z.string(),
    anchor: hash,
    sealedAt: z.iso.datetime(),
  }),
  z.strictObject({ kind: z.literal('unsealed'), journalId: z.string() }),
]);

/** Which batches: those sealed from `from` (included) to `to` (not); null: from the beginning, to the end. */
export interface SealedSpan {
  readonly from: EpochMs | null;
  readonly to: EpochMs | null;
}

/** Records read at once; memory is bounded by this many. */
const PAGE = 500;
/** Batches read at once. */
const BATCH_PAGE = 200;
/** Journals without a seal that are named. */
const UNSEALED_MAX = 1_000;

/** The lines of the export, without their ends. What is sealed after the call began is not in it. */
export async function* ledgerLines(db: Database, span: SealedSpan): AsyncGenerator<string> {
  const manifest = await readManifest(db, span);
  const passedOver = await readPassedOver(db, { limit: UNSEALED_MAX });
  yield canonicalJson({ ...manifest, unsealed: passedOver.length });
  let after = manifest.firstSequence - 1;
  while (after < manifest.lastSequence) {
    const batches = await readBatches(db, after, manifest.lastSequence);
    for (const batch of batches) {
      yield* recordLines(db, after + 1, batch.lastSequence);
      yield canonicalJson(batch);
      after = batch.lastSequence;
    }
    if (batches.length === 0) break;
  }
  for (const journalId of passedOver) yield canonicalJson({ kind: 'unsealed', journalId });
}

async function* recordLines(db: Queryable, first: number, last: number): AsyncGenerator<string> {
  for (let at = first; at <= last; at += PAGE) {
    const rows = await readSealed(db, { first: at, last: Math.min(last, at + PAGE - 1) });
    for (const row of rows) yield canonicalJson(toRecordLine(row));
  }
}

function toRecordLine(row: StandingRow): RecordLine {
  const { sequence, journal_id: journalId, hash: sealed, ...parts } = row;
  return { kind: 'record', sequence: Number(sequence), journalId, hash: sealed, ...parts };
}

interface ManifestRow {
  readonly first: string | null;
  readonly last: string | null;
  readonly batches: number;
  readonly previous: string | null;
  readonly head: string | null;
}

async function readManifest(db: Queryable, { from, to }: SealedSpan): Promise<ManifestLine> {
  const { rows } = await db.query<ManifestRow & Record<string, unknown>>(
    `WITH b AS (
       SELECT * FROM ledger_seal_batch
       WHERE ($1::timestamptz IS NULL OR sealed_at >= $1) AND ($2::timestamptz IS NULL OR sealed_at < $2)
     )
     SELECT min(first_sequence) AS first, max(last_sequence) AS last, count(*)::integer AS batches,
       encode((array_agg(previous_hash ORDER BY first_sequence))[1], 'hex') AS previous,
       encode((array_agg(head_hash ORDER BY last_sequence DESC))[1], 'hex') AS head
     FROM b`,
    [from === null ? null : new Date(from), to === null ? null : new Date(to)],
  );
  const row = rows[0];
  return {
    kind: 'manifest',
    format: LEDGER_FORMAT,
    firstSequence: Number(row?.first ?? 1),
    lastSequence: Number(row?.last ?? 0),
    previousHash: row?.previous ?? GENESIS_HASH,
    headHash: row?.head ?? GENESIS_HASH,
    batches: row?.batches ?? 0,
    unsealed: 0,
  };
}

interface BatchRow {
  readonly id: string;
  readonly first_sequence: string;
  readonly last_sequence: string;
  readonly previous: string;
  readonly head: string;
  readonly root: string;
  readonly key_id: string;
  readonly anchor: string;
  readonly sealed_at: Date;
}

async function readBatches(
  db: Queryable,
  afterSequence: number,
  lastSequence: number,
): Promise<readonly BatchLine[]> {
  const { rows } = await db.query<BatchRow & Record<string, unknown>>(
    `SELECT id, first_sequence, last_sequence, encode(previous_hash, 'hex') AS previous, encode(head_hash, 'hex') AS head,
       encode(root, 'hex') AS root, key_id, encode(anchor, 'hex') AS anchor, sealed_at
     FROM ledger_seal_batch WHERE first_sequence > $1 AND last_sequence <= $2 ORDER BY first_sequence LIMIT $3`,
    [afterSequence, lastSequence, BATCH_PAGE],
  );
  return rows.map((row) => ({
    kind: 'batch',
    id: Number(row.id),
    firstSequence: Number(row.first_sequence),
    lastSequence: Number(row.last_sequence),
    previousHash: row.previous,
    headHash: row.head,
    root: row.root,
    keyId: row.key_id,
    anchor: row.anchor,
    sealedAt: row.sealed_at.toISOString(),
  }));
}
