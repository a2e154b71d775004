/** The run-rate guard of two replicas over one database, in simulated time, with charges of a real ledger. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { createLedger } from '#billing/create-ledger.js';
import type { Ledger } from '#billing/ledger.js';
import { liftPace } from '#billing/lifted-paces.js';
import { demoControlDocument } from '#policies/control/demo.js';
import type { RunRateDocument } from '#policies/control/guard-documents.js';
import { createSnapshot } from '#policies/control/snapshot.js';
import type { Parts } from '../../proxy/parts.js';
import { paceNotes, refuseAtPace } from '../../proxy/run-rate.js';
import { guardOutlook } from '../../proxy/guard-outlook.js';
import { RunRates } from '../../proxy/running/run-rates.js';
import type { Allowed } from '../../proxy/stages.js';
import { anEstimate } from '../policies/builders.js';
import { buildSettlement, buildTicket, credits, insertBudget, NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';

const MINUTE = 60_000;
const WEEK = 7 * 24 * 60 * MINUTE;
/** 1.16 USD at 3 USD a credit. */
const RUN = credits('0.386666666667');
const clock = manualClock(NOON);
let database: TestDatabase;
let ledger: Ledger;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, clock);
  await insertBudget(database.db, { id: 'marketing-monthly', limit: credits('100000') });
});

