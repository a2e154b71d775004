import type { Database } from '#base/postgres/pool.js';
import type { Log } from '#base/log.js';
import type { Ledger } from '#billing/ledger.js';
import { writeRunsAt } from '#billing/postgres/runs-at.js';
import { BudgetUses } from './ladder-standings.js';
import type { Parts } from './parts.js';
import { Switching } from './switching/in-its-warehouse.js';
import { SessionSwitches } from './switching/session-switches.js';

export type TierParts = Pick<Parts, 'budgetUses' | 'runsAt' | 'switching'>;

/** What ladders, off-peak hours and switched warehouses keep. */
export function createTierParts(options: {
  readonly db: Database;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly replica: string;
  readonly realNow: () => number;
}): TierParts {
  const { db, replica } = options;
  return {
    budgetUses: new BudgetUses(options),
    runsAt: (ticketId, at) => writeRunsAt(db, ticketId, at),
    switching: new Switching(new SessionSwitches(db, replica)),
  };
}
