/** What time does to budgets, done by every replica: grants end and periods open where no worker runs, too. */
import { toError } from '#base/errors.js';
import type { Stoppable } from '#base/lifecycle.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { keepPeriods } from '#billing/keep-periods.js';

const EVERY_MS = 2_000;

/** Keeps the periods of budgets until it is stopped; what fails is tried again at the next turn. */
export function startBudgetUpkeep({
  db,
  clock,
  log,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
}): Stoppable {
  let running: Promise<void> | null = null;
  const turn = (): void => {
    running ??= keepPeriods(db, clock.now())
      .catch((thrown: unknown) => {
        log.warn({ err: toError(thrown) }, 'budgets were not kept; it will be tried again');
      })
      .finally(() => {
        running = null;
      });
  };
  turn();
  const timer = setInterval(turn, EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
