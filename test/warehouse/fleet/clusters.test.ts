import { describe, expect, test } from 'vitest';
import { build, queueUp, turn } from './model.js';
import type { Model } from './model.js';

/** Statements of `work` seconds, all at once; what each came to after `seconds` in small steps. */
async function burst(model: Model, works: readonly number[], seconds: number): Promise<string[]> {
  const ends = works.map((work) => queueUp(model, work));
  await turn();
  for (let second = 0; second < seconds; second += 1) {
    model.pass(1);
    await turn();
  }
  return Promise.all(ends);
}

describe('a multi-cluster warehouse', () => {
  test('starts a cluster when statements would queue, and stops an idle one two minutes later', async () => {
    const model = build({ clustersMax: 3, maxConcurrency: 1 });
    expect(await burst(model, [10, 10, 20, 5], 20)).toEqual([
      '#1 0–10',
      '#2 0–10',
      '#3 0–20',
      '#1 10–15',
    ]);
    model.pass(1000);
    expect(model.story()).toEqual([
      '0 RESUMED AUTORESUME',
      '0 #2 RESUMED MULTICLUSTER_SPINUP',
      '0 #3 RESUMED MULTICLUSTER_SPINUP',
      '130 #2 SUSPENDED MULTICLUSTER_SPINDOWN',
      '135 SUSPENDED MULTICLUSTER_SPINDOWN',
      '135 #3 SUSPENDED AUTOSUSPEND',
    ]);
  });

  test('does not suspend before only the minimum is left, however short auto-suspend is', async () => {
    const model = build({ clustersMax: 2, maxConcurrency: 1, autoSuspendSeconds: 1 });
    await burst(model, [10, 10], 11);
    model.pass(118);
    expect(model.warehouse.clusters.started).toBe(2);
    model.pass(1);
    expect(model.story().slice(2)).toEqual([
      '130 #2 SUSPENDED MULTICLUSTER_SPINDOWN',
      '130 SUSPENDED AUTOSUSPEND',
    ]);
  });

  test('runs the minimum from its start on and never fewer', async () => {
    const model = build({ clustersMin: 2, clustersMax: 4, maxConcurrency: 2 });
    await burst(model, [10, 10], 11);
    model.pass(40);
    expect(model.warehouse.clusters.started).toBe(2);
    model.pass(20);
    expect(model.story()).toEqual([
      '0 RESUMED AUTORESUME',
      '0 #2 RESUMED MULTICLUSTER_SPINUP',
      '70 SUSPENDED AUTOSUSPEND',
      '70 #2 SUSPENDED AUTOSUSPEND',
    ]);
  });

  test('runs all clusters where minimum and maximum are the same', () => {
    const model = build({ clustersMin: 3, clustersMax: 3 });
    model.warehouse.resume('USER');
    expect(model.story()).toEqual([
      '0 RESUMED USER',
      '0 #2 RESUMED MULTICLUSTER_SPINUP',
      '0 #3 RESUMED MULTICLUSTER_SPINUP',
    ]);
  });

  test('puts a statement on the cluster with the fewest', async () => {
    const model = build({ clustersMin: 2, clustersMax: 2, maxConcurrency: 8 });
    const ends = await burst(model, [10, 30, 10, 10, 10], 31);
    expect(ends.map((end) => end.slice(0, 2))).toEqual(['#1', '#2', '#1', '#2', '#1']);
    await model.run(100);
    await model.run(10);
    model.pass(20);
    const third = queueUp(model, 1);
    await turn();
    model.pass(1);
    expect((await third).slice(0, 2)).toBe('#2');
  });

  test('costs nothing for statements that weigh nothing, however many there are', async () => {
    const model = build({ clustersMax: 2, maxConcurrency: 1 });
    await model.run(10);
    const free = model.warehouse.enter();
    expect((await free.placed).how).toBe('placed');
    free.leave();
    model.pass(10);
    expect(model.story()).toEqual(['0 RESUMED AUTORESUME']);
  });

  test('with ECONOMY starts a cluster only for six minutes of queued work', async () => {
    const model = build({ clustersMax: 2, maxConcurrency: 1, scalingPolicy: 'ECONOMY' });
    void queueUp(model, 600);
    await turn();
    const short = queueUp(model, 60, { expectedMs: 359_000 });
    await turn();
    expect(model.warehouse.queuedCount).toBe(1);
    const more = queueUp(model, 60, { expectedMs: 1000 });
    await turn();
    expect(model.warehouse.queuedCount).toBe(1);
    model.pass(61);
    await turn();
    model.pass(61);
    expect(await Promise.all([short, more])).toEqual(['#2 0–60', '#2 60–120']);
    model.pass(297);
    expect(model.warehouse.clusters.started).toBe(2);
    model.pass(1);
    expect(model.story().at(-1)).toBe('420 #2 SUSPENDED MULTICLUSTER_SPINDOWN');
  });

  test('with ECONOMY expects of a statement what the ones before it took', async () => {
    const model = build({ clustersMax: 2, maxConcurrency: 1, scalingPolicy: 'ECONOMY' });
    void queueUp(model, 200);
    await turn();
    const waiting = [queueUp(model, 10), queueUp(model, 10)];
    await turn();
    expect(model.story()).toEqual(['0 RESUMED AUTORESUME', '0 #2 RESUMED MULTICLUSTER_SPINUP']);
    model.pass(10);
    await turn();
    model.pass(10);
    expect(await Promise.all(waiting)).toEqual(['#2 0–10', '#2 10–20']);
  });

  test('a shorter auto-suspend counts from the change on', async () => {
    const model = build({ autoSuspendSeconds: 600 });
    await model.run(10);
    model.pass(100);
    model.set({ autoSuspendSeconds: 60 });
    model.pass(1);
    expect(model.story().at(-1)).toBe('100 SUSPENDED AUTOSUSPEND');
  });

  test('follows a changed minimum and maximum', async () => {
    const model = build({ clustersMax: 3, maxConcurrency: 1 });
    void queueUp(model, 100);
    await turn();
    model.set({ clustersMin: 3 });
    model.pass(5);
    model.set({ clustersMin: 1, clustersMax: 1 });
    model.pass(1);
    expect(model.story()).toEqual([
      '0 RESUMED AUTORESUME',
      '0 #2 RESUMED MULTICLUSTER_SPINUP',
      '0 #3 RESUMED MULTICLUSTER_SPINUP',
      '5 #3 SUSPENDED MULTICLUSTER_SPINDOWN',
      '5 #2 SUSPENDED MULTICLUSTER_SPINDOWN',
    ]);
  });
});
