/** Where verbs write, and how they lay out what people read. Machine output is one JSON document per line. */
import { openScreen, type OpenScreen } from './screen.js';

export interface Terminal {
  /** Characters in a line; infinite for a pipe or a file, whose lines are as long as what they say. */
  readonly columns: number;
  /** Whether standard output shows colours; absent: it does not. */
  readonly hasColours?: boolean;
  /** Takes it over whole, for a board that follows; absent: it is no such terminal. */
  readonly openScreen?: OpenScreen;
  /** Standard output; a line break is added. */
  print(text: string): void;
  /** Standard error; a line break is added. */
  complain(text: string): void;
}

const GAP = '  ';
/** Narrower, free text says nothing any more. */
const FREE_TEXT_MIN = 12;

/** The process's own streams. */
export function processTerminal(): Terminal {
  return {
    columns: process.stdout.columns ?? Number.POSITIVE_INFINITY,
    // False where NO_COLOR says so (https://no-color.org); a pipe does not have the method at all.
    hasColours: process.stdout.isTTY && process.stdout.hasColors(),
    ...(process.stdin.isTTY && process.stdout.isTTY ? { openScreen } : {}),
    print: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
  };
}

/**
 * A column of words that people wrote. Where a table does not fit it gives way; other columns are copied from, and
 * never do.
 */
export interface FreeText {
  readonly name: string;
  readonly isFreeText: true;
}

/** Heads a column that may be cut; ids, instants and amounts are headed by a plain text. */
export function freeText(name: string): FreeText {
  return { name, isFreeText: true };
}

/** A column that a narrow terminal does without; the lowest number goes first. */
export interface Detail {
  readonly name: string;
  readonly goesAs: number;
}

/** Heads a column that says more of what the others say, such as the parts of a sum. */
export function detail(name: string, goesAs: number): Detail {
  return { name, goesAs };
}

export type Header = string | FreeText | Detail;

/**
 * Lines of a table no wider than `columns`: numbers to the right. Where it does not fit, the widest columns of free text
 * are cut with `…`; where that is not enough, details are left out one by one, which a line below the table says; and
 * where that is not enough either, each row is printed whole, a line a field, with a blank line between rows.
 * @param columns of the terminal; infinite for a pipe, which gets every cell whole.
 */
export function table(
  headers: readonly Header[],
  rows: readonly (readonly string[])[],
  columns: number,
): string {
  const kept = headers.map((_header, index) => index);
  const left: string[] = [];
  for (;;) {
    const names = kept.map((index) => nameOf(headers[index] ?? ''));
    const cells = rows.map((row) => kept.map((index) => row[index] ?? ''));
    const isFree = kept.map((index) => isFreeText(headers[index] ?? ''));
    const widths = fittedWidths(widthsOf(names, cells), isFree, columns);
    if (widths !== undefined)
      return [tableLines(names, cells, widths), ...without(left)].join('\n');
    const next = nextToGo(headers, kept);
    if (next === undefined) return allFields(headers, rows);
    left.push(nameOf(headers[next] ?? ''));
    kept.splice(kept.indexOf(next), 1);
  }
}

function nameOf(header: Header): string {
  return typeof header === 'string' ? header : header.name;
}

function isFreeText(header: Header): boolean {
  return typeof header !== 'string' && 'isFreeText' in header;
}

/** The place of the column that goes first of those that are there; undefined: none may. */
function nextToGo(headers: readonly Header[], kept: readonly number[]): number | undefined {
  const details = kept.flatMap((index) => {
    const header = headers[index];
    return typeof header === 'object' && 'goesAs' in header
      ? [{ index, goesAs: header.goesAs }]
      : [];
  });
  return details.toSorted((a, b) => a.goesAs - b.goesAs)[0]?.index;
}

function without(left: readonly string[]): readonly string[] {
  return left.length === 0 ? [] : [`Without ${left.join(', ')}, which a wider terminal shows.`];
}

function allFields(headers: readonly Header[], rows: readonly (readonly string[])[]): string {
  const names = headers.map(nameOf);
  return rows.length === 0
    ? tableLines(names, rows, widthsOf(names, rows))
    : fieldLines(names, rows);
}

function widthsOf(
  names: readonly string[],
  rows: readonly (readonly string[])[],
): readonly number[] {
  return names.map((name, index) =>
    Math.max(...[name, ...rows.map((row) => row[index] ?? '')].map(lengthOf)),
  );
}

function tableLines(
  names: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): string {
  const isNumeric = names.map((_, index) =>
    rows.every((row) => /^(|-?[\d,]+(\.\d+)?%?)$/.test(row[index] ?? '')),
  );
  const line = (row: readonly string[]): string =>
    names
      .map((_, index) => pad(row[index] ?? '', widths[index] ?? 0, isNumeric[index] === true))
      .join(GAP)
      .trimEnd();
  return [line(names), widths.map((width) => '─'.repeat(width)).join(GAP), ...rows.map(line)].join(
    '\n',
  );
}

/** Widths that fit `columns`, taken from the widest free text first; undefined where free text cannot give enough. */
function fittedWidths(
  natural: readonly number[],
  isFree: readonly boolean[],
  columns: number,
): readonly number[] | undefined {
  const room = columns - GAP.length * (natural.length - 1);
  const widths = [...natural];
  for (let over = sum(widths) - room; over > 0; over -= 1) {
    const widest = Math.max(0, ...widths.filter((_, index) => isFree[index]));
    if (widest <= FREE_TEXT_MIN) return undefined;
    widths[widths.findIndex((width, index) => isFree[index] === true && width === widest)] =
      widest - 1;
  }
  return widths;
}

/** Each row whole, as `name  cell` lines; empty cells are left out. */
function fieldLines(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = Math.max(...names.map(lengthOf));
  const block = (row: readonly string[]): string =>
    names
      .flatMap((name, index) => {
        const cell = row[index] ?? '';
        return cell === '' ? [] : [`${pad(name, width, false)}${GAP}${cell}`];
      })
      .join('\n');
  return rows.map(block).join('\n\n');
}

/** `2026-11-27 00:00 UTC`. */
export function minuteText(instant: string): string {
  return `${instant.slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2026-11-27 00:00:07`, below a heading that says UTC. */
export function secondText(instant: string): string {
  return instant.slice(0, 19).replace('T', ' ');
}

function pad(text: string, width: number, isRight: boolean): string {
  const characters = Array.from(text);
  const fitted = characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text;
  const blank = ' '.repeat(Math.max(0, width - lengthOf(fitted)));
  return isRight ? blank + fitted : fitted + blank;
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
