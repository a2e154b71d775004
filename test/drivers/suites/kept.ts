/** What suites said of every case, kept between runs, so that reasons can be sorted without running anything again. */
import { appendFileSync, readFileSync } from 'node:fs';
import type { SuiteResult } from './document.js';

/** Adds one suite to the file, as a line of JSON. */
export function keep(file: string, result: SuiteResult): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** The suites of the files in the order of `titles`; of two of one title the later. */
export function kept(files: readonly string[], titles: readonly string[]): readonly SuiteResult[] {
  const found = new Map<string, SuiteResult>();
  for (const file of files) {
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const result = JSON.parse(line) as SuiteResult;
      found.set(result.title, result);
    }
  }
  return titles.flatMap((title) => found.get(title) ?? []);
}
