/**
 * Random sequences of moves, also of those that change what a budget may spend, against the ledger and against a model of
 * a few lines. After every sequence all amounts agree and every invariant view is empty. A failing run prints its seed.
 * Planted by hand and seen here: a transfer that asks the limit instead of what is left, a grant that is taken back twice.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../base/assert.js';
import { NO_CREDITS } from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import { expireGrants, grant } from '../../billing/control-writes.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { transfer } from '../../billing/transfer.js';
import { NOON, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';
import {
  again,
  giveBack,
  type ModelBudget,
  type ModelTicket,
  reserve,
  send,
  settle,
  topUp,
} from '../support/ledger-model.js';
import { mutantOf, type Mutations } from '../support/mutant-database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 2 });
  ledger = createLedger(database.db, manualClock());
});
afterAll(() => database.drop());

interface GrantedBudget extends ModelBudget {
  /** Granted until {@link GRANT_ENDS_AT}. */
  granted: bigint;
}

const GRANT_ENDS_AT = NOON + 60_000;

const amount = fc.bigInt({ min: 0n, max: 4_000_000_000_000n });
const move = fc.oneof(
  fc.record({
    kind: fc.constant('reserve' as const),
    path: fc.integer({ min: 0, max: 7 }),
    amount,
  }),
  fc.record({
    kind: fc.constantFrom('topUp', 'settle', 'release', 'send', 'evidence', 'again'),
    pick: fc.nat(),
    amount,
  }),
  fc.record({
    kind: fc.constantFrom('grant', 'grantsEnd', 'transfer'),
    from: fc.constantFrom(0, 1, 2),
    to: fc.constantFrom(0, 1, 2),
    amount: fc.bigInt({ min: 1n, max: 4_000_000_000_000n }),
  }),
);
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

let keys = 0;

/** Credits given for a minute, their end, and credits moved: what is spent and held stays covered. */
async function changeLimits(
  budgets: readonly GrantedBudget[],
  step: Extract<Move, { readonly from: number }>,
): Promise<void> {
  const [giver, taker] = [must(budgets[step.from], 'a budget'), must(budgets[step.to], 'a budget')];
  const change = { author: 'ann', reason: 'x', at: NOON };
  const credits = step.amount as Credits;
  keys += 1;
  const idempotencyKey = `model-${keys}`;
  if (step.kind === 'grant') {
    if (taker.limit === null) return;
    const until = GRANT_ENDS_AT;
    const asked = { ...change, budgetId: taker.id, credits, until, idempotencyKey };
    await database.db.transaction((tx) => grant(tx, asked));
    taker.limit += credits;
    taker.granted += credits;
  } else if (step.kind === 'grantsEnd') {
    const taken = await database.db.transaction((tx) => expireGrants(tx, GRANT_ENDS_AT));
    expect(taken).toBe(budgets.reduce((sum, budget) => sum + budget.granted, 0n));
    for (const budget of budgets) {
      if (budget.limit !== null) budget.limit -= budget.granted;
      budget.granted = 0n;
    }
  } else if (giver !== taker) {
    const asked = { ...change, giverId: giver.id, takerId: taker.id, credits, idempotencyKey };
    const outcome = await database.db.transaction((tx) => transfer(tx, asked));
    if (giver.limit === null || taker.limit === null) {
      expect(outcome.kind).toBe('unlimited');
      return;
    }
    const left = giver.limit - giver.spent - giver.held;
    if (left < credits) {
      expect(outcome).toEqual({ kind: 'short', giverAvailableCredits: left });
      return;
    }
    expect(outcome).toMatchObject({ kind: 'transferred', giverAvailableCredits: left - credits });
    giver.limit -= credits;
    taker.limit += credits;
  }
}

