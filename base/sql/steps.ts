/**
 * Work on a text in steps of some milliseconds, so that a long one can be put down between them. A reader of SQL goes
 * over its tokens step by step and yields after each; who has a short text finishes it at once.
 */

/** Work that ends with a value; it can be put down wherever it yields. */
export type Steps<Value> = Generator<void, Value>;

/** Tokens of one step. */
export const STEP_TOKENS = 4_096;

/** The value of `steps`, without a pause. */
export function atOnce<Value>(steps: Steps<Value>): Value {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The value of `steps`; between them `rest` may let others have the event loop. */
export async function withRests<Value>(
  steps: Steps<Value>,
  rest: () => Promise<void>,
): Promise<Value> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await rest();
  }
}
