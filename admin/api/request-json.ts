/** Requests, passes and amounts as the API tells and takes them. */
import { z } from 'zod';
import { type EpochMs, formatInstant } from '#base/time.js';
import {
  compareAmounts,
  type Credits,
  formatAmount,
  NO_CREDITS,
  parseCredits,
  parseMoney,
  priceCredits,
} from '#base/units.js';
import { leftOf, type StatementPass } from '#billing/passes.js';
import {
  type ApprovalRequest,
  creditsFor,
  REQUEST_STATES,
  type RequestState,
  RUNS_MAX,
} from '#billing/requests.js';
import { tryParseUntil, UNTIL_FORMS } from '#billing/until.js';
import type { ControlDocument, TeamDocument } from '#policies/control/document.js';
import type { Price, PriceAt } from '#policies/prices/price-lookup.js';
import { type TicketId, tryParseTicketId } from '#base/ids.js';
import { badField, notFound, type ProblemError } from '../problems.js';
import { creditsSchema } from './api.js';

/** More credits than any account uses; beyond it the ledger's sums would not fit. */
const CREDITS_MAX = parseCredits('1000000000000');

const nonzero = creditsSchema
  .refine((text) => !/^[0.]+$/.test(text), 'must be more than zero')
  .refine(
    (text) => text.startsWith('-') || !/^\d{14,}/.test(text.replace(/^0+/, '')),
    'must be at most 1000000000000',
  );