async function apply(
  budgets: readonly GrantedBudget[],
  tickets: ModelTicket[],
  step: Move,
): Promise<void> {
  if (step.kind === 'reserve') {
    const path = budgets.filter((_, index) => (step.path >> index) % 2 === 1);
    return reserve(ledger, tickets, path, step.amount);
  }
  if ('from' in step) return changeLimits(budgets, step);
  const ticket = tickets[step.pick % Math.max(tickets.length, 1)];
  if (ticket === undefined) return;
  switch (step.kind) {
    case 'topUp':
      return topUp(ledger, ticket, step.amount);
    case 'settle':
      return settle(ledger, ticket, step.amount);
    case 'release':
      return giveBack(ledger, ticket, false);
    case 'evidence':
      return giveBack(ledger, ticket, true);
    case 'again':
      return again(ledger, ticket);
    case 'send':
      return send(ledger, ticket);
  }
}

let run = 0;

/** Moves against the ledger and the model; one that is found wrong rejects. */
function sequences(numRuns: number): Promise<void> {
  return fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 5, maxLength: 60 }), async (steps) => {
      run += 1;
      const budgets: GrantedBudget[] = [
        {
          id: `hard-${run}`,
          limit: 10_000_000_000_000n,
          isHard: true,
          spent: 0n,
          held: 0n,
          granted: 0n,
        },
        {
          id: `soft-${run}`,
          limit: 3_000_000_000_000n,
          isHard: false,
          spent: 0n,
          held: 0n,
          granted: 0n,
        },
        { id: `free-${run}`, limit: null, isHard: true, spent: 0n, held: 0n, granted: 0n },
      ];
      for (const budget of budgets) {
        await insertBudget(database.db, { ...budget, limit: budget.limit as Credits | null });
      }
      const tickets: ModelTicket[] = [];
      for (const step of steps) await apply(budgets, tickets, step);
      for (const ticket of tickets) await giveBack(ledger, ticket, true);
      const standings = await ledger.standing(
        budgets.map(({ id }) => id),
        NOON,
      );
      expect(
        standings.map(({ spentCredits, heldCredits, limitCredits }) => ({
          spentCredits,
          heldCredits,
          limitCredits,
        })),
      ).toEqual(
        budgets.map(({ spent, limit }) => ({
          spentCredits: spent,
          heldCredits: NO_CREDITS,
          limitCredits: limit,
        })),
      );
      // Grants of this sequence end with it, so that the next one counts its own.
      await database.db.transaction((tx) => expireGrants(tx, GRANT_ENDS_AT));
      await expectInvariants(database.db);
      await expectNoOpenHolds(database.db);
    }),
    { numRuns, endOnFailure: true },
  );
}

test(
  'criterion 16: any sequence of moves leaves the ledger where the model says, with every invariant intact',
  { timeout: 60_000 },
  () => sequences(60),
);

test.each<readonly [string, Mutations]>([
  [
    'an admission that nothing is asked of',
    {
      'billing.reserve_batch': [
        {
          text: /SELECT coalesce\(bool_and\([\s\S]*?\), true\) AS is_ample/,
          becomes: 'SELECT true AS is_ample',
        },
      ],
    },
  ],
  [
    'a settlement that leaves the hold',
    {
      'billing.settle_batch': [
        {
          text: 'coalesce(sum(held) FILTER (WHERE NOT is_leased), 0) AS held',
          becomes: '0::numeric AS held',
        },
      ],
    },
  ],
  [
    'a top-up that forgets its period',
    { 'billing.top_up': [{ text: 'ELSE a.added END,', becomes: 'ELSE 0 END,' }] },
  ],
])('the model finds %s', { timeout: 60_000 }, async (_, mutations) => {
  const real = ledger;
  const own = await createTestDatabase({ connectionsMax: 2 });
  const other = database;
  database = own;
  const db = mutantOf(own.db, mutations);
  ledger = createLedger(db, manualClock());
  try {
    await expect(sequences(60)).rejects.toThrow(/Property failed/);
    expect(db.changed.size).toBe(1);
  } finally {
    database = other;
    ledger = real;
    await own.drop();
  }
});
