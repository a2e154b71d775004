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
/**
 * How long in all, where nothing may be taken because the ledger was away a short while ago, or where what comes goes to others
 * each time. A time and not a number of judgements: of those a quick ledger gives a hundred while one other statement ends.
 */
export const AWAY_WAIT_MS = 1_000;
const LOOK_MS = 20;
/** Judgements after {@link RETURN_WAIT_MS} that a statement is given however slow the ledger is. */
const LATE_LEAST = 3;
/** Whoever has lost what came looks later each time, up to so many {@link LOOK_MS}: it is one of many. */
const LOOKS_APART_MAX = 3;

export type Returning = Pick<Leases, 'ask' | 'takeBack' | 'realNow'>;

/**
 * One statement's waiting. False: nothing can come any more that its last judgement had not seen; or for all of
 * {@link AWAY_WAIT_MS} what came went to others, and it is refused by what was judged last. Those others hold it: where nothing
 * settles meanwhile, the first case ends it.
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
    const isOver = now - since >= AWAY_WAIT_MS;
    if (now - since >= RETURN_WAIT_MS) {
      // What is not there any more when it is taken was given back, or holds a statement.
      if (hasCome || mayTake) {
        if (isOver && late >= LATE_LEAST) return false;
        if (late > 0) await sleep(LOOK_MS * Math.min(late, LOOKS_APART_MAX));
        if (mayTake && idleCredits > NO_CREDITS) await leases.takeBack(periodId);
        late += 1;
        return true;
      }
      if (isOver) return false;
    }
    if (!hasCome) await sleep(LOOK_MS);
    return true;
  };
}

function sleepReally(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
