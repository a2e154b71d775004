/** Shapes whose pace is above a run rate, as proxies judge them, and lifting one for a while. */
import { z } from 'zod';
import { type LiftedPace, LIFTED_MAX, liftPace, liftedPaces } from '#billing/lifted-paces.js';
import { UNTIL_FORMS } from '#billing/until.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import { type Credits, formatAmount, priceCredits, subtractCredits } from '#base/units.js';

import { type ControlSnapshot, createSnapshot, type RunRate } from '#policies/control/snapshot.js';
import { judgeRunRate, type RunRateFinding, runRateLimit } from '#policies/rules/run-rate.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { readSpendingShapes, SHAPES_MAX, type SpendingShape } from '../stores/run-rate-store.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema, teamOf } from './api.js';
import { timeToCome } from './request-json.js';

const RUNGS = ['warn', 'slow', 'stop'] as const;

const shapeSchema = z.object({
  team: z.string(),
  fingerprint: z.string(),
  statementShape: z.string().describe('Without literals'),
  runRate: z.string().describe('The run rate of the control document that it is above'),
  rung: z.enum(RUNGS).describe('warn: told, slow: each run waits, stop: refused (TG2110)'),
  mode: z.string().describe('Of the run rate: shadow and warn decide nothing'),
  projectedCredits: z.string().describe('What 30 days take at this pace'),
  projectedAmount: z.string(),
  limitCredits: z.string(),
  spentCredits: z.string().describe('In the last 30 days'),
  spentAmount: z.string(),
  currency: z.string(),
  tier: z.string(),
  workload: z.string().nullable(),
  lastTicketId: z.string(),
  lastPrincipal: z.string(),
  lastAt: z.string(),
  liftedUntil: z.string().nullable().describe('Run rates let it run until then; null: they do not'),
});
type ShapeJson = z.infer<typeof shapeSchema>;

const liftBody = z.strictObject({
  team: z.string().min(1).max(100),
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/, 'must be a fingerprint: 32 hexadecimal digits'),
  until: z.string().min(1).max(40).describe(`Until when: ${UNTIL_FORMS}`),
  reason: reasonSchema,
});

/** `GET /run-rates`, `POST /run-rates/lifts`. */
export function addRunRateRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/run-rates',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: `Shapes whose pace is above a run rate, by what 30 days would take; of the ${SHAPES_MAX} dearest`,
        querystring: z.strictObject({
          ...pageFields,
          team: z.string().max(100).optional().describe('Of this team alone'),
        }),
        response: { 200: z.object({ shapes: z.array(shapeSchema), nextCursor: nextCursorSchema }) },
      },
    },
    async ({ query: { team, limit, cursor }, actor }) => {
      const { document, version } = await controlOf(context.db);
      if (team !== undefined) teamOf(document, team, actor);
      const after = keyOfCursor('run-rates', cursor, z.string());
      const at = context.clock.now();
      const shapes = await readSpendingShapes(context.db, team ?? actor.teamId, at);
      const lifted = await liftedPaces(context.db, at);
      const found = flagged(createSnapshot(document, version), shapes, lifted, at)
        .filter(({ key }) => after === undefined || key > after)
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const { rows, nextCursor } = pageOf('run-rates', found, limit, ({ key }) => key);
      return { shapes: rows.map(({ shape }) => shape), nextCursor };
    },
  );
  addLift(app, context);
}

function addLift(app: ApiApp, context: ApiContext): void {
  app.post(
    '/run-rates/lifts',
    {
      config: {
        access: ['platform'],
        example: {
          team: 'sales',
          fingerprint: '0'.repeat(32),
          until: '4h',
          reason: 'the quarter ends',
        },
      },
      schema: {
        summary: 'Let a shape run whatever its pace is, until then; what it takes is counted on',
        body: liftBody,
        response: { 201: z.object({ liftedUntil: z.string() }) },
      },
    },
    async ({ body, actor }, reply) => {
      const { document } = await controlOf(context.db);
      const { id: teamId } = teamOf(document, body.team, actor);
      const at = context.clock.now();
      const timeZone = document.budgets[0]?.period.timeZone ?? 'UTC';
      const until = timeToCome(body.until, timeZone, at);
      const { fingerprint, reason } = body;
      const liftedUntil = formatInstant(until);
      const isLifted = await context.db.transaction(async (tx) => {
        const lift: LiftedPace = { teamId, fingerprint, liftedBy: actor.id, reason, until };
        if (!(await liftPace(tx, lift, at))) return false;
        await appendAudit(tx, {
          actor,
          action: 'pace.lift',
          subject: `pace/${teamId}/${fingerprint}`,
          reason,
          before: null,
          after: { liftedUntil },
          at,
        });
        return true;
      });
      if (!isLifted)
        throw new ProblemError({
          status: 409,
          title: 'Conflict',
          detail: `${LIFTED_MAX} shapes are lifted already; raise the run rates of the control document.`,
        });
      return reply.code(201).send({ liftedUntil });
    },
  );
}

interface Flagged {
  /** Sorts the largest projection first. */
  readonly key: string;
  readonly shape: ShapeJson;
}

/** More than any amount, so that what is subtracted from it sorts the other way round. */
const LARGEST = 10n ** 30n;

function flagged(
  snapshot: ControlSnapshot,
  shapes: readonly SpendingShape[],
  lifted: readonly LiftedPace[],
  at: EpochMs,
): readonly Flagged[] {
  return shapes.flatMap((shape) =>
    snapshot.runRatesFor(shape.teamId, shape.tier).flatMap((rate): readonly Flagged[] => {
      const limitCredits = runRateLimit(rate, shape.pricePerCredit);
      if (limitCredits === null) return [];
      const finding = judgeRunRate(shape.spend, { ...rate, limitCredits }, at);
      const rung = RUNGS.find((each) => each === finding.rung);
      if (rung === undefined) return [];
      const order = subtractCredits(LARGEST as Credits, finding.projectedCredits);
      const key = `${String(order).padStart(31, '0')} ${shape.teamId} ${shape.fingerprint} ${rate.id}`;
      const until = lifted.find(
        (each) => each.teamId === shape.teamId && each.fingerprint === shape.fingerprint,
      )?.until;
      const json = toJson(shape, rate, { ...finding, rung }, limitCredits);
      const liftedUntil = until === undefined ? null : formatInstant(until);
      return [{ key, shape: { ...json, liftedUntil } }];
    }),
  );
}

function toJson(
  shape: SpendingShape,
  rate: RunRate,
  { rung, projectedCredits, spentCredits }: RunRateFinding & Pick<ShapeJson, 'rung'>,
  limitCredits: Credits,
): Omit<ShapeJson, 'liftedUntil'> {
  const money = (credits: Credits): string =>
    formatAmount(priceCredits(credits, shape.pricePerCredit, 'half-even'));
  return {
    team: shape.teamId,
    fingerprint: shape.fingerprint,
    statementShape: shape.statementShape,
    runRate: rate.id,
    rung,
    mode: rate.mode,
    projectedCredits: formatAmount(projectedCredits),
    projectedAmount: money(projectedCredits),
    limitCredits: formatAmount(limitCredits),
    spentCredits: formatAmount(spentCredits),
    spentAmount: money(spentCredits),
    currency: shape.currency,
    tier: shape.tier,
    workload: shape.workload,
    lastTicketId: shape.lastTicketId,
    lastPrincipal: shape.principalId,
    lastAt: formatInstant(shape.lastAt),
  };
}
