/**
 * `plan` against the live path: a history that ran under a generous document is judged by a tighter one, and the same
 * history is run on a fresh ledger with the tighter one in force. Both refuse the very same statements.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureControl } from '../../admin/stores/control-store.js';
import { readPastReport } from '../../admin/stores/past-report.js';
import { listHits, sumHits } from '../../admin/stores/rule-hits.js';
import { createLedger } from '../../billing/create-ledger.js';
import { must } from '../../base/assert.js';
import { silentLog } from '../../base/log.js';
import {
  addCredits,
  creditsForMillis,
  formatAmount,
  maxAmount,
  NO_CREDITS,
} from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { createSnapshot } from '../../policies/control/snapshot.js';
import { creditsToHold } from '../../policies/rules/ceiling.js';
import type { Decision } from '../../policies/rules/decision.js';
import { decideText } from '../../policies/rules/evaluate.js';
import { ladderStandings } from '../../policies/rules/ladder.js';
import { warehouseToSwitchTo } from '../../policies/rules/move.js';
import { toPastContext } from '../../policies/rules/past-record.js';
import { bareFacts } from '../../policies/sql/bare-facts.js';
import type { StatementFacts } from '../../policies/sql/facts.js';
import { Judgements } from '../../proxy/judgements/judgements.js';
import { anEstimate } from '../policies/builders.js';
import { buildSettlement, buildTicket, buildTicketId, credits } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { type AdminWorld, createAdminWorld } from './world.js';

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 9, 20);
const NOW = Date.UTC(2026, 10, 16);
const TEAMS = ['marketing', 'sales', 'growth'] as const;

/** Seeded, so that every run is the same (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Sent {
  readonly id: ReturnType<typeof buildTicketId>;
  readonly team: (typeof TEAMS)[number];
  readonly at: number;
  readonly endsAt: number;
  readonly facts: StatementFacts;
  readonly expected: Credits;
  readonly high: Credits;
  readonly used: Credits;
}

const FACTS: readonly StatementFacts[] = [
  {
    ...bareFacts('query', 'a'.repeat(32)),
    tablesRead: ['ANALYTICS.WEB.EVENTS'],
    columns: { 'ANALYTICS.WEB.EVENTS': ['ID'] },
  },
  {
    ...bareFacts('query', 'b'.repeat(32)),
    tablesRead: ['ANALYTICS.WEB.EVENTS'],
    columns: { 'ANALYTICS.WEB.EVENTS': ['*'] },
    hasSelectStar: true,
  },
  {
    ...bareFacts('query', 'c'.repeat(32)),
    tablesRead: ['ANALYTICS.HR.STAFF'],
    columns: { 'ANALYTICS.HR.STAFF': ['SALARY'] },
  },
];

function historyOf(count: number): readonly Sent[] {
  const random = randomOf(7);
  const span = NOW - START - 3 * HOUR_MS;
  return Array.from({ length: count }, (_, index) => {
    const at = START + Math.floor((span * index) / count);
    const high = creditsForMillis(credits('1'), Math.floor(random() * 3_600_000), 'down');
    // Some use more than was held.
    const used = creditsForMillis(high, Math.floor(random() * 4_500_000), 'down');
    return {
      id: buildTicketId(at),
      team: must(TEAMS[Math.floor(random() * TEAMS.length)], 'a team'),
      at,
      endsAt: at + Math.floor(random() * 6 * HOUR_MS),
      facts: must(FACTS[Math.floor(random() ** 2 * FACTS.length)], 'facts'),
      expected: creditsForMillis(high, 1_800_000, 'down'),
      high,
      used,
    };
  });
}

const demo = demoControlDocument();
const GENEROUS: ControlDocument = {
  ...demo,
  rules: [],
  budgets: demo.budgets.map((budget) => ({ ...budget, limitCredits: '1000000' })),
};
const TIGHT: ControlDocument = {
  ...GENEROUS,
  budgets: GENEROUS.budgets.map((budget) =>
    budget.node === 'marketing' ? { ...budget, limitCredits: '9', hard: true } : budget,
  ),
  access: [{ id: 'hr', effect: 'deny', schemas: ['ANALYTICS.HR'], teams: ['sales'], owner: 'hr' }],
  rules: [
    {
      id: 'no-star',
      mode: 'enforce',
      modes: { marketing: 'shadow' },
      effect: 'refuse',
      when: 'statement.selectStar && estimate.highCredits > credits("0.2")',
      message: 'name the columns',
    },
  ],
};

/** Growth goes down a ladder: to a tier that switches its session, with words to one that does not, to nothing. */
const LADDER: ControlDocument = {
  ...GENEROUS,
  tiers: GENEROUS.tiers.map((tier) =>
    tier.id === 'standard' ? { ...tier, switch: 'session' as const } : tier,
  ),
  budgets: [
    ...GENEROUS.budgets.map((budget) =>
      budget.node === 'growth'
        ? {
            ...budget,
            limitCredits: '10',
            hard: false,
            ladder: [
              { atPercent: 10, step: 'warn' as const },
              { atPercent: 15, step: 'slower-tier' as const, tier: 'batch' },
              {
                atPercent: 20,
                step: 'smaller-warehouse' as const,
                tier: 'standard',
                aboveCredits: '0.5',
              },
              {
                atPercent: 30,
                step: 'smaller-warehouse' as const,
                tier: 'batch',
                aboveCredits: '0.8',
              },
              { atPercent: 45, step: 'refuse' as const, aboveCredits: '0.3' },
            ],
          }
        : budget,
    ),
    {
      id: 'growth-standard',
      node: 'growth',
      counts: 'direct' as const,
      tier: 'standard',
      limitCredits: '1.5',
      hard: true,
      period: { kind: 'month' as const, timeZone: 'UTC' },
    },
  ],
};

