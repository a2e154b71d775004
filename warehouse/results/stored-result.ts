/** Results that are larger than a reply: their first rows travel inline, the rest lies in pages on disk. */
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Cell } from '#base/wire/row-type.js';

const gunzipBytes = promisify(gunzip);

/** One page: gzip of rows as JSON arrays of cells, separated by commas, without outer brackets. */
export interface StoredPage {
  readonly path: string;
  readonly rowCount: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
}

/** The rows of a result after its inline ones. */
export interface StoredResult {
  readonly id: string;
  readonly rowCount: number;
  readonly pages: readonly StoredPage[];
}

/**
 * The gzip bytes of a page as they lie on disk.
 *
 * @returns undefined when the page is gone: results are given up oldest first, see `ResultSpool`.
 */
export async function pageBytes(page: StoredPage): Promise<Buffer | undefined> {
  try {
    return await readFile(page.path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
}

/** Whether the pages of a result are still there. */
export async function isKept(stored: StoredResult): Promise<boolean> {
  // A result is deleted as a whole.
  const [first] = stored.pages;
  return (
    first === undefined ||
    (await access(first.path).then(
      () => true,
      () => false,
    ))
  );
}

/** The text of a page as a JSON array of rows; undefined when the page is gone. */
export async function pageText(page: StoredPage): Promise<string | undefined> {
  const bytes = await pageBytes(page);
  if (bytes === undefined) return undefined;
  const text = await gunzipBytes(bytes, { maxOutputLength: page.uncompressedBytes + 1 });
  return `[${text.toString('utf8')}]`;
}

/** The rows of a page; undefined when the page is gone. */
export async function pageRows(
  page: StoredPage,
): Promise<readonly (readonly Cell[])[] | undefined> {
  const text = await pageText(page);
  // Our own text, written from rows of cells.
  return text === undefined ? undefined : (JSON.parse(text) as Cell[][]);
}
