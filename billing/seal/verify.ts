/** Recomputes an exported ledger, from its lines alone, and names the first row that does not fit. */
import { canonicalJson } from '#base/canonical-json.js';
import { anchorOf, chainedHash, GENESIS_HASH, isSameHash, merkleRoot } from '#base/hash-chain.js';
import type { SealKey } from '#base/sealing.js';
import {
  type BatchLine,
  LEDGER_FORMAT,
  type LedgerLine,
  ledgerLineSchema,
  type ManifestLine,
  type RecordLine,
} from './export-lines.js';
import { ANCHOR_PURPOSE, anchorFields, leafOfRecord } from './record.js';

export interface VerifyKnown {
  /** Hash of a record that must be in it, kept from an earlier look; absent: another chain, as whole, is not noticed. */
  readonly head?: string;
  /** All keys that anchors were made with; absent: no anchor is checked. */
  readonly keys?: readonly SealKey[];
}

export type LedgerOutcome =
  | {
      readonly kind: 'intact';
      readonly records: number;
      readonly head: string;
      readonly anchors: { readonly checked: number; readonly unchecked: number };
    }
  /** `sequence`: the first record that does not fit; null: the fault is in no single record. */
  | {
      readonly kind: 'broken';
      readonly line: number;
      readonly sequence: number | null;
      readonly why: string;
    }
  /** Every record fits, and the known head is not among them. */
  | { readonly kind: 'shortened'; readonly records: number; readonly head: string };

/** Longest line that is read. */
const LINE_CHARACTERS_MAX = 64 * 1024 * 1024;
/** Most records of a batch whose leaves are kept at once. */
const BATCH_RECORDS_MAX = 100_000;

/** Whether the first line of a file is that of a ledger, and not of an audit log. */
export function isLedgerExport(firstLine: string): boolean {
  return firstLine.length < 10_000 && firstLine.includes(`"${LEDGER_FORMAT}"`);
}

/** Verifies the lines of an export, in one pass and bounded memory. */
export async function verifyLedger(
  lines: AsyncIterable<string> | Iterable<string>,
  known: VerifyKnown = {},
): Promise<LedgerOutcome> {
  const check = new LedgerCheck(known);
  let number = 0;
  for await (const text of lines) {
    number += 1;
    const line = parseLine(text);
    const why = typeof line === 'string' ? line : check.problemOf(line, number);
    if (why !== undefined)
      return { kind: 'broken', line: number, sequence: check.sequenceOf(line), why };
  }
  const why = check.problemAtEnd();
  if (why !== undefined)
    return { kind: 'broken', line: number + 1, sequence: check.nextSequence, why };
  return check.outcome();
}

/** The line, or why it is none. */
function parseLine(text: string): LedgerLine | string {
  if (text.length > LINE_CHARACTERS_MAX) return 'its line is too long';
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return 'its line is not JSON';
  }
  const parsed = ledgerLineSchema.safeParse(raw);
  if (!parsed.success) return 'its line has not the fields of a ledger export';
  if (canonicalJson(parsed.data) !== text) return 'its line is not spelled as it was exported';
  return parsed.data;
}

class LedgerCheck {
  readonly #known: VerifyKnown;
  #manifest: ManifestLine | undefined;
  #sequence = 0;
  #hash = GENESIS_HASH;
  #isHeadSeen: boolean;
  #records = 0;
  #batches = 0;
  #unsealed = 0;
  /** Of the batch that is being read. */
  #leaves: string[] = [];
  #batchPreviousHash = GENESIS_HASH;
  #anchors = { checked: 0, unchecked: 0 };

  constructor(known: VerifyKnown) {
    this.#known = known;
    this.#isHeadSeen = known.head === undefined || known.head === GENESIS_HASH;
  }

  get nextSequence(): number {
    return this.#sequence + 1;
  }

  /** The record that a line without a fault of its own stands for; of others, the one that should stand there. */
  sequenceOf(line: LedgerLine | string): number | null {
    if (typeof line === 'string' || line.kind === 'record') return this.nextSequence;
    return line.kind === 'batch' ? line.lastSequence : null;
  }

