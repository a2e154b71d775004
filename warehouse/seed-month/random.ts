/** Seeded chance: the same seed gives the same draws on every machine. */
import { createHash } from 'node:crypto';
import { uuidV7 } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';

export interface Chance {
  /** In [0, 1). */
  unit(): number;
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number;
  /** True with this probability. */
  happens(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** Normally distributed. */
  normal(mean: number, deviation: number): number;
  /** Log-normally distributed around `median`. */
  spread(median: number, sigma: number): number;
  /** A random UUID, as the ids of statements. */
  uuid(): string;
  /** A UUID of version 7, as the ids of tickets. */
  ticketId(at: EpochMs): string;
  /** Chance of its own for one part of the whole, whatever is drawn from this one. */
  of(part: string): Chance;
}

/** Chance from a seed. */
export function chanceFrom(seed: string): Chance {
  const state = new Uint32Array(4);
  const digest = createHash('sha256').update(seed).digest();
  for (let index = 0; index < 4; index += 1) state[index] = digest.readUInt32LE(index * 4);
  const unit = (): number => next(state) / 2 ** 32;
  const bytes = (count: number): Uint8Array =>
    Uint8Array.from({ length: count }, () => Math.floor(unit() * 256));
  const normal = (mean: number, deviation: number): number =>
    mean + deviation * Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit());
  return {
    unit,
    whole: (least, most) => least + Math.floor(unit() * (most - least + 1)),
    happens: (probability) => unit() < probability,
    pick: (from) => from[Math.floor(unit() * from.length)] ?? from[0],
    normal,
    spread: (median, sigma) => median * Math.exp(normal(0, sigma)),
    uuid: () => uuidV4(bytes(16)),
    ticketId: (at) => uuidV7(at, bytes(10)),
    of: (part) => chanceFrom(`${seed}/${part}`),
  };
}

/** The generator sfc32: three words and a counter. */
function next(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, counter = 0] = state;
  const result = (a + b + counter) >>> 0;
  state[0] = b ^ (b >>> 9);
  state[1] = (c + (c << 3)) >>> 0;
  state[2] = (((c << 21) | (c >>> 11)) + result) >>> 0;
  state[3] = (counter + 1) >>> 0;
  return result;
}

function uuidV4(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
