/**
 * Seals journals behind the writes that made them: in batches, below the snapshot horizon, in the order of transactions,
 * so that one that commits late with a low id is never passed over. Writers neither wait nor know.
 */
import { setImmediate } from 'node:timers/promises';
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import { anchorOf, GENESIS_HASH, merkleRoot } from '#base/hash-chain.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import type { SealKey } from '#base/sealing.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import { readUnsealed, type UnsealedRow } from './read-records.js';
import {
  ANCHOR_PURPOSE,
  anchorFields,
  sealRecords,
  type BatchFacts,
  type SealedRecord,
} from './record.js';

export interface SealOptions {
  /** The first makes the anchors. */
  readonly keys: readonly SealKey[];
  readonly now: EpochMs;
  /** Journals of one transaction. */
  readonly batchMax?: number;
  /** Batches of one call. */
  readonly batchesMax?: number;
}

const BATCH_MAX = 1_000;
const BATCHES_MAX = 20;
/** Records hashed at a time. */
const RECORDS_A_TURN = 100;

/** The end of the chain, and where sealing goes on. */
export interface SealHead {
  readonly batch: number;
  readonly sequence: number;
  readonly hash: string;
  readonly root: string | null;
  readonly xid: string;
  readonly journalId: string;
  readonly sealedAt: EpochMs | null;
}

/**
 * Seals what can be sealed now; how many journals that were. Any number of processes may call it at once.
 * @throws Fault `internal` when the chain says more transactions than the database has had: a restored dump, which
 *   a start numbers anew.
 */
export async function sealLedger(db: Database, options: SealOptions): Promise<number> {
  const { batchMax = BATCH_MAX, batchesMax = BATCHES_MAX } = options;
  let sealed = 0;
  for (let batch = 0; batch < batchesMax; batch += 1) {
    const count = await db.transaction((tx) => sealBatch(tx, options, batchMax));
    sealed += count;
    if (count < batchMax) break;
  }
  return sealed;
}

async function sealBatch(tx: Transaction, options: SealOptions, limit: number): Promise<number> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tollgate.seal', 0))");
  const head = await readSealHead(tx);
  await assertSameCluster(tx, head);
  const rows = await readUnsealed(tx, head, limit);
  if (rows.length === 0) return 0;
  await writeBatch(tx, head, rows, options);
  return rows.length;
}

/** The statement that numbers the journals of a restored dump anew (migration 0079): minutes for tens of millions of them. */
export const RENUMBER_RESTORED = 'SELECT tollgate.renumber_restored_ledger() AS renumbered';

/**
 * Whether the chain names a transaction that this server has not had: the ledger was loaded from a dump, and what is written
 * now stands below the head, unseen. Rejects as the driver does.
 */
export async function isRestored(db: Queryable): Promise<boolean> {
  return isAhead(db, await readSealHead(db));
}

async function isAhead(db: Queryable, { xid }: SealHead): Promise<boolean> {
  const { rows } = await db.query<{ ahead: boolean }>(
    'SELECT $1::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) AS ahead',
    [xid],
  );
  return rows[0]?.ahead === true;
}

async function assertSameCluster(tx: Queryable, head: SealHead): Promise<void> {
  if (await isAhead(tx, head))
    throw new Fault(
      'internal',
      'The ledger was sealed by transactions that this database has not had: a dump was restored under a running Tollgate. Restart this process: a start numbers the journals anew.',
    );
}

async function writeBatch(
  tx: Transaction,
  head: SealHead,
  rows: readonly UnsealedRow[],
  { keys, now }: SealOptions,
): Promise<void> {
  const key = must(keys[0], 'at least one seal key');
  const sealed = await sealInTurns(rows, head);
  const [first, last] = [must(sealed[0], 'a record'), must(sealed.at(-1), 'a record')];
  const lastRow = must(rows.at(-1), 'a record');
  const facts: BatchFacts = {
    id: head.batch + 1,
    firstSequence: first.sequence,
    lastSequence: last.sequence,
    previousHash: head.hash,
    headHash: last.hash,
    root: merkleRoot(sealed.map(({ leaf }) => leaf)),
    keyId: key.id,
    sealedAt: formatInstant(now),
  };
  await tx.query(WRITE_SEALS, [
    sealed.map(({ sequence }) => sequence),
    rows.map((row) => row.journal_id),
    sealed.map(({ hash }) => hash),
  ]);
  await tx.query(WRITE_BATCH, [
    facts.id,
    facts.firstSequence,
    facts.lastSequence,
    lastRow.recorded_xid,
    lastRow.journal_id,
    facts.previousHash,
    facts.headHash,
    facts.root,
    facts.keyId,
    anchorOf(key, ANCHOR_PURPOSE, anchorFields(facts)),
    facts.sealedAt,
  ]);
}

