/** A bill read back from its JSON file, as far as its hash goes: so that the file alone proves itself, without a database. */
import { z } from 'zod';
import { type Credits, type Money, parseCredits, tryParseMoney } from '#base/units.js';
import { type HashedBill, billHash } from './bill-hash.js';
import { CHARGE_KINDS } from './billed-month.js';
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
