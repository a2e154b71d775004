/** An explanation as one JSON object. Amounts are exact decimal strings with their unit in the name. */
import { driverCode, tgLabel } from '../../base/errors.js';
import { formatInstant } from '../../base/time.js';
import { type Credits, formatAmount, type Money, priceCredits } from '../../base/units.js';
import type { Decision } from '../../policies/rules/decision.js';
import type { Estimate } from '../../policies/estimate/estimate.js';
import { joinText } from '../../policies/rules/condition-input.js';
import { relativeText } from '../../policies/sql/relative-bound.js';
import type { Filter, StatementFacts } from '../../policies/sql/facts.js';
import type { Refusal } from '../../proxy/wire/refusal.js';
import { type Explanation, firstLine, isAllowed } from './explain.js';

/** What nobody can know here; `EXPLAIN COST` in SQL asks both. */
const NOT_ASKED = ['budgets', 'history'] as const;
const NOT_ASKED_LIVE = ['history'] as const;

/** The object that `--json` prints; keys in this order. */
export function explanationJson(explanation: Explanation): Readonly<Record<string, unknown>> {
  const { question, facts, outcome, isDryRun } = explanation;
  const price = outcome.kind === 'decided' ? outcome.price : null;
  const placement = price?.placement ?? null;
  return {
    kind: 'explain',
    isAllowed: isAllowed(explanation),
    decision: decisionJson(explanation),
    at: formatInstant(question.at),
    control: question.controlSource,
    statistics: question.tables.source,
    notAsked: question.live === null ? NOT_ASKED : NOT_ASKED_LIVE,
    isDryRun,
    account: question.account,
    principal: question.principal.id,
    team: question.team.id,
    department: question.team.department,
    role: question.role,
    client: question.client === '' ? null : question.client,
    workload: explanation.workload,
    tier: placement?.tier.id ?? null,
    warehouse: placement === null ? question.warehouse : placement.warehouse,
    warehouseSize: placement?.warehouseSize ?? null,
    creditsPerHour: placement === null ? null : formatAmount(placement.creditsPerHour),
    pricePerCredit: placement === null ? null : formatAmount(placement.pricePerCredit),
    currency: placement?.currency ?? null,
    estimate: price === null ? null : estimateJson(price.estimate, price.placement.pricePerCredit),
    fingerprint: facts.statements.length === 0 ? null : facts.fingerprint,
    statements: facts.statements.map((each, index) => ({
      ...factsJson(each),
      location: explanation.locations[index] ?? 'none',
      tablesWithoutStatistics: explanation.tablesWithoutStatistics[index] ?? [],
      estimate: partJson(explanation, index),
    })),
  };
}

function partJson({ outcome }: Explanation, index: number): object | null {
  if (outcome.kind !== 'decided') return null;
  const part = outcome.price.estimateParts[index];
  return part === undefined ? null : estimateJson(part, outcome.price.placement.pricePerCredit);
}

function decisionJson({ outcome }: Explanation): object {
  switch (outcome.kind) {
    case 'answered-by-tollgate':
      return { kind: 'allow', ...NOTHING_FIRED, answeredByTollgate: true, refusal: null };
    case 'not-priced':
      return { kind: 'refuse', ...NOTHING_FIRED, refusal: refusalJson(outcome.refusal) };
    case 'decided': {
      const { decision, refusal } = outcome;
      return {
        kind: decision.kind,
        ceilingCredits: formatAmount(decision.ceilingCredits),
        reasons: decision.reasons,
        warnings: decision.warnings,
        shadow: decision.shadow,
        ...more(decision),
        isSwitched: outcome.isSwitched,
        runsAt: outcome.runsAt === null ? null : formatInstant(outcome.runsAt),
        refusal: refusal === null ? null : refusalJson(refusal),
      };
    }
  }
}

const NOTHING_FIRED = { ceilingCredits: null, reasons: [], warnings: [], shadow: [] } as const;

function more(decision: Decision): object {
  switch (decision.kind) {
    case 'queue':
    case 'reroute':
      return { tier: decision.tier };
    case 'approve':
      return { waitSeconds: decision.waitSeconds };
    case 'refuse':
    case 'allow':
      return {};
  }
}

function refusalJson(refusal: Refusal): object {
  return {
    code: tgLabel(refusal.code),
    driverCode: refusal.wireCode ?? driverCode(refusal.code),
    message: firstLine(refusal),
  };
}

function estimateJson(estimate: Estimate, pricePerCredit: Money): object {
  const money = (credits: Credits): string =>
    formatAmount(priceCredits(credits, pricePerCredit, 'half-even'));
  return {
    basis: estimate.basis,
    lowCredits: formatAmount(estimate.lowCredits),
    expectedCredits: formatAmount(estimate.expectedCredits),
    highCredits: formatAmount(estimate.highCredits),
    lowAmount: money(estimate.lowCredits),
    expectedAmount: money(estimate.expectedCredits),
    highAmount: money(estimate.highCredits),
    expectedSeconds: estimate.expectedSeconds,
    bytes: estimate.bytes,
    partitions: estimate.partitions,
    advice: estimate.advice.map(({ table, column, range, creditsAfter }) => ({
      table,
      column,
      range,
      creditsAfter: formatAmount(creditsAfter),
      amountAfter: money(creditsAfter),
    })),
  };
}

/** Bounds that the clock decides are told as the expressions they are. */
function filterJson({ relativeLow, relativeHigh, ...filter }: Filter): object {
  return {
    ...filter,
    ...(relativeLow === undefined ? {} : { relativeLow: relativeLow.map(relativeText) }),
    ...(relativeHigh === undefined ? {} : { relativeHigh: relativeHigh.map(relativeText) }),
  };
}

function factsJson(facts: StatementFacts): object {
  return {
    class: facts.class,
    opaque: facts.opaque,
    innerClasses: facts.innerClasses,
    isFree: facts.isFree,
    fingerprint: facts.fingerprint,
    tablesRead: facts.tablesRead,
    tablesWritten: facts.tablesWritten,
    columns: facts.columns,
    filters: facts.filters.map(filterJson),
    joins: facts.joins.map(joinText),
    functions: facts.functions,
    stages: facts.stages,
    limit: facts.limit,
    hasSelectStar: facts.hasSelectStar,
    hasCrossJoin: facts.hasCrossJoin,
    hasAggregation: facts.hasAggregation,
    hasWindowFunction: facts.hasWindowFunction,
    hasTimeTravel: facts.hasTimeTravel,
    hasSample: facts.hasSample,
    unknown: facts.unknown,
  };
}
