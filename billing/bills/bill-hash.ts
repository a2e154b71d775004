/**
 * What a bill is sealed by: the hash of everything that is owed and why, its path to the month's root, and that root. Whoever
 * has a bill as JSON and the root can tell whether a byte of it was changed, without asking Tollgate. Pure.
 */
import {
  type ChainField,
  canonicalBytes,
  leafHash,
  merkleProofs,
  merkleRoot,
} from '#base/hash-chain.js';
import { NO_MONEY, formatAmount } from '#base/units.js';
import type { BillConversion, BillLine, TeamBill } from './billed-month.js';

/** A bill before it is sealed. */
export type UnsealedBill = Omit<TeamBill, 'hash' | 'proof'>;

type HashedLine = Omit<BillLine, 'measured' | 'prepaidMoney'>;

/** What of a bill is in its hash: who owes how much, and for what. */
export type HashedBill = Omit<UnsealedBill, 'comparison' | 'drivers' | 'lines'> & {
  readonly lines: readonly HashedLine[];
};

/**
 * The leaf of a bill in the month's tree (RFC 6962): its id, team, currency and booking, its totals, and every line,
 * each field by its length, so that no two bills have the same bytes. A bill in another currency than the invoice's
 * has its conversion behind that, and begins otherwise.
 */
export function billHash(bill: HashedBill, currency: string): string {
  const { booking } = bill;
  const fields: ChainField[] = [
    bill.conversion === null ? 'bill/1' : 'bill/2',
    bill.id,
    bill.teamId,
    bill.teamName,
    bill.departmentName,
    bill.owner,
    currency,
    booking.legalEntity,
    booking.costCentre,
    booking.glAccount,
    booking.mode,
    formatAmount(bill.totalCredits),
    formatAmount(bill.totalAmount),
    String(bill.lines.length),
  ];
  for (const line of bill.lines) fields.push(...lineFields(line));
  if (bill.conversion !== null) fields.push(...conversionFields(bill.conversion, bill.lines));
  return leafHash(canonicalBytes(fields));
}

function conversionFields(
  { currency, rate, source, day, amount, lineAmounts }: BillConversion,
  lines: readonly HashedLine[],
): readonly ChainField[] {
  return [
    currency,
    formatAmount(rate),
    source,
    day,
    formatAmount(amount),
    ...lines.map(({ id }) => formatAmount(lineAmounts.get(id) ?? NO_MONEY)),
  ];
}

function lineFields(line: HashedLine): readonly ChainField[] {
  return [
    line.id,
    line.kind,
    line.account,
    line.resource,
    line.serviceType,
    line.chargeDay,
    String(line.usedMs),
    String(line.statements),
    formatAmount(line.credits),
    formatAmount(line.listPrice),
    formatAmount(line.contractedPrice),
    formatAmount(line.effectivePrice),
    formatAmount(line.effectiveMoney),
    formatAmount(line.amount),
    line.method,
    line.note,
    line.corrects?.month ?? null,
    line.corrects?.lineId ?? null,
  ];
}

/** The bills with hash and path, and the root over them in their order. */
export function sealBills(
  bills: readonly UnsealedBill[],
  currency: string,
): { readonly bills: readonly TeamBill[]; readonly merkleRoot: string } {
  const hashes = bills.map((bill) => billHash(bill, currency));
  const proofs = merkleProofs(hashes);
  return {
    bills: bills.map((bill, index) => ({
      ...bill,
      hash: hashes[index] ?? '',
      proof: proofs[index] ?? [],
    })),
    merkleRoot: merkleRoot(hashes),
  };
}
