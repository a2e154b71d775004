/**
 * The modelled duration of a statement. It depends on the statement, its day, its bytes and the cluster's size and
 * on nothing that this machine does, so that the same run costs the same everywhere.
 *
 *   compile   20–80 ms, drawn from the text
 *   execution 50 ms + bytes ÷ (nodes × 200 MB/s) × noise, noise log-normal with σ = 0.1, drawn from text and day
 */
import { createHash } from 'node:crypto';
import type { EpochMs } from '#base/time.js';

const BYTES_PER_SECOND_AND_NODE = 200_000_000;
const FIXED_MS = 50;
const NOISE_SIGMA = 0.1;
const COMPILE_MIN_MS = 20;
const COMPILE_SPREAD_MS = 60;
const DAY_MS = 86_400_000;

/** What a statement that uses no warehouse takes, in modelled milliseconds. */
export const FREE_STATEMENT_MS = 4;

export interface ModelledDuration {
  readonly compileMs: number;
  readonly executionMs: number;
}

/**
 * Duration of a statement that has the cluster to itself.
 *
 * @param sql the statement; repeated text gets repeated noise.
 * @param at business instant; the noise changes with the UTC day.
 * @param bytes read and written.
 * @param nodes servers in the cluster.
 */
export function modelDuration(
  sql: string,
  at: EpochMs,
  bytes: number,
  nodes: number,
): ModelledDuration {
  const text = createHash('sha256').update(sql).digest();
  const day = createHash('sha256')
    .update(text)
    .update(String(Math.floor(at / DAY_MS)))
    .digest();
  const noise = Math.exp(NOISE_SIGMA * gaussian(unit(day, 0), unit(day, 8)));
  const scanMs = (bytes / (nodes * BYTES_PER_SECOND_AND_NODE)) * 1000;
  return {
    compileMs: COMPILE_MIN_MS + Math.floor(unit(text, 0) * (COMPILE_SPREAD_MS + 1)),
    executionMs: Math.round(FIXED_MS + scanMs * noise),
  };
}

function unit(digest: Buffer, offset: number): number {
  return digest.readUIntBE(offset, 6) / 2 ** 48;
}

/** Box–Muller; 1 − u keeps the logarithm finite. */
function gaussian(u: number, v: number): number {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}
