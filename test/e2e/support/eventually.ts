/** Repeats a check until it holds; what it last complained about is thrown when it never does. */
export async function eventually(
  check: () => void | Promise<void>,
  options: { readonly withinMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + (options.withinMs ?? 10_000);
  for (;;) {
    try {
      await check();
      return;
    } catch (thrown) {
      if (performance.now() > deadline) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
