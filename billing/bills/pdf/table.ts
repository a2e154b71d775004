/** Tables on paper: a head, rows of one line, over as many pages as they need. */
import { INK, PAGE, type Paper } from './paper.js';

export interface Column {
  readonly title: string;
  readonly width: number;
  readonly align?: 'left' | 'right';
}

export interface Row {
  readonly cells: readonly string[];
  /** A sum stands out; what belongs to it is beneath. */
  readonly isSum?: boolean;
  /** Belongs to the sum above it. */
  readonly isPart?: boolean;
}

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly size?: number;
  readonly rowHeight?: number;
}

/** Lowest base line of a row: beneath is the foot. */
export const BOTTOM = 768;
const GAP = 8;
const INDENT = 10;

/** Draws the table with its upper edge at `y`; `nextPage` makes a page and returns where it begins. Returns where it ends. */
export function drawTable(
  paper: Paper,
  table: Table,
  x: number,
  y: number,
  nextPage: () => number,
): number {
  const { rows, rowHeight = 14.5, size = 8 } = table;
  let at = drawTitles(paper, table, x, y);
  for (const row of rows) {
    if (at + rowHeight > BOTTOM) at = drawTitles(paper, table, x, nextPage());
    drawCells(paper, table, row, x, at + rowHeight - 4.2, size);
    at += rowHeight;
    paper.rule(x, at, widthOf(table));
  }
  return at;
}

function widthOf({ columns }: Table): number {
  return columns.reduce((sum, { width }) => sum + width, 0);
}

function drawTitles(paper: Paper, table: Table, x: number, y: number): number {
  let at = x;
  for (const { title, width, align = 'left' } of table.columns) {
    paper.text(title, align === 'right' ? at + width : at, y + 9, {
      size: 7,
      colour: INK.muted,
      align,
      maxWidth: width - 2,
    });
    at += width;
  }
  paper.rule(x, y + 14, widthOf(table), INK.faint);
  return y + 14;
}

function drawCells(
  paper: Paper,
  { columns }: Table,
  { cells, isSum = false, isPart = false }: Row,
  x: number,
  baseLine: number,
  size: number,
): void {
  let at = x;
  for (const [index, { width, align = 'left' }] of columns.entries()) {
    const cell = cells[index] ?? '';
    const weight = isSum ? 'semibold' : 'regular';
    const indent = isPart && index === 0 ? INDENT : 0;
    const room = align === 'right' ? width - 2 : width - GAP - indent;
    // A name may be cut, a figure never: it is set smaller.
    const wide = align === 'right' ? paper.width(cell, { size, weight, isTabular: true }) : 0;
    paper.text(cell, align === 'right' ? at + width : at + indent, baseLine, {
      size: wide > room ? (size * room) / wide : size,
      weight,
      align,
      ...(align === 'right' ? { isTabular: true } : { maxWidth: room }),
    });
    at += width;
  }
}

/** The title of what comes below. Returns where it ends. */
export function drawTitle(paper: Paper, title: string, x: number, y: number): number {
  paper.text(title, x, y + 10, { size: 10.5, weight: 'semibold' });
  return y + 18;
}

/** Name and figure pairs, the figures aligned right. Returns where they end. */
export function drawPairs(
  paper: Paper,
  pairs: readonly (readonly [name: string, figure: string])[],
  x: number,
  y: number,
  width: number,
): number {
  let at = y;
  for (const [name, figure] of pairs) {
    const shown = paper.width(name, { size: 8 });
    paper.text(name, x, at + 10, { size: 8, colour: INK.muted });
    const room = width - shown - 8;
    paper.text(fittedEnd(paper, figure, room), x + width, at + 10, { size: 8, align: 'right' });
    at += 14;
    paper.rule(x, at, width);
  }
  return at;
}

function fittedEnd(paper: Paper, text: string, room: number): string {
  if (paper.width(text, { size: 8 }) <= room) return text;
  const characters = Array.from(text);
  while (characters.length > 1 && paper.width(`${characters.join('')}…`, { size: 8 }) > room)
    characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

export const CONTENT_LEFT: number = PAGE.margin;
export const CONTENT_RIGHT: number = PAGE.width - PAGE.margin;
