import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { deferred } from '../../base/deferred.js';
import { Lifecycle, StartInterrupted } from '../../base/lifecycle.js';
import { createLog } from '../../base/log.js';
import { untilStopped } from '../../cli/until-stopped.js';

const log = createLog('silent');

function process() {
  const signals = new EventEmitter();
  const life = new Lifecycle();
  const stops: string[] = [];
  const add = (name: string, failure?: Error): void => {
    const stop = (): Promise<void> => {
      stops.push(name);
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    };
    life.add(name, { stop });
  };
  const stopped = untilStopped(life, log, 30, signals);
  return { signals, life, stops, add, stopped };
}

test('a signal after the start stops every part, the last one first', async () => {
  const { signals, stops, add, stopped } = process();
  const listening = await stopped.started(() => {
    add('database');
    add('proxy');
    return Promise.resolve('listening');
  });
  expect(listening).toBe('listening');
  signals.emit('SIGTERM', 'SIGTERM');
  expect(await stopped.exitCode).toBe(0);
  expect(stops).toEqual(['proxy', 'database']);
});

test('a part that cannot be stopped makes the exit code 1, and keeps no other from it', async () => {
  const { signals, stops, add, stopped } = process();
  await stopped.started(() => {
    add('database');
    add('proxy', new Error('broken'));
    return Promise.resolve('listening');
  });
  signals.emit('SIGINT', 'SIGINT');
  expect(await stopped.exitCode).toBe(1);
  expect(stops).toEqual(['proxy', 'database']);
});

test('a signal during the start ends it: what it makes later is stopped too, and the process ends with 0', async () => {
  const { signals, stops, add, stopped } = process();
  const reached = deferred<void>();
  let begun = 'nothing';
  const listening = stopped.started(async () => {
    add('database');
    begun = 'proxy';
    await reached.promise;
    add('proxy');
    begun = 'admin';
    return 'listening';
  });
  signals.emit('SIGTERM', 'SIGTERM');
  reached.resolve();
  expect(await listening).toBeUndefined();
  expect(await stopped.exitCode).toBe(0);
  expect(stops).toEqual(['database', 'proxy']);
  expect(begun).toBe('proxy');
});

test('a start that waits for ever is left by a second signal', async () => {
  const { signals, stops, add, stopped } = process();
  const listening = stopped.started(() => {
    add('database');
    return new Promise<string>(() => undefined);
  });
  signals.emit('SIGTERM', 'SIGTERM');
  signals.emit('SIGTERM', 'SIGTERM');
  expect(await listening).toBeUndefined();
  expect(await stopped.exitCode).toBe(0);
  expect(stops).toEqual(['database']);
});

test('a start that fails by itself says of what', async () => {
  const { stopped } = process();
  await expect(stopped.started(() => Promise.reject(new Error('no disk')))).rejects.toThrow(
    'no disk',
  );
});

test('nothing is added to what was stopped', async () => {
  const { life, add } = process();
  await life.drain();
  expect(() => add('proxy')).toThrow(StartInterrupted);
  const failures = await life.drain();
  expect(failures).toEqual([]);
});

test('a part that hangs is left some time after the abort, and the others are stopped all the same', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    const { signals, life, stops, add, stopped } = process();
    await stopped.started(() => {
      add('database');
      life.add('import', { stop: () => new Promise(() => undefined) });
      return Promise.resolve('listening');
    });
    signals.emit('SIGTERM', 'SIGTERM');
    // The deadline of the drain, and what a part gets after it.
    await vi.advanceTimersByTimeAsync(30_000);
    expect(stops).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await stopped.exitCode).toBe(1);
    expect(stops).toEqual(['database']);
  } finally {
    vi.useRealTimers();
  }
});
