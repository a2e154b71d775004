import { expect, test } from 'vitest';
import { Turns, type EndTurn } from '../../../proxy/switching/turns.js';
import { seeded } from '../../policies/lanes/support.js';

test('turns beside each other begin at once; one alone waits for all before it, and all after it wait', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const note = (name: string) => (end: EndTurn) => {
    order.push(name);
    return end;
  };
  const first = await turns.beside().then(note('first'));
  const second = await turns.beside().then(note('second'));
  const alone = turns.alone().then(note('alone'));
  const later = turns.beside().then(note('later'));
  first();
  await Promise.resolve();
  expect(order).toEqual(['first', 'second']);
  second();
  (await alone)();
  (await later)();
  expect(order).toEqual(['first', 'second', 'alone', 'later']);
  expect(turns.isIdle).toBe(true);
});

test('ending a turn twice gives nobody a second one', async () => {
  const turns = new Turns();
  const end = await turns.alone();
  end();
  const other = await turns.alone();
  end();
  let isIn = false;
  void turns.beside().then(() => {
    isIn = true;
  });
  await Promise.resolve();
  expect(isIn).toBe(false);
  other();
});

/** The most that went at once while one went alone, over many statements that come in any order. */
async function besideOneAlone(
  take: (turns: Turns, isAlone: boolean) => Promise<EndTurn>,
): Promise<number> {
  const random = seeded(3);
  const turns = new Turns();
  let going = 0;
  let alone = 0;
  let worst = 0;
  const statement = async (isAlone: boolean): Promise<void> => {
    const end = await take(turns, isAlone);
    going += 1;
    if (isAlone) alone += 1;
    for (let step = Math.floor(random() * 4); step >= 0; step -= 1) {
      if (alone > 0) worst = Math.max(worst, going);
      await Promise.resolve();
    }
    going -= 1;
    if (isAlone) alone -= 1;
    end();
  };
  await Promise.all(Array.from({ length: 2_000 }, () => statement(random() < 0.3)));
  return worst;
}

test('whoever goes alone goes alone, in any order of arrivals; without the turn it does not', async () => {
  const own = (turns: Turns, isAlone: boolean): Promise<EndTurn> =>
    isAlone ? turns.alone() : turns.beside();
  expect(await besideOneAlone(own)).toBe(1);
  // The mutant in which a switched statement takes its turn like any other.
  expect(await besideOneAlone((turns) => turns.beside())).toBeGreaterThan(1);
});
