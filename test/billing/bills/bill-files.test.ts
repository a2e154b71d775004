/** The files of a month: every one proven by the manifest, and an archive that is the same whenever it is made. */
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import { archiveOf } from '../../../billing/bills/bill-archive.js';
import { type BillFile, MANIFEST_NAME, renderMonth } from '../../../billing/bills/bill-files.js';
import { sealBills } from '../../../billing/bills/bill-hash.js';
import { billToJson } from '../../../billing/bills/bill-json.js';
import { hashOfBillJson } from '../../../billing/bills/read-bill-json.js';
import { hashOfBytes, merkleRoot } from '../../../base/hash-chain.js';
import { convertedMonth } from '../../support/converted-month.js';
import { isManifest, verifyFiles, type FilesOutcome } from '../../../billing/bills/manifest.js';
import { dateEntries } from '../../../billing/bills/zip-times.js';
import type { BilledMonth } from '../../../billing/bills/billed-month.js';
import { madeUpMonth } from '../../support/billed-month.js';

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* oneAfterAnother<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}

const whole = madeUpMonth({ days: 2 });
/** Three teams are as good as sixteen here. */
const month: BilledMonth = { ...whole, ...sealBills(whole.bills.slice(0, 3), whole.currency) };
let files: readonly BillFile[] = [];
beforeAll(async () => {
  files = await collect(renderMonth(month));
});

function verify(changed: ReadonlyMap<string, Uint8Array | undefined>): Promise<FilesOutcome> {
  const bytesOf = (name: string): Uint8Array | undefined =>
    changed.has(name) ? changed.get(name) : files.find((file) => file.name === name)?.bytes;
  return verifyFiles(Buffer.from(bytesOf(MANIFEST_NAME)!).toString(), (name) =>
    Promise.resolve(bytesOf(name)),
  );
}

describe('the files of a month', () => {
  test('are those of each team, those of the month, and the manifest last', () => {
    expect(files.map(({ name }) => name)).toEqual([
      ...month.bills.flatMap(({ id }) => [`${id}.pdf`, `${id}.csv`, `${id}.json`]),
      '2026-10-v1-all.xlsx',
      '2026-10-v1-lines.csv',
      '2026-10-v1-summary.csv',
      '2026-10-v1-focus-billing-period.csv',
      '2026-10-v1-focus-1.4.csv',
      '2026-10-v1-focus-invoice-detail.csv',
      '2026-10-v1-journal-netsuite.csv',
      '2026-10-v1-journal-sap.csv',
      'manifest.json',
    ]);
  });

  test('are held against their manifest: as they were made they are intact', async () => {
    const outcome = await verify(new Map());
    expect(outcome).toMatchObject({ kind: 'intact', files: 17, bills: 3, month: '2026-10' });
    expect(isManifest(Buffer.from(files.at(-1)!.bytes).toString())).toBe(true);
  });

  test('any of them changed by a byte, cut or absent is named', async () => {
    for (const { name, bytes } of files.filter((file) => file.name !== MANIFEST_NAME)) {
      const flipped = Uint8Array.from(bytes);
      flipped[Math.floor(bytes.length / 2)]! ^= 1;
      for (const wrong of [flipped, bytes.subarray(1), undefined])
        expect(await verify(new Map([[name, wrong]]))).toMatchObject({
          kind: 'broken',
          place: name,
        });
    }
  });

  test('criterion 18: hash and root are proven by the export alone: an amount that is changed in all files alike is found', async () => {
    const [bill] = month.bills;
    const name = `${bill!.id}.json`;
    const json = Buffer.from(files.find((file) => file.name === name)!.bytes).toString();
    const amount = /"effectivePrice": "([\d.]+)"/.exec(json)![1]!;
    const forged = Buffer.from(
      json.replace(`"effectivePrice": "${amount}"`, '"effectivePrice": "0.01"'),
    );
    const manifest = Buffer.from(files.at(-1)!.bytes).toString();
    const listed = (
      JSON.parse(manifest) as { files: { name: string; sha256: string; bytes: number }[] }
    ).files;
    const { sha256, bytes } = listed.find((file) => file.name === name)!;
    const resealed = manifest.replace(
      `"bytes": ${bytes},\n      "sha256": "${sha256}"`,
      `"bytes": ${forged.length},\n      "sha256": "${hashOfBytes(forged)}"`,
    );
    expect(resealed).not.toBe(manifest);
    expect(
      await verify(
        new Map([
          [name, forged],
          [MANIFEST_NAME, Buffer.from(resealed)],
        ]),
      ),
    ).toEqual({ kind: 'broken', place: name, why: 'is not the bill that was hashed' });
  });

  test('criterion 18: of a bill in another currency too, its JSON hashes to its leaf of the root', () => {
    const converted = convertedMonth({ days: 1 });
    const leaves = converted.bills.map((bill) =>
      hashOfBillJson(JSON.stringify(billToJson(converted, bill))),
    );
    expect(leaves).toEqual(converted.bills.map(({ hash }) => hash));
    expect(merkleRoot(leaves.map((leaf) => leaf ?? ''))).toBe(converted.merkleRoot);
    expect(converted.bills.some(({ conversion }) => conversion !== null)).toBe(true);
    for (const text of ['', 'null', '{"bill":"x"}']) expect(hashOfBillJson(text)).toBeUndefined();
  });

  test('a manifest whose bills do not sum, or that is none, is broken', async () => {
    const text = Buffer.from(files.at(-1)!.bytes).toString();
    const { amount } = (JSON.parse(text) as { bills: { amount: string }[] }).bills[1]!;
    const { hash } = month.bills[0]!;
    const wrongs = [text.replace(`"${amount}"`, '"1.00"'), text.replaceAll(hash, '0'.repeat(64))];
    for (const wrong of [...wrongs, '{}', 'no', '{"format":"x"}'])
      expect(await verify(new Map([[MANIFEST_NAME, Buffer.from(wrong)]]))).toMatchObject({
        kind: 'broken',
      });
  });
});

describe('an archive', () => {
  test('has every file, and the same bytes for the same files', async () => {
    const archive = async (): Promise<Buffer> =>
      Buffer.concat(await collect(archiveOf(oneAfterAnother(files), month.asOf)));
    const bytes = await archive();
    const entries = unzipSync(bytes);
    expect(Object.keys(entries)).toEqual(files.map(({ name }) => name));
    for (const { name, bytes: made } of files)
      expect(Buffer.from(entries[name]!).equals(made), name).toBe(true);
    expect(bytes.equals(await archive())).toBe(true);
    // Dating it again on the same day changes nothing: that is where the dates are.
    const dated = Buffer.from(bytes);
    dateEntries(dated, month.asOf);
    expect(dated.equals(bytes)).toBe(true);
    dateEntries(dated, '2026-11-05T00:00:00.000Z');
    expect(dated.equals(bytes)).toBe(false);
    expect(Object.keys(unzipSync(dated))).toEqual(Object.keys(entries));
  });
});
