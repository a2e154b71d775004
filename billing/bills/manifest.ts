/** What proves the files of a month: the hash of each, the bills' amounts and hashes, and the root over those. */
import { z } from 'zod';
import { formatMoney } from '#base/currency.js';
import { HASH_PATTERN, hashOfBytes, merkleRoot as rootOfLeaves } from '#base/hash-chain.js';
import { type Money, NO_MONEY, sumMoney, formatAmount, tryParseMoney } from '#base/units.js';
import type { BilledMonth, TeamBill } from './billed-month.js';
import { controlTotals } from './bill-sums.js';
import { type ReadFile, changedRecord } from './changed-records.js';
import { statusOf } from './charge-words.js';
import { convertedTotals } from './convert-bills.js';
import { hashOfBillJson } from './read-bill-json.js';

export const MANIFEST_FORMAT = 'tollgate-bills/1';

export interface ManifestFile {
  readonly name: string;
  readonly bill: string | null;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly organisation: string;
  readonly month: string;
  readonly version: number;
  readonly status: string;
  readonly asOf: string;
  readonly currency: string;
  readonly controlTotals: {
    readonly lines: number;
    readonly statements: number;
    readonly credits: string;
    readonly effectiveAmount: string;
    readonly amount: string;
  };
  readonly bills: readonly {
    readonly bill: string;
    readonly team: string;
    readonly amount: string;
    readonly hash: string;
    /** Of a bill in another currency than the invoice's. */
    readonly conversion?: {
      readonly currency: string;
      readonly amount: string;
      readonly rate: string;
      readonly source: string;
      readonly day: string;
    };
  }[];
  /** What the bills of each other currency come to; absent: there are none. */
  readonly convertedTotals?: readonly { readonly currency: string; readonly amount: string }[];
  readonly merkleRoot: string;
  readonly files: readonly ManifestFile[];
}

const hash = z.string().regex(HASH_PATTERN, 'must be a SHA-256 in hexadecimal');
const amount = z.string().refine((text) => tryParseMoney(text) !== undefined, 'must be a decimal');
const count = z.int().nonnegative();

const MANIFEST: z.ZodType<Manifest> = z.object({
  format: z.literal(MANIFEST_FORMAT),
  organisation: z.string(),
  month: z.string(),
  version: count,
  status: z.string(),
  asOf: z.string(),
  currency: z.string(),
  controlTotals: z.object({
    lines: count,
    statements: count,
    credits: amount,
    effectiveAmount: amount,
    amount,
  }),
  bills: z.array(
    z.object({
      bill: z.string(),
      team: z.string(),
      amount,
      hash,
      conversion: z
        .object({
          currency: z.string(),
          amount,
          rate: amount,
          source: z.string(),
          day: z.string(),
        })
        .exactOptional(),
    }),
  ),
  convertedTotals: z.array(z.object({ currency: z.string(), amount })).exactOptional(),
  merkleRoot: hash,
  files: z.array(
    z.object({ name: z.string(), bill: z.string().nullable(), bytes: count, sha256: hash }),
  ),
});

/** The manifest of `month` whose files are `files`. */
export function manifestOf(month: BilledMonth, files: readonly ManifestFile[]): Manifest {
  const totals = controlTotals(month.bills);
  const converted = convertedTotals(month.bills);
  return {
    format: MANIFEST_FORMAT,
    organisation: month.organisation.name,
    month: month.month,
    version: month.version,
    status: statusOf(month.state),
    asOf: month.asOf,
    currency: month.currency,
    controlTotals: {
      lines: totals.lines,
      statements: totals.statements,
      credits: formatAmount(totals.credits),
      effectiveAmount: formatAmount(totals.effectiveMoney),
      amount: formatMoney(totals.amount, month.currency),
    },
    bills: month.bills.map((bill) => ({
      bill: bill.id,
      team: bill.teamId,
      amount: formatMoney(bill.totalAmount, month.currency),
      hash: bill.hash,
      ...conversionOf(bill),
    })),
    ...(converted.length === 0
      ? {}
      : {
          convertedTotals: converted.map((each) => ({
            currency: each.currency,
            amount: formatMoney(each.amount, each.currency),
          })),
        }),
    merkleRoot: month.merkleRoot,
    files: files.map((file) => ({ ...file })),
  };
}

