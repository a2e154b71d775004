/**
 * What policies say about one statement. A refusal carries everything its text needs; the text itself is made in
 * `refusal-text.ts` once the ticket id and the standing of the budgets are known.
 */
import type { EpochMs } from '#base/time.js';
import type { Credits } from '#base/units.js';

/** Why something was decided, in words for people. */
export interface Reason {
  /** Id of the rule, or the name of a built-in check. */
  readonly source: string;
  readonly message: string;
}

export type RefusalCause =
  | {
      readonly kind: 'rule';
      readonly ruleId: string;
      readonly message: string;
      /** false: nobody's word lifts it. */
      readonly isApprovable?: boolean;
    }
  /** A rule lets it run in the off-peak hours of its tier only, and its caller has not asked that it waits for them. */
  | {
      readonly kind: 'off-peak';
      readonly ruleId: string;
      readonly message: string;
      readonly opensAt: EpochMs;
      readonly timeZone: string;
      /** No budget would refuse it if it waited. */
      readonly isOffered: boolean;
      readonly isApprovable?: boolean;
    }
  /** An access list keeps something that the statement touches from its caller. */
  | {
      readonly kind: 'access';
      readonly listId: string;
      /** An object by its name, or what cannot be seen, in words. */
      readonly what: string;
      readonly team: string;
      readonly owner: string;
      readonly message: string;
    }
  /** The text could hide anything and the tier refuses that. */
  | { readonly kind: 'opaque' }
  /** Reads or writes outside the account; `location` is unknown when the stage's kind could not be established. */
  | { readonly kind: 'external-location'; readonly location: 'external' | 'unknown' }
  /** The estimate is above what one statement may cost. */
  | {
      readonly kind: 'ceiling';
      readonly ceilingCredits: Credits;
      readonly source: string;
      /** false: a rule lowered it that nobody's word lifts. */
      readonly isApprovable?: boolean;
    };

/** What somebody's word lifts for one statement. */
export interface Lifted {
  /** Names of {@link passNameOf}. */
  readonly passes: ReadonlySet<string>;
  /** The most it may cost where `ceiling` is lifted; null: the word names no amount. */
  readonly amountCredits: Credits | null;
}

/** The name by which a pass lifts what refused a statement; null: nothing lifts it. */
export function passNameOf(cause: RefusalCause): string | null {
  switch (cause.kind) {
    case 'rule':
    case 'off-peak':
      return cause.isApprovable === false ? null : `rule:${cause.ruleId}`;
    case 'ceiling':
      return cause.isApprovable === false ? null : 'ceiling';
    case 'opaque':
    case 'external-location':
      return cause.kind;
    case 'access':
      // Who may see what is opened by changing the list, not by a word for one statement.
      return null;
  }
}

/** What every decision carries. */
interface DecisionBase {
  /** Most the statement may cost by tier and rules; what budgets have available is folded in later (I7). */
  readonly ceilingCredits: Credits;
  /** Why, most important first; empty for a plain allow. */
  readonly reasons: readonly Reason[];
  /** Rules in warn mode that fired: told to the team, decide nothing. */
  readonly warnings: readonly Reason[];
  /** Rules in shadow mode that would have decided: counted only. */
  readonly shadow: readonly Reason[];
}

export type Decision =
  /** Runs on the warehouse of its tier, subject to hold and permit. */
  | (DecisionBase & { readonly kind: 'allow' })
  /** Keeps its warehouse, but waits for a permit in the lane of `tier`. */
  | (DecisionBase & {
      readonly kind: 'queue';
      readonly tier: string;
      readonly isApprovable?: boolean;
    })
  /** Runs on the warehouse and in the lane of `tier`. */
  | (DecisionBase & {
      readonly kind: 'reroute';
      readonly tier: string;
      readonly isApprovable?: boolean;
    })
  /** Not run until somebody approves; refused (TG2401) when that does not happen while it waits. */
  | (DecisionBase & {
      readonly kind: 'approve';
      readonly cause: RefusalCause;
      readonly waitSeconds: number;
    })
  /** Not run. */
  | (DecisionBase & { readonly kind: 'refuse'; readonly cause: RefusalCause });