const sides = (before: ControlDocument, after: ControlDocument) => ({
  before,
  after,
  at: NOW,
  imported: [],
});

interface Judged {
  readonly decision: Decision;
  readonly budgetIds: readonly string[];
  readonly isSwitched: boolean;
}

/**
 * Runs the history as the proxy does: decide, reserve, settle in the order of time. Gives what was refused; `moved` is
 * what runs elsewhere.
 */
async function runLive(
  database: TestDatabase,
  document: ControlDocument,
  history: readonly Sent[],
  moved: ('queue' | 'switched')[] = [],
): Promise<ReadonlyMap<string, string>> {
  const clock = manualClock(START);
  const ledger = createLedger(database.db, clock);
  const judgements = new Judgements(database.db, silentLog, clock);
  const snapshot = createSnapshot(document, 1);
  const refused = new Map<string, string>();
  let running: readonly (Sent & { readonly hold: Credits })[] = [];
  const settleUntil = async (until: number): Promise<void> => {
    const ended = running
      .filter(({ endsAt }) => endsAt <= until)
      .sort((a, b) => a.endsAt - b.endsAt);
    running = running.filter(({ endsAt }) => endsAt > until);
    for (const { id, used, hold, at, endsAt } of ended) {
      clock.set(endsAt);
      const raised = used > hold ? await ledger.topUp(id, used) : undefined;
      const left =
        raised?.kind === 'refused' ? (raised.budget.availableCredits ?? NO_CREDITS) : null;
      const charged = left === null ? used : addCredits(hold, maxAmount(left, NO_CREDITS));
      await ledger.settle(
        buildSettlement(id, { usedCredits: charged, startedAt: at, endedAt: endsAt }),
      );
    }
  };
  for (const sent of history) {
    await settleUntil(sent.at);
    clock.set(sent.at);
    const team = must(snapshot.team(sent.team), 'a team');
    const principal = must(snapshot.principal(`${sent.team}_analyst`), 'an analyst');
    const estimate = anEstimate({
      lowCredits: sent.expected,
      expectedCredits: sent.expected,
      highCredits: sent.high,
    });
    const part = { facts: sent.facts, estimate, location: 'none' as const };
    const judged = async (warehouse: string, isSwitched: boolean): Promise<Judged> => {
      const tier = must(snapshot.tierForWarehouse(warehouse), 'a tier');
      const path = { teamId: team.id, principalId: principal.id, tier: tier.id };
      const budgetIds = snapshot
        .budgetsFor({ ...path, workload: null, client: null })
        .map(({ id }) => id);
      const standings = ladderStandings(await ledger.standing(budgetIds, sent.at));
      const decision = decideText([part], estimate, {
        snapshot,
        account: 'demo',
        team,
        principal,
        via: null,
        role: 'ANALYST',
        tier,
        warehouse,
        workload: null,
        client: 'test',
        at: sent.at,
        standings,
      });
      const statements = [sent.facts];
      const movable = { statements, isFree: false, warehouse, isSwitched };
      const there = warehouseToSwitchTo(snapshot, decision, movable);
      return there === null ? { decision, budgetIds, isSwitched } : await judged(there, true);
    };
    const { decision, budgetIds, isSwitched } = await judged('INTERACTIVE_WH', false);
    judgements.note({
      teamId: team.id,
      decision,
      expectedCredits: estimate.expectedCredits,
      ticket: {
        ticketId: sent.id,
        statements: [sent.facts],
        context: () => toPastContext('test', [part], false),
      },
    });
    if (decision.kind !== 'allow' && decision.kind !== 'queue') {
      refused.set(sent.id, must(decision.reasons[0], 'a reason').source);
      continue;
    }
    if (decision.kind === 'queue') moved.push(isSwitched ? 'switched' : 'queue');
    const hold = creditsToHold({ estimate, isFree: false }, decision.ceilingCredits);
    const outcome = await ledger.reserve({
      ticket: buildTicket({
        ticketId: sent.id,
        teamId: team.id,
        principalId: principal.id,
        occurredAt: sent.at,
        lowCredits: sent.expected,
        expectedCredits: sent.expected,
        highCredits: sent.high,
      }),
      budgetIds,
      holdCredits: hold,
    });
    if (outcome.kind === 'refused') refused.set(sent.id, outcome.budget.budgetId);
    else {
      await ledger.markSent(sent.id, sent.at);
      running = [...running, { ...sent, hold }];
    }
  }
  await settleUntil(Infinity);
  await judgements.stop();
  return refused;
}

