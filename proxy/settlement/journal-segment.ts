/**
 * One file of the journal: a header and records, each `length, CRC-32, sequence, kind, payload` in big-endian
 * numbers, beside a sidecar file that names the acknowledged sequences. Reading is total: whatever the bytes are,
 * the records that are whole come out and the rest is named as damage.
 */
import { crc32 } from 'node:zlib';

/** A value `JSON.stringify` writes without loss. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** What a caller may write into the journal, and what replay gives back. */
export type JournalRecord = Uint8Array | JsonValue;

const MAGIC = 0x54474a31;
/** Magic, first sequence, CRC of both. */
export const SEGMENT_HEADER_BYTES = 16;
/** Length, CRC, sequence, kind: what a record costs beyond its payload. */
export const RECORD_OVERHEAD_BYTES = 17;
/** Sequence and CRC. */
export const ACKNOWLEDGEMENT_BYTES = 12;
/** Largest payload; a settlement is about 300 bytes. */
export const RECORD_BYTES_MAX = 1_048_576;

const KIND_BYTES = 0;
const KIND_JSON = 1;

/** A stretch of a segment that holds no readable record. */
export interface DamagedRange {
  readonly start: number;
  readonly end: number;
}

/** A record found in a segment; its payload is decoded only when it is asked for. */
export interface StoredRecord {
  readonly sequence: bigint;
  readonly kind: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

export interface SegmentScan {
  readonly records: readonly StoredRecord[];
  /** Unreadable stretches that readable records follow. */
  readonly damaged: readonly DamagedRange[];
  /** Where the readable part ends; less than the file's length when its tail is torn. */
  readonly end: number;
}

/** The header of a segment whose first record will be `firstSequence`. */
export function encodeHeader(firstSequence: bigint): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeBigUInt64BE(firstSequence, 4);
  header.writeUInt32BE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** First sequence of the segment; undefined when the header is not whole. */
export function decodeHeader(bytes: Buffer): bigint | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.readUInt32BE(0) !== MAGIC) return undefined;
  if (crc32(bytes.subarray(0, 12)) !== bytes.readUInt32BE(12)) return undefined;
  return bytes.readBigUInt64BE(4);
}

/** The bytes of one record. The CRC covers everything after itself, and the length through the record's end. */
export function encodeRecord(sequence: bigint, record: JournalRecord): Buffer {
  const isBytes = record instanceof Uint8Array;
  const payload = isBytes ? record : Buffer.from(JSON.stringify(record), 'utf8');
  const frame = Buffer.allocUnsafe(RECORD_OVERHEAD_BYTES + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeBigUInt64BE(sequence, 8);
  frame[16] = isBytes ? KIND_BYTES : KIND_JSON;
  frame.set(payload, RECORD_OVERHEAD_BYTES);
  frame.writeUInt32BE(crc32(frame.subarray(8)), 4);
  return frame;
}

/** The value of a record that {@link scanSegment} found in `bytes`. */
export function decodePayload(bytes: Buffer, stored: StoredRecord): JournalRecord {
  const payload = bytes.subarray(stored.payloadStart, stored.payloadEnd);
  if (stored.kind === KIND_BYTES) return Uint8Array.from(payload);
  return JSON.parse(payload.toString('utf8')) as JsonValue;
}

/**
 * Every whole record of a segment that starts at `firstSequence`. After bytes that are no record, reading goes on at
 * the next position that holds a whole record with a later sequence: the CRC is computed only where length and
 * sequence are plausible, so the search stays linear in practice.
 */
export function scanSegment(bytes: Buffer, firstSequence: bigint): SegmentScan {
  const records: StoredRecord[] = [];
  const damaged: DamagedRange[] = [];
  let at = SEGMENT_HEADER_BYTES;
  let end = at;
  let expected = firstSequence;
  while (at + RECORD_OVERHEAD_BYTES <= bytes.length) {
    const stored = recordAt(bytes, at, expected);
    if (stored === undefined) {
      at += 1;
      continue;
    }
    if (at > end) damaged.push({ start: end, end: at });
    records.push(stored);
    expected = stored.sequence + 1n;
    at = stored.payloadEnd;
    end = at;
  }
  return { records, damaged, end };
}

function recordAt(bytes: Buffer, at: number, expected: bigint): StoredRecord | undefined {
  const length = bytes.readUInt32BE(at);
  const payloadStart = at + RECORD_OVERHEAD_BYTES;
  const payloadEnd = payloadStart + length;
  if (length > RECORD_BYTES_MAX || payloadEnd > bytes.length) return undefined;
  const kind = bytes[at + 16];
  if (kind !== KIND_BYTES && kind !== KIND_JSON) return undefined;
  const sequence = bytes.readBigUInt64BE(at + 8);
  if (sequence < expected || sequence - expected > BigInt(bytes.length)) return undefined;
  if (crc32(bytes.subarray(at + 8, payloadEnd)) !== bytes.readUInt32BE(at + 4)) return undefined;
  return { sequence, kind, payloadStart, payloadEnd };
}

/** Sidecar entries for `sequences`; each proves itself, so that a torn one is skipped without a scan. */
export function encodeAcknowledgements(sequences: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(sequences.length * ACKNOWLEDGEMENT_BYTES);
  sequences.forEach((sequence, index) => {
    const at = index * ACKNOWLEDGEMENT_BYTES;
    bytes.writeBigUInt64BE(sequence, at);
    bytes.writeUInt32BE(crc32(bytes.subarray(at, at + 8)), at + 8);
  });
  return bytes;
}

/** The sequences a sidecar names; entries that do not prove themselves are left out: their records replay again. */
export function decodeAcknowledgements(bytes: Buffer): bigint[] {
  const sequences: bigint[] = [];
  for (let at = 0; at + ACKNOWLEDGEMENT_BYTES <= bytes.length; at += ACKNOWLEDGEMENT_BYTES) {
    if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8)) continue;
    sequences.push(bytes.readBigUInt64BE(at));
  }
  return sequences;
}

/** Which sequences of one segment are not acknowledged yet: one bit each, because a segment holds many thousands. */
export class OpenSequences {
  readonly #first: bigint;
  #bits: Uint8Array = new Uint8Array(64);
  #count = 0;

  constructor(first: bigint) {
    this.#first = first;
  }

  get count(): number {
    return this.#count;
  }

  add(sequence: bigint): void {
    const index = Number(sequence - this.#first);
    const byte = index >>> 3;
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    if (this.has(sequence)) return;
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (index & 7));
    this.#count += 1;
  }

  has(sequence: bigint): boolean {
    const index = Number(sequence - this.#first);
    return index >= 0 && ((this.#bits[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** False when the sequence was not open. */
  remove(sequence: bigint): boolean {
    if (!this.has(sequence)) return false;
    const index = Number(sequence - this.#first);
    const byte = index >>> 3;
    this.#bits[byte] = (this.#bits[byte] ?? 0) & ~(1 << (index & 7));
    this.#count -= 1;
    return true;
  }
}
