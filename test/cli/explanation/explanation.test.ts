/** The text and JSON of an explanation, from facts that are given: no parser, no file, no clock. */
import { expect, test } from 'vitest';
import { parseMoney } from '#base/units.js';
import type { RuleDocument } from '#policies/control/document.js';
import { demoControlDocument } from '#policies/control/demo.js';
import { createSnapshot } from '#policies/control/snapshot.js';
import type { Freeze } from '#billing/freezes.js';
import type { Analyser, StatementFacts } from '#policies/sql/facts.js';
import { factsReport } from '#policies/sql/facts-report.js';
import type { RelativeBound } from '#policies/sql/relative-bound.js';
import { explanationJson } from '../../../cli/explanation/as-json.js';
import { explanationText } from '../../../cli/explanation/as-text.js';
import { explain, isAllowed } from '../../../cli/explanation/explain.js';
import type { Question } from '../../../cli/explanation/question.js';
import { demoTables, NO_TABLES } from '../../../cli/explanation/statistics.js';
import { credits } from '../../support/builders.js';
import { aContext, aSnapshot, aStatement, AT } from '../../policies/builders.js';

const EVENTS = 'ANALYTICS.WEB.EVENTS';

/** An analyser that knows the answer. */
function analyserOf(...statements: readonly StatementFacts[]): Analyser {
  return {
    analyse: () => Promise.resolve({ statements, fingerprint: 'f'.repeat(32) }),
    stop: () => Promise.resolve(),
  };
}

function aQuestion(changes: Partial<Question> = {}, rules: readonly RuleDocument[] = []): Question {
  const snapshot = aSnapshot(rules, { tiers: demoControlDocument().tiers });
  const { principal, team } = aContext(snapshot);
  return {
    sqlText: 'SELECT 1',
    principal,
    team,
    account: 'demo',
    role: null,
    client: '',
    warehouse: 'STANDARD_WH',
    names: { database: null, schema: null },
    snapshot,
    controlSource: 'the demo',
    tables: demoTables(),
    at: AT,
    live: null,
    ...changes,
  };
}

const rule = (changes: Partial<RuleDocument>): RuleDocument =>
  ({
    id: 'a-rule',
    mode: 'enforce',
    effect: 'refuse',
    when: 'statement.selectStar',
    message: 'name the columns',
    ...changes,
  }) as RuleDocument;

const all = aStatement({ hasSelectStar: true, columns: { [EVENTS]: ['*'] } });

test('an allowed statement: the price first, then place, tables and shape', async () => {
  const explanation = await explain(aQuestion(), analyserOf(all));
  const text = explanationText(explanation, { columns: 80 });
  expect(isAllowed(explanation)).toBe(true);
  expect(text).toMatchInlineSnapshot(`
    "✓ Allowed: about $208.33; $497.28 would be held while it runs.

    Price     $208.33, from $96.65 to $497.28 · 69.44 credits, from 32.22 to 165.76
              · takes 17 h 21 min
    Basis     TABLE_STATS: sizes of the tables and the filters on their clustering
              columns
    Reads     50.0 TB in 3,125,000 of 3,125,000 partitions
    Cheaper   filter EVENT_DATE of ANALYTICS.WEB.EVENTS to one day: about $0.12
    Place     STANDARD_WH (MEDIUM), tier standard, 4.00 credits an hour · stopped at
              $900.00 (300.00 credits)
    As        marketing_analyst of team marketing
    By        the demo · statistics of the demo · 2026-11-23 12:00 UTC

    Statement: query
      table                 use   columns  filters
      ────────────────────  ────  ───────  ───────
      ANALYTICS.WEB.EVENTS  read  *
      has     SELECT *
      shape   ffffffffffffffffffffffffffffffff

    Budgets are not asked offline, nor is what this shape took before; EXPLAIN COST
    in SQL asks both, --control live the budgets."
  `);
});

test('a refusal is told first, in the first line that drivers show, and the rules that fired follow', async () => {
  const rules = [rule({}), rule({ id: 'quiet', mode: 'shadow', message: 'only counted' })];
  const explanation = await explain(aQuestion({}, rules), analyserOf(all));
  const [first] = explanationText(explanation, { columns: 120 }).split('\n');
  expect(first).toBe(
    '✗ Refused: TG2101 Not run, nothing charged: about $96.65 to $497.28: name the columns (rule a-rule).',
  );
  expect(explanationJson(explanation)).toMatchObject({
    isAllowed: false,
    decision: {
      kind: 'refuse',
      reasons: [{ source: 'a-rule', message: 'name the columns' }],
      shadow: [{ source: 'quiet', message: 'only counted' }],
      refusal: {
        code: 'TG2101',
        driverCode: '712101',
        message:
          'TG2101 Not run, nothing charged: about $96.65 to $497.28: name the columns (rule a-rule).',
      },
    },
  });
});

