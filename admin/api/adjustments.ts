/** Adjustments of bills: proposed by one person, approved by another, booked in the month that is open. */
import { z } from 'zod';
import {
  type AdjustmentOutcome,
  type AdjustmentRefusal,
  decideAdjustment,
  proposeAdjustment,
} from '#billing/close/adjust.js';
import { type Adjustment, listAdjustments } from '#billing/close/read-adjustments.js';
import { formatMoney, roundToMinor } from '#base/currency.js';
import type { Transaction } from '#base/postgres/pool.js';
import { formatInstant } from '#base/time.js';
import { type Money, formatAmount, tryParseMoney } from '#base/units.js';
import { closingTerms } from '#policies/control/closing.js';
import type { ControlDocument } from '#policies/control/document.js';
import type { Actor } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { ProblemError, badField, conflict, notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema, teamOf } from './api.js';
import { monthAsked } from './asked-month.js';

const ACCESS = ['platform', 'finance'] as const;
export const idParams: z.ZodObject<{ id: z.ZodString }> = z.object({ id: z.string().max(100) });

const adjustmentSchema = z.object({
  id: z.string(),
  creditedTeam: z.string().describe('Its bill gets smaller'),
  debitedTeam: z.string().describe('Bears it'),
  amount: z.string(),
  currency: z.string(),
  corrects: z.object({ month: z.string(), lineId: z.string().nullable() }).nullable(),
  chargeDay: z.string(),
  reason: z.string(),
  proposedBy: z.string(),
  proposedAt: z.string(),
  state: z.enum(['waiting', 'approved', 'declined']),
  bookedIn: z.string().nullable().describe('The month whose bills it is on'),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  decisionReason: z.string().nullable(),
});
const oneSchema = z.object({ adjustment: adjustmentSchema });

const body = z.strictObject({
  creditedTeam: z.string().max(100),
  debitedTeam: z
    .string()
    .max(100)
    .optional()
    .describe(
      'Absent: the team that bears rounding (organisation.closing.roundingTeam, else the first team)',
    ),
  amount: z.string().max(60).describe('More than zero, in whole smallest units of the currency'),
  month: z.string().max(10).optional().describe('Where it is booked; only the open month is'),
  corrects: z
    .strictObject({
      month: z.string().max(10),
      lineId: z.string().max(100).optional().describe('Absent: the bill as a whole'),
    })
    .optional()
    .describe('What of a closed month it mends'),
  reason: reasonSchema,
});

