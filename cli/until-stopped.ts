/** How a process of `tollgate serve` ends: by signals, in order, within the time that the settings give it. */
import type { Lifecycle } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';

/** First signal drains, a second one or the deadline aborts the waiting; the exit code comes after `ready` only. */
export function untilStopped(
  life: Lifecycle,
  log: Log,
  drainTimeoutSeconds: number,
): { readonly exitCode: Promise<number>; ready(): void } {
  let resolve: (code: number) => void = () => undefined;
  const exitCode = new Promise<number>((accept) => {
    resolve = accept;
  });
  let isReady = false;
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) {
      life.abort();
      return;
    }
    log.info({ signal }, 'draining');
    setTimeout(() => life.abort(), drainTimeoutSeconds * 1000).unref();
    void life.drain().then((failures) => {
      for (const failure of failures) log.error({ err: failure }, failure.message);
      if (isReady) resolve(failures.length === 0 ? 0 : 1);
    });
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    exitCode,
    ready: () => {
      isReady = true;
    },
  };
}
