/** Waits bounded in real time. What is waited for goes on, and how it ends later is nobody's any more. */

const LATE: unique symbol = Symbol('late');

/** The result of `work`; undefined when it takes longer than `limitMs`. Rejects as `work` does until then. */
export async function inTime<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
  const first = await firstOf(limitMs, work);
  return first === LATE ? undefined : first;
}

/** The result of `work`; rejects, in words, when it takes longer than `limitMs`, and as `work` does until then. */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const first = await firstOf(limitMs, work);
  if (first === LATE) throw new Error(`no answer within ${limitMs / 1000} s`);
  return first;
}

async function firstOf<T>(limitMs: number, work: Promise<T>): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
