/**
 * What a person reads when a statement was not run or was stopped. The first line survives every tool: code, that
 * nothing was charged, and both amounts within 90 characters; then Budget, Resets, Estimate, Do next, Why. The same
 * fields travel as JSON. Literals of the SQL never appear: only names of tables, columns, rules and budgets do.
 */
import type { TicketId } from '#base/ids.js';
import { tgLabel, type TgName } from '#base/errors.js';
import type { EpochMs } from '#base/time.js';
import {
  type Credits,
  formatAmount,
  maxAmount,
  type Money,
  NO_CREDITS,
  priceCredits,
} from '#base/units.js';
import type { Estimate } from '../estimate/estimate.js';
import { bytesText, countText, moneyText, nameText, spanText } from './amount-text.js';
import {
  type BudgetAsk,
  budgetLines,
  otherLines,
  othersShort,
  standingDetail,
  type StandingText,
} from './budget-text.js';
import type { RefusalCause } from './decision.js';

/** A refusal ready to be sent: the code picks driver code and SQLSTATE. */
export interface Refusal {
  readonly code: TgName;
  /** First line and body, separated by line feeds. */
  readonly message: string;
  /** The JSON twin: `data.tollgate` of the reply and the detail of the ticket. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What every refusal of a statement knows. */
export interface RefusalContext {
  readonly ticketId: TicketId;
  readonly estimate: Estimate;
  readonly tier: string;
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly at: EpochMs;
}

/** TG2001: a hard budget has less left than the hold. `standing`: the one that lacks the most. */
export function budgetRefusal(
  standing: StandingText,
  ask: BudgetAsk,
  context: RefusalContext,
): Refusal {
  const needs = moneyOf(ask.holdCredits, context);
  const others = othersShort(standing, ask);
  const available = maxAmount(standing.availableCredits ?? NO_CREDITS, NO_CREDITS);
  const left = priceCredits(available, context.pricePerCredit, 'down');
  return compose('budgetExceeded', context, {
    headline: `needs about ${moneyText(needs, context.currency, 'up')}, ${moneyText(left, context.currency, 'down')} is left in ${nameText(standing.budgetId, 63)}.`,
    lines: [...budgetLines(standing, context), ...otherLines(others, context)],
    steps: [...cheaperSteps(context), requestStep(context)],
    detail: {
      budget: standingDetail(standing, context),
      neededCredits: formatAmount(ask.holdCredits),
      neededAmount: formatAmount(needs),
      alsoShort: others.map((other) => standingDetail(other, context)),
    },
  });
}

/** TG2101: a rule refuses; `message` is the rule author's. */
export function ruleRefusal(
  cause: Extract<RefusalCause, { kind: 'rule' | 'external-location' }>,
  context: RefusalContext,
): Refusal {
  const source = cause.kind === 'rule' ? cause.ruleId : 'external-location';
  const message = cause.kind === 'rule' ? cause.message : LOCATION_MESSAGES[cause.location];
  return compose('ruleRefused', context, {
    headline: `${nameText(message, 300)} (rule ${source}).`,
    lines: [],
    steps: [...cheaperSteps(context), requestStep(context)],
    detail: { rule: source },
  });
}

const LOCATION_MESSAGES = {
  external: 'data is not loaded from or unloaded to places outside the account',
  unknown: 'this stage may lie outside the account; use @~, @%table or a stage that a rule allows',
} as const;

/** TG2201: the estimate is above what one statement may cost. */
export function ceilingRefusal(
  cause: Extract<RefusalCause, { kind: 'ceiling' }>,
  context: RefusalContext,
): Refusal {
  const needs = moneyOf(context.estimate.highCredits, context);
  const ceiling = priceCredits(cause.ceilingCredits, context.pricePerCredit, 'down');
  return compose('ceilingExceeded', context, {
    headline: `needs about ${moneyText(needs, context.currency, 'up')}, one statement may cost ${moneyText(ceiling, context.currency, 'down')} (${cause.source}).`,
    lines: [],
    steps: [...cheaperSteps(context), requestStep(context)],
    detail: {
      ceiling: {
        source: cause.source,
        ceilingCredits: formatAmount(cause.ceilingCredits),
        ceilingAmount: formatAmount(ceiling),
      },
    },
  });
}

/** TG2102: what the text does cannot be seen, and the tier refuses that. */
export function opaqueRefusal(context: RefusalContext): Refusal {
  return compose('opaqueRefused', context, {
    headline: `what this statement does cannot be seen from its text, and tier ${context.tier} refuses that.`,
    lines: [],
    steps: ['write the statements out instead of building them at run time', requestStep(context)],
    detail: {},
  });
}

/** TG2401: a rule or the tier wants somebody's approval first. */
export function approvalRefusal(cause: RefusalCause, context: RefusalContext): Refusal {
  const why =
    cause.kind === 'rule'
      ? `${nameText(cause.message, 300)} (rule ${cause.ruleId})`
      : `what this statement does cannot be seen from its text (tier ${context.tier})`;
  const needs = moneyOf(context.estimate.highCredits, context);
  return compose('approvalNeeded', context, {
    headline: `about ${moneyText(needs, context.currency, 'up')} waits for approval: ${why}.`,
    lines: [],
    steps: [requestStep(context)],
    detail: cause.kind === 'rule' ? { rule: cause.ruleId } : {},
  });
}

/** TG2402: somebody was asked and said no. */
export function declinedRefusal(
  decided: { readonly author: string; readonly reason: string },
  context: RefusalContext,
): Refusal {
  return compose('approvalDeclined', context, {
    headline: `${nameText(decided.author, 80)} declined it: ${nameText(decided.reason, 300)}.`,
    lines: [],
    steps: cheaperSteps(context),
    detail: { declinedBy: decided.author },
  });
}

export type QueueCause =
  | { readonly kind: 'full'; readonly waiting: number; readonly queueMax: number }
  | { readonly kind: 'timeout'; readonly waitedMs: number; readonly timeoutMs: number }
  /** The replica that held it is gone, or its token is about to expire. */
  | { readonly kind: 'lost' };

/** TG2301 and TG2302: no permit. The only refusals that are worth a repeat as they are. */
export function queueRefusal(cause: QueueCause, context: RefusalContext): Refusal {
  const code = ({ full: 'queueFull', timeout: 'queueTimeout', lost: 'waitAbandoned' } as const)[
    cause.kind
  ];
  return compose(code, context, {
    headline: queueHeadline(cause, context.tier),
    lines: [],
    steps: ['send it again in a minute'],
    detail: { queue: { ...cause } },
  });
}

function queueHeadline(cause: QueueCause, tier: string): string {
  switch (cause.kind) {
    case 'full':
      return `${countText(cause.waiting)} of at most ${countText(cause.queueMax)} statements wait in tier ${tier} already.`;
    case 'timeout':
      return `waited ${spanText(cause.waitedMs)} of at most ${spanText(cause.timeoutMs)} in tier ${tier}.`;
    case 'lost':
      return `its place in tier ${tier} was lost; send it again.`;
  }
}

/** TG2501: no budget can be held, so nothing runs (fail closed). */
export function ledgerUnavailable(context: RefusalContext): Refusal {
  return compose('ledgerUnavailable', context, {
    headline: 'the ledger does not answer, so no budget can be held.',
    lines: [],
    steps: ['send it again in a minute'],
    detail: {},
  });
}

/** TG1002 and TG1003: nobody to charge. No ticket and no estimate exist yet. */
export function identityRefusal(
  kind: 'unknown' | 'suspended',
  caller: { readonly account: string; readonly snowflakeUser: string },
): Refusal {
  const code = kind === 'unknown' ? 'principalUnknown' : 'principalSuspended';
  const who = `${nameText(caller.snowflakeUser, 80)} of account ${nameText(caller.account, 80)}`;
  const why = kind === 'unknown' ? 'belongs to no team' : 'is suspended';
  return {
    code,
    message: `${tgLabel(code)} Not run, nothing charged: ${who} ${why}. Ask the administrators of Tollgate.`,
    detail: { code: tgLabel(code), caller: { ...caller } },
  };
}

export interface StopContext {
  readonly ticketId: TicketId;
  readonly tier: string;
  readonly elapsedMs: number;
  readonly chargedMoney: Money;
  readonly currency: string;
  /** Money the whole run was expected to take; null when that is not known. */
  readonly expectedMoney: Money | null;
}

export type StopCause =
  | { readonly kind: 'ceiling'; readonly ceilingMoney: Money }
  | { readonly kind: 'budget'; readonly budgetId: string }
  | { readonly kind: 'killed'; readonly by: string }
  /** Nobody waits for it any more, and its tier says that then it is not run on. */
  | { readonly kind: 'gone' };

/** TG4001–TG4004: stopped while running; what was used is charged. */
export function stoppedText(cause: StopCause, context: StopContext): Refusal {
  const code = (
    {
      ceiling: 'ceilingReached',
      budget: 'budgetExhausted',
      killed: 'killed',
      gone: 'clientGone',
    } as const
  )[cause.kind];
  const expected =
    context.expectedMoney === null
      ? ''
      : ` It was expected to take ${moneyText(context.expectedMoney, context.currency)} in all.`;
  const why = `SELECT * FROM TABLE(TOLLGATE.WHY('${context.ticketId}'))`;
  const amount = moneyText(context.chargedMoney, context.currency);
  return {
    code,
    message: [
      `${tgLabel(code)} Stopped after ${spanText(context.elapsedMs)} at ${amount}: ${stopReason(cause, context)}. The result is lost.${expected}`,
      `Why      ${why}`,
    ].join('\n'),
    detail: {
      code: tgLabel(code),
      ticketId: context.ticketId,
      tier: context.tier,
      elapsedSeconds: Math.round(context.elapsedMs / 1_000),
      chargedAmount: formatAmount(context.chargedMoney),
      currency: context.currency,
      cause: cause.kind,
      why,
    },
  };
}

function stopReason(cause: StopCause, context: StopContext): string {
  switch (cause.kind) {
    case 'ceiling':
      return `one statement in tier ${context.tier} may cost ${moneyText(cause.ceilingMoney, context.currency)}`;
    case 'budget':
      return `${nameText(cause.budgetId, 63)} has nothing left to hold for it`;
    case 'killed':
      return `ended by ${nameText(cause.by, 300)}`;
    case 'gone':
      return `nobody waits for it any more, and tier ${context.tier} ends such statements`;
  }
}

export interface RefusalParts {
  readonly headline: string;
  readonly lines: readonly string[];
  readonly steps: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A refusal of a statement that was not run, in the form that all have. */
export function compose(code: TgName, context: RefusalContext, parts: RefusalParts): Refusal {
  const why = `SELECT * FROM TABLE(TOLLGATE.WHY('${context.ticketId}'))`;
  const steps = parts.steps.map(
    (step, index) => `${index === 0 ? 'Do next ' : '        '} ${index + 1}) ${step}`,
  );
  return {
    code,
    message: [
      `${tgLabel(code)} Not run, nothing charged: ${parts.headline}`,
      ...parts.lines,
      estimateLine(context),
      ...steps,
      `Why      ${why}`,
    ].join('\n'),
    detail: {
      code: tgLabel(code),
      ticketId: context.ticketId,
      tier: context.tier,
      charged: false,
      estimate: estimateDetail(context),
      ...parts.detail,
      doNext: parts.steps,
      why,
    },
  };
}

function estimateLine(context: RefusalContext): string {
  const { estimate, currency } = context;
  const low = moneyText(moneyOf(estimate.lowCredits, context), currency, 'down');
  const high = moneyText(moneyOf(estimate.highCredits, context), currency, 'up');
  const scan = [
    ...(estimate.bytes === null ? [] : [bytesText(estimate.bytes)]),
    ...(estimate.partitions === null
      ? []
      : [
          `${countText(estimate.partitions.assigned)} of ${countText(estimate.partitions.total)} partitions`,
        ]),
    ...estimate.advice
      .slice(0, 2)
      .map(
        (advice) => `no filter on ${nameText(advice.column, 60)} of ${shortTable(advice.table)}`,
      ),
  ];
  return `Estimate ${low}–${high} (${estimate.basis})${scan.length === 0 ? '' : ` · ${scan.join(', ')}`}`;
}

function cheaperSteps(context: RefusalContext): readonly string[] {
  return context.estimate.advice.slice(0, 2).map((advice) => {
    const after = moneyText(moneyOf(advice.creditsAfter, context), context.currency, 'up');
    return `filter ${nameText(advice.column, 60)} of ${shortTable(advice.table)} to ${advice.range}: about ${after}`;
  });
}

function requestStep(context: RefusalContext): string {
  return `ask for it: CALL TOLLGATE.REQUEST('${context.ticketId}', 'reason')`;
}

/** The last part of `DB.SCHEMA.TABLE`. */
function shortTable(table: string): string {
  return nameText(table.split('.').at(-1) ?? table, 60);
}

function moneyOf(credits: Credits, context: RefusalContext): Money {
  return priceCredits(credits, context.pricePerCredit, 'up');
}

function estimateDetail(context: RefusalContext): object {
  const { estimate } = context;
  return {
    basis: estimate.basis,
    lowCredits: formatAmount(estimate.lowCredits),
    expectedCredits: formatAmount(estimate.expectedCredits),
    highCredits: formatAmount(estimate.highCredits),
    highAmount: formatAmount(moneyOf(estimate.highCredits, context)),
    currency: context.currency,
    bytes: estimate.bytes,
    partitions: estimate.partitions,
    advice: estimate.advice.map((advice) => ({
      table: advice.table,
      column: advice.column,
      range: advice.range,
      creditsAfter: formatAmount(advice.creditsAfter),
    })),
  };
}
