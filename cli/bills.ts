/** Bills of the API: months from the ledger, by the control document in force, rendered off the event loop. */
import { monthTerms } from '../admin/api/month-terms.js';
import type { BillsApi } from '../admin/api/bills-api.js';
import { createObjectStore } from '../admin/deliveries/object-store.js';
import { createMailer } from '../admin/mail.js';
import { must } from '../base/assert.js';
import type { Config, Secrets } from '../base/config.js';
import type { Database } from '../base/postgres/pool.js';
import { type Clock, tryParseMonth } from '../base/time.js';
import { readBill, readBilledMonth, readMonthAsOf } from '../billing/bills/read-billed-month.js';
import { createBillRenderer } from '../billing/bills/render/render-host.js';

export function billsApi(db: Database, clock: Clock, settings: Config & Secrets): BillsApi {
  return {
    targets: { mailer: createMailer(settings), objectStore: createObjectStore(settings) },
    renderer: createBillRenderer(),
    readMonth: monthReader(db, clock),
    readBill: billReader(db, clock),
    readMonthAsOf: (month, at) => readMonthAsOf(db, month, at),
  };
}

/** Reads the bill of one team of such a month. */
export function billReader(db: Database, clock: Clock): BillsApi['readBill'] {
  return async (month, teamId) => {
    const period = must(tryParseMonth(month), 'a route has checked the month');
    return readBill(db, month, teamId, await monthTerms({ db, clock }, period));
  };
}

/** Reads a month of the ledger as it is billed, by the control document in force. */
export function monthReader(db: Database, clock: Clock): BillsApi['readMonth'] {
  return async (month) => {
    const period = must(tryParseMonth(month), 'a route has checked the month');
    return readBilledMonth(db, month, await monthTerms({ db, clock }, period));
  };
}
