import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import { historyKeys } from '../../../policies/estimate/history.js';
import { HistoryCache } from '../../../proxy/estimates/history.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const shape = { fingerprint: 'f', warehouseSize: 'MEDIUM', bytes: null };

test('what a shape took on one account is not believed of another, after a restart too', async () => {
  const cache = new HistoryCache(database.db, silentLog);
  for (let n = 0; n < 5; n += 1) {
    cache.record('alpha', {
      ...shape,
      tier: 'standard',
      creditsPerHour: 4,
      seconds: 100,
      statisticsSeconds: null,
    });
  }
  await cache.stop();
  const again = new HistoryCache(database.db, silentLog);
  await again.load();
  for (const each of [cache, again]) {
    for (const kind of ['shape-size', 'shape'] as const) {
      const key = historyKeys(shape)[kind];
      expect(each.viewOf('alpha').lookup(kind, key)?.count).toBe(5);
      expect(each.viewOf('beta').lookup(kind, key)).toBeUndefined();
    }
    expect(each.viewOf('beta').quantile('shape', 'standard')).toBe(
      each.viewOf('alpha').quantile('shape', 'standard'),
    );
  }
  await again.stop();
});
