/** The upper part of a bill's first page: whose, of what month, how final, how much, and against what. */
import { NO_MONEY, compareAmounts } from '#base/units.js';
import type { MonthHead, TeamBill } from '../billed-month.js';
import { type Compared, compared, controlTotals } from '../bill-sums.js';
import { STATE_WORDS } from '../charge-words.js';
import { owedOn } from '../convert-bills.js';
import {
  countText,
  instantText,
  moneyText,
  moneyWithCurrency,
  monthText,
  percentText,
  rounded,
  signed,
} from './figures.js';
import { CONTENT_WIDTH, INK, PAGE, type Paper } from './paper.js';

const LEFT = PAGE.margin;
const RIGHT = PAGE.width - PAGE.margin;
const NAME_WIDTH = 285;
const OWED_WIDTH = 205;

/** Draws it and returns the height at which the rest begins. */
export function drawHead(paper: Paper, month: MonthHead, bill: TeamBill): number {
  paper.box(0, 0, PAGE.width, 5, INK.accent);
  paper.text(month.organisation.name, LEFT, 46, {
    size: 10,
    weight: 'semibold',
    maxWidth: 330,
  });
  drawStamp(paper, month);
  drawWhose(paper, month, bill);
  drawOwed(paper, month, bill);
  const below = drawWarning(paper, month, 148);
  return drawTiles(paper, month, bill, below);
}

function drawStamp(paper: Paper, { state }: MonthHead): void {
  const { stamp, warning } = STATE_WORDS[state];
  const style = { size: 8, weight: 'semibold', spacing: 0.5 } as const;
  const width = paper.width(stamp.toUpperCase(), style) + 16;
  const isFinal = warning === null;
  paper.box(RIGHT - width, 34, width, 17, isFinal ? INK.accentLight : INK.cautionLight, 8.5);
  paper.text(stamp.toUpperCase(), RIGHT - width + 8, 45.4, {
    ...style,
    colour: isFinal ? INK.accent : INK.caution,
  });
}

function drawWhose(paper: Paper, month: MonthHead, bill: TeamBill): void {
  paper.text(`Snowflake, ${monthText(month.month)}`, LEFT, 82, { size: 10, colour: INK.muted });
  const name = { size: 24, weight: 'semibold', maxWidth: NAME_WIDTH } as const;
  // A long name is set smaller, and cut only when it would be too small to be the title.
  const wide = paper.width(bill.teamName, name);
  const size = wide > NAME_WIDTH ? Math.max(14, (24 * NAME_WIDTH) / wide) : 24;
  paper.text(bill.teamName, LEFT, 110, { ...name, size });
  const parts = [bill.departmentName, bill.teamId, bill.owner === '' ? '' : `owner ${bill.owner}`];
  paper.text(parts.filter((part) => part !== '').join('  ·  '), LEFT, 128, {
    size: 9,
    colour: INK.muted,
    maxWidth: NAME_WIDTH,
  });
}

/** A bill below zero is a credit to the team. */
function owedWords(month: MonthHead, bill: TeamBill): string {
  if (month.state === 'open') return 'So far';
  if (compareAmounts(bill.totalAmount, NO_MONEY) < 0) return 'Credited';
  return bill.booking.mode === 'chargeback' ? 'Amount owed' : 'Cost, for information';
}

function drawOwed(paper: Paper, month: MonthHead, bill: TeamBill): void {
  const style = { size: 9, colour: INK.muted, align: 'right' } as const;
  paper.text(owedWords(month, bill), RIGHT, 82, { ...style, size: 10 });
  const owed = owedOn(bill, month);
  const amount = moneyWithCurrency(owed.amount, owed.currency);
  const size = fitting(paper, amount, 26, OWED_WIDTH);
  paper.text(amount, RIGHT, 110, { size, weight: 'semibold', align: 'right' });
  const { statements } = controlTotals([bill]);
  const used = `${rounded(bill.totalCredits, 3)} credits  ·  ${countText(statements)} statements`;
  paper.text(used, RIGHT, 128, style);
}

