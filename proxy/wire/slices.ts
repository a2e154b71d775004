/**
 * Large bodies are read, put together and hashed in slices, so that everybody else is served in between. One slice of
 * all large bodies runs in a turn of the event loop, however many of them there are.
 */
import type { Hash } from 'node:crypto';

/** Half a millisecond of the slowest work that is done in slices, several on a busy machine. */
export const SLICE_BYTES: number = 64 * 1024;

export class Slices {
  #waiting: (() => void)[] = [];
  #isDue = false;

  /** Settles when the next slice may be worked on; in the order in which was asked. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isDue || this.#waiting.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#waiting.shift()?.();
      this.#schedule();
    });
  }
}

/** The parts as one buffer; a single part is not copied. */
export async function gather(slices: Slices, parts: readonly Buffer[]): Promise<Buffer> {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first ?? Buffer.alloc(0);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length <= SLICE_BYTES) return Buffer.concat(parts, length);
  const whole = Buffer.allocUnsafeSlow(length);
  let at = 0;
  let sinceTurn = 0;
  for (const part of parts) {
    for (let from = 0; from < part.length; from += SLICE_BYTES) {
      at += part.copy(whole, at, from, from + SLICE_BYTES);
      sinceTurn += Math.min(SLICE_BYTES, part.length - from);
      if (sinceTurn < SLICE_BYTES) continue;
      sinceTurn = 0;
      await slices.turn();
    }
  }
  return whole;
}

/** Adds bytes to a hash. */
export async function updateIn(slices: Slices, hash: Hash, bytes: Buffer): Promise<void> {
  for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
    if (from > 0) await slices.turn();
    hash.update(bytes.subarray(from, from + SLICE_BYTES));
  }
}
