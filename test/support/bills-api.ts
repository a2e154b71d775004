/** Bills of the API as the composition root makes them, of a database alone: nothing is sent anywhere. */
import type { BillsApi } from '../../admin/api/bills-api.js';
import type { Database } from '../../base/postgres/pool.js';
import type { Clock } from '../../base/time.js';
import { readMonthAsOf } from '../../billing/bills/read-billed-month.js';
import { createBillRenderer } from '../../billing/bills/render/render-host.js';
import { billReader, monthReader } from '../../cli/bills.js';

export function testBillsApi(db: Database, clock: Clock): BillsApi {
  return {
    targets: { mailer: null, objectStore: null },
    renderer: createBillRenderer(),
    readMonth: monthReader(db, clock),
    readBill: billReader(db, clock),
    readMonthAsOf: (month, at) => readMonthAsOf(db, month, at),
  };
}
