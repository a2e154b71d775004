import { expect, test } from 'vitest';
import { Turns } from '../../base/turns.js';

test('work of one name is run in turn, also after a failure; another name does not wait', async () => {
  const turns = new Turns({ ofNameMax: 10, namesMax: 10 });
  const order: string[] = [];
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const first = turns.run('a', async () => {
    await held;
    order.push('first');
    throw new Error('away');
  });
  const second = turns.run('a', () => Promise.resolve(order.push('second')));
  await turns.run('b', () => Promise.resolve(order.push('other')));
  letGo();
  await expect(first).rejects.toThrow('away');
  await second;
  expect(order).toEqual(['other', 'first', 'second']);
});

test('what is too much is not run, of one name and of names, and places come free', async () => {
  const turns = new Turns({ ofNameMax: 2, namesMax: 2 });
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const running = [
    turns.run('a', () => held),
    turns.run('a', () => held),
    turns.run('b', () => held),
  ];
  expect(await turns.run('a', () => Promise.resolve(1))).toBeUndefined();
  expect(await turns.run('c', () => Promise.resolve(1))).toBeUndefined();
  letGo();
  await Promise.all(running);
  expect(await turns.run('c', () => Promise.resolve(1))).toBe(1);
});