test('nothing of the answer names a ticket: nothing was sent', async () => {
  const explanation = await explain(aQuestion({}, [rule({})]), analyserOf(all));
  const answer =
    explanationText(explanation, { columns: 120 }) + JSON.stringify(explanationJson(explanation));
  expect(answer).not.toContain('TOLLGATE.WHY');
  expect(answer).not.toContain('00000000-');
});

test.each<[string, Partial<RuleDocument>, string, string]>([
  ['approval at once', { effect: 'approve' } as never, 'approve', '! Needs approval: TG2401'],
  [
    'approval that is waited for',
    { effect: 'approve', waitSeconds: 900 } as never,
    'approve',
    '! Waits up to 15 min for approval, else: TG2401',
  ],
  [
    'another tier',
    { effect: 'reroute', tier: 'batch' } as never,
    'reroute',
    '✗ Refused: TG2101 Not run, nothing charged: about $96.65 to $497.28: name the columns; run USE WAREHOUSE BATCH_WH',
  ],
])('a rule that asks for %s is not allowed as it is', async (_, effect, kind, first) => {
  const explanation = await explain(aQuestion({}, [rule(effect)]), analyserOf(all));
  expect(isAllowed(explanation)).toBe(false);
  expect(explanationText(explanation, { columns: 120 }).startsWith(first)).toBe(true);
  expect(explanationJson(explanation)).toMatchObject({ decision: { kind } });
});

test('a rule by time of day sees the instant that is asked for', async () => {
  const rules = [rule({ when: 'now.getHours("Europe/Berlin") >= 22' })];
  const kindAt = async (at: number) =>
    isAllowed(await explain(aQuestion({ at }, rules), analyserOf(all)));
  expect(await kindAt(Date.UTC(2026, 10, 23, 20, 59))).toBe(true);
  expect(await kindAt(Date.UTC(2026, 10, 23, 21))).toBe(false);
});

test('the ceiling of the tier refuses what statistics price above it, never a guess', async () => {
  const tier = { warehouse: 'INTERACTIVE_WH' };
  const priced = await explain(aQuestion(tier), analyserOf(all));
  expect(explanationJson(priced)).toMatchObject({
    decision: { kind: 'refuse', refusal: { code: 'TG2201' } },
  });
  const guessed = await explain(aQuestion({ ...tier, tables: NO_TABLES }), analyserOf(all));
  expect(explanationJson(guessed)).toMatchObject({
    isAllowed: true,
    statistics: null,
    estimate: { basis: 'GUESS', expectedCredits: '0.005000000000' },
    statements: [{ tablesWithoutStatistics: [EVENTS] }],
  });
  expect(explanationText(guessed, { columns: 120 })).toContain(
    `GUESS: sizes of ${EVENTS} are not known, so it is the guess of the tier; --statistics gives them`,
  );
});

test('a suspended principal and a warehouse of no tier are refused before anything is priced', async () => {
  const { principal } = aQuestion();
  const suspended = await explain(
    aQuestion({ principal: { ...principal, status: 'suspended' } }),
    analyserOf(all),
  );
  expect(explanationText(suspended, { columns: 120 })).toMatch(
    /^✗ Refused: TG1003 Not run: marketing_analyst is suspended/,
  );
  const elsewhere = await explain(aQuestion({ warehouse: 'NOPE_WH' }), analyserOf(all));
  expect(explanationJson(elsewhere)).toMatchObject({
    isAllowed: false,
    estimate: null,
    tier: null,
    warehouse: 'NOPE_WH',
    statements: [{ class: 'query', estimate: null }],
  });
});

test('several statements have a price each, and say what is not known of them', async () => {
  const call = aStatement({
    class: 'procedure',
    opaque: true,
    tablesRead: [],
    columns: {},
    unknown: ['tables', 'columns', 'filters'],
  });
  const free = aStatement({ class: 'session', isFree: true, tablesRead: [], columns: {} });
  const explanation = await explain(aQuestion(), analyserOf(all, free, call));
  const text = explanationText(explanation, { columns: 120 });
  expect(text).toContain('Statement 1 of 3: query · $208.33 (TABLE_STATS)');
  expect(text).toContain('Statement 2 of 3: session · free');
  expect(text).toContain('Statement 3 of 3: procedure, opaque · $0.24 (GUESS)');
  expect(text).toContain('unknown some of the tables it touches, its columns (priced as all of');
});

