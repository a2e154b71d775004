import { createReadStream } from 'node:fs';

/** The cell of a column; empty where the file has no such column. */
export type CellOf = (name: string) => string;

/** Reads a CSV file with a header (RFC 4180), row by row. */
export async function readCsv(file: string, onRow: (cell: CellOf) => void): Promise<void> {
  let indexes: ReadonlyMap<string, number> | undefined;
  const reader = new CsvReader((cells) => {
    const columns = indexes;
    if (columns === undefined) indexes = new Map(cells.map((name, index) => [name, index]));
    else onRow((name) => cells[columns.get(name) ?? -1] ?? '');
  });
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 }))
    reader.add(String(chunk));
  reader.end();
}

/** Cuts a text that comes in pieces into rows of cells. */
export class CsvReader {
  readonly #onRow: (cells: readonly string[]) => void;
  #rest = '';

  constructor(onRow: (cells: readonly string[]) => void) {
    this.#onRow = onRow;
  }

  add(piece: string): void {
    const text = this.#rest + piece;
    let from = 0;
    for (;;) {
      const to = rowEnd(text, from);
      if (to === -1) break;
      this.#onRow(cellsOf(text.slice(from, to).replace(/\r$/, '')));
      from = to + 1;
    }
    this.#rest = text.slice(from);
  }

  end(): void {
    if (this.#rest !== '') this.#onRow(cellsOf(this.#rest));
    this.#rest = '';
  }
}

/** The line break that ends the row: the first outside of quotes. */
function rowEnd(text: string, from: number): number {
  let at = from;
  for (;;) {
    const line = text.indexOf('\n', at);
    if (line === -1) return -1;
    const quote = text.indexOf('"', at);
    if (quote === -1 || quote > line) return line;
    const closing = text.indexOf('"', quote + 1);
    if (closing === -1) return -1;
    at = closing + 1;
  }
}

function cellsOf(row: string): readonly string[] {
  if (!row.includes('"')) return row.split(',');
  const cells: string[] = [];
  let at = 0;
  while (at <= row.length) {
    if (row[at] !== '"') {
      const comma = row.indexOf(',', at);
      const end = comma === -1 ? row.length : comma;
      cells.push(row.slice(at, end));
      at = end + 1;
      continue;
    }
    let end = row.indexOf('"', at + 1);
    while (row[end + 1] === '"') end = row.indexOf('"', end + 2);
    cells.push(row.slice(at + 1, end).replaceAll('""', '"'));
    at = end + 2;
  }
  return cells;
}
