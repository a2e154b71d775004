/** The e-mail that a team's bill comes with. */
import { formatMoney } from '#base/currency.js';
import type { BillFile } from '#billing/bills/bill-files.js';
import { owedOn } from '#billing/bills/convert-bills.js';
import type { BilledMonth, TeamBill } from '#billing/bills/billed-month.js';
import type { Mail } from '../mail.js';

/** How a state that is not final is told to people. */
const NOT_FINAL: Readonly<Record<string, string>> = {
  open: 'the month is open',
  softClosed: 'a draft',
  inReview: 'in review',
  approved: 'approved, not closed',
};

/**
 * @param to one address.
 * @param key names this delivery in every repeat.
 * @returns an e-mail that says beside the amount how final it is; of what is not closed, already in the subject.
 */
export function billMail(
  month: BilledMonth,
  bill: TeamBill,
  files: readonly BillFile[],
  { to, key }: { readonly to: string; readonly key: string },
): Mail {
  const notFinal = NOT_FINAL[month.state];
  const owed = owedOn(bill, month);
  const amount = `${owed.currency} ${formatMoney(owed.amount, owed.currency)}`;
  const before = notFinal === undefined ? '' : `PROVISIONAL (${notFinal}): `;
  return {
    to: [to],
    subject: `${before}Bill of ${bill.teamName} for ${month.month}, ${amount}`,
    text: [
      `The bill of ${bill.teamName} for Snowflake in ${month.month} is attached: ${amount}.`,
      ...(notFinal === undefined
        ? [`The month is closed (version ${month.version}): this amount is final.`]
        : [`It is provisional (${notFinal}) and may change. Nothing is to be booked by it.`]),
      `Cost centre ${bill.booking.costCentre}; bill ${bill.id}.`,
      `SHA-256 of its lines ${bill.hash}, Merkle root of the month ${month.merkleRoot}.`,
    ].join('\n\n'),
    attachments: files.map(({ name, mediaType, bytes }) => ({ name, mediaType, content: bytes })),
    key,
  };
}
