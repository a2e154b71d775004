import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseCredits } from '../../base/units.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { ownerQuery } from './support/owner-query.js';
import { connectNode, type Client } from './support/node-driver.js';
import { eventually } from './support/eventually.js';
import { startSystem, type System } from './support/system.js';

/**
 * 64 equal statements against a budget of ten and a half holds. Shown to look: with the check taken out of
 * `billing/postgres/reserve-batch.ts` (`fits` always true) all 64
 * run and none is refused; they contend for the warehouse so long that the time limit had to be raised to see it.
 */
const STATEMENTS = 64;
const HOLD = '0.2';
const LIMIT = '2.1';
/** Ten holds. */
const ALL_HELD = '2';

let system: System;
const clients: Client[] = [];

beforeAll(async () => {
  system = await startSystem({
    control: (document) => ({
      ...document,
      tiers: document.tiers.map((tier) =>
        tier.id === 'standard'
          ? { ...tier, guessHoldCredits: HOLD, concurrencyMax: STATEMENTS }
          : tier,
      ),
      budgets: document.budgets.map((budget) =>
        budget.id === 'marketing-monthly' ? { ...budget, limitCredits: LIMIT } : budget,
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
});

test(
  'of 64 equal statements at one barrier ten run, 54 are refused, and the limit is never passed',
  { timeout: 60_000 },
  async () => {
    // Warm: the first statement waits for the parser, which must not spread the barrier.
    await clients[0]?.rows('SELECT 1');
    const results = await Promise.all(clients.map((client) => client.run('SELECT SYSTEM$WAIT(5)')));
    const ran = results.filter((result) => result.kind === 'rows');
    const refused = results.filter((result) => result.kind === 'error');
    expect(ran).toHaveLength(10);
    expect(refused).toHaveLength(54);
    for (const result of refused) expect(result).toMatchObject({ code: '712001' });
    const waits = system.warehouse
      .queryHistory()
      .filter((each) => each.started.text === 'SELECT SYSTEM$WAIT(5)');
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
