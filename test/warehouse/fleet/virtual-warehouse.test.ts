import { describe, expect, test } from 'vitest';
import { defaultDefinition } from '../../../warehouse/fleet/definition.js';
import { QUEUE_MAX, VirtualWarehouse } from '../../../warehouse/fleet/virtual-warehouse.js';
import { START, build, queueUp, secondOf, turn } from './model.js';

describe('a virtual warehouse', () => {
  test('resumes for a statement, ends it after its work and suspends 60 s later', async () => {
    const model = build();
    const { ended } = await model.run(10);
    expect(model.warehouse.state).toBe('STARTED');
    model.pass(100);
    expect(await ended).toMatchObject({ how: 'done', at: START + 10_000, runningSince: START });
    expect(model.story()).toEqual(['0 RESUMED AUTORESUME', '70 SUSPENDED AUTOSUSPEND']);
  });

  test('a statement that weighs nothing never starts it', async () => {
    const model = build();
    const place = model.warehouse.enter();
    await place.placed;
    place.leave();
    model.pass(100);
    expect(model.events).toEqual([]);
  });

  test('the time the engine takes is part of the duration, not added to it', async () => {
    const model = build();
    const place = model.warehouse.enter();
    await place.placed;
    model.clock.at += 4000;
    const ended = place.weigh(() => 10_000, 0);
    model.pass(6);
    expect(await secondOf(ended)).toBe(10);
    expect(model.story()).toEqual(['0 RESUMED AUTORESUME']);
  });

  test('a free place counts from the arrival, but never starts the warehouse before it was suspended', async () => {
    const model = build();
    model.clock.at += 2000;
    const place = model.warehouse.enter({ arrivedAt: START });
    await place.placed;
    expect(await secondOf(place.weigh(() => 1000, 0))).toBe(1);
    model.pass(100);
    const late = model.warehouse.enter({ arrivedAt: START + 60_000 });
    await late.placed;
    expect(await late.weigh(() => 1000, 0)).toMatchObject({
      runningSince: START + 61_000,
      at: START + 62_000,
    });
    expect(model.story()).toEqual([
      '0 RESUMED AUTORESUME',
      '61 SUSPENDED AUTOSUSPEND',
      '61 RESUMED AUTORESUME',
    ]);
  });

  test('a clock that moves on between two readings shortens no work', async () => {
    const moving = { at: START, scale: 1, now: () => (moving.at += 7) };
    const warehouse = new VirtualWarehouse(defaultDefinition('W', START), moving, () => undefined);
    const place = warehouse.enter({ arrivedAt: START });
    await place.placed;
    const ended = place.weigh(() => 60_000, 0);
    for (let second = 0; second < 70; second += 1) {
      moving.at += 1000;
      warehouse.settle();
    }
    expect(await ended).toMatchObject({ runningSince: START, at: START + 60_000 });
    warehouse.close('SHUTDOWN');
  });

  test('an engine slower than the model is billed the model only', async () => {
    const model = build();
    const place = model.warehouse.enter();
    await place.placed;
    model.clock.at += 50_000;
    expect(await secondOf(place.weigh(() => 10_000, 0))).toBe(10);
  });

  test('four statements run at full speed, eight at half', async () => {
    const four = build();
    const quick = await Promise.all([1, 2, 3, 4].map(() => four.run(10)));
    four.pass(60);
    expect(await Promise.all(quick.map(({ ended }) => secondOf(ended)))).toEqual([10, 10, 10, 10]);
    const eight = build();
    const slow = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => eight.run(10)));
    eight.pass(60);
    expect(await Promise.all(slow.map(({ ended }) => secondOf(ended)))).toEqual(Array(8).fill(20));
  });

  test('when neighbours end, the rest speeds up again', async () => {
    const model = build();
    const short = await Promise.all([1, 2, 3, 4].map(() => model.run(4)));
    const long = await Promise.all([1, 2, 3, 4].map(() => model.run(10)));
    model.pass(60);
    expect(await secondOf(short[0]!.ended)).toBe(8);
    // 8 s at half speed leave 6 s of work at full speed.
    expect(await secondOf(long[0]!.ended)).toBe(14);
  });

  test('a limit ends a statement at that very second', async () => {
    const model = build();
    const { ended } = await model.run(100, 30);
    model.pass(200);
    expect(await ended).toMatchObject({ how: 'limit', at: START + 30_000 });
  });

  test('a limit that passed while the engine ran still ends it at that second', async () => {
    const model = build();
    const place = model.warehouse.enter();
    await place.placed;
    model.clock.at += 50_000;
    expect(await place.weigh(() => 100_000, 30_000)).toMatchObject({
      how: 'limit',
      at: START + 30_000,
    });
  });

  test('a statement that leaves ends now', async () => {
    const model = build();
    const { place, ended } = await model.run(100);
    model.clock.at += 7000;
    place.leave();
    expect(await ended).toMatchObject({ how: 'left', at: START + 7000 });
  });

  test('auto-suspend 0 keeps it running', async () => {
    const model = build({ autoSuspendSeconds: 0 });
    await model.run(1);
    model.pass(100_000);
    expect(model.warehouse.state).toBe('STARTED');
  });
});

