import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import { connectService, type ServiceConnection } from '../../base/snowflake/service-connection.js';
import { importAndAllocate } from '../../cli/usage-import.js';
import { expectInvariants } from '../support/database.js';
import { connectNode } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

let system: System;
let service: ServiceConnection;

beforeAll(async () => {
  system = await startSystem({ latencyScale: 0 });
  service = await connectService({
    origin: system.warehouseUrl,
    account: 'demo',
    ...system.service,
  });
  await service.query("CALL SYSTEM$SEED_MONTH('2026-10', 'attribution', 60)");
  const client = await connectNode(system.proxyUrl, { warehouse: 'STANDARD_WH' });
  for (let count = 0; count < 3; count += 1)
    await client.rows(
      "SELECT COUNT(*) FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE = '2026-03-05' AND COUNTRY = 'DE'",
    );
  await client.close();
  // Nobody's statement of the account: it never met the proxy.
  const direct = await connectNode(system.warehouseUrl, {
    username: 'sales_analyst',
    warehouse: 'STANDARD_WH',
  });
  await direct.rows(
    "SELECT COUNT(*) FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE = '2026-03-06' AND COUNTRY = 'DE'",
  );
  await direct.close();
}, 300_000);

afterAll(async () => {
  await service?.close();
  await system?.stop();
});

const imported = (): ReturnType<typeof importAndAllocate> =>
  importAndAllocate(system.database.db, service, {
    account: 'demo',
    now: Date.now(),
    from: Date.UTC(2026, 9, 1),
    log: silentLog,
  });

test('every metered hour of a month and of today is allocated, to the last unit of it', async () => {
  const first = await imported();
  console.log(first);
  const { db } = system.database;
  const { rows } = await db.query(
    'SELECT bucket, reason, count(*), sum(credits) FROM allocation_line GROUP BY 1, 2 ORDER BY 1, 2',
  );
  console.table(rows);
  console.table(
    (
      await db.query(
        'SELECT warehouse, problem, method, count(*) FROM usage_warehouse_hour group by 1,2,3',
      )
    ).rows,
  );
  await expectInvariants(db);
  expect(1).toBe(1);
}, 300_000);
