/** The first page of a bill below its head: what it is for, day by day, what drove it, price, booking, reconciliation. */
import {
  NO_CREDITS,
  NO_MONEY,
  compareAmounts,
  formatAmount,
  formatAmountTo,
  subtractMoney,
  type Money,
} from '#base/units.js';
import type { BillConversion, BillLine, MonthHead, TeamBill } from '../billed-month.js';
import { differencesOf } from '../bill-differences.js';
import {
  type LineSum,
  controlTotals,
  isOfCredits,
  percentOf,
  pricePerCredit,
  sumBy,
  sumOf,
} from '../bill-sums.js';
import { DRIVER_WORDS, KIND_WORDS } from '../charge-words.js';
import { convertedByKind } from '../convert-bills.js';
import { drawDayChart } from './day-chart.js';
import { countText, exactText, instantText, moneyText, percentText, rounded } from './figures.js';
import { drawHead, unitBeside } from './head.js';
import type { Paper } from './paper.js';
import {
  CONTENT_LEFT,
  CONTENT_RIGHT,
  drawPairs,
  drawTable,
  drawTitle,
  type Column,
  type Row,
} from './table.js';

const LEFT_WIDTH = 312;
const RIGHT_WIDTH = 171;
const RIGHT_X = CONTENT_RIGHT - RIGHT_WIDTH;

/** Draws the whole first page. */
export function drawFirstPage(paper: Paper, month: MonthHead, bill: TeamBill): void {
  const top = drawHead(paper, month, bill) + 22;
  const kinds = drawKinds(paper, month, bill, top);
  drawDrivers(paper, month, bill, kinds + 20);
  drawSide(paper, month, bill, top);
}

/** Both tables of the first page always fit on it: as many kinds as there are, and ten drivers. */
function noNextPage(): never {
  throw new Error('The first page of a bill is full.');
}

function drawKinds(paper: Paper, month: MonthHead, bill: TeamBill, y: number): number {
  const { currency } = month;
  const sums = [...sumBy(bill.lines, (line) => line.kind)] as [BillLine['kind'], LineSum][];
  const { effectiveMoney } = controlTotals([bill]);
  const isShareable = compareAmounts(effectiveMoney, NO_MONEY) > 0;
  // Before rounding, as the drivers below: a kind that is all one driver's has the same share as that driver.
  const share = (part: Money): string =>
    isShareable ? percentText(percentOf(part, effectiveMoney)) : '';
  const { conversion } = bill;
  const byKind = convertedByKind(bill);
  const into = (amount: Money | undefined): readonly string[] =>
    conversion === null ? [] : [moneyText(amount ?? NO_MONEY, conversion.currency)];
  const rows: Row[] = sums.map(([kind, sum]) => ({
    cells: [
      KIND_WORDS[kind],
      compareAmounts(sum.credits, NO_CREDITS) === 0 ? '' : rounded(sum.credits, 3),
      moneyText(sum.amount, currency),
      ...into(byKind?.get(kind)),
      share(sum.effectiveMoney),
    ],
  }));
  const total = {
    isSum: true,
    cells: [
      rows.length === 0 ? 'Nothing was charged' : 'Total',
      rounded(bill.totalCredits, 3),
      moneyText(bill.totalAmount, currency),
      ...into(conversion?.amount),
      isShareable ? '100.0 %' : '',
    ],
  };
  const below = drawTitle(paper, 'What it is for', CONTENT_LEFT, y);
  const isConverted = conversion !== null;
  const columns: readonly Column[] = [
    { title: 'Charge', width: isConverted ? 120 : 142 },
    { title: 'Credits', width: isConverted ? 46 : 58, align: 'right' },
    { title: currency, width: isConverted ? 54 : 66, align: 'right' },
    ...(isConverted ? [{ title: conversion.currency, width: 54, align: 'right' } as const] : []),
    { title: 'Share', width: isConverted ? 38 : 46, align: 'right' },
  ];
  return drawTable(paper, { columns, rows: [...rows, total] }, CONTENT_LEFT, below, noNextPage);
}

