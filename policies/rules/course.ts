/**
 * What becomes of a statement by the decision about it, in the one order in which that is asked: on the live path, by
 * `EXPLAIN COST` and `explain`, in a replay and in a plan. First it may be moved, and is decided about anew there; then the hours
 * that its caller chose; then what refuses it. What wants somebody's word is lifted before (`lifting.ts`).
 */
import type { EpochMs } from '#base/time.js';
import type { ControlSnapshot, Tier } from '../control/snapshot.js';
import { offPeakFrom } from '../off-peak.js';
import type { Decision } from './decision.js';
import { type Movable, warehouseToSwitchTo } from './move.js';

/** A decision by which a statement does not run where it is. */
export type Refusing = Extract<Decision, { kind: 'refuse' | 'reroute' }>;

/** What ends here. */
export type NotRun =
  /** It waits for off-peak hours that its tier does not have. */
  { readonly kind: 'noHours' } | { readonly kind: 'refused'; readonly decision: Refusing };

export type Course<There> =
  | NotRun
  /** Its session is switched for it: it is as if it had come there, and is decided about anew. */
  | { readonly kind: 'moved'; readonly there: There }
  /** If its budgets, and whoever has to give his word, let it. */
  | {
      readonly kind: 'runs';
      /** When the hours are that its caller chose, `at` where they are now; null: it chose none. */
      readonly runsAt: EpochMs | null;
    };

/** A statement that was decided about. */
export interface CourseQuestion<There> extends Omit<Movable, 'statements'> {
  readonly snapshot: ControlSnapshot;
  /** null: its session is not switched, whatever a rule says. */
  readonly statements: Movable['statements'] | null;
  /** What it would be on a warehouse; null: it cannot be priced there, and stays. */
  readonly movedTo: (warehouse: string) => There | null;
  readonly tier: Pick<Tier, 'offPeak'>;
  /** Its caller has asked that it waits for the off-peak hours. */
  readonly isOffPeak: boolean;
  readonly at: EpochMs;
}

/** @param decision once everything is lifted that passes lift, or somebody's word may. */
export function courseOf<There>(
  decision: Decision,
  question: CourseQuestion<There>,
): Course<There> {
  const there = movedBy(decision, question);
  if (there !== null) return { kind: 'moved', there };
  const { tier, isOffPeak, isFree, at } = question;
  const isWaiting = isOffPeak && !isFree;
  if (isWaiting && tier.offPeak === null) return { kind: 'noHours' };
  const refusing = refusingOf(decision, question);
  if (refusing !== null) return { kind: 'refused', decision: refusing };
  const runsAt = isWaiting && tier.offPeak !== null ? offPeakFrom(tier.offPeak, at) : null;
  return { kind: 'runs', runsAt };
}

/** The decision, where it keeps the statement from running where it is; null: it does not. */
export function refusingOf(
  decision: Decision,
  { isFree }: Pick<Movable, 'isFree'>,
): Refusing | null {
  switch (decision.kind) {
    case 'refuse':
      return decision;
    case 'reroute':
      // One that uses no warehouse belongs on any.
      return isFree ? null : decision;
    case 'allow':
    case 'queue':
    case 'approve':
      return null;
  }
}

function movedBy<There>(
  decision: Decision,
  { snapshot, statements, isFree, warehouse, isSwitched, movedTo }: CourseQuestion<There>,
): There | null {
  if (statements === null) return null;
  const movable: Movable = { statements, isFree, warehouse, isSwitched };
  const there = warehouseToSwitchTo(snapshot, decision, movable);
  return there === null ? null : movedTo(there);
}
