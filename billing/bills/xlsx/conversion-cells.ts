/** Columns and facts of bills that are in another currency than the invoice's; none where there is no such bill. */
import type { Cell } from 'write-excel-file/node';
import { formatMoney } from '#base/currency.js';
import type { Money } from '#base/units.js';
import type { TeamBill } from '../billed-month.js';
import { convertedTotals } from '../convert-bills.js';
import { type SheetColumn, exact, money, text } from './cells.js';

/** What it is in the currency of its bill, and that currency. */
export function convertedColumns<Of>(
  bills: readonly TeamBill[],
  of: (row: Of) => { readonly bill: TeamBill; readonly amount: Money | null },
): readonly SheetColumn<Of>[] {
  if (convertedTotals(bills).length === 0) return [];
  return [
    { title: 'Converted amount', width: 16, cell: (row) => convertedCell(of(row)) },
    {
      title: 'Converted currency',
      width: 11,
      cell: (row) => text(of(row).bill.conversion?.currency ?? null),
    },
  ];
}

function convertedCell(of: { readonly bill: TeamBill; readonly amount: Money | null }): Cell {
  const { conversion } = of.bill;
  return conversion === null || of.amount === null ? null : money(of.amount, conversion.currency);
}

/** Rate, source and day of each bill. */
export function rateColumns<Of>(
  bills: readonly TeamBill[],
  billOf: (row: Of) => TeamBill,
): readonly SheetColumn<Of>[] {
  if (convertedTotals(bills).length === 0) return [];
  const conversionOf = (row: Of): TeamBill['conversion'] => billOf(row).conversion;
  return [
    {
      title: 'Exchange rate',
      width: 20,
      cell: (row) => {
        const rate = conversionOf(row)?.rate;
        return rate === undefined ? null : exact(rate);
      },
    },
    { title: 'Rate source', width: 26, cell: (row) => text(conversionOf(row)?.source ?? null) },
    { title: 'Rate day', width: 11, cell: (row) => text(conversionOf(row)?.day ?? null) },
    {
      title: 'Rounding of the conversion',
      width: 22,
      cell: (row) => {
        const rounding = conversionOf(row)?.roundingMoney;
        return rounding === undefined ? null : exact(rounding);
      },
    },
  ];
}

/** What the bills of each other currency come to, with what was invoiced for them beside it. */
export function convertedFacts(
  bills: readonly TeamBill[],
  currency: string,
): readonly (readonly [string, Cell, Cell])[] {
  return convertedTotals(bills).map((total) => [
    `Amount, ${total.currency}`,
    money(total.amount, total.currency),
    text(`converted from ${currency} ${formatMoney(total.invoiced, currency)}`),
  ]);
}
