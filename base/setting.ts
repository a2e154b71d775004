import type { Parsed } from './setting-parsers.js';

/** One option: where it is read from, how, and how it is explained. */
export interface Setting<T> {
  readonly environment: string;
  /** Dotted place in tollgate.yaml; null: environment only. */
  readonly yaml: string | null;
  readonly parse: (text: string) => Parsed<T>;
  readonly fallback: T;
  /** The default as people write it. */
  readonly fallbackText: string;
  readonly secret: boolean;
  readonly help: string;
  /** What to write instead, for the message about a bad value. */
  readonly wayOut: string;
}