function drawDrivers(paper: Paper, month: MonthHead, bill: TeamBill, y: number): void {
  const { effectiveMoney } = controlTotals([bill]);
  const below = drawTitle(paper, 'What drove it', CONTENT_LEFT, y);
  const rows = bill.drivers.slice(0, 10).map((driver) => ({
    cells: [
      driver.name,
      DRIVER_WORDS[driver.kind],
      countText(driver.statements),
      moneyText(driver.effectiveMoney, month.currency),
      percentText(percentOf(driver.effectiveMoney, effectiveMoney)),
    ],
  }));
  const none = [{ cells: ['No statement of the team used a warehouse.'] }];
  const columns =
    rows.length === 0
      ? [{ title: '', width: LEFT_WIDTH }]
      : ([
          { title: 'Of its own statements', width: 112 },
          { title: '', width: 68 },
          { title: 'Runs', width: 32, align: 'right' },
          { title: month.currency, width: 56, align: 'right' },
          { title: 'Share', width: 44, align: 'right' },
        ] as const);
  drawTable(
    paper,
    { columns, rows: rows.length === 0 ? none : rows },
    CONTENT_LEFT,
    below,
    noNextPage,
  );
}

function drawSide(paper: Paper, month: MonthHead, bill: TeamBill, y: number): void {
  let at = drawTitle(paper, `Day by day${unitBeside(month, bill)}`, RIGHT_X, y);
  drawDayChart(paper, month, bill, { x: RIGHT_X, y: at, width: RIGHT_WIDTH, height: 96 });
  at = drawBlock(paper, 'Price of a credit', pricePairs(month, bill), at + 112);
  if (bill.conversion !== null)
    at = drawBlock(paper, 'Conversion', conversionPairs(month, bill, bill.conversion), at + 16);
  at = drawBlock(paper, 'Booking', bookingPairs(month, bill), at + 16);
  drawBlock(paper, 'Reconciliation', reconciliationPairs(month), at + 16);
}

type Pairs = readonly (readonly [string, string])[];

function drawBlock(paper: Paper, title: string, pairs: Pairs, y: number): number {
  return drawPairs(paper, pairs, RIGHT_X, drawTitle(paper, title, RIGHT_X, y), RIGHT_WIDTH);
}

function pricePairs({ currency }: MonthHead, bill: TeamBill): Pairs {
  const sum = sumOf(bill.lines.filter(isOfCredits));
  const price = (money: Money): string => {
    const one = pricePerCredit(money, sum);
    return one === null ? '–' : `${currency} ${exactPrice(one)}`;
  };
  const saved = subtractMoney(sum.listMoney, sum.effectiveMoney);
  const percent = percentOf(saved, sum.listMoney);
  return [
    ['As published', price(sum.listMoney)],
    ['By contract', price(sum.contractedMoney)],
    ['As charged', price(sum.effectiveMoney)],
    [
      'Below published',
      `${moneyText(saved, currency)}${percent === null ? '' : ` (${percentText(percent)})`}`,
    ],
  ];
}

/** At least two decimals, and as many more as it has up to six. */
function exactPrice(price: Money): string {
  return exactText(formatAmountTo(price, 6))
    .replace(/^([^.]*)$/, '$1.00')
    .replace(/\.(\d)$/, '.$10');
}

function conversionPairs(
  { currency }: MonthHead,
  { totalAmount }: TeamBill,
  { currency: into, rate, source, day, amount }: BillConversion,
): Pairs {
  return [
    ['Invoiced', `${currency} ${moneyText(totalAmount, currency)}`],
    [`${into} for one ${currency}`, exactText(formatAmount(rate))],
    ['Rate of', day],
    ['Source', source],
    ['Owed', `${into} ${moneyText(amount, into)}`],
  ];
}

function bookingPairs({ clearingAccount }: MonthHead, { booking }: TeamBill): Pairs {
  const isPosted = booking.mode === 'chargeback';
  return [
    ['Legal entity', booking.legalEntity],
    ['Cost centre', booking.costCentre],
    ['Debit account', booking.glAccount],
    ...(isPosted ? ([['Credit account', clearingAccount]] as const) : []),
    ['Posted', isPosted ? 'chargeback' : 'showback: not posted'],
  ];
}

function reconciliationPairs(month: MonthHead): Pairs {
  const found = differencesOf(month);
  const agrees = (difference: string): string =>
    /^-?[0.]*$/.test(difference) ? '0, agrees' : exactText(difference);
  const approved = month.approvals.map(({ by }) => by).join(', ');
  return [
    ['Metered less allocated', agrees(found.differenceCredits)],
    [
      'Invoice less bills',
      found.differenceAmount === null ? 'no invoice imported' : agrees(found.differenceAmount),
    ],
    ['Open items', found.open === 0 ? 'none' : countText(found.open)],
    ...(found.signedOff === null ? [] : ([['Signed off by', found.signedOff.by]] as const)),
    ...(approved === '' ? [] : ([['Approved by', approved]] as const)),
    [
      month.closedAt === null ? 'As of' : 'Closed',
      instantText(month.closedAt ?? month.asOf).replace(', ', ' '),
    ],
  ];
}
