/** The whole set of a month for an object store: bills, workbook, CSV, FOCUS, journal, and the manifest over all of them. */
import { hashOfBytes } from '#base/hash-chain.js';
import { type BillFile, MANIFEST_NAME, manifestFile } from '#billing/bills/bill-files.js';
import type { BilledMonth } from '#billing/bills/billed-month.js';
import { focusCsv } from '#billing/bills/focus/export.js';
import { NEWEST_FOCUS_VERSION } from '#billing/bills/focus/versions.js';
import { generalJournalCsv } from '#billing/bills/general-journal/layouts.js';
import type { ManifestFile } from '#billing/bills/manifest.js';
import { inTurns } from '../in-turns.js';

const CSV = 'text/csv; charset=utf-8';

/** @param files those of `renderMonth`; their manifest is left out for one over the whole set, which comes last. */
export async function* monthSet(
  month: BilledMonth,
  files: AsyncIterable<BillFile>,
): AsyncGenerator<BillFile> {
  const listed: ManifestFile[] = [];
  const kept = (file: BillFile): BillFile => {
    const { name, bill, bytes } = file;
    listed.push({ name, bill, bytes: bytes.length, sha256: hashOfBytes(bytes) });
    return file;
  };
  for await (const file of files) if (file.name !== MANIFEST_NAME) yield kept(file);
  const hasLines = month.bills.some(({ lines }) => lines.length > 0);
  if (hasLines) {
    const focus = await joined(focusCsv(month, { version: NEWEST_FOCUS_VERSION, teamId: null }));
    yield kept(csvFile(month, `focus-${NEWEST_FOCUS_VERSION}`, focus));
    const journal = generalJournalCsv(month, { layout: 'netsuite', isReversal: false });
    yield kept(csvFile(month, 'journal-netsuite', Buffer.from(journal)));
  }
  yield manifestFile(month, listed);
}

function csvFile({ month, version }: BilledMonth, what: string, bytes: Uint8Array): BillFile {
  return { name: `${month}-v${version}-${what}.csv`, mediaType: CSV, bytes, bill: null };
}

async function joined(chunks: Iterable<string>): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const chunk of inTurns(chunks)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}
