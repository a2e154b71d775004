/**
 * The guard over running statements, in a replay: the steps of the live one (`policies/rules/guard.ts`), at the instants at
 * which it would look, against the budgets of the book. Looks that can change nothing are left out: a statement never uses
 * more than its rate, so it is known when the next one might.
 */
import type { TgName } from '../../base/errors.js';
import type { EpochMs } from '../../base/time.js';
import { approximate, compareAmounts, type Credits, minAmount, mulDiv } from '../../base/units.js';
import type { StandingBook } from '../../billing/standing-book.js';
import { guardStep, isOutrun, lastHold, TOP_UP_AT_PERCENT } from '../../policies/rules/guard.js';

/** Between two looks of the live guard, unless its setting says otherwise. */
const LOOK_EVERY_MS = 3_000;
const HOUR_MS = 3_600_000;

/** A statement that runs under a hold, or under a ceiling alone. */
export interface Guarded {
  readonly id: string;
  readonly startedAt: EpochMs;
  readonly ceilingCredits: Credits;
  /** Of its warehouse. */
  readonly creditsPerHour: Credits;
  readonly isHeldByBudgets: boolean;
  /** Rises with its top-ups. */
  holdCredits: Credits;
}

/** What ended a statement, and what it had used then. */
export interface Stop {
  readonly by: string;
  /** What its author is told. */
  readonly code: TgName;
  readonly at: Credits;
}

/** One look at a statement that has used so much: its hold is raised, or it is stopped. */
export function lookAt(
  guarded: Guarded,
  usedCredits: Credits,
  book: Pick<StandingBook, 'topUp'>,
): Stop | undefined {
  const { holdCredits, ceilingCredits, creditsPerHour } = guarded;
  const intervalMs = LOOK_EVERY_MS;
  const step = guardStep({ usedCredits, holdCredits, ceilingCredits, creditsPerHour, intervalMs });
  if (step.kind === 'stop') return { by: 'ceiling', code: 'ceilingReached', at: usedCredits };
  if (step.kind === 'runOn' || !guarded.isHeldByBudgets) return undefined;
  const refused = raise(guarded, step.holdCredits, book);
  if (refused === undefined) return undefined;
  const last = lastHold(guarded.holdCredits, refused.availableCredits);
  if (last !== null && raise(guarded, last, book) === undefined) return undefined;
  if (!isOutrun(guarded.holdCredits, step.aheadCredits)) return undefined;
  return { by: `budget: ${refused.budgetId}`, code: 'budgetExhausted', at: usedCredits };
}

function raise(
  guarded: Guarded,
  wanted: Credits,
  book: Pick<StandingBook, 'topUp'>,
): { readonly budgetId: string; readonly availableCredits: Credits | null } | undefined {
  const outcome = book.topUp(guarded.id, wanted);
  if (outcome.kind === 'refused') return outcome.budget;
  if (outcome.kind !== 'notHeld') guarded.holdCredits = outcome.holdCredits;
  return undefined;
}

/**
 * When a statement is looked at next, at the earliest at which that can change something.
 * @param perHour credits that it takes at most in an hour.
 */
export function nextLook(
  guarded: Guarded,
  usedCredits: Credits,
  at: EpochMs,
  perHour: number,
): EpochMs {
  const { holdCredits, ceilingCredits, isHeldByBudgets, startedAt } = guarded;
  const isRaisable = isHeldByBudgets && compareAmounts(holdCredits, ceilingCredits) < 0;
  const share = Number(TOP_UP_AT_PERCENT) / 100;
  const aheadCredits = (perHour * 2 * LOOK_EVERY_MS) / HOUR_MS;
  const limit = isRaisable
    ? Math.min(approximate(holdCredits) * share - aheadCredits, approximate(ceilingCredits))
    : approximate(ceilingCredits);
  const roomMs = ((limit - approximate(usedCredits)) / perHour) * HOUR_MS;
  const earliest = Math.max(at + 1, at + Math.min(roomMs, Number.MAX_SAFE_INTEGER));
  return startedAt + Math.ceil((earliest - startedAt) / LOOK_EVERY_MS) * LOOK_EVERY_MS;
}

/** What a statement of which `inAll` is known had used at an instant, if it used it evenly. */
export function usedBy(
  inAll: Credits,
  { startedAt, endedAt }: { readonly startedAt: EpochMs; readonly endedAt: EpochMs },
  at: EpochMs,
): Credits {
  const [passed, all] = [at - startedAt, Math.max(1, endedAt - startedAt)];
  return minAmount(inAll, mulDiv(inAll, BigInt(passed), BigInt(all), 'down') as Credits);
}
