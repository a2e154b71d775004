import { expect, test } from 'vitest';
import { silentLog, type Log } from '#base/log.js';
import { ClockSkew } from '../../proxy/clock-skew.js';

test('a clock that is off is told once, and once that it is right again', () => {
  const said: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (fields, message) => said.push(`${JSON.stringify(fields)} ${message}`),
    info: (fields, message) => said.push(`${JSON.stringify(fields)} ${message}`),
  };
  const skew = new ClockSkew(log);
  expect(skew.seconds).toBe(0);
  // Ahead of the database, twice; right; behind.
  skew.heard(100_000, 100_010, 40_000);
  skew.heard(102_000, 102_010, 42_000);
  expect(skew.seconds).toBe(60);
  skew.heard(104_000, 104_010, 104_005);
  expect(skew.seconds).toBe(0);
  skew.heard(106_000, 106_010, 136_010);
  expect(skew.seconds).toBe(-30);
  expect(said).toEqual([
    '{"skewSeconds":60} the clock of this machine is not that of the database; set it by NTP',
    '{"skewSeconds":0} the clock of this machine is that of the database again',
    '{"skewSeconds":-30} the clock of this machine is not that of the database; set it by NTP',
  ]);
});

test('an answer that took long proves no difference that it could explain', () => {
  const skew = new ClockSkew(silentLog);
  skew.heard(100_000, 130_000, 101_000);
  expect(skew.seconds).toBe(0);
});
