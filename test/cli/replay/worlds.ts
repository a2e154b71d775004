/** Control documents and histories that meet every kind of decision, as generators of fast-check. */
import fc from 'fast-check';
import { assert } from '../../../base/assert.js';
import type { EpochMs } from '../../../base/time.js';
import type { Freeze } from '../../../billing/freezes.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type {
  BudgetDocument,
  ControlDocument,
  RuleDocument,
  TierDocument,
} from '../../../policies/control/document.js';
import { parseControlDocument } from '../../../policies/control/parse.js';
import type { RungDocument } from '../../../policies/control/ladder-documents.js';
import { OFF_PEAK_COMMENT } from '../../../policies/off-peak.js';

/** A Friday, an hour before the off-peak hours of the documents begin. */
export const WORLD_BEGINS_AT: EpochMs = Date.UTC(2026, 4, 29, 19);
const EVENTS = 'ANALYTICS.WEB.EVENTS';
const ORDERS = 'ANALYTICS.TPCH.ORDERS';

/** Statements of every class that is decided about in its own way. */
export const TEXTS: readonly string[] = [
  `SELECT * FROM ${EVENTS}`,
  `SELECT COUNTRY, SUM(REVENUE) AS R FROM ${EVENTS} WHERE EVENT_DATE BETWEEN '2026-03-01' AND '2026-03-02' GROUP BY 1`,
  `SELECT COUNTRY, SUM(REVENUE) AS R FROM ${EVENTS} WHERE EVENT_DATE BETWEEN '2026-03-01' AND '2026-03-20' GROUP BY 1`,
  `SELECT O_ORDERKEY FROM ${ORDERS} WHERE O_ORDERKEY < 1000`,
  `SELECT O_ORDERKEY FROM ${ORDERS} WHERE O_ORDERKEY < 2000`,
  `${OFF_PEAK_COMMENT} SELECT PAGE FROM ${EVENTS} WHERE EVENT_DATE = '2026-03-01'`,
  `/* {"app": "dbt", "node_id": "model.shop.orders"} */ SELECT O_ORDERDATE, COUNT(*) FROM ${ORDERS} GROUP BY 1`,
  `INSERT INTO ANALYTICS.TPCH.TEAM_ORDERS SELECT O_ORDERKEY FROM ${ORDERS}`,
  `CREATE TABLE ANALYTICS.TPCH.COPIED AS SELECT O_ORDERKEY FROM ${ORDERS}`,
  `SELECT CURRENT_WAREHOUSE(), COUNT(*) FROM ${ORDERS} GROUP BY 1`,
  `SELECT a.O_ORDERKEY FROM ${ORDERS} a CROSS JOIN ${EVENTS} b`,
  `SELECT O_ORDERKEY FROM ${ORDERS}; SELECT PAGE FROM ${EVENTS} WHERE EVENT_DATE = '2026-03-01'`,
  'CALL ANALYTICS.TPCH.REFRESH()',
  `COPY INTO 's3://bucket/part' FROM ${ORDERS}`,
  `COPY INTO ${ORDERS} FROM @~/part`,
  'SHOW TABLES',
  'USE WAREHOUSE BATCH_WH',
  `USE WAREHOUSE BATCH_WH; SELECT O_ORDERKEY FROM ${ORDERS}`,
];

const RULES: readonly RuleDocument[] = (
  [
    { effect: 'refuse', when: 'statement.selectStar' },
    { effect: 'refuse', mode: 'warn', when: 'tier == "standard"' },
    { effect: 'refuse', mode: 'shadow', when: 'true' },
    { effect: 'refuse', when: 'caller.workload.startsWith("dbt/") && tier == "batch"' },
    { effect: 'refuse', when: 'caller.workload.startsWith("client/")' },
    { effect: 'queue', tier: 'batch', when: 'statement.class == "dml"' },
    { effect: 'queue', tier: 'standard', when: 'estimate.basis == "HISTORY"', approvable: false },
    { effect: 'reroute', tier: 'batch', when: 'tier == "interactive" && estimate.bytes > 1000' },
    { effect: 'reroute', tier: 'interactive', when: 'statement.class == "query"' },
    { effect: 'approve', waitSeconds: 30, when: 'statement.aggregation && tier != "batch"' },
    { effect: 'approve', when: 'caller.client.startsWith("JDBC")' },
    { effect: 'off-peak', when: 'size(estimate.missingFilters) > 0' },
    { effect: 'off-peak', when: 'tier == "batch"', approvable: false },
    { effect: 'allow-external', when: 'caller.team == "marketing"' },
    { effect: 'ceiling', ceilingCredits: '0.05', when: 'tier == "interactive"' },
    { effect: 'ceiling', ceilingCredits: '0.5', when: 'statement.crossJoin', approvable: false },
  ] as const
).map((rule, index) => ({
  id: `rule-${index}`,
  mode: 'enforce',
  message: `what rule ${index} says`,
  ...rule,
}));