/** Chains records a few at a time, so that whoever else has work in this process waits about a millisecond. */
async function sealInTurns(
  rows: readonly UnsealedRow[],
  head: SealHead,
): Promise<readonly SealedRecord[]> {
  const sealed: SealedRecord[] = [];
  for (let from = 0; from < rows.length; from += RECORDS_A_TURN) {
    const { sequence, hash } = sealed.at(-1) ?? head;
    sealed.push(...sealRecords(rows.slice(from, from + RECORDS_A_TURN), sequence + 1, hash));
    await setImmediate();
  }
  return sealed;
}

const WRITE_SEALS = `/* prepared: billing.write_seals */
INSERT INTO ledger_seal (sequence, journal_id, hash)
SELECT s.sequence, s.journal_id, decode(s.hash, 'hex')
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS s (sequence, journal_id, hash)`;

const WRITE_BATCH = `/* prepared: billing.write_seal_batch */
INSERT INTO ledger_seal_batch (id, first_sequence, last_sequence, last_xid, last_journal_id, previous_hash, head_hash, root,
  key_id, anchor, sealed_at)
VALUES ($1, $2, $3, $4::text::xid8, $5, decode($6, 'hex'), decode($7, 'hex'), decode($8, 'hex'), $9, decode($10, 'hex'), $11)`;

/** The head of the chain; of an empty one, sequence 0 and the genesis hash. */
export async function readSealHead(db: Queryable): Promise<SealHead> {
  const { rows } = await db.query<{
    id: string;
    last_sequence: string;
    head: string;
    root: string;
    last_xid: string;
    last_journal_id: string;
    sealed_at: Date;
  }>(
    `SELECT id, last_sequence, encode(head_hash, 'hex') AS head, encode(root, 'hex') AS root, last_xid::text, last_journal_id,
       sealed_at
     FROM ledger_seal_batch ORDER BY id DESC LIMIT 1`,
  );
  const [row] = rows;
  if (row === undefined)
    return {
      batch: 0,
      sequence: 0,
      hash: GENESIS_HASH,
      root: null,
      // Below every journal: those that are older than sealing have transaction 0 and ids from 1 on.
      xid: '0',
      journalId: '0',
      sealedAt: null,
    };
  return {
    batch: Number(row.id),
    sequence: Number(row.last_sequence),
    hash: row.head,
    root: row.root,
    xid: row.last_xid,
    journalId: row.last_journal_id,
    sealedAt: row.sealed_at.getTime(),
  };
}

/** What waits to be sealed, and what should have been. */
export interface SealBacklog {
  /** Journals behind the head, counted up to `COUNT_MAX`. */
  readonly waiting: number;
  /** Seconds since the oldest of them was recorded, by the database's clock. */
  readonly oldestSeconds: number;
}

const COUNT_MAX = 100_000;

const BACKLOG = `/* prepared: billing.seal_backlog */
SELECT count(*)::integer AS waiting,
  coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min(recorded_at))), 0)::double precision AS oldest_seconds
FROM (SELECT recorded_at FROM journal WHERE (recorded_xid, id) > ($1::text::xid8, $2::bigint) LIMIT ${COUNT_MAX}) AS w`;

export async function readSealBacklog(db: Queryable): Promise<SealBacklog> {
  const head = await readSealHead(db);
  const { rows } = await db.query<{ waiting: number; oldest_seconds: number }>(BACKLOG, [
    head.xid,
    head.journalId,
  ]);
  return { waiting: rows[0]?.waiting ?? 0, oldestSeconds: rows[0]?.oldest_seconds ?? 0 };
}

const PASSED_OVER = `/* prepared: billing.passed_over */
SELECT j.id FROM journal j
WHERE (j.recorded_xid, j.id) <= ($1::text::xid8, $2::bigint) AND j.id > $3::bigint
  AND NOT EXISTS (SELECT FROM ledger_seal s WHERE s.journal_id = j.id)
ORDER BY j.id LIMIT $4`;

/**
 * Journals before the head that have no seal: written past the program, by hand. Ids, lowest first, at most `limit`.
 * @param afterId only ids above this one.
 */
export async function readPassedOver(
  db: Queryable,
  { afterId = '0', limit }: { readonly afterId?: string; readonly limit: number },
): Promise<readonly string[]> {
  const head = await readSealHead(db);
  const { rows } = await db.query<{ id: string }>(PASSED_OVER, [
    head.xid,
    head.journalId,
    afterId,
    limit,
  ]);
  return rows.map(({ id }) => id);
}
