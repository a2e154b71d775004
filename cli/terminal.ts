/** Where verbs write, and how they lay out what people read. Machine output is one JSON document per line. */
import { openScreen, type OpenScreen } from './screen.js';

export interface Terminal {
  /** Characters in a line. */
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

const COLUMNS_WHEN_PIPED = 120;
const GAP = '  ';
const CELL_MIN = 6;

/** The process's own streams. */
export function processTerminal(): Terminal {
  return {
    columns: process.stdout.columns ?? COLUMNS_WHEN_PIPED,
    // False where NO_COLOR says so (https://no-color.org); a pipe does not have the method at all.
    hasColours: process.stdout.isTTY && process.stdout.hasColors(),
    ...(process.stdin.isTTY && process.stdout.isTTY ? { openScreen } : {}),
    print: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
  };
}

/**
 * Lines of a table no wider than `columns`: numbers to the right, and where it does not fit the widest columns are
 * cut with `…`. A table that is too narrow for its number of columns is wider than asked.
 */
export function table(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): string {
  const all = [headers, ...rows];
  const widths = headers.map((_, index) =>
    Math.max(...all.map((row) => Array.from(row[index] ?? '').length)),
  );
  const room = columns - GAP.length * (headers.length - 1);
  while (sum(widths) > room && Math.max(...widths) > CELL_MIN) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? CELL_MIN) - 1;
  }
  const isNumeric = headers.map((_, index) =>
    rows.every((row) => /^(|-?[\d,]+(\.\d+)?%?)$/.test(row[index] ?? '')),
  );
  const line = (row: readonly string[]): string =>
    headers
      .map((_, index) => pad(row[index] ?? '', widths[index] ?? 0, isNumeric[index] === true))
      .join(GAP)
      .trimEnd();
  return [
    line(headers),
    widths.map((width) => '─'.repeat(width)).join(GAP),
    ...rows.map(line),
  ].join('\n');
}

/** `2026-11-27 00:00 UTC`. */
export function minuteText(instant: string): string {
  return `${instant.slice(0, 16).replace('T', ' ')} UTC`;
}

function pad(text: string, width: number, isRight: boolean): string {
  const characters = Array.from(text);
  const fitted = characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text;
  const blank = ' '.repeat(Math.max(0, width - Array.from(fitted).length));
  return isRight ? blank + fitted : fitted + blank;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