const rung: fc.Arbitrary<RungDocument> = fc
  .record({
    atPercent: fc.constantFrom(0, 1, 20, 60, 95),
    step: fc.constantFrom(
      'warn' as const,
      'slower-tier' as const,
      'smaller-warehouse' as const,
      'off-peak' as const,
      'approve' as const,
      'refuse' as const,
    ),
    tier: fc.constantFrom('interactive', 'standard', 'batch'),
    aboveCredits: fc.constantFrom(undefined, undefined, '0.001', '0.1'),
  })
  .map(({ atPercent, step, tier, aboveCredits }) => ({
    atPercent,
    step,
    ...(step === 'slower-tier' || step === 'smaller-warehouse' ? { tier } : {}),
    ...(step === 'approve' ? { waitSeconds: 60 } : {}),
    ...(aboveCredits === undefined ? {} : { aboveCredits }),
  }));

const rungs = fc
  .uniqueArray(rung, { selector: ({ atPercent }) => atPercent, maxLength: 2 })
  .map((ladder) => ladder.toSorted((a, b) => a.atPercent - b.atPercent));

/** Limits of about what some statements of a history hold together. */
const limit = fc.constantFrom('unlimited', '0', '0.05', '0.5', '3', '40');
const month = { kind: 'month', timeZone: 'UTC' } as const;
const day = { kind: 'day', timeZone: 'America/New_York' } as const;

function aBudget(
  id: string,
  fixed: Pick<BudgetDocument, 'node' | 'period'> &
    Partial<Pick<BudgetDocument, 'tier' | 'client' | 'workload'>>,
): fc.Arbitrary<BudgetDocument> {
  return fc
    .record({ limitCredits: limit, hard: fc.boolean(), ladder: rungs })
    .map(({ ladder, ...drawn }) => ({
      id,
      counts: 'direct',
      ...fixed,
      ...drawn,
      ...(drawn.limitCredits === 'unlimited' ? {} : { ladder }),
    }));
}

const budgets = fc
  .tuple(
    aBudget('company', { node: 'demo-company', period: month }),
    aBudget('marketing', { node: 'marketing', period: day }),
    aBudget('marketing-batch', { node: 'marketing', period: month, tier: 'batch' }),
    aBudget('marketing-quick', { node: 'marketing', period: day, tier: 'interactive' }),
    aBudget('marketing-jdbc', { node: 'marketing', period: month, client: 'JDBC*' }),
    aBudget('marketing-dbt', { node: 'marketing', period: month, workload: 'dbt/*' }),
  )
  .chain((all) => fc.subarray(all));

const aTier = fc.record({
  switch: fc.oneof(
    { weight: 4, arbitrary: fc.constant('session' as const) },
    { weight: 1, arbitrary: fc.constant('refuse' as const) },
  ),
  ceilingCredits: fc.constantFrom('0.02', '1', '300'),
  opaque: fc.constantFrom('allow' as const, 'refuse' as const, 'approve' as const),
  offPeak: fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    {
      weight: 2,
      arbitrary: fc.constant({ timeZone: 'UTC', windows: [{ from: '20:00', to: '06:00' }] }),
    },
  ),
  concurrencyMax: fc.constantFrom(1, 2, 64),
});

function tierWith(
  tier: TierDocument,
  { offPeak, ...drawn }: typeof aTier extends fc.Arbitrary<infer T> ? T : never,
): TierDocument {
  return {
    ...tier,
    ...drawn,
    queueMax: 100,
    guessHoldCredits: '0.02',
    guessExpectedCredits: '0.005',
    ...(offPeak === null ? {} : { offPeak }),
  };
}

/** Without the steps and rules that send statements to hours which their tiers do not have. */
function withoutMissingHours(document: ControlDocument): ControlDocument {
  const { tiers } = document;
  const hasHours = (only: string | undefined): boolean =>
    tiers.every(({ id, offPeak }) => offPeak !== undefined || (only !== undefined && only !== id));
  const isAnywhere = tiers.some(({ offPeak }) => offPeak !== undefined);
  return {
    ...document,
    rules: document.rules.filter(({ effect }) => isAnywhere || effect !== 'off-peak'),
    budgets: document.budgets.map(({ ladder, ...budget }) => ({
      ...budget,
      ...(ladder === undefined
        ? {}
        : { ladder: ladder.filter(({ step }) => step !== 'off-peak' || hasHours(budget.tier)) }),
    })),
  };
}

/** As the API reads one that is applied; fails where it would be refused. */
export function accepted(document: ControlDocument): ControlDocument {
  const parsed = parseControlDocument(document);
  assert(parsed.ok, parsed.ok ? '' : JSON.stringify(parsed.problems));
  return parsed.document;
}

