import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../base/assert.js';
import { parseCredits } from '../../base/units.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { ownerQuery } from './support/owner-query.js';
import { connectNode, type Client } from './support/node-driver.js';
import { startGate, type TcpGate } from '../support/tcp-gate.js';
import { eventually } from './support/eventually.js';
import { startSystem, type System } from './support/system.js';

/**
 * 64 equal statements against a budget of ten and a half holds. Shown to look: with the check taken out of
 * `billing/postgres/reserve-batch.ts` (`fits` always true) all 64
 * run and none is refused; they contend for the warehouse so long that the time limit had to be raised to see it.
 */
const STATEMENTS = 64;
/** Ten at once take seven seconds of the warehouse, and all are judged within one: none has ended by then. */
const WAITING = 'SELECT SYSTEM$WAIT(3)';
const HOLD = '0.2';
const LIMIT = '2.1';
/** What soft budgets admit without their ledger, at 3 USD a credit: a few statements that the history knows. */
const ALLOWED_USD = '0.15';
/** Ten holds. */
const ALL_HELD = '2';

let system: System;
let gate: TcpGate;
const clients: Client[] = [];

beforeAll(async () => {
  system = await startSystem({
    databaseVia: async (port) => {
      gate = await startGate(port);
      return gate;
    },
    control: (document) => ({
      ...document,
      tiers: document.tiers.map((tier) =>
        tier.id === 'standard'
          ? { ...tier, guessHoldCredits: HOLD, concurrencyMax: STATEMENTS }
          : tier,
      ),
      budgets: document.budgets.map((budget) =>
        budget.id === 'marketing-monthly'
          ? { ...budget, limitCredits: LIMIT }
          : budget.node === 'operations' || budget.node === document.organisation.id
            ? { ...budget, hard: false, failMode: { kind: 'allowance', amount: ALLOWED_USD } }
            : budget,
      ),
    }),
  });
  await watchHighWaterMark(system);
  for (let index = 0; index < STATEMENTS; index += 1)
    clients.push(await connectNode(system.proxyUrl));
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await system?.stop();
  await gate?.stop();
});

test(
  'of 64 equal statements at one barrier ten run, 54 are refused, and the limit is never passed',
  { timeout: 60_000 },
  async () => {
    // Warm: the first statement waits for the parser, which must not spread the barrier.
    await clients[0]?.rows('SELECT 1');
    const results = await Promise.all(clients.map((client) => client.run(WAITING)));
    const ran = results.filter((result) => result.kind === 'rows');
    const refused = results.filter((result) => result.kind === 'error');
    expect(ran).toHaveLength(10);
    expect(refused).toHaveLength(54);
    for (const result of refused) expect(result).toMatchObject({ code: '712001' });
    const waits = system.warehouse.queryHistory().filter((each) => each.started.text === WAITING);
    expect(waits).toHaveLength(10);
    const mark = await ownerQuery<{ most: string }>(
      system.database,
      'SELECT max(committed) AS most FROM high_water',
    );
    // Holds share commits, so their number says nothing; that the fullest moment was seen does: ten holds at once.
    const most = parseCredits(mark[0]?.most ?? '0');
    expect(most >= parseCredits(ALL_HELD)).toBe(true);
    expect(most <= parseCredits(LIMIT)).toBe(true);
    await eventually(() => expectNoOpenHolds(system.database.db));
    await expectInvariants(system.database.db);
  },
);

test(
  'without Postgres a soft budget admits what it allows, a hard one nothing, and the ledger has all of it afterwards, once',
  { timeout: 60_000 },
  async () => {
    const operations = await connectNode(system.proxyUrl, { username: 'operations_analyst' });
    await operations.rows('SELECT 1');
    const before = await setAside();
    const ran = await whileShut(operations);
    await eventually(async () => {
      const { posted, charged, money } = await offlineCharges();
      expect({ posted, charged }).toEqual({ posted: ran, charged: ran });
      expect(money).toBeLessThanOrEqual(Number(ALLOWED_USD));
    });
    expect(await operations.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
    await eventually(async () => expect(await setAside()).toBe(before));
    await expectInvariants(system.database.db);
    await operations.close();
  },
);

/** Runs statements without Postgres until the allowance is used up; how many ran. */
async function whileShut(client: Client): Promise<number> {
  await gate.shut();
  try {
    // The first finds out; what is asked of a ledger that goes away is not admitted otherwise.
    await eventually(async () =>
      expect(await client.run('SELECT SYSTEM$WAIT(0)')).toMatchObject({ kind: 'rows' }),
    );
    const hard = await clients[0]?.run('SELECT SYSTEM$WAIT(0)');
    expect(hard).toMatchObject({ kind: 'error', code: '712501', sqlState: '42501' });
    expect(hard?.kind === 'error' ? hard.message : '').toContain(
      'Not run, nothing charged: the ledger does not answer, and budget marketing-monthly has',
    );
    for (let ran = 1; ; ran += 1) {
      const result = await client.run('SELECT SYSTEM$WAIT(0)');
      if (result.kind === 'rows') continue;
      expect(result).toMatchObject({ code: '712501' });
      expect(result.message).toContain('what budgets allow for such a time is used up');
      return ran;
    }
  } finally {
    await gate.open();
  }
}

async function offlineCharges(): Promise<{ posted: number; charged: number; money: number }> {
  const { rows } = await system.database.db.query<{
    posted: number;
    charged: number;
    money: number;
  }>(
    `SELECT count(*)::integer AS posted, count(c.ticket_id)::integer AS charged,
         (3 * sum(o.admitted_credits))::double precision AS money
       FROM offline_admission o LEFT JOIN charge c ON c.ticket_id = o.ticket_id`,
  );
  return must(rows[0], 'an aggregate has one row');
}

async function setAside(): Promise<string> {
  const { rows } = await system.database.db.query<{ credits: string }>(
    'SELECT sum(held_credits + leased_credits) AS credits FROM budget_period',
  );
  return rows[0]?.credits ?? '';
}

/** Notes spent + held + leased at every commit that changes a budget period. */
async function watchHighWaterMark(target: System): Promise<void> {
  await ownerQuery(
    target.database,
    `CREATE TABLE tollgate.high_water (committed numeric NOT NULL);
     GRANT INSERT, SELECT ON tollgate.high_water TO PUBLIC;
     CREATE FUNCTION tollgate.note_high_water() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       INSERT INTO tollgate.high_water
       SELECT spent_credits + held_credits + leased_credits FROM tollgate.budget_period
        WHERE id = NEW.id AND budget_id = 'marketing-monthly';
       RETURN NULL;
     END $$;
     CREATE CONSTRAINT TRIGGER note_high_water AFTER UPDATE ON tollgate.budget_period
       DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tollgate.note_high_water();`,
  );
}
