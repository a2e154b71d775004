import { attendedClock } from '../../support/processor-time.js';

/**
 * Repeats a check until it holds; what it last complained about is thrown when it never does. Time in which this process
 * had no processor does not count: the systems that are waited for run in it, or had none either.
 */
export async function eventually(
  check: () => void | Promise<void>,
  options: { readonly withinMs?: number } = {},
): Promise<void> {
  const withinMs = options.withinMs ?? 10_000;
  const elapsedMs = attendedClock();
  for (;;) {
    try {
      await check();
      return;
    } catch (thrown) {
      if (elapsedMs() > withinMs) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
