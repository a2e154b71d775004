/** A broken assumption of ours. The statement at hand dies with `internal`; it is logged and never retried. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws AssertionError with `why` unless `condition` holds. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new AssertionError(why);
}

/** Returns `value`, or throws AssertionError with `why` when it is null or undefined. */
export function must<T>(value: T | null | undefined, why: string): T {
  if (value === null || value === undefined) throw new AssertionError(why);
  return value;
}