const history = historyOf(150);
let world: AdminWorld;
let fresh: TestDatabase;
beforeAll(async () => {
  world = await createAdminWorld({ first: GENEROUS });
  fresh = await createTestDatabase();
  await ensureControl(fresh.db, TIGHT, START);
});
afterAll(async () => {
  await world.close();
  await fresh.drop();
});

test('a plan names the statements that the live path refuses on the same history, with their cost', async () => {
  expect((await runLive(world.database, GENEROUS, history)).size).toBe(0);
  const live = await runLive(fresh, TIGHT, history);
  const report = await readPastReport(world.database.db, sides(GENEROUS, TIGHT));
  const named = new Map(
    report.examples.map(({ ticketId, by }) => [ticketId, by.replace(/^.* /, '')]),
  );
  expect(Object.fromEntries(named)).toEqual(Object.fromEntries(live));
  // Each cause is there, or the comparison would show little.
  expect(report.causes.map(({ by }) => by).sort()).toEqual([
    'access list hr',
    expect.stringMatching(/^budget .*marketing/),
    'rule no-star',
  ]);
  expect(report).toMatchObject({ statements: 150, unjudgedStatements: 0, isCut: false });
  const { rows } = await world.database.db.query<{ credits: string; money: string }>(
    'SELECT sum(credits)::text AS credits, sum(money)::text AS money FROM charge WHERE ticket_id = ANY($1)',
    [[...live.keys()]],
  );
  expect(report.refused).toEqual({
    statements: live.size,
    credits: must(rows[0], 'a sum').credits,
    amounts: [{ currency: 'USD', amount: must(rows[0], 'a sum').money }],
  });
  expect(formatAmount(credits(report.refused.credits))).not.toBe(formatAmount(credits('0')));
});

test('a plan goes down ladders as the live path does: moves, queues, words and refusals', async () => {
  const moved: ('queue' | 'switched')[] = [];
  const ladders = await createTestDatabase();
  try {
    await ensureControl(ladders.db, LADDER, START);
    const live = await runLive(ladders, LADDER, history, moved);
    const report = await readPastReport(world.database.db, sides(GENEROUS, LADDER));
    const named = new Map(
      report.examples.map(({ ticketId, by }) => [ticketId, by.replace(/^.*(budget|ladder:)/, '')]),
    );
    const byWords = (source: string): string =>
      source.startsWith('ladder:') ? source.slice('ladder:'.length) : ` ${source}`;
    expect(
      Object.fromEntries([...named].map(([id, by]) => [id, by.replace(/ asks for$/, '').trim()])),
    ).toEqual(Object.fromEntries([...live].map(([id, source]) => [id, byWords(source).trim()])));
    const monthly = must(
      LADDER.budgets.find(({ node, ladder }) => node === 'growth' && ladder !== undefined),
      'a ladder',
    ).id;
    // Each way down is there, or the comparison would show little.
    expect(report.causes.map(({ by }) => by).sort()).toEqual([
      'budget growth-standard',
      `the ladder of budget ${monthly}`,
      `the warehouse that ladder:${monthly} asks for`,
    ]);
    expect(new Set(moved)).toEqual(new Set(['queue', 'switched']));
  } finally {
    await ladders.drop();
  }
});