/** What is asked for or granted: credits, or money at the price in force. */
export const amountFields: {
  readonly credits: z.ZodOptional<z.ZodType<string>>;
  readonly amount: z.ZodOptional<z.ZodType<string>>;
  readonly currency: z.ZodOptional<z.ZodType<string>>;
} = {
  credits: nonzero.optional().describe('Credits; this or amount'),
  amount: nonzero.optional().describe('Money, at the price in force; this or credits'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as "USD"')
    .optional()
    .describe('Of amount; the billing currency unless given'),
};

export const runsSchema: z.ZodType<number> = z
  .int()
  .min(1, 'must be at least 1')
  .max(RUNS_MAX, `must be at most ${RUNS_MAX}`);

export const untilSchema: z.ZodString = z
  .string()
  .min(1, 'must say when it ends')
  .max(40, 'must be at most 40 characters')
  .describe(`When it ends: ${UNTIL_FORMS}`);

export interface PassJson {
  ticketId: string;
  team: string;
  principal: string | null;
  isForShape: boolean;
  passes: string[];
  amountCredits: string | null;
  leftCredits: string | null;
  runsMax: number | null;
  usedCredits: string;
  usedRuns: number;
  grantedAt: string;
  expiresAt: string;
  revoked: { at: string; author: string; reason: string } | null;
}

export const passSchema: z.ZodType<PassJson> = z.object({
  ticketId: z.string().describe('Of the request it was granted for; names the pass'),
  team: z.string(),
  principal: z.string().nullable().describe('null: the whole team'),
  isForShape: z.boolean().describe('false: this text only'),
  passes: z
    .array(z.string())
    .describe('What it lifts: rule:<id>, ceiling, opaque, external-location'),
  amountCredits: z.string().nullable().describe('All runs together; null: no amount'),
  leftCredits: z.string().nullable(),
  runsMax: z.int().nullable().describe('null: as many as the amount allows'),
  usedCredits: z.string().describe('Charges, and what statements under way may take'),
  usedRuns: z.int(),
  grantedAt: z.string(),
  expiresAt: z.string(),
  revoked: z.object({ at: z.string(), author: z.string(), reason: z.string() }).nullable(),
});

export interface RequestJson {
  ticketId: string;
  state: RequestState;
  team: string;
  principal: string;
  reason: string;
  wants: 'credits' | 'statement';
  passes: string[];
  asked: { credits: string | null; runs: number | null; hours: number | null; shape: boolean };
  refusalCode: string;
  statement: string;
  needsCredits: string;
  needsAmount: string;
  currency: string;
  budgetId: string | null;
  shortCredits: string | null;
  askedAt: string;
  expiresAt: string;
  decision: { at: string; author: string; reason: string; grantedCredits: string | null } | null;
  pass: PassJson | null;
}

export const requestSchema: z.ZodType<RequestJson> = z.object({
  ticketId: z.string(),
  state: z.enum(REQUEST_STATES),
  team: z.string(),
  principal: z.string().describe('Who asked'),
  reason: z.string(),
  wants: z
    .enum(['credits', 'statement'])
    .describe('credits on the budget that refused, or a pass for the statement'),
  passes: z.array(z.string()).describe('What a pass would lift; empty where a budget refused'),
  asked: z
    .object({
      credits: z.string().nullable(),
      runs: z.int().nullable(),
      hours: z.int().nullable(),
      shape: z.boolean(),
    })
    .describe('What was asked for beyond one run of this text'),
  refusalCode: z.string(),
  statement: z.string().describe('Its shape, without literals'),
  needsCredits: z.string().describe('What the statement needed'),
  needsAmount: z.string(),
  currency: z.string(),
  budgetId: z.string().nullable().describe('The budget that refused; null: none did'),
  shortCredits: z.string().nullable().describe('What that budget was short of at the refusal'),
  askedAt: z.string(),
  expiresAt: z.string().describe('When it ends undecided'),
  decision: z
    .object({
      at: z.string(),
      author: z.string(),
      reason: z.string(),
      grantedCredits: z.string().nullable(),
    })
    .nullable()
    .describe('Also of one that was withdrawn or expired'),
  pass: passSchema.nullable(),
});

/** Amounts are decimals at twelve places, instants UTC. */
export function requestJson(request: ApprovalRequest): RequestJson {
  const { decision, wish } = request;
  const amount = (credits: Credits | null): string | null =>
    credits === null ? null : formatAmount(credits);
  return {
    ticketId: request.ticketId,
    state: request.state,
    team: request.teamId,
    principal: request.principalId,
    reason: request.reason,
    wants: request.wants,
    passes: [...request.passes],
    asked: {
      credits: amount(wish.credits),
      runs: wish.runs,
      hours: wish.hours,
      shape: wish.isForShape,
    },
    refusalCode: request.refusalCode,
    statement: request.statementShape,
    needsCredits: formatAmount(request.needsCredits),
    needsAmount: formatAmount(request.needsMoney),
    currency: request.currency,
    budgetId: request.budgetId,
    shortCredits: amount(request.shortCredits),
    askedAt: formatInstant(request.askedAt),
    expiresAt: formatInstant(request.expiresAt),
    decision:
      decision === null
        ? null
        : {
            at: formatInstant(decision.at),
            author: decision.author,
            reason: decision.reason,
            grantedCredits: amount(decision.grantedCredits),
          },
    pass: request.pass === null ? null : passJson(request.pass),
  };
}

/** Amounts are decimals at twelve places, instants UTC. */
export function passJson(pass: StatementPass): PassJson {
  const amount = (credits: Credits | null): string | null =>
    credits === null ? null : formatAmount(credits);
  const { revoked } = pass;
  return {
    ticketId: pass.ticketId,
    team: pass.teamId,
    principal: pass.principalId,
    isForShape: pass.isForShape,
    passes: [...pass.passes],
    amountCredits: amount(pass.amountCredits),
    leftCredits: amount(leftOf(pass)),
    runsMax: pass.runsMax,
    usedCredits: formatAmount(pass.usedCredits),
    usedRuns: pass.usedRuns,
    grantedAt: formatInstant(pass.grantedAt),
    expiresAt: formatInstant(pass.expiresAt),
    revoked:
      revoked === null
        ? null
        : { at: formatInstant(revoked.at), author: revoked.author, reason: revoked.reason },
  };
}

export interface AmountSent {
  readonly credits?: string | undefined;
  readonly amount?: string | undefined;
  readonly currency?: string | undefined;
}

/** The credits that a body names, money at the price in force; null: it names none. Throws a 400 by field. */
export function creditsOf(sent: AmountSent, priceAt: PriceAt, at: EpochMs): Credits | null {
  const { credits, amount, currency } = sent;
  if (credits !== undefined && amount !== undefined)
    throw badField('amount', 'must be absent beside credits', 'send one of the two');
  if (amount === undefined && currency !== undefined)
    throw badField('currency', 'must be absent without amount', 'remove it, or send amount');
  if (credits !== undefined) return parseCredits(credits);
  if (amount === undefined) return null;
  const price = priceInForce(priceAt, at);
  if (currency !== undefined && currency !== price.currency)
    throw badField('currency', `must be ${price.currency}`, 'credits are priced in it');
  const bought = creditsFor(parseMoney(amount), price.pricePerCredit);
  if (bought === null || compareAmounts(bought, NO_CREDITS) <= 0)
    throw badField('amount', 'must buy something at the price in force', 'send credits instead');
  if (compareAmounts(bought, CREDITS_MAX) > 0)
    throw badField('amount', 'must be at most what 1000000000000 credits cost', 'send less');
  return bought;
}

/** What credits cost now, for people; null where no price is in force. */
export function moneyOf(
  credits: Credits,
  priceAt: PriceAt,
  at: EpochMs,
): { readonly amount: string; readonly currency: string } | null {
  const price = priceAt('compute', at);
  if (price === undefined) return null;
  const amount = priceCredits(credits, price.pricePerCredit, 'half-even');
  return { amount: formatAmount(amount), currency: price.currency };
}

function priceInForce(priceAt: PriceAt, at: EpochMs): Price {
  const price = priceAt('compute', at);
  if (price === undefined)
    throw badField('amount', 'needs a price in force, and there is none', 'send credits instead');
  return price;
}

/** The end that a body names, in the future, however far. Throws a 400 for `until`. */
export function timeToCome(text: string, timeZone: string, at: EpochMs): EpochMs {
  const until = tryParseUntil(text, timeZone, at);
  if (until === undefined) throw badField('until', 'must be a time', `write ${UNTIL_FORMS}`);
  if (until <= at)
    throw badField('until', 'must be in the future', `name a time after ${formatInstant(at)}`);
  return until;
}

/** As {@link timeToCome}, within a year. */
export function untilOf(text: string, timeZone: string, at: EpochMs): EpochMs {
  const until = timeToCome(text, timeZone, at);
  if (until > at + YEAR_MS)
    throw badField('until', 'must be within 366 days', 'name an earlier time');
  return until;
}

const YEAR_MS = 366 * 86_400_000;

/** Where the days of a team's grants end: the zone of its first budget, else UTC. */
export function zoneOf(document: ControlDocument, team: Pick<TeamDocument, 'id'>): string {
  return document.budgets.find(({ node }) => node === team.id)?.period.timeZone ?? 'UTC';
}

/** 404 for a request that nobody made, or that the token may not see. */
export function unknownRequest(ticketId: TicketId): ProblemError {
  return notFound(
    `Nobody has asked for ticket ${ticketId}.`,
    'GET /api/v1/requests lists what was asked for',
    'ticket',
  );
}

/** The ticket that a path or a body names. Throws a 400. */
export function ticketOf(text: string, field: string): TicketId {
  const ticketId = tryParseTicketId(text);
  if (ticketId === undefined)
    throw badField(field, 'must be a ticket id', 'GET /api/v1/requests lists them');
  return ticketId;
}
