/**
 * What a decision that would refuse does about credits that other replicas have leased and do not use: it asks for them,
 * waits a moment, and then takes them. A refusal is therefore a judgement of a period with nothing idle on it, however slow
 * the other replicas are.
 */
import { NO_CREDITS } from '#base/units.js';
import type { Leases } from './leases.js';
import type { MayBeReturned } from './postgres/lease-rows.js';

/** How long others have to give back what they are asked for (design, leases). */
export const RETURN_WAIT_MS = 250;
/** How long in all, where nothing may be taken because the ledger was away a short while ago. */
export const AWAY_WAIT_MS = 1_000;
const LOOK_MS = 20;
/** Judgements after the wait; each follows credits that came, or that were looked for where they are kept. */
const LATE_MAX = 16;

export type Returning = Pick<Leases, 'ask' | 'takeBack' | 'realNow'>;

/**
 * One statement's waiting. False: nothing can come any more that its last judgement had not seen, or it came so often, and went
 * to others, that the statement is refused by what was judged last.
 * @param leases of the replica; absent: nothing is leased.
 */
export function waitForReturns(
  leases: Returning | undefined,
  sleep: (ms: number) => Promise<void> = sleepReally,
): MayBeReturned {
  let since: number | undefined;
  let late = 0;
  return async (periodId, seenCredits) => {
    if (leases === undefined) return false;
    const { idleCredits, availableCredits, mayTake } = await leases.ask(periodId);
    const hasCome = availableCredits === null || availableCredits > (seenCredits ?? NO_CREDITS);
    if (idleCredits === NO_CREDITS && !hasCome) return false;
    const now = leases.realNow();
    since ??= now;
    if (now - since >= RETURN_WAIT_MS) {
      late += 1;
      if (late > LATE_MAX) return false;
      // What is not there any more when it is taken was given back, or holds a statement.
      if (hasCome || mayTake) {
        if (mayTake && idleCredits > NO_CREDITS) await leases.takeBack(periodId);
        return true;
      }
      if (now - since >= AWAY_WAIT_MS) return false;
      late -= 1;
    }
    if (!hasCome) await sleep(LOOK_MS);
    return true;
  };
}

function sleepReally(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
