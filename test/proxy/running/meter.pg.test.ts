/**
 * I7 with the real meter over a real ledger, in simulated time: statements that take more than was held for them.
 * Shown to fail with `isOutrun` always false.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addCredits, type Credits, creditsForMillis, subtractCredits } from '#base/units.js';
import type { TicketId } from '#base/ids.js';
import { createLedger } from '#billing/create-ledger.js';
import type { Ledger } from '#billing/ledger.js';
import { driverFront } from '../../../proxy/driver-front.js';
import { Meter } from '../../../proxy/running/meter.js';
import type { StopParts } from '../../../proxy/running/stop.js';
import {
  buildSettlement,
  buildTicket,
  credits,
  insertBudget,
  NOON,
} from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import {
  createTestDatabase,
  expectInvariants,
  expectNoOpenHolds,
  type TestDatabase,
} from '../../support/database.js';
import { longRun } from '../../support/long-run.js';
import { aRunningStatement, stopParts } from './running-statement.js';

const INTERVAL_MS = 3_000;
const RATES = ['1', '2', '4', '8', '16'] as const;
const long = longRun('holds', 15);
const clock = manualClock(NOON);
let database: TestDatabase;
let ledger: Ledger;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, clock);
});

afterAll(async () => {
  await expectNoOpenHolds(database.db);
  await expectInvariants(database.db);
  await database.drop();
});

interface Plan {
  readonly creditsPerHour: Credits;
  readonly holdCredits: Credits;
  /** Infinity: it ends only when it is cancelled. */
  readonly runsMs: number;
}

/** Of every size, each held for half a minute to two and a half, and running 1.5 to 13 times as long. */
function plans(count: number, doesEnd: boolean): readonly Plan[] {
  return Array.from({ length: count }, (_, index) => {
    const creditsPerHour = credits(RATES[index % RATES.length] ?? '1');
    const heldMs = 30_000 + ((index * 7_919 + long.seed * 104_729) % 120_000);
    const runsMs = Math.round(heldMs * (1.5 + (index % 12)));
    const holdCredits = creditsForMillis(creditsPerHour, heldMs, 'up');
    return { creditsPerHour, holdCredits, runsMs: doesEnd ? runsMs : Infinity };
  });
}

interface Ended {
  readonly isStopped: boolean;
  readonly usedCredits: Credits;
  readonly overrunCredits: Credits;
  readonly plan: Plan;
}

class Simulation {
  readonly #parts: StopParts;
  readonly #meter: Meter;
  readonly #cancelled = new Set<TicketId>();
  readonly #plans = new Map<TicketId, Plan>();
  readonly ended: Ended[] = [];

  constructor() {
    this.#parts = stopParts(clock, ledger);
    this.#meter = new Meter(this.#parts, INTERVAL_MS);
  }

  async begin(plan: Plan, budgetId: string): Promise<void> {
    const ticket = buildTicket({ occurredAt: clock.now() });
    const { ticketId } = ticket;
    const { holdCredits, creditsPerHour } = plan;
    const outcome = await ledger.reserve({ ticket, budgetIds: [budgetId], holdCredits });
    expect(outcome.kind).toBe('held');
    expect(await ledger.markSent(ticketId, clock.now())).toBe(true);
    this.#plans.set(ticketId, plan);
    this.#parts.running.begin(
      aRunningStatement({
        ticketId,
        holdCredits,
        creditsPerHour,
        // Nothing is shared: each uses all of its warehouse's time.
        warehouse: ticketId,
        requestId: ticketId,
        ceilingCredits: credits('1000'),
        startedAt: clock.now(),
        front: {
          ...driverFront,
          abort: (_upstream, _token, { requestId }) => {
            this.#cancelled.add(requestId as TicketId);
            return Promise.resolve();
          },
        },
      }),
    );
  }

  /** One interval: what was cancelled in the last one ends, what has run its time ends, then the meter looks. */
  async step(): Promise<void> {
    clock.advance(INTERVAL_MS);
    const now = clock.now();
    for (const statement of this.#parts.running.list()) {
      const { ticketId, startedAt, creditsPerHour, holdCredits } = statement;
      const plan = this.#plans.get(ticketId);
      if (plan === undefined) continue;
      const isStopped = this.#cancelled.has(ticketId);
      if (!isStopped && now - startedAt < plan.runsMs) continue;
      const end = this.#parts.running.end(ticketId, now);
      const warehouseMs = end?.usedMs ?? 0;
      const usedCredits = creditsForMillis(creditsPerHour, warehouseMs, 'half-even');
      const ending = isStopped ? 'stopped' : 'succeeded';
      await ledger.settle(
        buildSettlement(ticketId, { usedCredits, warehouseMs, ending, endedAt: now }),
      );
      const over = subtractCredits(usedCredits, holdCredits);
      const overrunCredits = over > 0n ? over : credits('0');
      this.ended.push({ isStopped, usedCredits, overrunCredits, plan });
    }
    this.#meter.look();
    await this.#meter.settled();
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps && (step === 0 || this.#parts.running.size > 0); step += 1)
      await this.step();
    expect(this.#parts.running.size).toBe(0);
  }
}

test('holds are outrun: with an ample budget no statement is cancelled, with an exhausted one each is, within 15 s of its rate', async () => {
  const { count, seed } = long;
  const ample = new Simulation();
  await insertBudget(database.db, { id: `ample-${seed}`, limit: credits('1000000') });
  for (const plan of plans(count, true)) await ample.begin(plan, `ample-${seed}`);
  await ample.run(1_000);
  expect(ample.ended).toHaveLength(count);
  for (const { isStopped, usedCredits, overrunCredits, plan } of ample.ended) {
    expect(isStopped).toBe(false);
    expect(usedCredits).toBeGreaterThan(plan.holdCredits);
    expect(overrunCredits).toBe(credits('0'));
  }

  const exhausted = new Simulation();
  const endless = plans(count, false);
  const limit = addCredits(...endless.map(({ holdCredits }) => holdCredits));
  await insertBudget(database.db, { id: `exhausted-${seed}`, limit });
  for (const plan of endless) await exhausted.begin(plan, `exhausted-${seed}`);
  await exhausted.run(1_000);
  expect(exhausted.ended).toHaveLength(count);
  for (const { isStopped, overrunCredits, plan } of exhausted.ended) {
    expect(isStopped).toBe(true);
    expect(overrunCredits).toBeLessThanOrEqual(creditsForMillis(plan.creditsPerHour, 15_000, 'up'));
  }
  const used = addCredits(...exhausted.ended.map(({ usedCredits }) => usedCredits));
  // What the budget had was used: nobody was stopped while there was something to be had.
  expect(Number(used) / Number(limit)).toBeGreaterThan(0.8);
  long.report({
    statements: 2 * count,
    cancelledWithAmpleBudget: ample.ended.filter(({ isStopped }) => isStopped).length,
    cancelledWithExhausted: exhausted.ended.filter(({ isStopped }) => isStopped).length,
    overrunSecondsMax: Math.max(
      ...exhausted.ended.map(
        ({ overrunCredits, plan }) =>
          (Number(overrunCredits) * 3_600) / Number(plan.creditsPerHour),
      ),
    ),
  });
});
