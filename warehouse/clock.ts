/**
 * The warehouse clock: one line through (real epoch, business epoch) with a slope. Both epochs live in the data
 * directory, so a restart goes on along the same line and a change of slope starts a new one where the old stands.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Fault } from '#base/errors.js';
import { linearClock } from '#base/time.js';
import type { Clock, EpochMs } from '#base/time.js';
import { writeFileDurably } from './durable-file.js';

const FILE = 'warehouse-clock.json';
const SCALE_MAX = 60;

const saved = z.object({
  realEpochMs: z.number().int(),
  businessEpochMs: z.number().int(),
  scale: z.number().min(1).max(SCALE_MAX),
});
type Saved = z.infer<typeof saved>;

/**
 * Opens the clock kept in `dataDir`, creating it at the real time of now on first use.
 *
 * @param scale business seconds per real second, 1 to 60; anything else is a Fault.
 * @param real the machine's clock in epoch milliseconds; if it stands before the saved epoch (it was set back),
 *   business time goes on from the saved business epoch rather than backwards.
 * @returns a clock whose readings never decrease within a process.
 */
export async function openWarehouseClock(
  dataDir: string,
  scale: number,
  real: () => EpochMs = Date.now,
): Promise<Clock> {
  if (!Number.isFinite(scale) || scale < 1 || scale > SCALE_MAX)
    throw new Fault('internal', `the time scale must be between 1 and ${SCALE_MAX}, not ${scale}`);
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, FILE);
  const before = await readSaved(path);
  const now = real();
  const line =
    before === undefined
      ? { realEpochMs: now, businessEpochMs: now, scale }
      : rebase(before, now, scale);
  if (line !== before) await writeFileDurably(path, JSON.stringify(line), 0o644);
  const linear = linearClock(line.realEpochMs, line.businessEpochMs, line.scale, real);
  let latest = line.businessEpochMs;
  return {
    scale,
    now() {
      latest = Math.max(latest, linear.now());
      return latest;
    },
  };
}

function rebase(before: Saved, now: EpochMs, scale: number): Saved {
  const setBack = now < before.realEpochMs;
  if (before.scale === scale && !setBack) return before;
  const elapsedMs = Math.max(0, now - before.realEpochMs);
  return {
    realEpochMs: now,
    businessEpochMs: Math.round(before.businessEpochMs + elapsedMs * before.scale),
    scale,
  };
}

async function readSaved(path: string): Promise<Saved | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new Fault('internal', `cannot read the warehouse clock ${path}`, { cause });
  }
  const parsed = saved.safeParse(parseJson(text));
  if (!parsed.success)
    throw new Fault(
      'internal',
      `${path} is not a saved warehouse clock; delete it to start at the present time`,
    );
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
