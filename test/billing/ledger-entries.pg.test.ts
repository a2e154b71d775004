/**
 * A long random life of one ledger: statements come, wait, run and end in batches as the proxy sends them, budgets are used up
 * and raised. What the ledger keeps, what its entries sum to and what a model of a few lines says must then be one thing, with
 * statements still open and once all have ended.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../base/assert.js';
import { formatAmount, parseCredits, sumCredits } from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import { setBudgetLimit } from '../../billing/control-writes.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { NOON, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';
import { type Draw, drawer, shuffled } from '../support/drawer.js';
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
import { longRun } from '../support/long-run.js';

const run = longRun('ledger-entries', 1_500);
/** Moves of one kind that are on their way together. */
const TOGETHER = run.isLong ? 250 : 30;
/** Tickets that moves are drawn from; what is open beyond them stays open until the end. */
const OPEN_MAX = TOGETHER * 8;

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
});
afterAll(() => database?.drop());

interface World {
  readonly draw: Draw;
  readonly budgets: readonly ModelBudget[];
  readonly tickets: ModelTicket[];
  moves: number;
  raised: number;
}

async function openWorld(seed: number): Promise<World> {
  const budgets: ModelBudget[] = [
    ['hard', true, '40'],
    ['hard-too', true, '25'],
    ['soft', false, '10'],
    ['unlimited', true, null],
  ].map(([id, isHard, limit]) => ({
    id: `${String(id)}-${seed}`,
    isHard: isHard === true,
    limit: limit === null ? null : parseCredits(String(limit)),
    spent: 0n,
    held: 0n,
  }));
  for (const budget of budgets)
    await insertBudget(database.db, { ...budget, limit: budget.limit as Credits | null });
  const tickets: ModelTicket[] = [];
  // Opens the periods, so that what comes together afterwards is judged in its order.
  await reserve(ledger, tickets, budgets, 0n);
  return { draw: drawer(seed), budgets, tickets, moves: 1, raised: 0 };
}

/** Up to two credits, to the last unit; now and then nothing. */
function amount(draw: Draw): bigint {
  return draw(20) === 0 ? 0n : BigInt(draw(2_000_000)) * 1_000_000n + BigInt(draw(1_000_000));
}

/** Distinct tickets of late; now and then also such as have ended. */
function some({ draw, tickets }: World, count: number): readonly ModelTicket[] {
  const late = tickets.slice(-OPEN_MAX);
  const asked = draw(8) === 0 ? late : late.filter((each) => !isOver(each));
  return shuffled(asked, draw).slice(0, count);
}

const isOver = ({ state }: ModelTicket): boolean => state === 'SETTLED' || state === 'VOID';

/** One kind of move on many tickets at once. */
async function wave(world: World): Promise<void> {
  const { draw, budgets, tickets } = world;
  const kind = draw(12);
  if (kind < 4) {
    const bits = draw(16);
    const path = budgets.filter((_, index) => (bits >> index) % 2 === 1);
    world.moves += TOGETHER;
    await Promise.all(
      Array.from({ length: TOGETHER }, () => reserve(ledger, tickets, path, amount(draw))),
    );
    return;
  }
  if (kind === 4) return raise(world);
  const picked = some(world, kind === 5 ? 8 : TOGETHER);
  world.moves += picked.length;
  // Top-ups are no batch: each is judged by what the one before it left.
  if (kind === 5) for (const each of picked) await topUp(ledger, each, each.hold + amount(draw));
  else if (kind < 8) await Promise.all(picked.map((each) => send(ledger, each)));
  else if (kind < 10) await Promise.all(picked.map((each) => settle(ledger, each, amount(draw))));
  else if (kind === 10)
    await Promise.all(picked.map((each) => giveBack(ledger, each, draw(2) === 0)));
  else await Promise.all(picked.map((each) => again(ledger, each)));
}

/** The limit of one budget, so that there is room again and it is used up again. */
async function raise(world: World): Promise<void> {
  const budget = must(world.budgets[world.draw(world.budgets.length)], 'a budget');
  if (budget.limit === null) return;
  const used = budget.spent + budget.held;
  const room = parseCredits('20') + amount(world.draw);
  budget.limit = (used > budget.limit ? used : budget.limit) + room;
  world.raised += 1;
  await database.db.transaction((tx) =>
    setBudgetLimit(tx, {
      budgetId: budget.id,
      limitCredits: budget.limit as Credits,
      author: 'ann',
      reason: 'more',
      at: NOON,
    }),
  );
}