/** Documents that the API would accept. */
export const documents: fc.Arbitrary<ControlDocument> = fc
  .record({
    rules: fc.subarray([...RULES], { maxLength: 4 }),
    moves: fc.subarray(RULES.filter(({ effect }) => effect === 'reroute')),
    budgets,
    tiers: fc.tuple(aTier, aTier, aTier),
    denied: fc.constantFrom([], [], [], [], ['write' as const], ['read' as const]),
    runRate: fc.constantFrom(null, null, '0.001', '1', '100'),
    suspended: fc.constantFrom(false, false, false, true),
  })
  .map(({ rules, moves, budgets: drawn, tiers, denied, runRate, suspended }): ControlDocument => {
    const demo = demoControlDocument();
    return {
      ...demo,
      rules: RULES.filter((rule) => rules.includes(rule) || moves.includes(rule)),
      budgets: drawn,
      tiers: demo.tiers.map((tier, index) => tierWith(tier, tiers[index] ?? tiers[0])),
      principals: demo.principals.map((principal) =>
        suspended && principal.id === 'sales_analyst'
          ? { ...principal, status: 'suspended' }
          : principal,
      ),
      access: denied.map((action) => ({
        id: `no-${action}`,
        effect: 'deny',
        tables: [ORDERS],
        actions: [action],
        except: { teams: ['sales'] },
        owner: 'the owner of orders',
      })),
      runRates: runRate === null ? [] : [{ id: 'pace', limitCreditsPerMonth: runRate }],
    };
  })
  .map((document) => accepted(withoutMissingHours(document)));

export const freezes: fc.Arbitrary<readonly Freeze[]> = fc
  .subarray(
    [
      { scope: 'team', target: 'marketing' },
      { scope: 'principal', target: 'sales_analyst' },
      { scope: 'warehouse', target: 'BATCH_WH' },
      { scope: 'tier', target: 'interactive' },
      { scope: 'everything', target: '' },
    ] as const,
    { maxLength: 1 },
  )
  .chain((frozen) =>
    fc.tuple(fc.constant(frozen), fc.nat(5_000), fc.constantFrom(null, 600, 3_600)),
  )
  .map(([frozen, afterSeconds, seconds]) =>
    frozen.map((each, index) => {
      const frozenAt = WORLD_BEGINS_AT + afterSeconds * 1_000;
      const until = seconds === null ? null : frozenAt + seconds * 1_000;
      return { ...each, id: `f-${index}`, frozenBy: 'admin', reason: 'a test', frozenAt, until };
    }),
  );

/** A statement that comes so long after the one before, and runs so long. */
const arrival = fc.record({
  text: fc.constantFrom(...TEXTS),
  user: fc.oneof(
    { weight: 12, arbitrary: fc.constant('MARKETING_ANALYST') },
    { weight: 2, arbitrary: fc.constant('SALES_ANALYST') },
    { weight: 1, arbitrary: fc.constant('NOBODY') },
  ),
  warehouse: fc.oneof(
    {
      weight: 12,
      arbitrary: fc.constantFrom('INTERACTIVE_WH', 'STANDARD_WH', 'BATCH_WH'),
    },
    { weight: 1, arbitrary: fc.constantFrom('OTHER_WH', null, 'interactive_wh') },
  ),
  client: fc.constantFrom(null, 'JDBC/3.13.30', 'JDBC 3.13.30', 'snowflake-sdk/2.0.0'),
  queryTag: fc.constantFrom(null, null, null, '{"tollgate_off_peak":true}', 'Metabase'),
  waitMs: fc.oneof(fc.nat(5_000), fc.nat(600_000)),
  executionMs: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 900_000 })),
});

export function rowsOf(length: number): fc.Arbitrary<readonly ReplayRow[]> {
  return fc.array(arrival, { minLength: length, maxLength: length }).map((drawn) => {
    let at = WORLD_BEGINS_AT;
    return drawn.map((each, index) => {
      // No two come in the same moment: the ledger does not say which came first.
      at += 1 + each.waitMs;
      return aRow(index, at, each);
    });
  });
}

/** What is drawn of a row. */
export interface Drawn extends Pick<
  ReplayRow,
  'user' | 'warehouse' | 'client' | 'queryTag' | 'executionMs'
> {
  readonly text: string;
}

/** Of a statement that runs from when it comes. */
export function aRow(
  index: number,
  submittedAt: EpochMs,
  { text, user, warehouse, client, queryTag, executionMs }: Drawn,
): ReplayRow {
  return {
    queryId: `q-${index}`,
    queryText: text,
    shapeHash: null,
    textHash: null,
    queryType: null,
    database: 'ANALYTICS',
    schema: 'TPCH',
    account: 'demo',
    user,
    role: 'ANALYST',
    sessionId: null,
    warehouse,
    warehouseSize: 'X-Small',
    cluster: null,
    queryTag,
    client,
    isOffPeak: false,
    submittedAt,
    startedAt: submittedAt,
    endedAt: submittedAt + executionMs,
    executionMs,
    isSuccess: true,
    bytesScanned: null,
    credits: null,
    ticket: null,
  };
}

