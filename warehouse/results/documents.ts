/** The part of a reply that holds rows, and the pages that it refers to. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { columnsOfPages, columnsOfRows } from './arrow/physical.js';
import { arrowStream } from './arrow/stream.js';
import type { ResultFormat } from './format.js';
import { pageBytes, pageRows } from './stored-result.js';
import type { StoredPage, StoredResult } from './stored-result.js';

const gzipBytes = promisify(gzip);

/** Pages that wait to be turned into Arrow; one is at work. */
const CONVERSIONS_MAX = 256;

/**
 * Drivers send these with requests for pages. The Universal Core takes no reply without them, and Go sends headers of
 * a cloud instead.
 */
const CHUNK_HEADERS = { 'x-warehouse-result': 'page' } as const;

/** The rows of a statement as the protocol sees them. */
export interface ResultRows {
  readonly columns: readonly RowType[];
  readonly rows: readonly (readonly Cell[])[];
  readonly stored?: StoredResult;
  readonly widths?: readonly number[];
}

/** Fields of `data` for a result: its columns, its first rows in JSON or Arrow, and how many there are in all. */
export function rowFields(
  result: ResultRows,
  format: ResultFormat,
): Readonly<Record<string, unknown>> {
  const { columns, rows, stored } = result;
  const total = rows.length + (stored?.rowCount ?? 0);
  return {
    rowtype: columns,
    ...(format === 'json' ? { rowset: rows } : { rowsetBase64: inlineArrow(result) }),
    total,
    returned: total,
  };
}

/**
 * Fields of `data` for the rows after the first.
 *
 * @param urlOf the absolute address of page `index`.
 */
export function pageFields(
  { stored }: ResultRows,
  format: ResultFormat,
  urlOf: (index: number) => string,
): Readonly<Record<string, unknown>> {
  return {
    queryResultFormat: format,
    ...(stored === undefined
      ? {}
      : { chunkHeaders: CHUNK_HEADERS, chunks: stored.pages.map(chunkOf(urlOf)) }),
  };
}

function chunkOf(
  urlOf: (index: number) => string,
): (page: StoredPage, index: number) => Readonly<Record<string, unknown>> {
  return (page, index) => ({
    url: urlOf(index),
    rowCount: page.rowCount,
    uncompressedSize: page.uncompressedBytes,
    compressedSize: page.compressedBytes,
  });
}

/** No rows are no bytes, not a stream without a batch. */
function inlineArrow({ columns, rows, stored, widths }: ResultRows): string {
  if (rows.length === 0) return '';
  const typed =
    stored === undefined ? columnsOfRows(columns, rows) : columnsOfPages(columns, widths);
  return arrowStream(typed, rows).toString('base64');
}

/** Reads pages for clients. Arrow is made of one page at a time, so that memory is bounded by that and by connections. */
export class PageReader {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /**
   * Gzip bytes of a page in `format`.
   *
   * @returns `gone` when the page is not kept any more, `busy` when too many wait; the client may come again.
   */
  async read(
    result: ResultRows,
    page: StoredPage,
    format: ResultFormat,
  ): Promise<Buffer | 'gone' | 'busy'> {
    if (format === 'json') return (await pageBytes(page)) ?? 'gone';
    if (this.#waiting >= CONVERSIONS_MAX) return 'busy';
    this.#waiting += 1;
    const mine = this.#last.then(() => converted(result, page));
    this.#last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }
}

async function converted(result: ResultRows, page: StoredPage): Promise<Buffer | 'gone'> {
  const rows = await pageRows(page);
  if (rows === undefined) return 'gone';
  const bytes = arrowStream(columnsOfPages(result.columns, result.widths), rows);
  return await gzipBytes(bytes, { level: 1 });
}