test('the API and its sentences tell the same', async () => {
  world.clock.set(NOW);
  const reply = await world.call('POST', '/api/v1/control/plan', { document: TIGHT });
  const past = await readPastReport(world.database.db, sides(GENEROUS, TIGHT));
  expect(reply.json['past']).toEqual(past);
  const told = (reply.json['lastDays'] as string[]).join('\n');
  expect(told).toContain(
    `of 150 statements that ran in the last 30 days, ${past.refused.statements} statements for`,
  );
  expect(told).toContain('rule no-star would have refused');
  expect(told).toContain(must(past.examples[0], 'one').ticketId);
  const back = await readPastReport(world.database.db, sides(TIGHT, GENEROUS));
  expect(back.refused.statements).toBe(0);
  expect(back.freed).toEqual(past.refused);
});

test('statements whose facts are not kept are counted, and judged by budgets only', async () => {
  await world.database.db.query('DELETE FROM judged_facts');
  const past = await readPastReport(world.database.db, sides(GENEROUS, TIGHT));
  expect(past.unjudgedStatements).toBeGreaterThan(100);
  expect(past.causes.map(({ by }) => by.split(' ')[0])).toEqual(['budget']);
});

test('what rules kept from running is counted by team and mode, and told by the plan that changes them', async () => {
  const counted = await sumHits(fresh.db, ['no-star', 'hr'], NOW);
  const stars = history.filter(({ facts }) => facts.hasSelectStar);
  expect(counted.map(({ rule_id, team_id, mode }) => [rule_id, team_id, mode])).toEqual([
    ['hr', 'sales', 'enforce'],
    ['no-star', 'growth', 'enforce'],
    ['no-star', 'marketing', 'shadow'],
    ['no-star', 'sales', 'enforce'],
  ]);
  const hits = counted.filter(({ rule_id }) => rule_id === 'no-star');
  const sum = hits.reduce((total, each) => total + Number(each.hits), 0);
  expect(sum).toBe(stars.filter(({ high }) => high > credits('0.2')).length);
  const days = await listHits(fresh.db, {
    rule: 'no-star',
    team: null,
    after: undefined,
    limit: 500,
  });
  expect(days.reduce((total, each) => total + Number(each.hits), 0)).toBe(sum);
  const [first] = days;
  const after = [first?.day ?? '', 'no-star', first?.team_id ?? '', first?.mode ?? ''] as const;
  expect(await listHits(fresh.db, { rule: 'no-star', team: null, after, limit: 500 })).toEqual(
    days.slice(1),
  );
  await world.database.db.query(
    "INSERT INTO rule_hit VALUES ('2026-11-15', 'no-star', 'growth', 'shadow', 12, 3.5), ('2026-11-15', 'no-star', 'legal', 'shadow', 1, 0.5)",
  );
  const applied = await world.call('PUT', '/api/v1/control', { document: TIGHT, reason: 'a rule' });
  expect(applied.status).toBe(200);
  const plan = await world.call('POST', '/api/v1/control/plan', {
    document: { ...TIGHT, rules: [] },
  });
  expect(plan.json['lastDays']).toContain(
    'no-star (shadow) would have kept 13 statements from running in the last 30 days, expected to take 4 credits: growth 12 and legal 1',
  );
  const rules = await world.call('GET', '/api/v1/rules');
  expect(rules.json['rules']).toMatchObject([
    { id: 'hr', kind: 'access', mode: 'enforce', lastDays: [] },
    {
      id: 'no-star',
      kind: 'rule',
      modes: { marketing: 'shadow' },
      lastDays: [
        { team: 'growth', mode: 'shadow', hits: '12', expectedCredits: '3.500000000000' },
        { team: 'legal', mode: 'shadow', hits: '1', expectedCredits: '0.500000000000' },
      ],
    },
  ]);
});

test('notes wait while the database is away, are counted once, and what is dropped is counted', async () => {
  let isAway = true;
  const db: typeof fresh.db = {
    ...fresh.db,
    transaction: (work) =>
      isAway ? Promise.reject(new Error('away')) : fresh.db.transaction(work),
  };
  const judgements = new Judgements(db, silentLog, manualClock(NOW));
  const reason = { source: 'waits', message: 'x' };
  const note = () =>
    judgements.note({
      teamId: 'ml',
      expectedCredits: credits('0.5'),
      decision: {
        kind: 'allow',
        ceilingCredits: credits('1'),
        reasons: [],
        warnings: [],
        shadow: [reason, reason],
      },
      ticket: null,
    });
  note();
  await judgements.flush();
  note();
  expect(await sumHits(fresh.db, ['waits'], NOW)).toEqual([]);
  isAway = false;
  await judgements.stop();
  await judgements.flush();
  expect(await sumHits(fresh.db, ['waits'], NOW)).toMatchObject([
    { hits: '2', expected_credits: '1.000000000000' },
  ]);
  expect(judgements.dropped).toBe(0);
});