describe('the queue of a virtual warehouse', () => {
  test('holds what is beyond the concurrency and lets it go first come, first served', async () => {
    const model = build({ maxConcurrency: 1 });
    const ends = [10, 5, 5].map((work) => queueUp(model, work));
    expect(model.warehouse.queuedCount).toBe(2);
    for (let step = 0; step < 3; step += 1) {
      await turn();
      model.pass(10);
    }
    await turn();
    expect(await Promise.all(ends)).toEqual(['#1 0–10', '#1 10–15', '#1 15–20']);
  });

  test('forgets a statement that leaves', async () => {
    const model = build({ maxConcurrency: 1 });
    await model.run(10);
    const second = model.warehouse.enter();
    second.leave();
    expect(await second.placed).toEqual({ how: 'left', at: START });
    expect(model.warehouse.queuedCount).toBe(0);
  });

  test('lets a statement go at its limit, counted from its arrival', async () => {
    const model = build({ maxConcurrency: 1 });
    await model.run(60);
    model.pass(10);
    const impatient = queueUp(model, 5, { queueLimitMs: 20_000 });
    const patient = queueUp(model, 5);
    model.pass(100);
    expect(await impatient).toBe('limit at 30');
    expect(model.warehouse.queuedCount).toBe(0);
    await turn();
    model.pass(10);
    expect(await patient).toBe('#1 60–65');
  });

  test('gives a place that is freed at the very second of the limit', async () => {
    const model = build({ maxConcurrency: 1 });
    await model.run(20);
    const last = queueUp(model, 5, { queueLimitMs: 20_000 });
    model.pass(60);
    await turn();
    expect(await last).toBe('#1 20–25');
  });

  test('keeps the warehouse from suspending, and is given more room by a larger concurrency', async () => {
    const model = build({ maxConcurrency: 1 });
    await model.run(10);
    const second = queueUp(model, 10);
    model.pass(5);
    model.set({ maxConcurrency: 2 });
    await turn();
    model.pass(20);
    expect(await second).toBe('#1 5–15');
  });

  test('has an end', async () => {
    const model = build({ maxConcurrency: 1 });
    await model.run(10);
    for (let count = 0; count < QUEUE_MAX; count += 1) model.warehouse.enter();
    expect((await model.warehouse.enter().placed).how).toBe('full');
  });

  test('is aborted with everything that runs', () => {
    const model = build({ maxConcurrency: 1 });
    const aborted: string[] = [];
    model.warehouse.enter({ onAbort: () => aborted.push('placed') });
    model.warehouse.enter({ onAbort: () => aborted.push('queued') });
    model.warehouse.abortAll();
    expect(aborted.sort()).toEqual(['placed', 'queued']);
  });
});

