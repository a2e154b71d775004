/**
 * What follows the first page of a bill: by warehouse and kind of charge, by day, what mends earlier months, and how it
 * was allocated.
 */
import { NO_MONEY, type Money, addMoney } from '#base/units.js';
import type { BillLine, MonthHead, ChargeKind, TeamBill } from '../billed-month.js';
import { type LineSum, dayAmounts, pricePerCredit, sumBy, sumOf } from '../bill-sums.js';
import { KIND_WORDS, STATE_WORDS } from '../charge-words.js';
import { countText, moneyText, monthText, rounded, timeText } from './figures.js';
import { CONTENT_WIDTH, INK, PAGE, type Paper } from './paper.js';
import {
  BOTTOM,
  CONTENT_LEFT,
  CONTENT_RIGHT,
  drawTable,
  drawTitle,
  type Row,
  type Table,
} from './table.js';

const TOP = 78;

interface Section {
  readonly title: string;
  readonly table: Table;
}

/** Draws as many pages as the bill needs, at least one. */
export function drawDetailPages(paper: Paper, month: MonthHead, bill: TeamBill): void {
  const nextPage = (): number => {
    paper.addPage();
    drawRunningHead(paper, month, bill);
    return TOP;
  };
  let y = nextPage();
  for (const { title, table } of sectionsOf(month, bill)) {
    // A title never stands alone at the end of a page.
    if (y > TOP && y + 90 > BOTTOM) y = nextPage();
    y = drawTable(paper, table, CONTENT_LEFT, drawTitle(paper, title, CONTENT_LEFT, y), nextPage);
    y += 24;
  }
}

function drawRunningHead(paper: Paper, month: MonthHead, bill: TeamBill): void {
  paper.box(0, 0, PAGE.width, 5, INK.accent);
  paper.text(bill.teamName, CONTENT_LEFT, 46, { size: 10, weight: 'semibold', maxWidth: 300 });
  const { stamp, warning } = STATE_WORDS[month.state];
  const state = warning === null ? '' : `${stamp.toUpperCase()}  ·  `;
  paper.text(`${state}Snowflake, ${monthText(month.month)}`, CONTENT_RIGHT, 46, {
    size: 9,
    colour: warning === null ? INK.muted : INK.caution,
    align: 'right',
  });
  paper.rule(CONTENT_LEFT, 56, CONTENT_WIDTH);
}

function sectionsOf(month: MonthHead, bill: TeamBill): readonly Section[] {
  return [
    { title: 'By warehouse, service and kind of charge', table: byResource(month, bill) },
    { title: 'By day', table: byDay(month, bill) },
    ...mendedSections(month, bill),
    { title: 'How it was allocated', table: byMethod(month, bill) },
  ];
}

function byResource({ currency }: MonthHead, bill: TeamBill): Table {
  const rows: Row[] = [];
  for (const [place, lines] of groups(bill.lines, placeOf)) {
    rows.push({ isSum: true, cells: sumCells(place, sumOf(lines), currency) });
    for (const [kind, sum] of sumBy(lines, (line) => line.kind))
      rows.push({ isPart: true, cells: sumCells(KIND_WORDS[kind as ChargeKind], sum, currency) });
  }
  rows.push({ isSum: true, cells: sumCells('Total', sumOf(bill.lines), currency) });
  return {
    rows,
    columns: [
      { title: 'Warehouse or service', width: 175 },
      { title: 'Statements', width: 56, align: 'right' },
      { title: 'Warehouse time', width: 70, align: 'right' },
      { title: 'Credits', width: 78, align: 'right' },
      { title: `${currency} a credit`, width: 58, align: 'right' },
      { title: currency, width: 70.28, align: 'right' },
    ],
  };
}

/** Account and warehouse, or account and service. */
function placeOf({ account, resource, serviceType }: BillLine): string {
  const what = serviceType === 'WAREHOUSE_METERING' ? '' : serviceType;
  return [account, resource ?? '', what].filter((part) => part !== '').join('  ·  ');
}

