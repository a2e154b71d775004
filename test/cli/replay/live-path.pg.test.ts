/**
 * The same comparison with the ledger on Postgres: what the proxy reads of budgets, holds and is refused, and what a replay
 * does with its own, for histories in which they are used up; every second one with leases on every path.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ensureControl } from '../../../admin/stores/control-store.js';
import { must } from '../../../base/assert.js';
import type { TicketId } from '../../../base/ids.js';
import type { Database } from '../../../base/postgres/pool.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { Leases } from '../../../billing/leases.js';
import { beat } from '../../../billing/postgres/replicas.js';
import { buildSettlement } from '../../support/builders.js';
import { type ManualClock, manualClock } from '../../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../../support/database.js';
import { longRun } from '../../support/long-run.js';
import { LIVE_REPLICA } from './live-path.js';
import { analysedTexts, type LiveMoney, World } from './live-world.js';
import { limitedDocuments, rowsOf, WORLD_BEGINS_AT } from './worlds.js';

const ROWS = 40;

/** The real one; statements that both sides let in hold and are charged. */
function ledgerOf(db: Database, clock: ManualClock, leases: Leases | undefined): LiveMoney {
  const ledger = createLedger(db, clock, leases === undefined ? {} : { leases });
  const tickets = new Map<string, TicketId>();
  let taken: TicketId | null = null;
  return {
    ledger: {
      async reserve(request) {
        clock.set(request.ticket.occurredAt);
        const outcome = await ledger.reserve(request);
        if (outcome.kind === 'held') taken = request.ticket.ticketId;
        return outcome;
      },
      standing: (ids, at) => ledger.standing(ids, at),
      recordRefusal: (ticketId, told) => ledger.recordRefusal(ticketId, told),
    },
    async answered(queryId, isAdmitted) {
      if (taken !== null && isAdmitted) tickets.set(queryId, taken);
      else if (taken !== null) await ledger.release(taken, { kind: 'failed', reason: 'not sent' });
      taken = null;
    },
    async ended(queryId, usedCredits, at) {
      const ticketId = tickets.get(queryId);
      if (ticketId === undefined) return;
      clock.set(at);
      await ledger.settle(buildSettlement(ticketId, { usedCredits, startedAt: at, endedAt: at }));
    },
  };
}

/** Of a replica whose every path is busy. */
async function busyLeases(db: Database, clock: ManualClock): Promise<Leases> {
  await beat(db, LIVE_REPLICA, { version: null, problem: null });
  return new Leases({
    db,
    clock,
    replica: LIVE_REPLICA,
    fromPerSecond: 1,
    realNow: () => clock.now(),
    calmMs: 0,
    onProblem: (cause) => {
      throw cause;
    },
  });
}

test('a replay answers by its own budgets as the proxy does by the ledger', async () => {
  const long = longRun('replay-live', 6);
  const worlds = fc.sample(fc.tuple(limitedDocuments, rowsOf(ROWS)), {
    seed: 27_112_026 + long.seed,
    numRuns: long.count,
  });
  const factsOf = await analysedTexts();
  const met = new Map<string, number>();
  let leased = 0;
  for (const [index, [document, rows]] of worlds.entries()) {
    const database = await createTestDatabase({ connectionsMax: 2 });
    try {
      await ensureControl(database.db, document, WORLD_BEGINS_AT);
      const clock = manualClock(WORLD_BEGINS_AT);
      const leases = index % 2 === 0 ? undefined : await busyLeases(database.db, clock);
      const moneyOf = (): LiveMoney => ledgerOf(database.db, clock, leases);
      const world = new World({ document, freezes: [], factsOf, moneyOf, met });
      for (const row of rows) {
        expect(await world.compare(row)).toEqual([]);
        leased += (leases?.size ?? 0) > 0 ? 1 : 0;
      }
      await world.passUntil(Infinity);
      await leases?.stop();
      await expectNoOpenHolds(database.db);
      await expectInvariants(database.db);
    } finally {
      await database.drop();
    }
  }
  for (const what of ['budgetExceeded', 'moved', 'allowed in batch', 'ruleRefused'])
    expect(must(met.get(what), what), what).toBeGreaterThan(0);
  expect(leased).toBeGreaterThan(0);
  const answers = [...met].filter(([what]) => /^[a-z]+[A-Z]|^allowed/.test(what));
  long.report({
    worlds: worlds.length,
    statements: answers.reduce((sum, [, times]) => sum + times, 0),
    moved: met.get('moved') ?? 0,
    refusedByBudgets: met.get('budgetExceeded') ?? 0,
    withLeases: leased,
  });
}, 600_000);
