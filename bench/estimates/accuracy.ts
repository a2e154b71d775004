/** Predictions beside what happened: by basis, by warehouse, for shapes seen before and for others. */
import { errorQuantiles, qError } from './baselines.js';
import type { ErrorQuantiles } from './baselines.js';
import { readCsv } from './read-csv.js';
import { repeatedIds } from './truth.js';
import type { HistoryRow } from './truth.js';

export interface Prediction {
  readonly basis: string;
  readonly expectedCredits: number;
  readonly holdCredits: number;
}

/** A measured statement with what was predicted of it. */
export interface Judged {
  readonly basis: string;
  readonly warehouse: string;
  /** A statement of its shape had ended before it started. */
  readonly isRepeated: boolean;
  readonly error: number;
  readonly actualCredits: number;
  readonly expectedCredits: number;
  readonly holdCredits: number;
}

export interface Accuracy extends ErrorQuantiles {
  readonly rows: number;
  /** Part of the statements that stayed within their hold. */
  readonly coverage: number;
  /** The same of the tenth that was expected to cost most: a sum of holds that looks good may be theirs. */
  readonly dearestCoverage: number;
  readonly heldOverActual: number;
}

const DEAREST_SHARE = 0.1;

/** What `tollgate replay --predictions` wrote, by query id. */
export async function readPredictions(file: string): Promise<ReadonlyMap<string, Prediction>> {
  const predictions = new Map<string, Prediction>();
  await readCsv(file, (cell) => {
    // Empty: nothing was predicted.
    if (cell('expected_credits') === '') return;
    predictions.set(cell('query_id'), {
      basis: cell('basis'),
      expectedCredits: Number(cell('expected_credits')),
      holdCredits: Number(cell('hold_credits')),
    });
  });
  return predictions;
}

/** The measured rows with their predictions, and how many have none. */
export function judge(
  rows: readonly HistoryRow[],
  predictions: ReadonlyMap<string, Prediction>,
): { readonly judged: readonly Judged[]; readonly missing: number } {
  const repeated = repeatedIds(rows);
  let missing = 0;
  const judged = rows.flatMap((row): readonly Judged[] => {
    if (!row.isMeasured) return [];
    const prediction = predictions.get(row.queryId);
    if (prediction === undefined) {
      missing += 1;
      return [];
    }
    return [
      {
        basis: prediction.basis,
        warehouse: row.warehouse,
        isRepeated: repeated.has(row.queryId),
        error: qError(prediction.expectedCredits, row.credits),
        actualCredits: row.credits,
        expectedCredits: prediction.expectedCredits,
        holdCredits: prediction.holdCredits,
      },
    ];
  });
  return { judged, missing };
}

export function accuracyOf(judged: readonly Judged[]): Accuracy {
  const sum = (value: (each: Judged) => number): number =>
    judged.reduce((all, each) => all + value(each), 0);
  // By what was expected: of those that turned out dear, many are dear because they took more than anybody held.
  const dearest = judged
    .toSorted((a, b) => b.expectedCredits - a.expectedCredits)
    .slice(0, Math.ceil(judged.length * DEAREST_SHARE));
  return {
    rows: judged.length,
    ...errorQuantiles(judged.map(({ error }) => error)),
    coverage: coverageOf(judged),
    dearestCoverage: coverageOf(dearest),
    heldOverActual: sum((each) => each.holdCredits) / sum((each) => each.actualCredits),
  };
}

function coverageOf(judged: readonly Judged[]): number {
  const covered = judged.filter((each) => each.actualCredits <= each.holdCredits).length;
  return covered / judged.length;
}
