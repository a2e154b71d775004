/** Recomputes exported ledgers, from their lines alone, and names the first row that does not fit. */
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

type Lines = AsyncIterable<string> | Iterable<string>;

/** What the exports span; null: it has no record. Times are those of its first and last seal, which anchors vouch for. */
export interface LedgerSpan {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstSealedAt: string;
  readonly lastSealedAt: string;
}

interface LedgerFound {
  readonly records: number;
  readonly head: string;
  readonly span: LedgerSpan | null;
}

export type LedgerOutcome =
  | (LedgerFound & {
      readonly kind: 'intact';
      readonly anchors: { readonly checked: number; readonly unchecked: number };
    })
  /**
   * Every record fits, and so does every anchor whose key was given; `missingKeys` name others, each with how many anchors:
   * keys that were rotated out, or that a forger made up. Nothing is proven until they are given.
   */
  | (LedgerFound & {
      readonly kind: 'unproven';
      readonly missingKeys: readonly { readonly keyId: string; readonly anchors: number }[];
    })
  /** `sequence`: the first record that does not fit; null: the fault is in no single record. `line` is of that export. */
  | {
      readonly kind: 'broken';
      readonly exportNumber: number;
      readonly line: number;
      readonly sequence: number | null;
      readonly why: string;
    }
  /** Every record fits, and the known head is not among them. */
  | (LedgerFound & { readonly kind: 'shortened' });

/** Longest line that is read. */
const LINE_CHARACTERS_MAX = 64 * 1024 * 1024;
/** Most records of a batch whose leaves are kept at once. */
const BATCH_RECORDS_MAX = 100_000;

/** Whether the first line of a file is that of a ledger, and not of an audit log. */
export function isLedgerExport(firstLine: string): boolean {
  return firstLine.length < 10_000 && firstLine.includes(`"${LEDGER_FORMAT}"`);
}

/** Verifies the lines of an export, in one pass and bounded memory. */
export function verifyLedger(lines: Lines, known: VerifyKnown = {}): Promise<LedgerOutcome> {
  return verifyLedgers([lines], known);
}

/**
 * The same for exports that follow each other, such as one a month: each must fit in itself and go on from the one before
 * it. An export without a record, of a time in which nothing was sealed, may stand anywhere.
 */
