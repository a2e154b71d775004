/**
 * Seeds of generated histories. The estimator is tuned on histories of the first list only. The judging seeds make
 * `docs/estimates.md` and nothing else: nobody looks at a history of theirs, or at a figure from one, while tuning.
 */

/** Histories that anybody may look into. */
export const TUNING_SEEDS = [11, 12, 13] as const;

/** Histories that only judge; a test holds the two lists disjoint. */
export const JUDGING_SEEDS = [901, 902, 903] as const;
