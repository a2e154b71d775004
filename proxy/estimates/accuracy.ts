/** How good estimates are, as metrics: the error of every settled one, and whether its 90 % amount was enough. */
import type { Metrics } from '#base/metrics.js';
import { approximate, compareAmounts, type Credits } from '#base/units.js';
import type { Estimate } from '#policies/estimate/estimate.js';

/** A settled statement with what was expected of it. */
export interface EstimateOutcome {
  readonly estimate: Pick<Estimate, 'basis' | 'expectedCredits' | 'highCredits'>;
  readonly warehouse: string;
  readonly usedCredits: Credits;
}

/** Notes one outcome. Free ones are none. */
export type NoteAccuracy = (outcome: EstimateOutcome) => void;

const Q_ERROR_BUCKETS = [1.05, 1.1, 1.25, 1.5, 2, 3, 4, 8, 16, 64];

/**
 * Makes the instruments. The error is the factor between expected and used, whichever way (q-error; Moerkotte,
 * Neumann and Steidl, VLDB 2009).
 */
export function createAccuracy(metrics: Metrics): NoteAccuracy {
  const errors = metrics.histogram(
    'tollgate_estimate_q_error',
    'Factor between expected and used credits of settled statements, whichever way',
    Q_ERROR_BUCKETS,
    ['basis', 'warehouse'],
  );
  const covered = metrics.counter(
    'tollgate_estimate_outcomes_total',
    'Settled statements by whether the 90 % estimate was enough',
    ['basis', 'warehouse', 'covered'],
  );
  const held = metrics.counter(
    'tollgate_estimate_high_credits_total',
    'Credits of the 90 % estimates of settled statements',
    ['basis', 'warehouse'],
  );
  const used = metrics.counter(
    'tollgate_estimate_used_credits_total',
    'Credits that the same statements used',
    ['basis', 'warehouse'],
  );
  return ({ estimate, warehouse, usedCredits }) => {
    const { basis, expectedCredits, highCredits } = estimate;
    const [expected, actual] = [approximate(expectedCredits), approximate(usedCredits)];
    if (basis === 'FREE' || expected <= 0 || actual <= 0) return;
    const labels = { basis, warehouse };
    errors.observe(Math.max(expected / actual, actual / expected), labels);
    const isCovered = compareAmounts(usedCredits, highCredits) <= 0;
    covered.inc({ basis, warehouse, covered: isCovered ? 'yes' : 'no' });
    held.inc(labels, approximate(highCredits));
    used.inc(labels, actual);
  };
}