export async function verifyLedgers(
  exports: Iterable<Lines>,
  known: VerifyKnown = {},
): Promise<LedgerOutcome> {
  const check = new LedgerCheck(known);
  let exportNumber = 0;
  for (const lines of exports) {
    exportNumber += 1;
    check.beginExport();
    let number = 0;
    for await (const text of lines) {
      number += 1;
      const line = parseLine(text);
      const why = typeof line === 'string' ? line : check.problemOf(line, number);
      if (why !== undefined)
        return {
          kind: 'broken',
          exportNumber,
          line: number,
          sequence: check.sequenceOf(line),
          why,
        };
    }
    const why = check.problemAtEnd();
    if (why !== undefined)
      return {
        kind: 'broken',
        exportNumber,
        line: number + 1,
        sequence: check.nextSequence,
        why,
      };
  }
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

function isEmpty({ firstSequence, lastSequence }: ManifestLine): boolean {
  return lastSequence < firstSequence;
}

class LedgerCheck {
  readonly #known: VerifyKnown;
  #manifest: ManifestLine | undefined;
  #sequence = 0;
  #hash = GENESIS_HASH;
  #isHeadSeen: boolean;
  #records = 0;
  /** Of the exports before this one. */
  #recordsBefore = 0;
  #batches = 0;
  #unsealed = 0;
  /** Of the batch that is being read. */
  #leaves: string[] = [];
  #batchPreviousHash = GENESIS_HASH;
  #anchors = { checked: 0, unchecked: 0 };
  /** Anchors by the key that they name and that was not given. */
  readonly #missing = new Map<string, number>();
  #sealedAt: { readonly first: string; readonly last: string } | undefined;

  constructor(known: VerifyKnown) {
    this.#known = known;
    this.#isHeadSeen = known.head === undefined || known.head === GENESIS_HASH;
  }

  /** What follows is another file, with a manifest of its own. */
  beginExport(): void {
    this.#manifest = undefined;
    this.#batches = 0;
    this.#unsealed = 0;
    this.#recordsBefore = this.#records;
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
    const why = isEmpty(line) ? undefined : this.#problemOfOrder(line);
    if (why !== undefined) return why;
    this.#manifest = line;
    // One without a record is of no place in the chain, and vouches for no head.
    if (isEmpty(line)) return undefined;
    this.#sequence = line.firstSequence - 1;
    this.#hash = line.previousHash;
    this.#batchPreviousHash = line.previousHash;
    this.#isHeadSeen ||= this.#hash === this.#known.head;
    return undefined;
  }

  #problemOfOrder(line: ManifestLine): string | undefined {
    if (this.#records === 0) return undefined;
    if (line.firstSequence !== this.nextSequence)
      return `the export begins with record ${line.firstSequence}, and the one before it ends with record ${this.#sequence}: one between them is missing, or they are in another order`;
    return line.previousHash === this.#hash
      ? undefined
      : 'the export does not go on from the head of the one before it: they are of two chains';
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
    const why = this.#problemOfAnchor(line);
    if (why !== undefined) return why;
    this.#leaves = [];
    this.#batchPreviousHash = this.#hash;
    this.#batches += 1;
    this.#sealedAt = { first: this.#sealedAt?.first ?? line.sealedAt, last: line.sealedAt };
    return undefined;
  }

  #problemOfAnchor(line: BatchLine): string | undefined {
    const { keys } = this.#known;
    if (keys === undefined) {
      this.#anchors.unchecked += 1;
      return undefined;
    }
    const isMadeWith = (key: SealKey): boolean =>
      isSameHash(
        anchorOf(key, ANCHOR_PURPOSE, anchorFields({ ...line, keyId: key.id })),
        line.anchor,
      );
    const named = keys.find(({ id }) => id === line.keyId);
    if (named !== undefined) {
      if (!isMadeWith(named))
        return `the anchor of batch ${line.id} was not made with seal key ${line.keyId}: its records were sealed anew by somebody without the key`;
      this.#anchors.checked += 1;
      return undefined;
    }
    const maker = keys.find(isMadeWith);
    if (maker !== undefined)
      return `batch ${line.id} names seal key ${line.keyId}, and its anchor was made with ${maker.id}: the name was changed`;
    // A forger could name a key that nobody has: told at the end, and never as intact.
    this.#missing.set(line.keyId, (this.#missing.get(line.keyId) ?? 0) + 1);
    return undefined;
  }

  problemAtEnd(): string | undefined {
    const manifest = this.#manifest;
    if (manifest === undefined) return 'the file is empty: it has no manifest';
    if (
      (isEmpty(manifest)
        ? this.#records !== this.#recordsBefore
        : this.#sequence !== manifest.lastSequence) ||
      this.#leaves.length > 0 ||
      this.#batches !== manifest.batches ||
      this.#unsealed !== manifest.unsealed
    )
      return `the export ends here, and its manifest says record ${manifest.lastSequence}: it was cut off`;
    if (!isEmpty(manifest) && this.#hash !== manifest.headHash)
      return 'its manifest names another head: two chains were put together';
    return undefined;
  }

  outcome(): LedgerOutcome {
    const found = { records: this.#records, head: this.#hash, span: this.#span() };
    if (!this.#isHeadSeen) return { kind: 'shortened', ...found };
    if (this.#missing.size === 0) return { kind: 'intact', ...found, anchors: this.#anchors };
    const missingKeys = [...this.#missing].map(([keyId, anchors]) => ({ keyId, anchors }));
    return { kind: 'unproven', ...found, missingKeys };
  }

  #span(): LedgerSpan | null {
    if (this.#sealedAt === undefined) return null;
    const { first: firstSealedAt, last: lastSealedAt } = this.#sealedAt;
    const firstSequence = this.#sequence - this.#records + 1;
    return { firstSequence, lastSequence: this.#sequence, firstSealedAt, lastSealedAt };
  }
}
