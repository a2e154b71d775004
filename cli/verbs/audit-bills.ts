/** `tollgate audit verify <manifest>`: files of a month against their manifest, in the folder where it stands. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type FilesOutcome, verifyFiles } from '../../billing/bills/manifest.js';
import { unreadable } from '../unreadable.js';

const BEGIN_OF_MANIFEST = /^\s*\{\s*"format"\s*:\s*"tollgate-bills\//;

/** Whether a file whose first line is this may be a manifest, also one on a single line: exports have a record on each line. */
export function mayBeManifest(firstLine: string): boolean {
  return firstLine.trim() === '{' || BEGIN_OF_MANIFEST.test(firstLine);
}

/** Reads the manifest and everything that it names. Throws VerbError for what cannot be read. */
export async function verifyBills(manifest: string): Promise<FilesOutcome> {
  const read = async (file: string): Promise<Uint8Array | undefined> => {
    try {
      return await readFile(file);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(file, thrown);
    }
  };
  const text = Buffer.from((await read(manifest)) ?? []).toString();
  return verifyFiles(text, (name) => read(path.join(path.dirname(manifest), path.basename(name))));
}

/** `USD 12000.00, of it owed as EUR 2763.90`: what bills come to, and what in their teams' own currencies. */
export function totalsInWords({
  amount,
  currency,
  convertedTotals,
}: Pick<
  Extract<FilesOutcome, { kind: 'intact' }>,
  'amount' | 'currency' | 'convertedTotals'
>): string {
  const converted = convertedTotals.map((total) => `${total.currency} ${total.amount}`);
  return `${currency} ${amount}${converted.length === 0 ? '' : `, of it owed as ${converted.join(' and ')}`}`;
}

export function billsInWords(outcome: FilesOutcome): string {
  if (outcome.kind === 'broken') return `Broken: ${outcome.place} ${outcome.why}.`;
  const { month, version, files, bills, merkleRoot } = outcome;
  return `Intact: ${files} files with ${bills} bills of ${month}, version ${version}, ${totalsInWords(outcome)}. Merkle root ${merkleRoot}: hold it against a printed bill.`;
}
