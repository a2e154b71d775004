/**
 * Counts of tests that exist in two lengths. `npm test` runs the short one; `npm run test:long` runs the same test in
 * seeded chunks at full count and collects the figures that it reports.
 */
import { appendFileSync } from 'node:fs';

export interface LongRun {
  /** False: `npm test` runs it at its short count. */
  readonly isLong: boolean;
  /** How many to do in this process. */
  readonly count: number;
  /** Differs in every chunk of a long run, and is the same when a chunk is repeated. */
  readonly seed: number;
  /** Figures of this chunk; numbers of all chunks are added up, except names that end in `Max`. */
  report(figures: Readonly<Record<string, number>>): void;
}

/** What test:long asks of the test of that name; else `shortCount` and a seed of 1. */
export function longRun(name: string, shortCount: number): LongRun {
  const [wanted, count, chunk] = (process.env['TOLLGATE_LONG_RUN'] ?? '').split(':');
  const out = process.env['TOLLGATE_LONG_OUT'];
  if (wanted !== name || out === undefined)
    return { isLong: false, count: shortCount, seed: 1, report: () => undefined };
  return {
    isLong: true,
    count: Number(count),
    seed: 1 + Number(chunk),
    report: (figures) => appendFileSync(out, `${JSON.stringify(figures)}\n`),
  };
}
