/**
 * How rows are chained, so that whoever changes one must change all that follow: canonical bytes of a row, its leaf, the
 * hash that joins it to the one before, and one root over a batch of leaves.
 */
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { assert } from './assert.js';
import type { SealKey } from './sealing.js';

/** What the first row of a chain carries in place of the hash before it. */
export const GENESIS_HASH: string = '0'.repeat(64);

/** Bytes of a hash: SHA-256. */
export const HASH_PATTERN: RegExp = /^[0-9a-f]{64}$/;

/** SHA-256 of a file, in hexadecimal. */
export function hashOfBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A field of a row: text, or null, which is not the empty text. */
export type ChainField = string | null;

const NULL_LENGTH = 0xff_ff_ff_ff;
const LENGTH_BYTES = 4;

/**
 * Fields in their order, each by the length of its UTF-8 bytes (32 bits, big-endian; all ones: null) and the bytes. No
 * text can pass for two, nor two for one.
 */
export function canonicalBytes(fields: readonly ChainField[]): Buffer {
  // One buffer for all of them: a buffer a field took as long as the hashing itself.
  let size = LENGTH_BYTES;
  for (const field of fields)
    size += LENGTH_BYTES + (field === null ? 0 : Buffer.byteLength(field, 'utf8'));
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.writeUInt32BE(fields.length, 0);
  for (const field of fields) {
    const from = at + LENGTH_BYTES;
    const length = field === null ? 0 : bytes.write(field, from, 'utf8');
    bytes.writeUInt32BE(field === null ? NULL_LENGTH : length, at);
    at = from + length;
  }
  // Every byte of the buffer is written, or it would hold what stood in memory before.
  assert(at === size, 'canonical bytes fill their buffer');
  return bytes;
}

/** The leaf of a row: SHA-256 over a zero byte and the row's canonical bytes (RFC 6962, section 2.1). */
export function leafHash(row: Uint8Array): string {
  return createHash('sha256').update(LEAF).update(row).digest('hex');
}

/** The hash of row number `sequence`, which joins its leaf to the hash before it. */
export function chainedHash(previousHash: string, sequence: number, leaf: string): string {
  return createHash('sha256')
    .update(canonicalBytes([previousHash, String(sequence), leaf]))
    .digest('hex');
}

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** The Merkle root of leaves in their order (RFC 6962, section 2.1): one leaf is its own root. At least one leaf. */
export function merkleRoot(leaves: readonly string[]): string {
  let level = leaves;
  // Pairing from the left and carrying the odd one up gives RFC 6962's tree, whose left side is a power of two.
  while (level.length > 1) {
    const above: string[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left = '', right] = [level[at], level[at + 1]];
      above.push(right === undefined ? left : nodeHash(left, right));
    }
    level = above;
  }
  return level[0] ?? GENESIS_HASH;
}

/** One step from a leaf to the root: the hash beside it, and on which side that stands. */
export interface MerkleStep {
  readonly side: 'left' | 'right';
  readonly hash: string;
}

/** The path of every leaf to {@link merkleRoot}, in the order of the leaves. */
export function merkleProofs(leaves: readonly string[]): readonly (readonly MerkleStep[])[] {
  const proofs: MerkleStep[][] = leaves.map(() => []);
  let level = leaves.map((hash, index) => ({ hash, below: [index] }));
  while (level.length > 1) {
    const above: typeof level = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at], level[at + 1]];
      if (left === undefined) continue;
      if (right === undefined) {
        above.push(left);
        continue;
      }
      for (const index of left.below) proofs[index]?.push({ side: 'right', hash: right.hash });
      for (const index of right.below) proofs[index]?.push({ side: 'left', hash: left.hash });
      above.push({ hash: nodeHash(left.hash, right.hash), below: [...left.below, ...right.below] });
    }
    level = above;
  }
  return proofs;
}

/** The root that a leaf and its path lead to. */
export function rootOfProof(leaf: string, proof: readonly MerkleStep[]): string {
  return proof.reduce(
    (hash, step) => (step.side === 'left' ? nodeHash(step.hash, hash) : nodeHash(hash, step.hash)),
    leaf,
  );
}

function nodeHash(left: string, right: string): string {
  return createHash('sha256')
    .update(NODE)
    .update(Buffer.from(left, 'hex'))
    .update(Buffer.from(right, 'hex'))
    .digest('hex');
}

/**
 * A keyed anchor over fields, which nobody makes without the key. The key is derived for `purpose`, so that an anchor is
 * never mistaken for anything else that is sealed.
 */
export function anchorOf(key: SealKey, purpose: string, fields: readonly ChainField[]): string {
  const derived = Buffer.from(hkdfSync('sha256', key.key, '', `tollgate ${purpose}`, 32));
  return createHmac('sha256', derived).update(canonicalBytes(fields)).digest('hex');
}

/** Whether two hexadecimal texts are equal, in a time that says nothing of where they differ. */
export function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
