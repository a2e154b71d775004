/** The facts of `EXPLAIN COST` for programs: `data.tollgate` of the reply, amounts as exact decimal strings. */
import { formatInstant } from '#base/time.js';
import { formatAmount, priceCredits, type Credits } from '#base/units.js';
import { isShort, type ExplainCostInput, type Total } from './explain-input.js';

/** The whole twin. */
export function twinOf(input: ExplainCostInput, total: Total): Readonly<Record<string, unknown>> {
  const money = (credits: Credits): string =>
    formatAmount(priceCredits(credits, input.pricePerCredit, 'half-even'));
  const { outlook } = input;
  return {
    kind: 'explain-cost',
    basis: total.basis,
    lowCredits: formatAmount(total.low),
    expectedCredits: formatAmount(total.expected),
    highCredits: formatAmount(total.high),
    lowAmount: money(total.low),
    expectedAmount: money(total.expected),
    highAmount: money(total.high),
    holdCredits: formatAmount(outlook.holdCredits),
    holdAmount: money(outlook.holdCredits),
    currency: input.currency,
    pricePerCredit: formatAmount(input.pricePerCredit),
    expectedSeconds: total.seconds,
    bytes: total.bytes,
    partitions: total.partitions,
    tier: input.tier,
    warehouse: input.warehouse,
    warehouseSize: input.warehouseSize,
    queue: outlook.queue,
    decision: {
      kind: outlook.decision.kind,
      refusal: outlook.refusal,
      ceilingCredits: formatAmount(outlook.ceilingCredits),
      ceilingSource: outlook.ceilingSource,
      reasons: outlook.decision.reasons,
      warnings: outlook.decision.warnings,
      notes: outlook.notes,
    },
    bindingBudget: outlook.bindingBudgetId,
    budgets: input.budgets.map((standing) => ({
      budget: standing.budgetId,
      isHard: standing.isHard,
      availableCredits:
        standing.availableCredits === null ? null : formatAmount(standing.availableCredits),
      isShort: isShort(standing, outlook.holdCredits),
      periodEndsAt: formatInstant(standing.periodEndsAt),
    })),
    ...cheaperOf(input, money),
    statements: input.statements.map(({ facts, estimate }) => ({
      class: facts.class,
      opaque: facts.opaque,
      fingerprint: facts.fingerprint,
      tablesRead: facts.tablesRead,
      tablesWritten: facts.tablesWritten,
      basis: estimate.basis,
      expectedCredits: formatAmount(estimate.expectedCredits),
      highCredits: formatAmount(estimate.highCredits),
    })),
  };
}

function cheaperOf(
  { statements, cheaper: { columns, rewrite } }: ExplainCostInput,
  money: (credits: Credits) => string,
): object {
  const priced = (creditsAfter: Credits): object => ({
    creditsAfter: formatAmount(creditsAfter),
    amountAfter: money(creditsAfter),
  });
  return {
    advice: statements.flatMap(({ estimate }) =>
      estimate.advice.map(({ table, column, range, creditsAfter }) => ({
        table,
        column,
        range,
        ...priced(creditsAfter),
      })),
    ),
    columnAdvice: columns.map(({ creditsAfter, ...named }) => ({
      ...named,
      ...priced(creditsAfter),
    })),
    rewrite:
      rewrite === null
        ? null
        : {
            sqlText: rewrite.sqlText,
            expectedCredits: formatAmount(rewrite.expectedCredits),
            expectedAmount: money(rewrite.expectedCredits),
            highCredits: formatAmount(rewrite.highCredits),
          },
  };
}