describe('suspending and dropping', () => {
  test('a suspension waits for running statements; a statement after it starts the warehouse anew', async () => {
    const model = build();
    await model.run(10);
    expect(model.warehouse.suspend('USER')).toBe(true);
    expect(model.warehouse.suspend('USER')).toBe(false);
    expect(model.warehouse.state).toBe('STARTED');
    model.pass(4);
    const next = await model.run(2);
    model.pass(7);
    expect((await next.ended).cluster).toBe(2);
    expect(model.story()).toEqual([
      '0 RESUMED AUTORESUME',
      '4 #2 RESUMED AUTORESUME',
      '10 SUSPENDED USER',
    ]);
  });

  test('a suspension waits for a statement that is not weighed yet, and forgets it when it is free', async () => {
    const model = build();
    const { place } = await model.run(1);
    model.pass(5);
    const pending = model.warehouse.enter();
    const free = model.warehouse.enter();
    await Promise.all([pending.placed, free.placed]);
    model.warehouse.suspend('USER', { user: 'ADA', role: 'ACCOUNTADMIN' });
    model.pass(2);
    const ended = pending.weigh(() => 10_000, 0);
    model.pass(20);
    expect(await secondOf(ended)).toBe(15);
    expect(model.story()).toEqual(['0 RESUMED AUTORESUME']);
    free.leave();
    place.leave();
    expect(model.story().at(-1)).toBe('15 SUSPENDED USER');
    expect(model.events.at(-1)).toMatchObject({ user: 'ADA', role: 'ACCOUNTADMIN' });
  });

  test('without auto-resume a suspending warehouse is of no use to new statements', async () => {
    const model = build({ autoResume: false });
    expect(model.warehouse.isUsable).toBe(false);
    model.warehouse.resume('USER');
    expect(model.warehouse.isUsable).toBe(true);
    await model.run(10);
    model.warehouse.suspend('USER');
    expect(model.warehouse.isUsable).toBe(false);
    expect(model.warehouse.resume('USER')).toBe(true);
    expect(model.warehouse.isUsable).toBe(true);
  });

  test('a drop lets the queue go and what runs end', async () => {
    const model = build({ maxConcurrency: 1 });
    const { ended } = await model.run(10);
    const queued = model.warehouse.enter();
    model.warehouse.drop();
    expect((await queued.placed).how).toBe('left');
    expect((await model.warehouse.enter().placed).how).toBe('left');
    expect(model.warehouse.isGone).toBe(false);
    model.pass(20);
    expect(await secondOf(ended)).toBe(10);
    expect(model.warehouse.isGone).toBe(true);
    expect(model.story()).toEqual(['0 RESUMED AUTORESUME', '10 DROPPED USER']);
  });

  test('the drop of a suspended warehouse is told too', () => {
    const model = build();
    model.warehouse.drop();
    expect(model.warehouse.isGone).toBe(true);
    expect(model.story()).toEqual(['0 DROPPED USER']);
  });

  test('closing ends everything at once', async () => {
    const model = build({ maxConcurrency: 1 });
    const { ended } = await model.run(10);
    const queued = model.warehouse.enter();
    model.pass(3);
    model.warehouse.close('SHUTDOWN');
    expect(await ended).toMatchObject({ how: 'left', at: START + 3000 });
    expect((await queued.placed).how).toBe('left');
    expect(model.story()).toEqual(['0 RESUMED AUTORESUME', '3 SUSPENDED SHUTDOWN']);
  });

  test('a rename while it runs is told under the same number', async () => {
    const model = build();
    await model.run(10);
    model.pass(1);
    model.set({ name: 'V' });
    model.pass(100);
    expect(model.events.map((event) => event.warehouse)).toEqual(['W', 'V', 'V']);
    expect(new Set(model.events.map((event) => event.warehouseId)).size).toBe(1);
    expect(model.story()[1]).toBe('1 RESIZED RENAMED');
  });
});

describe('a start that takes time', () => {
  test('makes the statement that caused it wait, and is not billed before it is over', async () => {
    const model = build({}, 5);
    const { ended } = await model.run(10, 12);
    model.pass(2);
    const second = await model.run(1);
    model.pass(100);
    expect(await ended).toMatchObject({
      how: 'done',
      runningSince: START + 5000,
      at: START + 15_000,
      provisioningMs: 5000,
    });
    expect(await second.ended).toMatchObject({ runningSince: START + 5000, provisioningMs: 3000 });
    expect(model.story()).toEqual(['5 RESUMED AUTORESUME', '75 SUSPENDED AUTOSUSPEND']);
  });

  test('takes none unless it is asked for', async () => {
    const model = build();
    const { ended } = await model.run(10);
    model.pass(10);
    expect((await ended).provisioningMs).toBe(0);
  });
});