/** `GET /adjustments`, `POST /adjustments`, `POST /adjustments/{id}/decision`. */
export function addAdjustmentRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/adjustments',
    {
      config: { access: ACCESS },
      schema: {
        summary: 'Adjustments of bills, the newest first',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({ adjustments: z.array(adjustmentSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ query }) => {
      const key = keyOfCursor(
        'adjustments',
        query.cursor,
        z.tuple([z.string().regex(/^\d{1,18}$/)]),
      );
      const range = { beforeId: key?.[0] ?? null, limit: query.limit + 1 };
      const found = await listAdjustments(context.db, range);
      const { rows, nextCursor } = pageOf('adjustments', found, query.limit, ({ id }) => [id]);
      return { adjustments: rows.map(adjustmentJson), nextCursor };
    },
  );
  addPropose(app, context);
  addDecide(app, context);
}

function addPropose(app: ApiApp, context: ApiContext): void {
  app.post(
    '/adjustments',
    {
      config: {
        access: ACCESS,
        example: {
          creditedTeam: 'marketing',
          debitedTeam: 'platform',
          amount: '120.50',
          corrects: { month: '2026-10' },
          reason: 'the backfill of 3 October was ours',
        },
      },
      schema: {
        summary:
          'Moves money from one team’s bill to another’s, in the open month; above a limit once a second person approves',
        body,
        response: { 200: oneSchema },
      },
    },
    async (request) => {
      const { actor, body: asked } = request;
      const { document } = await controlOf(context.db);
      const { approvalFrom, account, roundingTeamId } = bookingTerms(document);
      const credited = teamOf(document, asked.creditedTeam, actor).id;
      const debited = teamOf(document, asked.debitedTeam ?? roundingTeamId, actor).id;
      if (credited === debited)
        throw badField('debitedTeam', 'must be another team', 'name who bears it');
      const corrects = asked.corrects;
      if (corrects !== undefined) monthAsked(corrects.month, 'corrects.month');
      const outcome = await audited(context, actor, asked.reason, (tx) =>
        proposeAdjustment(tx, {
          creditedTeam: credited,
          debitedTeam: debited,
          amount: amountOf(asked.amount, document.organisation.currency),
          currency: document.organisation.currency,
          corrects:
            corrects === undefined
              ? null
              : { month: corrects.month, lineId: corrects.lineId ?? null },
          month: asked.month,
          account,
          reason: asked.reason,
          by: actor.id,
          at: context.clock.now(),
          approvalFrom,
        }),
      );
      return { adjustment: adjustmentJson(outcome) };
    },
  );
}

function addDecide(app: ApiApp, context: ApiContext): void {
  app.post(
    '/adjustments/:id/decision',
    {
      config: { access: ACCESS, example: { decision: 'approved', reason: 'as agreed' } },
      schema: {
        summary: 'Approves or declines an adjustment; not by the one who proposed it',
        params: idParams,
        body: z.strictObject({ decision: z.enum(['approved', 'declined']), reason: reasonSchema }),
        response: { 200: oneSchema },
      },
    },
    async ({ params, body: word, actor }) => {
      if (!/^\d{1,18}$/.test(params.id)) throw unknownAdjustment();
      const at = context.clock.now();
      const outcome = await audited(context, actor, word.reason, (tx) =>
        decideAdjustment(tx, { id: params.id, ...word, by: actor.id, at }),
      );
      return { adjustment: adjustmentJson(outcome) };
    },
  );
}

/** What adjustments are made by, of the document in force. */
export function bookingTerms(document: ControlDocument): {
  readonly approvalFrom: Money;
  readonly roundingTeamId: string;
  readonly account: string;
} {
  const { adjustmentApprovalFrom, roundingTeamId } = closingTerms(document);
  return {
    approvalFrom: adjustmentApprovalFrom,
    roundingTeamId,
    account: document.accounts[0]?.id ?? '',
  };
}

/** More than zero, in what can be paid of the currency. @throws a 400 */
export function amountOf(text: string, currency: string): Money {
  const amount = tryParseMoney(text);
  if (amount === undefined || amount <= 0n || roundToMinor(amount, currency) !== amount)
    throw badField(
      'amount',
      `must be a decimal in quotes, more than zero, in whole smallest units of ${currency}`,
      `write it as "${formatMoney(tryParseMoney('120.50') ?? (0n as Money), currency)}"`,
    );
  return amount;
}

async function audited(
  context: ApiContext,
  actor: Actor,
  reason: string,
  move: (tx: Transaction) => Promise<AdjustmentOutcome>,
): Promise<Adjustment> {
  const outcome = await context.db.transaction(async (tx) => {
    const moved = await move(tx);
    if (moved.kind === 'done') await auditAdjustment(tx, actor, reason, moved.adjustment, context);
    return moved;
  });
  if (outcome.kind !== 'done') throw adjustmentRefusal(outcome);
  return outcome.adjustment;
}

/** The event of an adjustment as it stands now, in the transaction that made it so. */
async function auditAdjustment(
  tx: Transaction,
  actor: Actor,
  reason: string,
  adjustment: Adjustment,
  { clock }: Pick<ApiContext, 'clock'>,
): Promise<void> {
  const { state, creditedTeam, debitedTeam, amount, currency, bookedIn } =
    adjustmentJson(adjustment);
  await appendAudit(tx, {
    actor,
    action: `adjustment.${state === 'waiting' ? 'propose' : state === 'approved' ? 'approve' : 'decline'}`,
    subject: `adjustment/${adjustment.id}`,
    reason,
    before: null,
    after: { creditedTeam, debitedTeam, amount, currency, bookedIn },
    at: clock.now(),
  });
}

function unknownAdjustment(): ProblemError {
  return notFound('There is no such adjustment.', 'GET /api/v1/adjustments lists them', 'id');
}

export function adjustmentRefusal(refusal: AdjustmentRefusal): ProblemError {
  switch (refusal.kind) {
    case 'unknown':
      return unknownAdjustment();
    case 'notClosed':
      return conflict(
        `${refusal.month} is not closed, so nothing of it is to be mended yet.`,
        'corrects.month',
        'must be a closed month',
        'freeze it anew with what is right, or leave corrects out',
      );
    case 'unknownLine':
      return notFound(
        `${refusal.month} was closed without a line "${refusal.lineId.slice(0, 80)}".`,
        'GET /api/v1/bills/{team}/{month}.json has the ids of its lines',
        'lineId',
      );
    case 'otherTeamsLine':
      return conflict(
        `That line is on the bill of ${refusal.teamId}.`,
        'lineId',
        'must be on the bill of one of the two teams',
        `name ${refusal.teamId}, or another line`,
      );
    case 'monthFrozen':
      return conflict(
        `Only ${refusal.open} takes adjustments: closed and frozen months never change.`,
        'month',
        `must be ${refusal.open}`,
        'leave month out, and say in corrects what it mends',
      );
    case 'decidedAlready':
      return conflict(
        `Adjustment ${refusal.adjustment.id} is ${refusal.adjustment.decision?.decision ?? 'decided'} already, by ${refusal.adjustment.decision?.by ?? 'somebody'}.`,
        'id',
        'must wait',
        'undo it by another adjustment the other way',
      );
    case 'ownWork':
      return new ProblemError({
        status: 403,
        title: 'Forbidden',
        detail: 'You asked for this yourself, so another person has to approve it.',
      });
  }
}

function adjustmentJson(of: Adjustment): z.infer<typeof adjustmentSchema> {
  const { decision } = of;
  return {
    id: of.id,
    creditedTeam: of.creditedTeam,
    debitedTeam: of.debitedTeam,
    amount: formatAmount(of.amount),
    currency: of.currency,
    corrects: of.corrects === null ? null : { ...of.corrects },
    chargeDay: of.chargeDay,
    reason: of.reason,
    proposedBy: of.proposedBy,
    proposedAt: formatInstant(of.proposedAt),
    state: decision?.decision ?? 'waiting',
    bookedIn: decision?.month ?? null,
    decidedBy: decision?.by ?? null,
    decidedAt: decision === null ? null : formatInstant(decision.at),
    decisionReason: decision?.reason ?? null,
  };
}
