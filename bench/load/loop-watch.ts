/**
 * Loaded into a program that is measured (by `--import`, or by itself): watches how late its event loop is, and tells over IPC.
 * `{loop: 'reset'}` begins anew, `{loop: 'read'}` is answered with a `LoopDelay`.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Milliseconds between two looks at the clock, which are a millisecond apart where nothing is late. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

// Worker threads of the program inherit its options.
if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('message', (message: { readonly loop?: string }) => {
    if (message.loop === undefined) return;
    const seen: LoopDelay = {
      p50Ms: delay.percentile(50) / 1e6,
      p99Ms: delay.percentile(99) / 1e6,
      maxMs: delay.max / 1e6,
    };
    if (message.loop === 'reset') delay.reset();
    process.send?.(seen);
  });
}
