/** Options of how a replica uses the ledger; a part of the table in settings.ts. */
import { wholeNumber } from './setting-parsers.js';
import type { Setting } from './setting.js';

export interface LedgerConfig {
  readonly ledgerBatchMax: number;
  readonly ledgerWaitingMax: number;
  readonly leaseFromPerSecond: number;
}

export const LEDGER_SETTINGS: { readonly [K in keyof LedgerConfig]: Setting<LedgerConfig[K]> } = {
  ledgerBatchMax: {
    environment: 'TOLLGATE_LEDGER_BATCH_MAX',
    yaml: 'ledger.batchMax',
    parse: wholeNumber(1, 1000),
    fallback: 256,
    fallbackText: '256',
    secret: false,
    help: 'Statements that are held, marked as sent, settled or released in one transaction, at most.',
    wayOut: 'write for example 256, or 1 for one transaction each',
  },
  ledgerWaitingMax: {
    environment: 'TOLLGATE_LEDGER_WAITING_MAX',
    yaml: 'ledger.waitingMax',
    parse: wholeNumber(100, 1_000_000),
    fallback: 10_000,
    fallbackText: '10000',
    secret: false,
    help: 'Statements that wait for one kind of move of the ledger; more are refused with TG2501.',
    wayOut: 'write for example 10000',
  },
  leaseFromPerSecond: {
    environment: 'TOLLGATE_LEASE_FROM_PER_SECOND',
    yaml: 'ledger.leaseFromPerSecond',
    parse: wholeNumber(0, 1_000_000),
    fallback: 50,
    fallbackText: '50',
    secret: false,
    help: 'Statements a second on the same budgets from which a replica leases parts of them; 0 = never.',
    wayOut: 'write for example 50, or 0 for every decision on the budget itself',
  },
};
