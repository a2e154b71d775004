/** What an exported file of a view is to those who import it; who reads which format is told from outside. */
import type { ServiceRow } from '#base/snowflake/service-connection.js';

/** A file that was opened: the names of its columns in upper case, and its rows in order. */
export interface UsageFile {
  readonly columns: readonly string[];
  /**
   * Rows with their cells of the columns in `wanted` that the file has; what nobody wants, such as the texts of statements, is
   * not kept. Throws {@link UsageFileError} at the first record that cannot be read.
   */
  batches(wanted: ReadonlySet<string>): AsyncIterable<readonly ServiceRow[]>;
  close(): Promise<void>;
}

/** Opens the file at `path`, whatever format its first bytes say. Throws {@link UsageFileError}. */
export type OpenUsageFile = (path: string) => Promise<UsageFile>;

/** A file that is no export: it is refused as a whole, and the text says where and why. */
export class UsageFileError extends Error {
  override readonly name = 'UsageFileError';
  /** Number of the record from 1, without the one of names; null: the file as a whole. */
  readonly row: number | null;

  constructor(row: number | null, why: string) {
    super(why);
    this.row = row;
  }
}
