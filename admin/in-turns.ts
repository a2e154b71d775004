import { setImmediate } from 'node:timers/promises';

/** Gives others their turn between chunks, which take a few milliseconds each. */
export async function* inTurns(chunks: Iterable<string>): AsyncGenerator<string> {
  for (const chunk of chunks) {
    if (chunk !== '') yield chunk;
    await setImmediate();
  }
}
