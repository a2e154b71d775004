/**
 * What a person reads when a statement was not run or was stopped. The first line survives every tool: code, that
 * nothing was charged, and both amounts within 90 characters; then Budget, Resets, Estimate, Do next, Why. The same
 * fields travel as JSON. Literals of the SQL never appear: only names of tables, columns, rules and budgets do.
 */
import type { TicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import { tgLabel, type TgName } from '#base/errors.js';
import { formatAmount, maxAmount, type Money, NO_CREDITS, priceCredits } from '#base/units.js';
import { countText, moneyText, nameText, spanText } from './amount-text.js';
import { passNameOf, type RefusalCause } from './decision.js';
import {
  cheaperSteps,
  estimateDetail,
  estimateLine,
  moneyOf,
  rangeText,
  type RefusalContext,
} from './refusal-lines.js';
import {
  type BudgetAsk,
  budgetLines,
  otherLines,
  othersShort,
  standingDetail,
  type StandingText,
} from './budget-text.js';

export type { RefusalContext } from './refusal-lines.js';

/** A refusal ready to be sent: the code picks driver code and SQLSTATE. */
export interface Refusal {
  readonly code: TgName;
  /** First line and body, separated by line feeds. */
  readonly message: string;
  /** The JSON twin: `data.tollgate` of the reply and the detail of the ticket. */
  readonly detail: Readonly<Record<string, unknown>>;
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
    headline: `${rangeText(context)}: ${nameText(message, 300)} (rule ${source}).`,
    lines: [],
    steps: [...cheaperSteps(context), ...liftSteps(cause, context)],
    detail: { rule: source, ...liftDetail(cause) },
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
    steps: [...cheaperSteps(context), ...liftSteps(cause, context)],
    detail: {
      ...liftDetail(cause),
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
    headline: `${rangeText(context)}: what this statement does cannot be seen from its text, and tier ${context.tier} refuses that.`,
    lines: [],
    steps: ['write the statements out instead of building them at run time', requestStep(context)],
    detail: liftDetail({ kind: 'opaque' }),
  });
}

/** TG2401: a rule or the tier wants somebody's approval first; `passes` names all that it has to lift. */
export function approvalRefusal(
  cause: RefusalCause,
  context: RefusalContext,
  passes?: readonly string[],
): Refusal {
  const why =
    cause.kind === 'rule'
      ? `${nameText(cause.message, 300)} (rule ${cause.ruleId})`
      : `what this statement does cannot be seen from its text (tier ${context.tier})`;
  return compose('approvalNeeded', context, {
    headline: `${rangeText(context)} waits for approval: ${why}.`,
    lines: [],
    steps: [requestStep(context)],
    detail: {
      ...(cause.kind === 'rule' ? { rule: cause.ruleId } : {}),
      ...(passes === undefined ? liftDetail(cause) : { passes }),
    },
  });
}

/** TG2402: somebody was asked and said no. */
export function declinedRefusal(
  decided: { readonly author: string; readonly reason: string },
  context: RefusalContext,
): Refusal {
  return compose('approvalDeclined', context, {
    headline: `${rangeText(context)}: ${nameText(decided.author, 80)} declined it: ${nameText(decided.reason, 300)}.`,
    lines: [],
    steps: cheaperSteps(context),
    detail: { declinedBy: decided.author },
  });
}

export type QueueCause =
  | { readonly kind: 'full'; readonly waiting: number; readonly queueMax: number }
  | { readonly kind: 'timeout'; readonly waitedMs: number; readonly timeoutMs: number }
  /** The replica that held it is gone, or nobody waited for it any more. */
  | { readonly kind: 'lost' }
  /** The token that it would be sent by ends first; `runsAt`: when it was to run, null: when it had a permit. */
  | { readonly kind: 'expiring'; readonly leftMs: number; readonly runsAt: EpochMs | null };

/** TG2301 and TG2302: no permit. The only refusals that are worth a repeat as they are. */
export function queueRefusal(cause: QueueCause, context: RefusalContext): Refusal {
  const code = QUEUE_CODES[cause.kind];
  return compose(code, context, {
    headline: queueHeadline(cause, context.tier),
    lines: [],
    steps:
      cause.kind === 'expiring' && cause.runsAt !== null
        ? [
            'submit it asynchronously, with a connection that is kept alive (CLIENT_SESSION_KEEP_ALIVE)',
            'send it in the off-peak hours',
          ]
        : ['send it again in a minute'],
    detail: { queue: { ...cause } },
  });
}

const QUEUE_CODES = {
  full: 'queueFull',
  timeout: 'queueTimeout',
  lost: 'waitAbandoned',
  expiring: 'waitAbandoned',
} as const;

function queueHeadline(cause: QueueCause, tier: string): string {
  switch (cause.kind) {
    case 'full':
      return `${countText(cause.waiting)} of at most ${countText(cause.queueMax)} statements wait in tier ${tier} already.`;
    case 'timeout':
      return `waited ${spanText(cause.waitedMs)} of at most ${spanText(cause.timeoutMs)} in tier ${tier}.`;
    case 'lost':
      return `its place in tier ${tier} was lost; send it again.`;
    case 'expiring':
      return `the token of its session ends in ${spanText(cause.leftMs)}, before it would run in tier ${tier}; send it again.`;
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
  | {
      readonly kind: 'ceiling';
      readonly ceilingMoney: Money;
      /** The ceiling is that of its way of break-glass, and not its tier's. */
      readonly isByBreakGlass?: boolean;
    }
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
      return `one statement ${cause.isByBreakGlass === true ? 'by break-glass' : `in tier ${context.tier}`} may cost ${moneyText(cause.ceilingMoney, context.currency)}`;
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
  const link = consoleLink(context);
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
      ...(link === null ? [] : [`Console  ${link}`]),
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
      ...(context.owner === undefined ? {} : { owner: context.owner }),
      ...(context.place === undefined ? {} : { place: context.place }),
      ...(link === null ? {} : { console: link }),
    },
  };
}

/** The page of the ticket in the console; null: nobody has said where that is. */
function consoleLink({ consoleUrl = null, ticketId }: RefusalContext): string | null {
  return consoleUrl === null ? null : `${consoleUrl.replace(/\/+$/, '')}/#/tickets/${ticketId}`;
}

/** The call to copy; a tool that cuts the text shows it whole or not at all, because a line has nothing else behind it. */
export function requestStep(context: RefusalContext): string {
  const whom = context.owner === undefined ? 'for it' : nameText(context.owner, 80);
  return `ask ${whom}: CALL TOLLGATE.REQUEST('${context.ticketId}', 'reason')`;
}

function liftSteps(cause: RefusalCause, context: RefusalContext): readonly string[] {
  return passNameOf(cause) === null ? [] : [requestStep(context)];
}

/** What a request for the ticket asks to lift. */
function liftDetail(cause: RefusalCause): Readonly<Record<string, unknown>> {
  const name = passNameOf(cause);
  return name === null ? { isApprovable: false } : { passes: [name] };
}
