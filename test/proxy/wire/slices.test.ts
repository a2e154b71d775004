import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { SLICE_BYTES, Slices, gather, updateIn } from '../../../proxy/wire/slices.js';

/** How often the event loop turned during the work. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work();
  isOver = true;
  return turns;
}

test('one slice runs in a turn of the event loop, in the order in which was asked, whoever asks', async () => {
  const slices = new Slices();
  const order: number[] = [];
  const turns = await turnsDuring(() =>
    Promise.all([1, 2, 3, 4, 5].map((at) => slices.turn().then(() => order.push(at)))),
  );
  expect(order).toEqual([1, 2, 3, 4, 5]);
  expect(turns).toBeGreaterThanOrEqual(4);
});

test('parts become one buffer, and bytes a hash, as they would at once; others run in between', async () => {
  const slices = new Slices();
  const parts = [3, SLICE_BYTES, 0, 2 * SLICE_BYTES + 7, 1].map((length, at) =>
    Buffer.alloc(length, at + 65),
  );
  const whole = Buffer.concat(parts);
  const turns = await turnsDuring(async () => {
    expect((await gather(slices, parts)).equals(whole)).toBe(true);
    const hash = createHash('sha256');
    await updateIn(slices, hash, whole);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(whole).digest('hex'));
  });
  expect(turns).toBeGreaterThanOrEqual(5);
  const [only] = parts;
  expect(await gather(slices, parts.slice(0, 1))).toBe(only);
  expect(await gather(slices, [])).toHaveLength(0);
});