afterAll(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

function snapshotWith(runRate: Partial<RunRateDocument>): ReturnType<typeof createSnapshot> {
  const runRates = [{ id: 'dashboards', limitMoneyPerMonth: '5000', ...runRate }];
  return createSnapshot({ ...demoControlDocument(), runRates }, 1);
}

interface Told {
  readonly rung: string;
  readonly spentUsd: number;
}

/** One replica: what it knows of shapes, and what its guard told. */
function replica(): { readonly parts: Parts; readonly rungs: string[]; readonly rates: RunRates } {
  const rungs: string[] = [];
  const rates = new RunRates({ db: database.db, log: silentLog, clock });
  const parts = {
    clock,
    log: silentLog,
    runRates: rates,
    storms: { peek: () => null },
    freezes: { of: () => undefined },
    events: { paced: (_team: string, rung: string) => rungs.push(rung) },
  } as unknown as Parts;
  return { parts, rungs, rates };
}

function asked(
  fingerprint: string,
  snapshot = snapshotWith({}),
  changes: { readonly tier?: string; readonly team?: string } = {},
): Allowed {
  const ticket = buildTicket({ occurredAt: clock.now() });
  return {
    snapshot,
    isFree: false,
    call: { ticketId: ticket.ticketId },
    team: { id: changes.team ?? 'marketing' },
    principal: { id: 'marketing_analyst' },
    signedIn: { principal: { id: 'marketing_analyst' } },
    session: { role: 'ANALYST', database: null, schema: null },
    facts: { fingerprint },
    estimate: anEstimate(),
    placement: {
      tier: { id: changes.tier ?? 'standard' },
      pricePerCredit: 3n * 10n ** 12n,
      currency: 'USD',
    },
  } as unknown as Allowed;
}

/** Runs the statement as the pipeline does; what its team has paid by then, and what the guard said. */
async function run(
  { parts, rungs, rates }: ReturnType<typeof replica>,
  fingerprint: string,
  snapshot = snapshotWith({}),
): Promise<Told & { readonly refused: string | null }> {
  const statement = asked(fingerprint, snapshot);
  const before = rungs.length;
  const refusal = refuseAtPace(parts, statement);
  const { ticketId } = statement.call;
  if (refusal === null) {
    const ticket = buildTicket({ ticketId, fingerprint, occurredAt: clock.now() });
    const budgetIds = ['marketing-monthly'];
    await ledger.reserve({ ticket, budgetIds, holdCredits: credits('0.5') });
    await ledger.markSent(ticketId, clock.now());
    clock.advance(2_000);
    await ledger.settle(buildSettlement(ticketId, { usedCredits: RUN, endedAt: clock.now() }));
    rates.note({
      teamId: 'marketing',
      fingerprint,
      ticketId,
      usedCredits: RUN,
      at: clock.now(),
    });
  }
  const { rows } = await database.db.query<{ money: string }>(
    'SELECT coalesce(sum(c.money), 0) AS money FROM charge c JOIN ticket t ON t.id = c.ticket_id WHERE t.fingerprint = $1',
    [fingerprint],
  );
  return {
    rung: rungs.at(before) ?? 'none',
    spentUsd: Number(rows[0]?.money),
    refused: refusal?.message ?? null,
  };
}

test('a dashboard of 1.16 USD a minute against 5,000 USD a month is told of before 10 USD, stopped before 20 USD, on whichever replica its runs are', async () => {
  const replicas = [replica(), replica()];
  const told: (Told & { readonly refused: string | null })[] = [];
  for (let minute = 0; minute < 40; minute += 1) {
    const here = replicas[minute % 2];
    if (here !== undefined) told.push(await run(here, 'dashboard'));
    for (const { rates } of replicas) await rates.synchronise();
    clock.advance(MINUTE - 2_000);
  }
  const first = (rung: string): Told | undefined => told.find((each) => each.rung === rung);
  expect(first('warn')?.spentUsd).toBeLessThan(10);
  expect(first('slow')?.spentUsd).toBeLessThan(20);
  expect(first('stop')?.spentUsd).toBeLessThan(20);
  expect(told.at(-1)?.spentUsd).toBeLessThan(20);
  const message = told.at(-1)?.refused ?? '';
  expect(message.split('\n')[0]).toMatch(
    /^TG2110 Not run, nothing charged: its pace is \$[\d,.]+ a month, \$5,000\.00 is allowed \(run rate dashboards\)\.$/,
  );
  expect(message.slice(0, 90)).toContain('$5,000.00');
  expect(message).toContain('1) schedule it less often: every 10 min is paid for');
  // Who only asks for the price is told the same, and counts nowhere.
  const [here] = replicas;
  const before = here?.rungs.length;
  const ahead = here && guardOutlook(here.parts, asked('dashboard'));
  expect(ahead?.pace?.message).toMatch(/^TG2110 Not run, nothing charged: its pace is \$/);
  expect(here?.rungs.length).toBe(before);
  const patient = snapshotWith({ slowAtPercent: 100, stopAtPercent: 100_000, slowSeconds: 7 });
  const slowed = here && guardOutlook(here.parts, asked('dashboard', patient));
  expect(slowed?.pace).toBeNull();
  expect(slowed?.notes.join()).toMatch(
    /^its shape has a pace of [\d.]+ USD a month, 5000.00 USD is allowed \(run rate dashboards\); each run waits 7 s/,
  );

  // A replica that starts later knows it at once, and another team's same shape is another one.
  const late = replica();
  await late.rates.synchronise();
  expect(refuseAtPace(late.parts, asked('dashboard'))?.code).toBe('runRateExceeded');
  expect(
    refuseAtPace(late.parts, asked('dashboard', snapshotWith({}), { team: 'sales' })),
  ).toBeNull();
  expect(refuseAtPace(late.parts, asked('dashboard', snapshotWith({ mode: 'warn' })))).toBeNull();
  expect(late.rungs).toEqual(['stop', 'stop']);
  const ofBatch = snapshotWith({ tiers: ['batch'] });
  expect(refuseAtPace(late.parts, asked('dashboard', ofBatch))).toBeNull();
  expect(refuseAtPace(late.parts, asked('dashboard', ofBatch, { tier: 'batch' }))?.code).toBe(
    'runRateExceeded',
  );
  // Its author is told while it still runs; one that only warns tells nobody.
  expect(paceNotes(late.parts, asked('dashboard', patient))).toEqual([
    { source: 'dashboards', message: slowed?.notes[0] },
  ]);
  expect(paceNotes(late.parts, asked('dashboard', snapshotWith({ mode: 'warn' })))).toEqual([]);

  // Lifted, it runs on every replica until then, and is counted on.
  const until = clock.now() + 60 * MINUTE;
  const key = { teamId: 'marketing', fingerprint: 'dashboard' };
  const word = { ...key, liftedBy: 'ops', reason: 'the quarter ends', until };
  await database.db.transaction((tx) => liftPace(tx, word, clock.now()));
  for (const each of [...replicas, late]) {
    await each.rates.synchronise();
    expect(refuseAtPace(each.parts, asked('dashboard'))).toBeNull();
  }
  clock.advance(61 * MINUTE);
  expect(late.rates.isLifted(key, clock.now())).toBe(false);
  for (const { rates } of [...replicas, late]) await rates.stop();
});

test('a weekly job of the same price is never told of', async () => {
  const one = replica();
  for (let week = 0; week < 20; week += 1) {
    expect(await run(one, 'weekly')).toMatchObject({ rung: 'none', refused: null });
    await one.rates.synchronise();
    clock.advance(WEEK);
  }
  await one.rates.stop();
});

test('what two replicas add at once is summed, and what could not be written is written with the next', async () => {
  const [one, two] = [replica(), replica()];
  const note = (rates: RunRates): void =>
    rates.note({
      teamId: 'marketing',
      fingerprint: 'both',
      ticketId: buildTicket().ticketId,
      usedCredits: credits('1'),
      at: clock.now(),
    });
  for (let each = 0; each < 50; each += 1) {
    note(one.rates);
    note(two.rates);
  }
  await Promise.all([one.rates.synchronise(), two.rates.synchronise()]);
  note(one.rates);
  await one.rates.synchronise();
  await two.rates.synchronise();
  const key = { teamId: 'marketing', fingerprint: 'both' };
  for (const { rates } of [one, two])
    expect(rates.spendOf(key)?.days).toEqual([
      expect.objectContaining({ runs: 101, credits: credits('101') }),
    ]);
  await one.rates.stop();
  await two.rates.stop();
});
