/** The API's question what a statement would cost, answered by the steps of the path: with history, statistics and budgets. */
import type { PriceQuestion, PricedStatement, PriceStatement } from '../admin/statement-pricing.js';
import { tgLabel } from '../base/errors.js';
import { Lifecycle, type Stoppable } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';
import type { Metrics } from '../base/metrics.js';
import type { Database } from '../base/postgres/pool.js';
import { type Clock, formatInstant } from '../base/time.js';
import { type Credits, formatAmount, type Money, priceCredits } from '../base/units.js';
import { freezesInForce } from '../billing/freezes.js';
import type { Ledger } from '../billing/ledger.js';
import { type ControlSnapshot, createSnapshot } from '../policies/control/snapshot.js';
import { createAnalyser } from '../policies/sql/analyser.js';
import { HistoryCache } from '../proxy/estimates/history.js';
import { narrowestFirst } from '../proxy/freezes.js';
import { StatisticsCache } from '../proxy/estimates/statistics.js';
import type { Proxy } from '../proxy/start-proxy.js';
import { BASIS_TEXT } from '../proxy/surface/explain-cost.js';
import { isShort } from '../proxy/surface/explain-input.js';
import type { Placement } from '../proxy/stages.js';
import { type Explanation, explain, firstLine } from './explanation/explain.js';
import type { Outcome } from './explanation/outcome.js';
import { nameOf } from './explanation/question.js';
import { VerbError } from './verb-error.js';

type Pricing = Proxy['pricing'];

export interface StatementPricingOptions {
  readonly db: Database;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, 'standing'>;
  /** Of the proxy in this process; null: there is none, and the first question opens its own. */
  readonly pricing: Pricing | null;
}

const STATISTICS_POLL_MS = 10_000;
/** As the verb `explain`: nobody waits behind a question of a person. */
const PARSE_DEADLINE_MS = 10_000;
const PARSER_WAIT_MS = 20_000;

/** What prices for the API; stopped with the process. */
export function createStatementPricing(
  options: StatementPricingOptions,
): { readonly price: PriceStatement } & Stoppable {
  const life = new Lifecycle();
  let opened: Promise<Pricing> | undefined;
  const snapshots = new WeakMap<object, ControlSnapshot>();
  const snapshotOf = ({ control: { document, version } }: PriceQuestion): ControlSnapshot => {
    const snapshot = snapshots.get(document) ?? createSnapshot(document, version);
    snapshots.set(document, snapshot);
    return snapshot;
  };
  return {
    async price(question) {
      opened ??=
        options.pricing === null ? openOwn(options, life) : Promise.resolve(options.pricing);
      return price(options, await opened, snapshotOf(question), question);
    },
    async stop() {
      await life.drain();
    },
  };
}

async function openOwn(
  { db, log, metrics }: StatementPricingOptions,
  life: Lifecycle,
): Promise<Pricing> {
  const statistics = life.add('statistics', new StatisticsCache(db, log, STATISTICS_POLL_MS));
  await statistics.refresh();
  const history = life.add('history', new HistoryCache({ db, log, metrics, replica: 'admin' }));
  await history.load();
  const parser = { waitMsMax: PARSER_WAIT_MS, deadlineMs: PARSE_DEADLINE_MS, spareCount: 0 };
  return { statistics, history, analyser: life.add('analyser', createAnalyser({ parser })) };
}

async function price(
  { db, clock, ledger }: StatementPricingOptions,
  { analyser, history, statistics }: Pricing,
  snapshot: ControlSnapshot,
  question: PriceQuestion,
): Promise<PricedStatement | null> {
  const { account, database, schema, warehouse } = question;
  const at = clock.now();
  try {
    const explanation = await explain(
      {
        ...question,
        warehouse: warehouse ?? snapshot.defaultTier().warehouse,
        names: {
          database: database === null ? null : nameOf(database),
          schema: schema === null ? (database === null ? null : 'PUBLIC') : nameOf(schema),
        },
        snapshot,
        controlSource: `version ${question.control.version}`,
        tables: {
          source: 'the ledger',
          statistics: statistics.statisticsOf(account),
          catalogue: statistics.catalogueOf(account),
        },
        history: history.viewOf(account),
        live: {
          freezes: narrowestFirst(await freezesInForce(db, at)),
          standings: await ledger.standing(budgetsOnPath(question), at),
        },
        at,
      },
      analyser,
    );
    return toPriced(explanation);
  } catch (thrown) {
    // There is no statement in the text.
    if (thrown instanceof VerbError) return null;
    throw thrown;
  }
}

