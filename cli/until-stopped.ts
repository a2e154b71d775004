/** How a process of `tollgate serve` ends: by signals, in order, within the time that the settings give it. */
import { deferred } from '../base/deferred.js';
import { toError } from '../base/errors.js';
import type { Lifecycle } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';

export interface UntilStopped {
  /**
   * Runs a start.
   * @returns what it started; undefined when a signal came meanwhile: what had started by then is stopped, and what the
   *   start failed of because of it is no failure.
   * @throws what `start` throws by itself.
   */
  started<T>(start: () => Promise<T>): Promise<T | undefined>;
  /** 0 after a drain in which every part stopped, else 1. */
  readonly exitCode: Promise<number>;
}

/**
 * The first signal drains, a second one or the deadline aborts the waiting: for work in flight, and for a start that is
 * not over, such as one that waits for another process to migrate.
 * @param signals who tells of SIGINT and SIGTERM.
 */
export function untilStopped(
  life: Lifecycle,
  log: Log,
  drainTimeoutSeconds: number,
  signals: Pick<NodeJS.EventEmitter, 'on'> = process,
): UntilStopped {
  const signalled = deferred<void>();
  const exitCode = deferred<number>();
  let isStarting = false;
  const drain = async (): Promise<void> => {
    const failures = await life.drain();
    for (const failure of failures) log.error({ err: failure }, failure.message);
    exitCode.resolve(failures.length === 0 ? 0 : 1);
  };
  let signalCount = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signalCount += 1;
    if (signalCount > 1) {
      life.abort();
      return;
    }
    log.info({ signal }, 'draining');
    setTimeout(() => life.abort(), drainTimeoutSeconds * 1000).unref();
    signalled.resolve();
    // Of a start, only what it has made so far; `started` stops the rest and tells the end.
    if (isStarting) void life.drain();
    else void drain();
  };
  signals.on('SIGINT', onSignal);
  signals.on('SIGTERM', onSignal);
  return {
    exitCode: exitCode.promise,
    async started(start) {
      isStarting = true;
      const starting = start();
      const isWhole = starting.then(() => true);
      const isCut = signalled.promise.then(() => false);
      if (await Promise.race([isCut, isWhole])) {
        isStarting = false;
        return starting;
      }
      const settled = starting.catch((thrown: unknown) => {
        log.debug({ err: toError(thrown) }, 'the start was interrupted');
      });
      await Promise.race([settled, life.aborted]);
      await drain();
      return undefined;
    },
  };
}
