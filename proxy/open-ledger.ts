/** What stands between a replica and its ledger: leases, the journal, the settler, and what is admitted without it. */
import { join } from 'node:path';
import type { Lifecycle } from '#base/lifecycle.js';
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import { assertTakesWrites, type Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import type { BatchLimits } from '#billing/batches.js';
import { createLedger } from '#billing/create-ledger.js';
import type { Ledger } from '#billing/ledger.js';
import { ledgerCall } from '#billing/postgres/availability.js';
import { postOffline } from '#billing/postgres/post-offline.js';
import { quarantine } from '#billing/quarantine.js';
import type { Events } from './events.js';
import { createLedgerMetrics } from './ledger-metrics.js';
import { startLeaseKeeper, type LeaseKeeper } from './leases.js';
import { Offline } from './offline/offline.js';
import { openJournal } from './settlement/journal.js';
import { Settler } from './settlement/settler.js';

const JOURNAL_BYTES_MAX = 1024 ** 3;

export interface OpenLedgerOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly dataDir: string;
  readonly replica: string;
  readonly events: Events;
  readonly ledgerLimits?: BatchLimits;
  readonly leaseFromPerSecond?: number;
}

export interface OpenLedger {
  readonly ledger: Ledger;
  readonly leaseKeeper: LeaseKeeper;
  readonly settler: Settler;
  readonly offline: Offline;
}

/** They are stopped in the reverse order, the settler before the leases it may still need. */
export async function openLedger(options: OpenLedgerOptions, life: Lifecycle): Promise<OpenLedger> {
  const { db, clock, log, metrics, events, ledgerLimits } = options;
  const directory = join(options.dataDir, 'journal');
  const journal = await openJournal({ directory, bytesMax: JOURNAL_BYTES_MAX, log });
  // Nothing is waited for from here on: what fails finds the others there.
  const leaseKeeper = life.add(
    'leases',
    startLeaseKeeper({ ...options, onFailure: (thrown) => offline.suspect(thrown) }),
  );
  const { leases } = leaseKeeper;
  const ledger = createLedger(db, clock, {
    leases,
    ...(ledgerLimits === undefined ? {} : { limits: ledgerLimits }),
    ...createLedgerMetrics(metrics),
  });
  const settler = new Settler({
    ledger,
    journal,
    log,
    events,
    quarantine: (settlement, reason) => quarantine(db, settlement, reason, clock.now()),
    post: async (statement) =>
      offline.posted(statement, await ledgerCall(() => postOffline(db, statement))),
  });
  const offline = new Offline({
    clock,
    log,
    metrics,
    leases,
    realNow: () => performance.now(),
    ask: () => assertTakesWrites(db),
    keep: (statement) => settler.admitted(statement),
    unposted: () => settler.unposted,
  });
  life.add('settler', { stop: (signal) => settler.drain(signal) });
  life.add('offline', offline);
  return { ledger, leaseKeeper, settler, offline };
}