function groups(
  lines: readonly BillLine[],
  keyOf: (line: BillLine) => string,
): ReadonlyMap<string, readonly BillLine[]> {
  const found = new Map<string, BillLine[]>();
  for (const line of lines) {
    const key = keyOf(line);
    const group = found.get(key);
    if (group === undefined) found.set(key, [line]);
    else group.push(line);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function sumCells(name: string, sum: LineSum, currency: string): readonly string[] {
  const price = pricePerCredit(sum.effectiveMoney, sum);
  return [
    name,
    sum.statements === 0 ? '' : countText(sum.statements),
    timeText(sum.usedMs),
    rounded(sum.credits, 6),
    price === null ? '' : rounded(price, 4),
    moneyText(sum.amount, currency),
  ];
}

function byDay(month: MonthHead, bill: TeamBill): Table {
  const { currency } = month;
  let running = NO_MONEY;
  const rows: Row[] = dayAmounts(month, bill).map(({ day, sum }) => {
    running = addMoney(running, sum.amount);
    return { cells: dayCells(day, sum, running, currency) };
  });
  const others = bill.lines.filter((line) => !line.chargeDay.startsWith(month.month));
  const rest = sumOf(others);
  if (others.length > 0) {
    running = addMoney(running, rest.amount);
    rows.push({ cells: dayCells('Of earlier months', rest, running, currency) });
  }
  const total = dayCells('Total', sumOf(bill.lines), null, currency);
  return {
    rows: [...rows, { isSum: true, cells: total }],
    rowHeight: 13,
    columns: [
      { title: 'Day, UTC', width: 131 },
      { title: 'Statements', width: 76, align: 'right' },
      { title: 'Credits', width: 100, align: 'right' },
      { title: currency, width: 100, align: 'right' },
      { title: 'So far', width: 100.28, align: 'right' },
    ],
  };
}

function dayCells(
  day: string,
  sum: LineSum,
  running: Money | null,
  currency: string,
): readonly string[] {
  return [
    day,
    sum.statements === 0 ? '' : countText(sum.statements),
    rounded(sum.credits, 6),
    moneyText(sum.amount, currency),
    running === null ? '' : moneyText(running, currency),
  ];
}

/** Corrections, adjustments and credit notes, each with what it mends; none: no section. */
function mendedSections({ currency }: MonthHead, bill: TeamBill): readonly Section[] {
  const mended = bill.lines.filter(({ corrects }) => corrects !== null);
  if (mended.length === 0) return [];
  const rows = mended.map((line) => ({
    cells: [
      line.chargeDay,
      line.corrects === null ? '' : monthText(line.corrects.month),
      KIND_WORDS[line.kind],
      line.note,
      moneyText(line.amount, currency),
    ],
  }));
  const total = moneyText(sumOf(mended).amount, currency);
  const table: Table = {
    rows: [...rows, { isSum: true, cells: ['Total', '', '', '', total] }],
    columns: [
      { title: 'Charged for', width: 66 },
      { title: 'Mends the bill of', width: 84 },
      { title: 'As', width: 116 },
      { title: 'Why', width: 171 },
      { title: currency, width: 70.28, align: 'right' },
    ],
  };
  return [{ title: 'Corrections, adjustments and credit notes', table }];
}

function byMethod({ currency }: MonthHead, bill: TeamBill): Table {
  const notes = new Map(bill.lines.map((line) => [methodKey(line), line]));
  const rows = [...sumBy(bill.lines, methodKey)].map(([key, sum]) => {
    const line = notes.get(key);
    return {
      cells: [
        line?.method ?? '',
        line === undefined ? '' : KIND_WORDS[line.kind],
        line?.note ?? '',
        countText(sum.lines),
        moneyText(sum.amount, currency),
      ],
    };
  });
  return {
    rows,
    columns: [
      { title: 'Method and its version', width: 96 },
      { title: 'Charge', width: 116 },
      { title: 'What it does', width: 185 },
      { title: 'Lines', width: 40, align: 'right' },
      { title: currency, width: 70.28, align: 'right' },
    ],
  };
}

/** Notes of corrections and adjustments are of each line; those of methods are the same for a kind. */
function methodKey({ kind, method }: BillLine): string {
  return `${method} ${kind}`;
}
