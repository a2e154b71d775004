import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWarehouseClock } from '../../warehouse/clock.js';

describe('the warehouse clock', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tollgate-clock-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test('starts at real time and runs scale times as fast', async () => {
    let real = 1_000_000;
    const clock = await openWarehouseClock(dir, 60, () => real);
    expect(clock.now()).toBe(1_000_000);
    real += 1000;
    expect(clock.now()).toBe(1_060_000);
  });

  test('a restart goes on along the same line', async () => {
    await openWarehouseClock(dir, 60, () => 1_000_000);
    const again = await openWarehouseClock(dir, 60, () => 1_010_000);
    expect(again.now()).toBe(1_600_000);
  });

  test('another scale starts where the old one stands', async () => {
    await openWarehouseClock(dir, 60, () => 1_000_000);
    let real = 1_010_000;
    const slow = await openWarehouseClock(dir, 1, () => real);
    expect(slow.now()).toBe(1_600_000);
    real += 1000;
    expect(slow.now()).toBe(1_601_000);
  });

  test('a machine clock that was set back never moves business time backwards', async () => {
    let real = 1_000_000;
    const clock = await openWarehouseClock(dir, 1, () => real);
    real -= 500_000;
    expect(clock.now()).toBe(1_000_000);
    expect((await openWarehouseClock(dir, 1, () => real)).now()).toBe(1_000_000);
  });

  test.each([0, 0.5, 61, Number.NaN])('refuses the scale %s', async (scale) => {
    await expect(openWarehouseClock(dir, scale)).rejects.toThrow('between 1 and 60');
  });

  test('refuses a broken file rather than guessing the time', async () => {
    await writeFile(join(dir, 'warehouse-clock.json'), '{"realEpochMs":');
    await expect(openWarehouseClock(dir, 1)).rejects.toThrow('not a saved warehouse clock');
  });
});
