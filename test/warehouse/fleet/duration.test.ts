import { describe, expect, test } from 'vitest';
import { modelDuration } from '../../../warehouse/fleet/duration.js';

const DAY = Date.UTC(2026, 10, 2);
const HOUR = 3_600_000;

describe('the modelled duration', () => {
  test('is the same for the same text on the same day', () => {
    expect(modelDuration('SELECT 1', DAY, 5e12, 4)).toEqual(
      modelDuration('SELECT 1', DAY + 23 * HOUR, 5e12, 4),
    );
  });

  test('varies with the day and with the text', () => {
    const base = modelDuration('SELECT 1', DAY, 5e12, 4).executionMs;
    expect(modelDuration('SELECT 1', DAY + 24 * HOUR, 5e12, 4).executionMs).not.toBe(base);
    expect(modelDuration('SELECT 2', DAY, 5e12, 4).executionMs).not.toBe(base);
  });

  test('is 50 ms without bytes, and compiling takes 20 to 80 ms', () => {
    for (let index = 0; index < 200; index += 1) {
      const { compileMs, executionMs } = modelDuration(`SELECT ${index}`, DAY, 0, 1);
      expect(executionMs).toBe(50);
      expect(compileMs).toBeGreaterThanOrEqual(20);
      expect(compileMs).toBeLessThanOrEqual(80);
    }
  });

  test('is bytes over 200 MB/s and node, with noise of about ten percent around it', () => {
    const logs = Array.from({ length: 2000 }, (_, index) =>
      Math.log((modelDuration(`SELECT ${index}`, DAY, 1.6e12, 16).executionMs - 50) / 500_000),
    );
    const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
    const deviation = Math.sqrt(
      logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length,
    );
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(deviation).toBeGreaterThan(0.09);
    expect(deviation).toBeLessThan(0.11);
  });
});
