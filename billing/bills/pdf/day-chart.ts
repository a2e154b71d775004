/** Amounts of the days of a month as bars: above the line what was charged, below it what was credited. */
import {
  NO_MONEY,
  type Money,
  approximate,
  compareAmounts,
  maxAmount,
  minAmount,
} from '#base/units.js';
import { dayAmounts } from '../bill-sums.js';
import type { MonthHead, TeamBill } from '../billed-month.js';
import { moneyText } from './figures.js';
import { INK, type Paper } from './paper.js';

export interface ChartPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Draws the chart; heights are approximate, the figures beside it are not. */
export function drawDayChart(
  paper: Paper,
  month: MonthHead,
  bill: TeamBill,
  { x, y, width, height }: ChartPlace,
): void {
  const days = dayAmounts(month, bill);
  const amounts = days.map(({ amount }) => amount);
  const highest = amounts.reduce((a, b) => maxAmount(a, b), NO_MONEY);
  const lowest = amounts.reduce((a, b) => minAmount(a, b), NO_MONEY);
  const [top, bottom] = [approximate(highest), approximate(lowest)];
  const span = top - bottom;
  const plot = { top: y + 12, height: height - 26 };
  const heightOf = (amount: Money): number =>
    span === 0 ? 0 : (Math.abs(approximate(amount)) / span) * plot.height;
  const line = plot.top + (span === 0 ? plot.height : (top / span) * plot.height);
  paper.text(moneyText(highest, month.currency), x, y + 7, { size: 6.5, colour: INK.muted });
  paper.rule(x, plot.top, width);
  const step = width / days.length;
  for (const [index, { amount }] of days.entries()) {
    const tall = heightOf(amount);
    const isCredit = compareAmounts(amount, NO_MONEY) < 0;
    if (tall > 0)
      paper.box(
        x + index * step + step * 0.14,
        isCredit ? line : line - tall,
        step * 0.72,
        Math.max(tall, 0.5),
        isCredit ? INK.faint : INK.accent,
      );
  }
  paper.rule(x, line, width, INK.faint);
  for (const [index, { day }] of days.entries()) {
    const number = index + 1;
    if (number !== 1 && number % 5 !== 0) continue;
    const label = String(Number(day.slice(8)));
    const wide = paper.width(label, { size: 6.5 });
    const middle = x + (index + 0.5) * step - wide / 2;
    paper.text(label, middle, y + height - 3, { size: 6.5, colour: INK.muted });
  }
}
