/**
 * Seeds of the generated workload. The estimator is tuned on workloads of the first list only. The judging seeds make
 * `docs/estimates.md` and nothing else: nobody looks at a workload of theirs, or at a figure from one, while tuning.
 */

/** Workloads that anybody may look into. */
export const TUNING_SEEDS = [11, 12, 13] as const;

/** Workloads that only judge; a test holds the two lists disjoint. */
export const JUDGING_SEEDS = [901, 902, 903] as const;