  problemOf(line: LedgerLine, number: number): string | undefined {
    if (line.kind === 'manifest') return this.#problemOfManifest(line, number);
    if (this.#manifest === undefined) return 'the export does not begin with its manifest';
    if (line.kind === 'record') return this.#problemOfRecord(line);
    if (line.kind === 'batch') return this.#problemOfBatch(line);
    this.#unsealed += 1;
    return `journal ${line.journalId} has no seal although later ones have: it was written past Tollgate`;
  }

  #problemOfManifest(line: ManifestLine, number: number): string | undefined {
    if (number !== 1) return 'a second manifest stands here: two exports were put together';
    if (line.firstSequence === 1 && line.previousHash !== GENESIS_HASH)
      return 'the manifest says that something stood before the first record';
    this.#manifest = line;
    this.#sequence = line.firstSequence - 1;
    this.#hash = line.previousHash;
    this.#batchPreviousHash = line.previousHash;
    this.#isHeadSeen ||= this.#hash === this.#known.head;
    return undefined;
  }

  #problemOfRecord(line: RecordLine): string | undefined {
    const expected = this.nextSequence;
    if (line.sequence !== expected)
      return `record ${line.sequence} stands here: one was removed, inserted or moved`;
    if (this.#leaves.length >= BATCH_RECORDS_MAX) return 'its batch has no end';
    if (line.journal.length !== 1 || line.journal[0]?.['id'] !== line.journalId)
      return `journal ${line.journalId} was removed from the ledger`;
    const leaf = leafOfRecord(line);
    const sealed = chainedHash(this.#hash, line.sequence, leaf);
    if (sealed !== line.hash)
      return `journal ${line.journalId} does not have its hash: it, or what belongs to it, was changed, or it follows another record`;
    this.#sequence = line.sequence;
    this.#hash = sealed;
    this.#leaves.push(leaf);
    this.#records += 1;
    this.#isHeadSeen ||= sealed === this.#known.head;
    return undefined;
  }

  #problemOfBatch(line: BatchLine): string | undefined {
    const first = this.#sequence - this.#leaves.length + 1;
    if (
      this.#leaves.length === 0 ||
      line.firstSequence !== first ||
      line.lastSequence !== this.#sequence
    )
      return `batch ${line.id} does not end here: records or batches were removed, inserted or moved`;
    if (line.previousHash !== this.#batchPreviousHash || line.headHash !== this.#hash)
      return `batch ${line.id} has other ends than its records`;
    if (line.root !== merkleRoot(this.#leaves))
      return `batch ${line.id} has not the root of its records`;
    const { keys } = this.#known;
    const key = keys?.find(({ id }) => id === line.keyId);
    if (keys === undefined) this.#anchors.unchecked += 1;
    // A forger could name a key that nobody has.
    else if (key === undefined)
      return `the anchor of batch ${line.id} names seal key ${line.keyId}, which was not given; give every key that ever sealed, by --keys or TOLLGATE_SEAL_KEYS: only a key that nobody had is a forger's`;
    else {
      if (!isSameHash(anchorOf(key, ANCHOR_PURPOSE, anchorFields(line)), line.anchor))
        return `the anchor of batch ${line.id} was not made with seal key ${line.keyId}: its records were sealed anew by somebody without the key`;
      this.#anchors.checked += 1;
    }
    this.#leaves = [];
    this.#batchPreviousHash = this.#hash;
    this.#batches += 1;
    return undefined;
  }

  problemAtEnd(): string | undefined {
    const manifest = this.#manifest;
    if (manifest === undefined) return 'the file is empty: it has no manifest';
    if (
      this.#sequence !== manifest.lastSequence ||
      this.#leaves.length > 0 ||
      this.#batches !== manifest.batches ||
      this.#unsealed !== manifest.unsealed
    )
      return `the export ends here, and its manifest says record ${manifest.lastSequence}: it was cut off`;
    if (this.#records > 0 && this.#hash !== manifest.headHash)
      return 'its manifest names another head: two chains were put together';
    return undefined;
  }

  outcome(): LedgerOutcome {
    const found = { records: this.#records, head: this.#hash };
    return this.#isHeadSeen
      ? { kind: 'intact', ...found, anchors: this.#anchors }
      : { kind: 'shortened', ...found };
  }
}
