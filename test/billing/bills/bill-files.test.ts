/** The files of a month: every one proven by the manifest, and an archive that is the same whenever it is made. */
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import { archiveOf } from '../../../billing/bills/bill-archive.js';
import { type BillFile, MANIFEST_NAME, renderMonth } from '../../../billing/bills/bill-files.js';
import { sealBills } from '../../../billing/bills/bill-hash.js';
import { billToJson } from '../../../billing/bills/bill-json.js';
import { linesToCsv } from '../../../billing/bills/bill-csv.js';
import { hashOfBillJson, readBillJson } from '../../../billing/bills/read-bill-json.js';
import { formatMoney } from '../../../base/currency.js';
import { hashOfBytes, merkleRoot } from '../../../base/hash-chain.js';
import { convertedMonth } from '../../support/converted-month.js';
import { isManifest, verifyFiles, type FilesOutcome } from '../../../billing/bills/manifest.js';
import { dateEntries } from '../../../billing/bills/zip-times.js';
import type { BilledMonth, TeamBill } from '../../../billing/bills/billed-month.js';
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
    ).toEqual({
      kind: 'broken',
      place: name,
      why: `is not the bill that was hashed: record 1 (line ${bill!.lines[0]!.id}) has effective_price 0.010000000000, and ${bill!.id}.csv has ${amount}`,
    });
  });

  describe('of a changed file the first record that differs is named, as far as others prove it', () => {
    const [bill] = month.bills as [TeamBill];
    const csv = `${bill.id}.csv`;
    const json = `${bill.id}.json`;
    const textOf = (name: string): string =>
      Buffer.from(files.find((file) => file.name === name)!.bytes).toString();
    const whyOf = async (...changed: readonly [name: string, text: string][]): Promise<string> => {
      const outcome = await verify(
        new Map(changed.map(([name, text]) => [name, Buffer.from(text)])),
      );
      if (outcome.kind !== 'broken') throw new Error('it was changed');
      return outcome.why;
    };
    const third = bill.lines[2]!;
    const owed = formatMoney(third.amount, month.currency);
    /** The third line of the bill owes 999.99 in that file. */
    const forged = (text: string): string => {
      const lines = text.split('\r\n');
      const at = lines.findIndex((line) => line.includes(third.id));
      lines[at] = lines[at]!.replace(`,${owed},USD`, ',999.99,USD');
      return lines.join('\r\n');
    };

    test('a CSV by the JSON of the bill, and that of the month by the JSON of all', async () => {
      const differs = `record 3 (line ${third.id}) has amount 999.99, and`;
      expect(await whyOf([csv, forged(textOf(csv))])).toBe(
        `is not the file that was made: ${differs} ${json} has ${owed}`,
      );
      const all = '2026-10-v1-lines.csv';
      expect(await whyOf([all, forged(textOf(all))])).toBe(
        `is not the file that was made: ${differs} the JSON of the bills has ${owed}`,
      );
      const summary = '2026-10-v1-summary.csv';
      const total = /,total,merkle_root=/;
      expect(await whyOf([summary, textOf(summary).replace(total, ',totel,merkle_root=')])).toMatch(
        /: record \d+ \(team , charge total\) has charge totel, and the JSON of the bills has total$/,
      );
    });

    test('a JSON by the CSV of the bill', async () => {
      const wrong = textOf(json).replace(
        new RegExp(`("id": "${third.id}"[^}]*?"statements": )\\d+`),
        '$1999999',
      );
      expect(wrong).not.toBe(textOf(json));
      expect(await whyOf([json, wrong])).toBe(
        `is not the file that was made: record 3 (line ${third.id}) has statements 999999, and ${csv} has ${third.statements}`,
      );
      expect(await whyOf([json, textOf(json).replace('"owner": "', '"owner": "not ')])).toContain(
        `: nothing that ${csv} has differs`,
      );
      const laidOut = JSON.stringify(JSON.parse(textOf(json)));
      expect(await whyOf([json, laidOut])).toContain(`: nothing that ${csv} has differs`);
    });

    test('cut, with more behind, or with other names of columns', async () => {
      const text = textOf(csv);
      const line = (at: number): string => bill.lines[at]!.id;
      const cut = text.slice(0, text.indexOf(line(1)) + 4);
      expect(await whyOf([csv, cut])).toContain(`: it ends in record 2 (line ${line(1)})`);
      expect(await whyOf([csv, `${text}x`])).toContain(': more stands behind its last record');
      expect(await whyOf([csv, `x${text}`])).toContain(': the names of its columns differ');
      expect(await whyOf([csv, ''])).toContain(': the names of its columns differ');
    });

    test('where none proves it, the words say why', async () => {
      const cannot = 'is not the file that was made; which record differs cannot be told: ';
      // The CSV is looked at before the JSON.
      expect(await whyOf([csv, forged(textOf(csv))], [json, `${textOf(json)} `])).toBe(
        `is not the file that was made: record 3 (line ${third.id}) has amount 999.99, and ${json} has ${owed}`,
      );
      const other = textOf(json).replace('"statements": ', '"statements": 9');
      expect(await whyOf([csv, forged(textOf(csv))], [json, other])).toBe(
        `${cannot}${json} is changed too, or is not there`,
      );
      expect(await whyOf([json, 'no'])).toBe(`${cannot}it is not the JSON of a bill any more`);
      const focus = '2026-10-v1-focus-1.4.csv';
      expect(await whyOf([focus, `${textOf(focus)} `])).toBe(
        `${cannot}it is made of more than the JSON of the bills; write the files of the month anew`,
      );
      expect(await whyOf([`${bill.id}.pdf`, 'no'])).toBe('is not the file that was made');
    });
  });

  test('criterion 18: of a bill in another currency too, its JSON hashes to its leaf of the root', () => {
    const converted = convertedMonth({ days: 1 });
    const leaves = converted.bills.map((bill) =>
      hashOfBillJson(JSON.stringify(billToJson(converted, bill))),
    );
    expect(leaves).toEqual(converted.bills.map(({ hash }) => hash));
    expect(merkleRoot(leaves.map((leaf) => leaf ?? ''))).toBe(converted.merkleRoot);
    expect(converted.bills.some(({ conversion }) => conversion !== null)).toBe(true);
    for (const text of ['', 'null', '{"bill":"x"}']) {
      expect(hashOfBillJson(text)).toBeUndefined();
      expect(readBillJson(text)).toBeUndefined();
    }
    // What is held against a changed CSV is the CSV that was made, conversion and all.
    for (const each of [converted, { ...whole, state: 'open' as const }])
      for (const bill of each.bills) {
        const read = readBillJson(JSON.stringify(billToJson(each, bill)));
        expect(linesToCsv(read!.month, [read!.bill])).toBe(linesToCsv(each, [bill]));
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