interface Balance {
  readonly limit: string | null;
  readonly held: string;
  readonly spent: string;
}

const plain = (text: string): string => formatAmount(parseCredits(text));

/** The stored balances, the sums of entries and those of charges against the model; returns how many entries there are. */
async function expectAgreement({ budgets, tickets }: World): Promise<number> {
  const wanted = new Map<string, Balance>(
    budgets.map(({ id, limit, held, spent }) => [
      id,
      {
        limit: limit === null ? null : formatAmount(limit as Credits),
        held: formatAmount(held as Credits),
        spent: formatAmount(spent as Credits),
      },
    ]),
  );
  const balances = async (sql: string): Promise<ReadonlyMap<string, Balance>> => {
    const { rows } = await database.db.query<{ budget_id: string } & Balance>(sql);
    return new Map(
      rows.map(({ budget_id: id, limit, held, spent }) => {
        const isUnlimited = wanted.get(id)?.limit === null;
        return [
          id,
          {
            limit: isUnlimited || limit === null ? null : plain(limit),
            held: plain(held),
            spent: plain(spent),
          },
        ];
      }),
    );
  };
  const stored = await balances(
    `SELECT budget_id, limit_credits AS limit, held_credits AS held, spent_credits AS spent FROM budget_period`,
  );
  const entered = await balances(
    `SELECT p.budget_id, -coalesce(sum(e.credits) FILTER (WHERE e.account = 'limit'), 0) AS limit,
       coalesce(sum(e.credits) FILTER (WHERE e.account = 'held'), 0) AS held,
       coalesce(sum(e.credits) FILTER (WHERE e.account = 'spent'), 0) AS spent
     FROM budget_period p LEFT JOIN entry e ON e.budget_period_id = p.id GROUP BY p.budget_id`,
  );
  expect(stored).toEqual(wanted);
  expect(entered).toEqual(wanted);
  const { rows } = await database.db.query<{ entries: number; uneven: number; charged: string }>(
    `SELECT (SELECT count(*)::integer FROM entry) AS entries,
       (SELECT count(*)::integer FROM (SELECT FROM entry GROUP BY journal_id HAVING sum(credits) <> 0) u) AS uneven,
       (SELECT coalesce(sum(credits), 0) FROM charge) AS charged`,
  );
  const { entries, uneven, charged } = must(rows[0], 'one row');
  const used = sumCredits(tickets.map(({ used: each }) => (each ?? 0n) as Credits));
  expect({ uneven, charged: plain(charged) }).toEqual({ uneven: 0, charged: formatAmount(used) });
  await expectInvariants(database.db);
  return entries;
}

async function entries(): Promise<number> {
  const { rows } = await database.db.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM entry',
  );
  return must(rows[0], 'one row').count;
}

/** Waves between two counts of what was written. */
const WAVES = 20;

test('criterion 16: after a long random life stored balances are the sums of their entries, and what the model says', async () => {
  const world = await openWorld(run.seed);
  while ((await entries()) < run.count)
    for (let waves = 0; waves < WAVES; waves += 1) await wave(world);
  const open = world.tickets.filter((each) => !isOver(each));
  expect(open.length).toBeGreaterThan(0);
  expect(world.raised).toBeGreaterThan(0);
  await expectAgreement(world);
  // One unit of 1e-12 beside it in one balance, and the comparison is shown to see it.
  const shifted = (by: string): Promise<unknown> =>
    database.db.query(
      `UPDATE budget_period SET spent_credits = spent_credits + $1 WHERE budget_id = $2`,
      [by, must(world.budgets[0], 'a budget').id],
    );
  await shifted('0.000000000001');
  await expect(expectAgreement(world)).rejects.toThrow('to deeply equal');
  await shifted('-0.000000000001');
  for (let at = 0; at < open.length; at += TOGETHER)
    await Promise.all(open.slice(at, at + TOGETHER).map((each) => giveBack(ledger, each, true)));
  expect(world.budgets.map(({ held }) => held)).toEqual([0n, 0n, 0n, 0n]);
  const written = await expectAgreement(world);
  await expectNoOpenHolds(database.db);
  const count = (state: ModelTicket['state']): number =>
    world.tickets.filter((each) => each.state === state).length;
  run.report({
    entries: written,
    moves: world.moves,
    settled: count('SETTLED'),
    void: count('VOID'),
    limitsRaised: world.raised,
  });
});