test('JSON has every fact, joins as rules see them, amounts as decimals with their unit', async () => {
  const facts = aStatement({
    joins: [
      {
        leftTable: 'D.S.T',
        leftColumn: 'A',
        operator: '=',
        rightTable: 'D.S.U',
        rightColumn: 'B',
      },
    ],
    functions: ['COUNT'],
    stages: ['@~/f'],
    innerClasses: ['query'],
    hasAggregation: true,
    hasSample: true,
    limit: 10,
  });
  const json = explanationJson(
    await explain(aQuestion({ client: 'Tableau/1' }), analyserOf(facts)),
  );
  expect(json).toMatchObject({
    kind: 'explain',
    notAsked: ['budgets', 'history'],
    principal: 'marketing_analyst',
    team: 'marketing',
    workload: 'client/Tableau',
    tier: 'standard',
    creditsPerHour: '4.000000000000',
    statements: [
      {
        joins: ['D.S.T.A = D.S.U.B'],
        functions: ['COUNT'],
        stages: ['@~/f'],
        innerClasses: ['query'],
        hasAggregation: true,
        hasWindowFunction: false,
        hasTimeTravel: false,
        hasSample: true,
        limit: 10,
        location: 'none',
      },
    ],
  });
});

test("Tollgate's own views are answered by it, and a dry run is the statement inside", async () => {
  const ours = await explain(
    aQuestion({ sqlText: 'SELECT * FROM TOLLGATE.MY_BUDGET' }),
    analyserOf(),
  );
  expect(explanationText(ours, { columns: 80 })).toMatch(/^✓ Allowed: Tollgate answers it itself/);
  const dry = await explain(aQuestion({ sqlText: 'EXPLAIN COST SELECT 1' }), analyserOf(all));
  expect(dry).toMatchObject({ isDryRun: true, question: { sqlText: 'SELECT 1' } });
});

test('a text without a statement is wrong usage', async () => {
  await expect(explain(aQuestion({ sqlText: '-- nothing' }), analyserOf())).rejects.toMatchObject({
    exitCode: 2,
  });
});

test.each([[40], [80], [120]])(
  'stays within %d columns, long filters and names included',
  async (columns) => {
    const facts = aStatement({
      tablesRead: [EVENTS, 'ANALYTICS.TPCH.LINEITEM'],
      tablesWritten: ['D.S.T'],
      columns: { [EVENTS]: Array.from({ length: 20 }, (_, index) => `A_COLUMN_${index}`) },
      filters: [
        {
          table: EVENTS,
          column: 'EVENT_DATE',
          operator: 'between',
          low: '2026-01-01',
          high: '2026-01-31',
        },
        { table: EVENTS, column: 'COUNTRY', operator: 'in', low: 'DE', high: 'FR' },
      ],
      functions: ['COUNT', 'SUM', 'DATE_TRUNC'],
      unknown: ['filters'],
    });
    const text = explanationText(await explain(aQuestion(), analyserOf(facts)), { columns });
    const long = text.split('\n').filter((line) => Array.from(line).length > columns);
    // A narrow terminal gets its tables as narrow as cells allow.
    expect(columns === 40 ? long.filter((line) => !line.startsWith('  ')) : long).toEqual([]);
    if (columns > 40) expect(text).toContain('2026-01-31');
  },
);

test('a bound that the clock decides is told as the expression it is, in words and in JSON', async () => {
  const from: RelativeBound = {
    from: 'CURRENT_DATE',
    steps: [{ kind: 'add', unit: 'day', count: -7 }],
  };
  const facts = aStatement({
    filters: [
      {
        table: EVENTS,
        column: 'EVENT_DATE',
        operator: '>=',
        low: null,
        high: null,
        relativeLow: [from],
      },
    ],
  });
  const explanation = await explain(aQuestion(), analyserOf(facts));
  expect(explanationText(explanation, { columns: 120 })).toContain(
    'EVENT_DATE >= CURRENT_DATE - 7 day',
  );
  expect(explanationJson(explanation)).toMatchObject({
    statements: [{ filters: [{ low: null, relativeLow: ['CURRENT_DATE - 7 day'] }] }],
  });
  expect(factsReport('q', explanation.facts).statements[0]?.filters).toEqual([
    { table: EVENTS, column: 'EVENT_DATE', operator: '>=', low: null, high: null },
  ]);
});

test('names cannot steer a terminal', async () => {
  const name = 'D.S.\u001b[31mT\nALLOWED';
  const facts = aStatement({ tablesRead: [name], columns: { [name]: ['A\u0007'] } });
  const text = explanationText(await explain(aQuestion(), analyserOf(facts)), { columns: 120 });
  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('\u0007');
  expect(text).toContain('D.S. [31mT ALLOWED');
});

test('colours mark the decision where the terminal has them', async () => {
  const text = explanationText(await explain(aQuestion(), analyserOf(all)), {
    columns: 80,
    hasColours: true,
  });
  expect(text.startsWith('\u001b[32m✓ Allowed\u001b[0m: about')).toBe(true);
});