/** Budgets of every node above who asks: those narrowed to another tier or client are left out where it is decided. */
function budgetsOnPath({ control, team, principal }: PriceQuestion): readonly string[] {
  const { organisation, budgets } = control.document;
  const nodes = new Set([organisation.id, team.department, team.id, principal.id]);
  return budgets.filter(({ node }) => nodes.has(node)).map(({ id }) => id);
}

function toPriced({ question, outcome, facts }: Explanation): PricedStatement {
  const { principal, team, account, warehouse } = question;
  return {
    principal: principal.id,
    team: team.id,
    account,
    tier: null,
    warehouse,
    warehouseSize: null,
    currency: null,
    isFree: outcome.kind === 'answered-by-tollgate',
    reasons: [],
    warnings: [],
    estimate: null,
    hold: null,
    ceiling: null,
    budgets: [],
    cheaper: [],
    ...told(outcome),
    statements: facts.statements.map((each) => ({
      class: each.class,
      isOpaque: each.opaque,
      tablesRead: [...each.tablesRead],
      tablesWritten: [...each.tablesWritten],
      unknown: [...each.unknown],
    })),
  };
}

type Told = Pick<PricedStatement, 'decision' | 'refusal'> & Partial<PricedStatement>;

function told(outcome: Outcome): Told {
  switch (outcome.kind) {
    case 'answered-by-tollgate':
      return { decision: 'allow', refusal: null };
    case 'not-priced':
      return { decision: 'refuse', refusal: refusalJson(outcome.refusal) };
    case 'decided':
      return decided(outcome);
  }
}

function decided(outcome: Extract<Outcome, { kind: 'decided' }>): Told {
  const { price: priced, decision, refusal, holdCredits, standings } = outcome;
  const { estimate, placement, isFree } = priced;
  const { tier, warehouse, warehouseSize, currency } = placement;
  const both = bothOf(placement);
  return {
    decision: refusal !== null && decision.kind === 'allow' ? 'refuse' : decision.kind,
    refusal: refusal === null ? null : refusalJson(refusal),
    tier: tier.id,
    warehouse,
    warehouseSize,
    currency,
    isFree,
    reasons: decision.reasons.map(({ source, message }) => ({ source, message })),
    warnings: decision.warnings.map(({ source, message }) => ({ source, message })),
    estimate: {
      basis: estimate.basis,
      basisText: BASIS_TEXT[estimate.basis] ?? '',
      low: both(estimate.lowCredits),
      expected: both(estimate.expectedCredits),
      high: both(estimate.highCredits),
      expectedSeconds: estimate.expectedSeconds,
      bytes: estimate.bytes,
      partitions: estimate.partitions === null ? null : { ...estimate.partitions },
    },
    hold: both(holdCredits, 'up'),
    ceiling: both(decision.ceilingCredits, 'down'),
    budgets: standings.map((standing) => ({
      budgetId: standing.budgetId,
      isHard: standing.isHard,
      availableCredits:
        standing.availableCredits === null ? null : formatAmount(standing.availableCredits),
      isShort: isShort(standing, holdCredits),
      periodEndsAt: formatInstant(standing.periodEndsAt),
    })),
    cheaper: estimate.advice.map(({ table, column, range, creditsAfter }) => ({
      table,
      column,
      range,
      after: both(creditsAfter),
    })),
  };
}

function bothOf({
  pricePerCredit,
}: Placement): (
  credits: Credits,
  rounding?: Parameters<typeof priceCredits>[2],
) => { readonly credits: string; readonly amount: string } {
  return (credits, rounding = 'half-even') => ({
    credits: formatAmount(credits),
    amount: formatAmount(priceCredits(credits, pricePerCredit, rounding) satisfies Money),
  });
}

function refusalJson(refusal: Parameters<typeof firstLine>[0]): {
  readonly code: string;
  readonly message: string;
} {
  return { code: tgLabel(refusal.code), message: firstLine(refusal) };
}
