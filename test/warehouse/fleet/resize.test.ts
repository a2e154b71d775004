import { describe, expect, test } from 'vitest';
import { formatAmount } from '#base/units.js';
import type { WarehouseMake } from '../../../warehouse/fleet/rates.js';
import { meterHours } from '../../../warehouse/metering/metering.js';
import { START, build, secondOf } from './model.js';
import type { Model } from './model.js';

const GENERATION_2: WarehouseMake = {
  kind: 'STANDARD',
  generation: 2,
  resourceConstraint: null,
};

/** What an hour of the story costs, in the credits of one X-Small second. */
function costSeconds(model: Model, until: number): number {
  const picos = meterHours(model.events, START + until * 1000).reduce(
    (sum, hour) => sum + hour.credits,
    0n,
  );
  return Math.round(Number(picos) / (1e12 / 3600));
}

const sizes = (model: Model): readonly string[] =>
  model.events.map(
    (event) => `${(event.at - START) / 1000} #${event.cluster} ${event.event} ${event.size}`,
  );

describe('a resize of a running warehouse', () => {
  test('upwards is billed at once; what runs keeps its size, what comes has the new one', async () => {
    const model = build({ size: 'SMALL' });
    const first = await model.run(100);
    model.pass(10);
    model.set({ size: 'LARGE' });
    const second = await model.run(10);
    model.pass(200);
    expect((await first.ended).size).toBe('SMALL');
    expect((await second.ended).size).toBe('LARGE');
    expect(sizes(model)).toEqual([
      '0 #1 RESUMED SMALL',
      '10 #1 RESIZED LARGE',
      '160 #1 SUSPENDED LARGE',
    ]);
    expect(costSeconds(model, 300)).toBe(10 * 2 + 150 * 8);
  });

  test('downwards is billed when the statements that started larger have ended', async () => {
    const model = build({ size: 'LARGE' });
    await model.run(100);
    await model.run(50);
    model.pass(10);
    model.set({ size: 'SMALL' });
    expect(model.warehouse.definition.size).toBe('SMALL');
    const next = await model.run(1);
    model.pass(300);
    expect((await next.ended).size).toBe('SMALL');
    expect(sizes(model)).toEqual([
      '0 #1 RESUMED LARGE',
      '100 #1 RESIZED SMALL',
      '160 #1 SUSPENDED SMALL',
    ]);
    expect(costSeconds(model, 300)).toBe(100 * 8 + 60 * 2);
  });

  test('downwards of an idle one is billed at once', async () => {
    const model = build({ size: 'LARGE' });
    await model.run(10);
    model.pass(30);
    model.set({ size: 'XSMALL' });
    expect(sizes(model).at(-1)).toBe('30 #1 RESIZED XSMALL');
  });

  test('a statement that waits for the engine runs on the size that is in force when it is weighed', async () => {
    const model = build({ size: 'XSMALL' });
    const place = model.warehouse.enter();
    await place.placed;
    model.set({ size: 'XLARGE' });
    let seen = '';
    const ended = place.weigh(({ size }) => {
      seen = size;
      return 1000;
    }, 0);
    model.pass(2);
    expect([seen, (await ended).size]).toEqual(['XLARGE', 'XLARGE']);
  });

  test('while suspended is told and costs nothing', () => {
    const model = build();
    model.set({ size: 'X4LARGE' });
    expect(sizes(model)).toEqual(['0 #1 RESIZED X4LARGE']);
    expect(costSeconds(model, 100)).toBe(0);
  });
});

describe('a conversion of a running warehouse', () => {
  test('bills the old servers beside the new ones until their statements have ended', async () => {
    const model = build({ size: 'SMALL' });
    const old = await model.run(100);
    model.pass(20);
    model.set({ make: GENERATION_2 });
    const fresh = await model.run(10);
    model.pass(200);
    expect(await old.ended).toMatchObject({ cluster: 1, make: { generation: 1 } });
    expect(await fresh.ended).toMatchObject({ cluster: 2, make: { generation: 2 } });
    expect(model.story()).toEqual([
      '0 RESUMED AUTORESUME',
      '20 #2 RESUMED CONVERSION',
      '90 #2 SUSPENDED AUTOSUSPEND',
      '100 SUSPENDED CONVERSION',
    ]);
    // 100 s of a Small of generation 1 beside 70 s of one of generation 2, at 2.7 credits an hour.
    expect(costSeconds(model, 300)).toBe(100 * 2 + 70 * 2.7);
  });

  test('of an idle one takes its place at once', async () => {
    const model = build({ size: 'SMALL' });
    await model.run(10);
    model.pass(20);
    model.set({ make: GENERATION_2 });
    expect(model.story().slice(1)).toEqual(['20 SUSPENDED CONVERSION', '20 RESUMED CONVERSION']);
    expect(model.events.at(-1)?.make).toEqual(GENERATION_2);
  });

  test('from 5X-Large to less bills both, from 4X-Large to less does not', async () => {
    const huge = build({ size: 'X5LARGE' });
    const { ended } = await huge.run(100);
    huge.pass(10);
    huge.set({ size: 'X4LARGE' });
    huge.pass(200);
    expect(await secondOf(ended)).toBe(100);
    expect(sizes(huge)).toEqual([
      '0 #1 RESUMED X5LARGE',
      '10 #2 RESUMED X4LARGE',
      '70 #2 SUSPENDED X4LARGE',
      '100 #1 SUSPENDED X5LARGE',
    ]);
    const large = build({ size: 'X4LARGE' });
    await large.run(100);
    large.pass(10);
    large.set({ size: 'XXLARGE' });
    large.pass(200);
    expect(sizes(large).map((line) => line.split(' ')[1])).toEqual(['#1', '#1', '#1']);
  });

  test('of a suspended one is told with its new make', () => {
    const model = build();
    model.set({ make: GENERATION_2 });
    expect(model.events).toMatchObject([{ event: 'RESIZED', make: GENERATION_2 }]);
  });

  test('keeps every statement on the servers that it started on', async () => {
    const model = build({ maxConcurrency: 1, size: 'MEDIUM' });
    const old = model.warehouse.enter();
    await old.placed;
    model.warehouse.resume('USER');
    model.set({ make: GENERATION_2 });
    let generation = 0;
    const ended = old.weigh(({ make }) => {
      generation = make.generation;
      return 5000;
    }, 0);
    model.pass(10);
    expect([generation, (await ended).make.generation]).toEqual([1, 1]);
    expect(formatAmount(meterHours(model.events, START + 10_000)[0]!.credits)).not.toBe('0');
  });
});
