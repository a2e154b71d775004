/** What becomes of a step of a close: it is taken, or refused by the rule that it would break. */
import type { EpochMs } from '#base/time.js';
import type { CloseStep, CloseVersion } from './read-close.js';
import type { ClosingProblem } from './closing-problems.js';

export type CloseRefusal =
  /** The month begins at `startsAt` only. */
  | { readonly kind: 'notBegun'; readonly startsAt: EpochMs }
  /** The month goes on until `endsAt`. */
  | { readonly kind: 'notOver'; readonly endsAt: EpochMs }
  /** Nothing was metered, charged or booked in it. */
  | { readonly kind: 'noData' }
  | { readonly kind: 'notReady'; readonly problems: readonly ClosingProblem[] }
  /** The step does not follow from how far the month is; undefined: it is open. */
  | { readonly kind: 'wrongState'; readonly version: CloseVersion | undefined }
  /** Whoever asks has taken that step: another person takes this one. */
  | { readonly kind: 'ownWork'; readonly did: CloseStep }
  /** So many differences that nobody has signed off. */
  | { readonly kind: 'openVariance'; readonly count: number }
  /** Nothing is open that could be signed off. */
  | { readonly kind: 'nothingOpen' }
  /** Months are closed in their order: `month` comes first. */
  | { readonly kind: 'earlierOpen'; readonly month: string }
  /** `month` is frozen or closed, and stands on this one. */
  | { readonly kind: 'laterClosed'; readonly month: string }
  /** What it is made of kept changing while it was frozen. */
  | { readonly kind: 'changing' };

export type CloseOutcome =
  | {
      readonly kind: 'taken';
      readonly version: CloseVersion;
      readonly before: CloseVersion['state'] | 'open';
    }
  | CloseRefusal;

/** Who takes a step, when and why. */
export interface StepBy {
  readonly month: string;
  readonly by: string;
  readonly at: EpochMs;
  readonly reason: string | null;
}
