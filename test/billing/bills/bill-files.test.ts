/** The files of a month: every one proven by the manifest, and an archive that is the same whenever it is made. */
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import { archiveOf } from '../../../billing/bills/bill-archive.js';
import { type BillFile, MANIFEST_NAME, renderMonth } from '../../../billing/bills/bill-files.js';
import { sealBills } from '../../../billing/bills/bill-hash.js';
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
