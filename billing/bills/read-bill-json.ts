/**
 * A bill read back from its JSON file, as far as its hash and its CSV go: so that the file alone proves itself, without
 * a database.
 */
import { z } from 'zod';
import { must } from '#base/assert.js';
import {
  type Credits,
  type Money,
  parseCredits,
  parseQuantity,
  tryParseMoney,
} from '#base/units.js';
import type { CsvBill, CsvMonth } from './bill-csv.js';
import { type HashedBill, billHash } from './bill-hash.js';
import { CHARGE_KINDS, MEASURED_UNITS, MONTH_STATES } from './billed-month.js';
import { statusOf } from './charge-words.js';
import { conversionRounding } from './convert-bills.js';

const isDecimal = (text: string): boolean => tryParseMoney(text) !== undefined;
const money = z
  .string()
  .refine(isDecimal)
  .transform((text) => tryParseMoney(text) as Money);
const credits = z
  .string()
  .refine(isDecimal)
  .transform((text): Credits => parseCredits(text));

const LINE = z.object({
  id: z.string(),
  kind: z.enum(CHARGE_KINDS),
  account: z.string(),
  resource: z.string().nullable(),
  serviceType: z.string(),
  day: z.string(),
  usedMs: z.int(),
  statements: z.int(),
  credits,
  listPrice: money,
  contractedPrice: money,
  effectivePrice: money,
  effectiveAmount: money,
  amount: money,
  convertedAmount: money.optional(),
  method: z.string(),
  note: z.string(),
  corrects: z.object({ month: z.string(), lineId: z.string().nullable() }).nullable(),
});

const BILL = z.object({
  bill: z.string(),
  team: z.string(),
  teamName: z.string(),
  department: z.string(),
  owner: z.string(),
  currency: z.string(),
  booking: z.object({
    legalEntity: z.string(),
    costCentre: z.string(),
    glAccount: z.string(),
    mode: z.enum(['showback', 'chargeback']),
  }),
  lines: z.array(LINE),
  totalCredits: credits,
  totalAmount: money,
  conversion: z
    .object({
      currency: z.string(),
      amount: money,
      rate: money,
      source: z.string(),
      day: z.string(),
    })
    .optional(),
});

/** The hash of what the file says, computed anew; undefined: it is not the JSON of a bill. */
export function hashOfBillJson(text: string): string | undefined {
  const read = BILL.safeParse(parsed(text));
  return read.success ? billHash(billOf(read.data), read.data.currency) : undefined;
}

const MEASURED = z.object({
  quantity: z
    .string()
    .refine(isDecimal)
    .transform((text) => parseQuantity(text)),
  unit: z.enum(MEASURED_UNITS),
});

/** With what the CSV has beside what is hashed. */
const FILE = BILL.extend({
  status: z.string(),
  month: z.string(),
  version: z.int(),
  lines: z.array(LINE.extend({ measured: MEASURED.nullable(), prepaidAmount: money })),
  hash: z.string(),
  merkleRoot: z.string(),
});

/** What the CSV of the same bill is made of; undefined: it is not the JSON of a bill. */
export function readBillJson(
  text: string,
): { readonly month: CsvMonth; readonly bill: CsvBill } | undefined {
  const read = FILE.safeParse(parsed(text));
  if (!read.success) return undefined;
  const { status, month, version, currency, hash, merkleRoot, lines, ...of } = read.data;
  const state = MONTH_STATES.find((each) => statusOf(each) === status);
  if (state === undefined) return undefined;
  const bill = billOf({ ...of, currency, lines });
  const more = lines.map(({ measured, prepaidAmount: prepaidMoney }) => ({
    measured,
    prepaidMoney,
  }));
  return {
    month: { month, state, version, currency, merkleRoot },
    bill: {
      ...bill,
      hash,
      lines: bill.lines.map((line, index) => ({ ...line, ...must(more[index], 'as many') })),
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function billOf({ bill: id, team, department, lines, ...of }: z.infer<typeof BILL>): HashedBill {
  const { teamName, owner, booking, totalCredits, totalAmount, conversion } = of;
  return {
    id,
    teamId: team,
    teamName,
    departmentName: department,
    owner,
    booking,
    totalCredits,
    totalAmount,
    lines: lines.map(({ day, effectiveAmount, convertedAmount: _of, ...line }) => ({
      ...line,
      chargeDay: day,
      effectiveMoney: effectiveAmount,
    })),
    conversion:
      conversion === undefined
        ? null
        : {
            ...conversion,
            roundingMoney: conversionRounding(conversion.amount, totalAmount, conversion.rate),
            lineAmounts: new Map(
              lines.flatMap(({ id: line, convertedAmount }) =>
                convertedAmount === undefined ? [] : [[line, convertedAmount] as const],
              ),
            ),
          },
  };
}