function conversionOf({ conversion }: TeamBill): Pick<Manifest['bills'][number], 'conversion'> {
  if (conversion === null) return {};
  const { currency, rate, source, day, amount: owed } = conversion;
  return {
    conversion: {
      currency,
      amount: formatMoney(owed, currency),
      rate: formatAmount(rate),
      source,
      day,
    },
  };
}

export type FilesOutcome =
  | {
      readonly kind: 'intact';
      readonly month: string;
      readonly version: number;
      readonly files: number;
      readonly bills: number;
      readonly amount: string;
      readonly currency: string;
      /** What the bills of other currencies than `currency` come to. */
      readonly convertedTotals: readonly { readonly currency: string; readonly amount: string }[];
      readonly merkleRoot: string;
    }
  /** `place` is the file or bill that is not what the manifest says. */
  | { readonly kind: 'broken'; readonly place: string; readonly why: string };

/** Whether a text may be a manifest: how `audit verify` tells it from an exported log. */
export function isManifest(text: string): boolean {
  return text.includes(`"${MANIFEST_FORMAT}"`);
}

/**
 * Holds files against their manifest, without a database: every file by its hash, each bill by the hash of what its
 * JSON says, the bills by their sum and root. Of a changed file it names the first record that differs, as far as other
 * files tell it.
 */
export async function verifyFiles(text: string, read: ReadFile): Promise<FilesOutcome> {
  const manifest = parseManifest(text);
  if (manifest === undefined)
    return { kind: 'broken', place: 'manifest', why: `is not one of ${MANIFEST_FORMAT}` };
  for (const file of manifest.files) {
    const bytes = await read(file.name);
    if (bytes === undefined) return { kind: 'broken', place: file.name, why: 'is not there' };
    const isAsMade = bytes.length === file.bytes && hashOfBytes(bytes) === file.sha256;
    if (isAsMade && isAsHashed(manifest, file, bytes)) continue;
    const why = isAsMade ? 'is not the bill that was hashed' : 'is not the file that was made';
    const which = await changedRecord(manifest, file, bytes, read);
    return { kind: 'broken', place: file.name, why: `${why}${which}` };
  }
  const { bills, controlTotals: totals, merkleRoot, month, version, currency } = manifest;
  const sum = sumMoney(bills.map((bill) => tryParseMoney(bill.amount) ?? NO_MONEY));
  if (sum !== tryParseMoney(totals.amount))
    return { kind: 'broken', place: 'controlTotals', why: 'bills do not sum to the amount' };
  const { convertedTotals = [] } = manifest;
  for (const total of convertedTotals)
    if (sumOfCurrency(manifest, total.currency) !== tryParseMoney(total.amount))
      return {
        kind: 'broken',
        place: 'convertedTotals',
        why: `bills in ${total.currency} do not sum to the amount`,
      };
  if (rootOfLeaves(bills.map((bill) => bill.hash)) !== merkleRoot)
    return { kind: 'broken', place: 'merkleRoot', why: 'is not that of the bills' };
  return {
    kind: 'intact',
    month,
    version,
    files: manifest.files.length,
    bills: bills.length,
    amount: totals.amount,
    currency,
    convertedTotals,
    merkleRoot,
  };
}

/** Whether the JSON of a bill, hashed anew, is what the manifest says of that bill; other files have no hash of a bill. */
function isAsHashed(
  { bills }: Manifest,
  { name, bill: id }: ManifestFile,
  bytes: Uint8Array,
): boolean {
  if (id === null || !name.endsWith('.json')) return true;
  const said = bills.find(({ bill }) => bill === id)?.hash;
  return said !== undefined && hashOfBillJson(Buffer.from(bytes).toString()) === said;
}

function sumOfCurrency({ bills }: Manifest, currency: string): Money {
  const own = bills.flatMap(({ conversion }) =>
    conversion?.currency === currency ? [tryParseMoney(conversion.amount) ?? NO_MONEY] : [],
  );
  return sumMoney(own);
}

function parseManifest(text: string): Manifest | undefined {
  try {
    const parsed = MANIFEST.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