function drawWarning(paper: Paper, month: MonthHead, y: number): number {
  const { warning, stamp } = STATE_WORDS[month.state];
  if (warning === null) return y;
  paper.box(LEFT, y, CONTENT_WIDTH, 26, INK.cautionLight, 3);
  const words = { size: 9, colour: INK.caution } as const;
  const bold = { ...words, weight: 'semibold' } as const;
  paper.text(`${stamp}.`, LEFT + 10, y + 16.5, bold);
  paper.text(
    `${warning} As of ${instantText(month.asOf)}.`,
    LEFT + 16 + paper.width(`${stamp}.`, bold),
    y + 16.5,
    { ...words, maxWidth: CONTENT_WIDTH - 30 - paper.width(`${stamp}.`, bold) },
  );
  return y + 38;
}

interface Tile {
  readonly label: string;
  readonly figure: string;
  readonly below: string;
  readonly isOver?: boolean;
}

function tilesOf(month: MonthHead, bill: TeamBill): readonly Tile[] {
  const { currency } = month;
  const { budgetMoney, previousMoney, trailingMoney, forecastMoney } = bill.comparison;
  const isOpen = month.state === 'open';
  // While the month is open, what it will come to is what a budget is held against.
  const amount = isOpen && forecastMoney !== null ? forecastMoney : bill.totalAmount;
  const budget = compared(amount, budgetMoney);
  const against = (label: string, money: Compared | null, none: string): Tile =>
    money === null
      ? { label, figure: '–', below: none }
      : {
          label,
          figure: moneyText(money.against, currency),
          below: `${signed(moneyText(money.difference, currency))}, ${signed(percentText(money.differencePercent))}`,
        };
  const isOver = budget !== null && compareAmounts(budget.difference, NO_MONEY) > 0;
  return [
    {
      label: 'Budget',
      figure: budget === null ? '–' : moneyText(budget.against, currency),
      below: budget === null ? 'none set' : 'for the month',
    },
    {
      label: isOpen ? 'Forecast against it' : 'Against budget',
      figure: budget === null ? '–' : signed(moneyText(budget.difference, currency)),
      below:
        budget === null
          ? ''
          : `${signed(percentText(budget.differencePercent))}${isOver ? ', over' : ''}`,
      isOver,
    },
    against('Previous month', compared(amount, previousMoney), 'no bill'),
    against('Mean of 3 months', compared(amount, trailingMoney), 'not yet'),
    {
      label: 'Forecast',
      figure: forecastMoney === null ? '–' : moneyText(forecastMoney, currency),
      below: forecastMoney === null ? (isOpen ? 'not yet' : 'month is over') : 'at its end',
    },
  ];
}

function drawTiles(paper: Paper, month: MonthHead, bill: TeamBill, y: number): number {
  const tiles = tilesOf(month, bill);
  const unit = unitBeside(month, bill);
  const gap = 8;
  const width = (CONTENT_WIDTH - gap * (tiles.length - 1)) / tiles.length;
  for (const [index, tile] of tiles.entries()) {
    const x = LEFT + index * (width + gap);
    paper.box(x, y, width, 56, INK.shade, 4);
    const inside = width - 18;
    const label = `${tile.label}${unit}`;
    paper.text(label, x + 9, y + 15, {
      size: fitting(paper, label, 7.5, inside),
      colour: INK.muted,
      maxWidth: inside,
    });
    paper.text(tile.figure, x + 9, y + 33, {
      size: fitting(paper, tile.figure, 13, inside),
      weight: 'semibold',
      ...(tile.isOver === true ? { colour: INK.caution } : {}),
    });
    paper.text(tile.below, x + 9, y + 47, { size: 7.5, colour: INK.muted, maxWidth: inside });
  }
  return y + 56;
}

/** Where the bill is in another currency, what its other figures are in: `, USD`. */
export function unitBeside({ currency }: MonthHead, { conversion }: TeamBill): string {
  return conversion === null ? '' : `, ${currency}`;
}

/** A size up to `size` at which the figure is not cut: a figure without its last digits would be another one. */
function fitting(paper: Paper, figure: string, size: number, width: number): number {
  return Math.min(size, (size * width) / paper.width(figure, { size, weight: 'semibold' }));
}
