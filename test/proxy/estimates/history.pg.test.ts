import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../../base/assert.js';
import { silentLog } from '../../../base/log.js';
import { createMetrics } from '../../../base/metrics.js';
import { historyKeys } from '../../../policies/estimate/shape.js';
import { HistoryCache } from '../../../proxy/estimates/history.js';
import { anOutcome, aShape } from '../../policies/builders.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const shape = aShape({ fingerprint: 'f', warehouseSize: 'MEDIUM', tier: 'standard' });
const believed = { level: 'shape-size', logMean: 4, sigma: 0.3 } as const;
const seen = anOutcome({ shape, creditsPerHour: 4, seconds: 100, believed });
const keyOf = (kind: 'shape' | 'shape-size' | 'values', of = shape): string =>
  must(historyKeys(of)[kind], 'the shape has a key of the kind');

function cacheOf(replica: string): HistoryCache {
  return new HistoryCache({ db: database.db, log: silentLog, metrics: createMetrics(), replica });
}

test('what a shape took on one account is not believed of another, after a restart too', async () => {
  const cache = cacheOf('one');
  for (let n = 0; n < 5; n += 1) cache.record('alpha', seen);
  await cache.stop();
  const again = cacheOf('one');
  await again.load();
  for (const each of [cache, again]) {
    for (const kind of ['shape-size', 'shape'] as const) {
      expect(each.viewOf('alpha').lookup(kind, keyOf(kind))?.count).toBe(5);
      expect(each.viewOf('beta').lookup(kind, keyOf(kind))).toBeUndefined();
    }
    expect(each.viewOf('beta').quantile('shape-size', 'standard')).toBe(
      cache.viewOf('alpha').quantile('shape-size', 'standard'),
    );
  }
  await again.stop();
});

test('what one replica learnt the others know at their next look', async () => {
  const [one, two] = [cacheOf('first'), cacheOf('second')];
  await two.load();
  const other = aShape({ fingerprint: 'shared' });
  one.record('alpha', anOutcome({ shape: other, seconds: 7 }));
  await one.synchronise();
  expect(two.viewOf('alpha').lookup('shape', keyOf('shape', other))).toBeUndefined();
  await two.synchronise();
  const learnt = two.viewOf('alpha').lookup('shape-size', keyOf('shape-size', other));
  expect(learnt).toEqual(one.viewOf('alpha').lookup('shape-size', keyOf('shape-size', other)));
  expect(learnt?.count).toBe(1);
  await one.stop();
  await two.stop();
});

test('literals that came once are not written, those that came again are', async () => {
  const cache = cacheOf('literals');
  const once = aShape({ fingerprint: 'x', literalsHash: 'once' });
  const twice = aShape({ fingerprint: 'x', literalsHash: 'twice' });
  cache.record('alpha', anOutcome({ shape: once }));
  for (let n = 0; n < 2; n += 1) cache.record('alpha', anOutcome({ shape: twice }));
  await cache.stop();
  const again = cacheOf('literals');
  await again.load();
  expect(again.viewOf('alpha').lookup('values', keyOf('values', once))).toBeUndefined();
  expect(again.viewOf('alpha').lookup('values', keyOf('values', twice))?.count).toBe(2);
  await again.stop();
});

test('a batch that two turns would have to read is read whole', async () => {
  const [one, two] = [cacheOf('writer'), cacheOf('reader')];
  await two.load();
  const shapes = Array.from({ length: 700 }, (_, index) =>
    aShape({ fingerprint: `many-${index}` }),
  );
  one.record('alpha', anOutcome({ shape: aShape({ fingerprint: 'first' }) }));
  await one.synchronise();
  // A thousand keys at one instant, of which the first thousand rows that are read have a part.
  for (const each of shapes) one.record('alpha', anOutcome({ shape: each }));
  await one.synchronise();
  await one.synchronise();
  await two.synchronise();
  await two.synchronise();
  const missing = shapes.flatMap((each) =>
    (['shape', 'shape-size'] as const).filter(
      (kind) => two.viewOf('alpha').lookup(kind, keyOf(kind, each)) === undefined,
    ),
  );
  expect(missing).toEqual([]);
  await one.stop();
  await two.stop();
});