/** As a running Tollgate tells it: how the budgets of marketing stand, and what is frozen. */
function live(availableCredits: string, freezes: readonly Freeze[] = []): Question['live'] {
  const amounts = { spentCredits: credits('0'), heldCredits: credits('0') };
  const period = { periodStartsAt: AT, periodEndsAt: AT + 86_400_000 };
  const left = { limitCredits: credits('200'), availableCredits: credits(availableCredits) };
  const standing = { budgetId: 'marketing-monthly', isHard: true };
  return { freezes, standings: [{ ...standing, ...period, ...left, ...amounts }] };
}

/** The demo's, with a ladder on marketing's budget and a batch tier that switches sessions. */
function withLadder(step: 'slower-tier' | 'smaller-warehouse' | 'refuse'): Question['snapshot'] {
  const demo = demoControlDocument();
  const rung = step === 'refuse' ? { step } : { step, tier: 'batch' };
  return createSnapshot(
    {
      ...demo,
      rules: [],
      tiers: demo.tiers.map((tier) =>
        tier.id === 'batch' ? { ...tier, switch: 'session' } : tier,
      ),
      budgets: demo.budgets.map((budget) =>
        budget.id === 'marketing-monthly'
          ? { ...budget, ladder: [{ atPercent: 5, ...rung }] }
          : budget,
      ),
    },
    0,
  );
}

test.each([
  ['slower-tier', { kind: 'queue', tier: 'batch', refusal: null }, 'Waits'],
  ['smaller-warehouse', { kind: 'reroute', isSwitched: true, refusal: null }, 'Moved'],
  ['refuse', { kind: 'refuse', refusal: { code: 'TG2101' } }, 'Rule'],
] as const)(
  'the rung %s holds by how the running Tollgate says its budget stands',
  async (step, decision, label) => {
    const question = { snapshot: withLadder(step), live: live('185') };
    const found = await explain(aQuestion(question), analyserOf(all));
    expect(explanationJson(found)).toMatchObject({ decision, notAsked: ['history'] });
    expect(explanationText(found, { columns: 120 })).toContain(label);
    // Nothing is known of budgets without it, and no rung is reached while little is used.
    for (const quiet of [null, live('199')]) {
      const alone = await explain(aQuestion({ ...question, live: quiet }), analyserOf(all));
      expect(explanationJson(alone)).toMatchObject({ decision: { kind: 'allow' } });
    }
  },
);

test('a hard budget refuses in the words of a run, and a freeze before it', async () => {
  const short = await explain(aQuestion({ live: live('3') }), analyserOf(all));
  expect(isAllowed(short)).toBe(false);
  expect(explanationText(short, { columns: 120 })).toMatch(
    /^✗ Refused: TG2001 Not run, nothing charged: needs about \$\d/,
  );
  const freeze: Freeze = {
    id: '7',
    scope: 'team',
    target: 'marketing',
    frozenBy: 'ops',
    reason: 'a loop',
    frozenAt: AT,
    until: null,
  };
  const frozen = await explain(aQuestion({ live: live('3', [freeze]) }), analyserOf(all));
  expect(explanationText(frozen, { columns: 120 })).toMatch(
    /^✗ Refused: TG2112 .*team marketing is frozen by ops/,
  );
  const show = aStatement({ class: 'metadata', isFree: true, tablesRead: [], columns: {} });
  expect(isAllowed(await explain(aQuestion({ live: live('3', [freeze]) }), analyserOf(show)))).toBe(
    true,
  );
});

test('prices of rate sheets stand before the book, and hours that were chosen are told', async () => {
  const sheet = {
    account: 'demo',
    ratingType: 'COMPUTE',
    serviceType: 'WAREHOUSE_METERING',
    from: 0,
    to: null,
    currency: 'USD',
    pricePerCredit: parseMoney('6'),
  };
  const snapshot = createSnapshot({ ...demoControlDocument(), rules: [] }, 0, [sheet]);
  const priced = await explain(aQuestion({ snapshot }), analyserOf(all));
  expect(explanationJson(priced)).toMatchObject({ pricePerCredit: '6.000000000000' });
  const sqlText = '/* tollgate: off-peak */ SELECT 1';
  const refused = await explain(aQuestion({ snapshot, sqlText }), analyserOf(all));
  expect(explanationJson(refused)).toMatchObject({ decision: { refusal: { code: 'TG2104' } } });
  const offPeak = { timeZone: 'UTC', windows: [{ from: '23:00', to: '23:30' }] };
  const demo = demoControlDocument();
  const tiers = demo.tiers.map((tier) => ({ ...tier, offPeak }));
  const hours = createSnapshot({ ...demo, rules: [], tiers }, 0);
  const waits = await explain(aQuestion({ snapshot: hours, sqlText }), analyserOf(all));
  expect(explanationJson(waits)).toMatchObject({
    decision: { refusal: null, runsAt: expect.stringContaining('T23:00:00') },
  });
});