/** Of which several budgets decide something. */
export const limitedDocuments: fc.Arbitrary<ControlDocument> = documents.filter(
  ({ budgets: drawn }) =>
    drawn.filter(({ hard, ladder = [] }) => hard || ladder.length > 0).length > 2,
);

function withoutLadder(budget: BudgetDocument): BudgetDocument {
  const copy: { -readonly [Field in keyof BudgetDocument]: BudgetDocument[Field] } = { ...budget };
  delete copy.ladder;
  return copy;
}

/** Documents under which nothing is moved or paced: what ends a statement early is a ceiling, or a budget. */
export const guardedDocuments: fc.Arbitrary<ControlDocument> = documents
  .map((document) =>
    accepted({
      ...document,
      rules: document.rules.filter(({ effect }) => effect === 'ceiling' || effect === 'refuse'),
      tiers: document.tiers.map((tier) => ({ ...tier, switch: 'refuse' as const })),
      // Hard and without ladders: most are used up by statements that run, and not refused to those that come.
      budgets: document.budgets.map(withoutLadder).map((budget) => ({
        ...budget,
        hard: true,
        limitCredits: budget.limitCredits === '0' ? '1' : budget.limitCredits,
      })),
      principals: demoControlDocument().principals,
      runRates: [],
    }),
  )
  .filter(({ budgets: drawn }) => drawn.some(({ limitCredits }) => limitCredits !== 'unlimited'));

/** Warehouses, and when in three seconds statements of each begin: no two are looked at in the same moment. */
const PHASES = [
  ['INTERACTIVE_WH', 0],
  ['STANDARD_WH', 1_000],
  ['BATCH_WH', 2_000],
] as const;
const STEP_MS = 3_000;

const guardedArrival = fc.record({
  text: fc.constantFrom(...TEXTS.filter((text) => !/use warehouse/i.test(text))),
  user: fc.constantFrom('MARKETING_ANALYST', 'MARKETING_ANALYST', 'SALES_ANALYST'),
  place: fc.nat(PHASES.length - 1),
  waitSteps: fc.nat(40),
  /** Half a second more: nothing ends in the moment of a look. */
  runSeconds: fc.oneof(fc.nat(10), fc.nat(900)),
});

/** Statements that come one after the other on each warehouse, and share none of its time. */
export function guardedRowsOf(length: number): fc.Arbitrary<readonly ReplayRow[]> {
  return fc.array(guardedArrival, { minLength: length, maxLength: length }).map((drawn) => {
    const freeFrom: EpochMs[] = PHASES.map(() => WORLD_BEGINS_AT);
    const rows = drawn.map(({ text, user, place, waitSteps, runSeconds }, index) => {
      const [warehouse, phaseMs] = PHASES[place] ?? PHASES[0];
      const free = (freeFrom[place] ?? WORLD_BEGINS_AT) + waitSteps * STEP_MS;
      const at =
        WORLD_BEGINS_AT + Math.ceil((free - WORLD_BEGINS_AT) / STEP_MS) * STEP_MS + phaseMs;
      const executionMs = runSeconds * 1_000 + 500;
      freeFrom[place] = at + executionMs;
      return aRow(index, at, {
        text,
        user,
        warehouse,
        client: null,
        queryTag: null,
        executionMs,
      });
    });
    return rows.toSorted((a, b) => a.submittedAt - b.submittedAt);
  });
}

/**
 * Documents that a plan is made of, on warehouses of one size: a plan goes by the estimates that were made then, also for what is
 * moved. Paces are not asked by one.
 */
export const plannedDocuments: fc.Arbitrary<ControlDocument> = limitedDocuments.map((document) =>
  accepted({
    ...document,
    warehouses: document.warehouses.map((warehouse) => ({ ...warehouse, size: 'XSMALL' })),
    runRates: [],
  }),
);

/** The same, where nothing is refused that could run at all. */
export function generousOf(document: ControlDocument): ControlDocument {
  return accepted({
    ...document,
    rules: [],
    access: [],
    budgets: document.budgets.map(withoutLadder).map((budget) => ({
      ...budget,
      limitCredits: 'unlimited',
    })),
    tiers: document.tiers.map((tier) => ({
      ...tier,
      ceilingCredits: '300',
      opaque: 'allow' as const,
      offPeak: { timeZone: 'UTC', windows: [{ from: '20:00', to: '06:00' }] },
    })),
    principals: demoControlDocument().principals,
  });
}
