/** Disputes over frozen bills: raised by a team, decided by their owner until a day; an accepted one is an adjustment. */
import { z } from 'zod';
import {
  DISPUTE_OUTCOMES,
  type Dispute,
  type DisputeResult,
  endDispute,
  findDispute,
  listDisputes,
  raiseDispute,
} from '#billing/close/disputes.js';
import { formatMoney } from '#base/currency.js';
import type { Transaction } from '#base/postgres/pool.js';
import { formatInstant } from '#base/time.js';
import { NO_MONEY, compareAmounts, formatAmount } from '#base/units.js';
import { closingTerms } from '#policies/control/closing.js';
import { calendarDay } from '#policies/control/schema-values.js';
import type { Actor } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { type ProblemError, badField, conflict, notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { adjustmentRefusal, amountOf, bookingTerms, idParams } from './adjustments.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema, teamOf } from './api.js';
import { monthAsked } from './asked-month.js';

const ACCESS = ['platform', 'finance', 'team-lead'] as const;
const DAY_MS = 86_400_000;

const disputeSchema = z.object({
  id: z.string(),
  month: z.string(),
  team: z.string(),
  lineId: z.string().nullable(),
  amount: z.string(),
  currency: z.string(),
  reason: z.string(),
  raisedBy: z.string(),
  raisedAt: z.string(),
  owner: z.string().describe('Who decides it'),
  dueOn: z.string(),
  isOverdue: z.boolean(),
  state: z.enum(['waiting', ...DISPUTE_OUTCOMES]),
  endedBy: z.string().nullable(),
  endedAt: z.string().nullable(),
  endReason: z.string().nullable(),
  adjustmentId: z.string().nullable(),
});
const oneSchema = z.object({ dispute: disputeSchema });

/** `GET /disputes`, `POST /disputes`, `POST /disputes/{id}/decision`. */
export function addDisputeRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/disputes',
    {
      config: { access: ACCESS },
      schema: {
        summary: 'Disputes over bills, the newest first',
        querystring: z.strictObject({
          ...pageFields,
          state: z.enum(['waiting', 'all']).default('all').describe('waiting: only those'),
        }),
        response: {
          200: z.object({ disputes: z.array(disputeSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ query, actor }) => {
      const key = keyOfCursor('disputes', query.cursor, z.tuple([z.string().regex(/^\d{1,18}$/)]));
      const found = await listDisputes(context.db, {
        beforeId: key?.[0] ?? null,
        teamId: actor.teamId,
        isWaitingOnly: query.state === 'waiting',
        limit: query.limit + 1,
      });
      const { rows, nextCursor } = pageOf('disputes', found, query.limit, ({ id }) => [id]);
      return { disputes: rows.map((each) => disputeJson(each, context)), nextCursor };
    },
  );
  addRaise(app, context);
  addEnd(app, context);
}

const raiseBody = z.strictObject({
  team: z.string().max(100),
  month: z.string().max(10),
  lineId: z.string().max(100).optional().describe('Absent: the bill as a whole'),
  amount: z.string().max(60),
  reason: reasonSchema,
  owner: z.string().min(1).max(100).optional().describe('Who decides it; absent: finance'),
  dueOn: calendarDay.optional().describe('Absent: after organisation.closing.disputeDays'),
});

function addRaise(app: ApiApp, context: ApiContext): void {
  app.post(
    '/disputes',
    {
      config: {
        access: ACCESS,
        example: {
          team: 'marketing',
          month: '2026-10',
          amount: '120.50',
          reason: 'the backfill of 3 October was not ours',
        },
      },
      schema: {
        summary: 'Says what is wrong on a frozen bill, who decides it and until when',
        body: raiseBody,
        response: { 200: oneSchema },
      },
    },
    async ({ body, actor }) => {
      const { document } = await controlOf(context.db);
      const team = teamOf(document, body.team, actor);
      monthAsked(body.month);
      const { currency } = document.organisation;
      const at = context.clock.now();
      const dueAt = at + closingTerms(document).disputeDays * DAY_MS;
      const dueOn = body.dueOn ?? formatInstant(dueAt).slice(0, 10);
      if (dueOn < formatInstant(at).slice(0, 10))
        throw badField('dueOn', 'must be a day from today on', 'leave it out for the usual time');
      const dispute = await audited(context, actor, 'dispute.raise', body.reason, (tx) =>
        raiseDispute(tx, {
          month: body.month,
          teamId: team.id,
          lineId: body.lineId ?? null,
          amount: amountOf(body.amount, currency),
          currency,
          reason: body.reason,
          raisedBy: actor.id,
          raisedAt: at,
          owner: body.owner ?? 'finance',
          dueOn,
        }),
      );
      return { dispute: disputeJson(dispute, context) };
    },
  );
}

function addEnd(app: ApiApp, context: ApiContext): void {
  app.post(
    '/disputes/:id/decision',
    {
      config: {
        access: ACCESS,
        example: { outcome: 'refused', reason: 'the statements carry the team’s own tag' },
      },
      schema: {
        summary:
          'Ends a dispute: accepted (an adjustment in the open month) or refused by platform and finance, withdrawn by the team',
        params: idParams,
        body: z.strictObject({
          outcome: z.enum(DISPUTE_OUTCOMES),
          reason: reasonSchema,
          debitedTeam: z
            .string()
            .max(100)
            .optional()
            .describe('Who bears an accepted one; absent: the team that bears rounding'),
        }),
        response: { 200: oneSchema },
      },
    },
    async ({ params, body, actor }) => {
      const { document } = await controlOf(context.db);
      const known = /^\d{1,18}$/.test(params.id)
        ? await findDispute(context.db, params.id, actor.teamId)
        : undefined;
      if (known === undefined) throw unknownDispute();
      if (actor.role === 'team-lead' && body.outcome !== 'withdrawn')
        throw badField('outcome', 'must be withdrawn for a team', 'let finance decide it');
      const { roundingTeamId, ...terms } = bookingTerms(document);
      const debitedTeam =
        body.outcome === 'accepted'
          ? teamOf(document, body.debitedTeam ?? roundingTeamId, actor).id
          : roundingTeamId;
      if (body.outcome === 'accepted' && debitedTeam === known.teamId)
        throw badField('debitedTeam', 'must be another team', 'name who bears it');
      const dispute = await audited(
        context,
        actor,
        `dispute.${VERBS[body.outcome]}`,
        body.reason,
        (tx) =>
          endDispute(tx, {
            id: known.id,
            outcome: body.outcome,
            by: actor.id,
            at: context.clock.now(),
            reason: body.reason,
            debitedTeam,
            ...terms,
          }),
      );
      return { dispute: disputeJson(dispute, context) };
    },
  );
}

const VERBS = { accepted: 'accept', refused: 'refuse', withdrawn: 'withdraw' } as const;

async function audited(
  { db, clock }: ApiContext,
  actor: Actor,
  action: string,
  reason: string,
  move: (tx: Transaction) => Promise<DisputeResult>,
): Promise<Dispute> {
  const outcome = await db.transaction(async (tx) => {
    const moved = await move(tx);
    if (moved.kind === 'done') {
      const { id, month, teamId, amount, end } = moved.dispute;
      await appendAudit(tx, {
        actor,
        action,
        subject: `dispute/${id}`,
        reason,
        before: null,
        after: {
          month,
          team: teamId,
          amount: formatAmount(amount),
          adjustmentId: end?.adjustmentId ?? null,
        },
        at: clock.now(),
      });
    }
    return moved;
  });
  if (outcome.kind !== 'done') throw refusalOf(outcome);
  return outcome.dispute;
}

function unknownDispute(): ProblemError {
  return notFound('There is no such dispute.', 'GET /api/v1/disputes lists them', 'id');
}

function refusalOf(refusal: Exclude<DisputeResult, { kind: 'done' }>): ProblemError {
  if (refusal.kind === 'unknown') return unknownDispute();
  if (refusal.kind === 'noBill')
    return conflict(
      `The team has no frozen bill of ${refusal.month}.`,
      'month',
      'must be frozen or closed',
      'while a month is open, what is wrong of it is put right before it is frozen',
    );
  if (refusal.kind === 'moreThanBilled') return moreThanBilled(refusal);
  if (refusal.kind === 'endedAlready')
    return conflict(
      `Dispute ${refusal.dispute.id} is ${refusal.dispute.end?.outcome ?? 'ended'} already.`,
      'id',
      'must wait',
      'raise another one',
    );
  return adjustmentRefusal(refusal);
}

function moreThanBilled({
  billed,
  currency,
  lineId,
}: Extract<DisputeResult, { kind: 'moreThanBilled' }>): ProblemError {
  const [of, other] =
    lineId === null
      ? ['bill', 'let finance move money by an adjustment']
      : ['line', 'leave lineId out to dispute the bill as a whole'];
  const isOwed = compareAmounts(billed, NO_MONEY) > 0;
  const amount = `${formatMoney(billed, currency)} ${currency}`;
  return badField(
    'amount',
    `must be at most what the ${of} comes to, ${amount}`,
    isOwed ? `dispute ${amount} or less, or ${other}` : other,
  );
}

function disputeJson(
  of: Dispute,
  { clock }: Pick<ApiContext, 'clock'>,
): z.infer<typeof disputeSchema> {
  const { end } = of;
  return {
    id: of.id,
    month: of.month,
    team: of.teamId,
    lineId: of.lineId,
    amount: formatAmount(of.amount),
    currency: of.currency,
    reason: of.reason,
    raisedBy: of.raisedBy,
    raisedAt: formatInstant(of.raisedAt),
    owner: of.owner,
    dueOn: of.dueOn,
    isOverdue: end === null && of.dueOn < formatInstant(clock.now()).slice(0, 10),
    state: end?.outcome ?? 'waiting',
    endedBy: end?.by ?? null,
    endedAt: end === null ? null : formatInstant(end.at),
    endReason: end?.reason ?? null,
    adjustmentId: end?.adjustmentId ?? null,
  };
}
