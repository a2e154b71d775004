/** Where the statements of a replay come from, and what was found on the way. */
import type { EpochMs } from '../../base/time.js';
import type { ReplayRow } from './row.js';

/** Rows that a source has and does not give. */
export interface LeftOut {
  /** A field could not be read, or the row contradicts itself. */
  readonly unreadable: number;
  /** Still running or waiting when the history was taken. */
  readonly unfinished: number;
  /** Their query id was given before. */
  readonly repeated: number;
}

/** What a source gives, known before its first row is. */
export interface Intake {
  readonly rows: number;
  readonly leftOut: LeftOut;
  /** Columns that were read, by Snowflake's names; empty for the ledger. */
  readonly columns: readonly string[];
  /** A sentence for every column that is missing and changes what a replay can say. */
  readonly consequences: readonly string[];
  /** When the last statement came: sizes of tables are taken to be of then. */
  readonly lastAt: EpochMs;
}

/** A history, ready to be read in the order in which its statements were submitted, then by query id. */
export interface HistorySource {
  readonly intake: Intake;
  /** Batches of some thousand rows; every call reads from the beginning. One reader at a time. */
  batches(): AsyncIterable<readonly ReplayRow[]>;
  /** Gives back memory and disk. */
  close(): Promise<void>;
}

/** Told of a row that is left out, or of what a person should know; for standard error. */
export type Complain = (sentence: string) => void;
