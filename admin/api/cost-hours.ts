/** Why an hour of a warehouse cost whom what. */
import { z } from 'zod';
import { explainHour } from '#billing/attribution/explain-hour.js';
import type { HourExplanation, HourLine } from '#billing/attribution/explain-hour.js';
import { formatAmount } from '#base/units.js';
import { notFound } from '../problems.js';
import { type ApiApp, type ApiContext, instantSchema } from './api.js';
import { wholeHour } from './cost-period.js';

const LINES_MAX = 1_000;

const share = z.object({
  team: z.string().nullable().describe('null: it stays of nobody'),
  basis: z.string().describe('statement, hour, day, month, budgets, owner, platform or nobody'),
  queryId: z.string().nullable(),
  credits: z.string(),
});

const line = z.object({
  bucket: z.string(),
  reason: z.string().nullable(),
  queryId: z.string().nullable().describe('Of idle time, the statement beside it'),
  ticketId: z.string().nullable(),
  snowflakeUser: z.string().nullable(),
  executedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  team: z.string().nullable(),
  credits: z.string(),
  shares: z.array(share).describe('How a line of nobody is borne; they sum to it'),
});

const reply = z.object({
  account: z.string(),
  warehouse: z.string(),
  warehouseId: z.string(),
  startsAt: z.string(),
  meteredCredits: z.string().nullable().describe('null for who sees one team only'),
  allocatedCredits: z.string().nullable(),
  method: z.string().nullable(),
  methodVersion: z.int().nullable(),
  isStale: z.boolean(),
  problem: z.string().nullable(),
  idlePolicy: z
    .object({ entry: z.string(), policy: z.string(), version: z.int(), reach: z.string() })
    .nullable()
    .describe('null: nothing is moved'),
  ran: z
    .array(z.object({ team: z.string().nullable(), credits: z.string() }))
    .describe('By which pro rata goes'),
  lines: z.array(line),
  others: z.object({ lines: z.int(), credits: z.string() }),
});

/** `GET /costs/hours/{warehouse}/{hour}`. */
export function addCostHourRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/costs/hours/:warehouse/:hour',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'Every line of a warehouse-hour down to its statements, and who bears it by what',
        params: z.object({
          warehouse: z.string().max(255).describe('Name or id'),
          hour: instantSchema.describe('A whole hour, UTC, such as 2026-11-02T09:00:00Z'),
        }),
        querystring: z.strictObject({
          account: z.string().max(100).optional().describe('Where several have such a warehouse'),
        }),
        response: { 200: reply },
      },
    },
    async (request) => {
      const { warehouse, hour } = request.params;
      const { role, teamId } = request.actor;
      const explained = await explainHour(context.db, {
        warehouse,
        startsAt: wholeHour('hour', hour),
        account: request.query.account ?? null,
        teamId: role === 'team-lead' ? teamId : null,
        linesMax: LINES_MAX,
      });
      if (explained === undefined)
        throw notFound(
          'No such hour of a warehouse was metered.',
          'GET /api/v1/costs?by=warehouse lists the warehouses; hours come up to three hours late',
          'hour',
        );
      return hourJson(explained, role !== 'team-lead');
    },
  );
}

function hourJson(of: HourExplanation, seesAll: boolean): z.infer<typeof reply> {
  return {
    account: of.account,
    warehouse: of.warehouse,
    warehouseId: of.warehouseId,
    startsAt: new Date(of.startsAt).toISOString(),
    meteredCredits: seesAll ? formatAmount(of.meteredCredits) : null,
    allocatedCredits: seesAll ? formatAmount(of.allocatedCredits) : null,
    method: of.method,
    methodVersion: of.methodVersion,
    isStale: of.isStale,
    problem: seesAll ? of.problem : null,
    idlePolicy: of.idlePolicy,
    ran: of.ran.map(({ teamId, credits }) => ({ team: teamId, credits: formatAmount(credits) })),
    lines: of.lines.map(lineJson),
    others: { lines: of.others.lines, credits: formatAmount(of.others.credits) },
  };
}

function lineJson(each: HourLine): z.infer<typeof line> {
  return {
    bucket: each.bucket,
    reason: each.reason,
    queryId: each.queryId,
    ticketId: each.ticketId,
    snowflakeUser: each.snowflakeUser,
    executedAt: instantOrNull(each.executedAt),
    endedAt: instantOrNull(each.endedAt),
    team: each.teamId,
    credits: formatAmount(each.credits),
    shares: each.shares.map(({ teamId, basis, queryId, credits }) => ({
      team: teamId,
      basis,
      queryId,
      credits: formatAmount(credits),
    })),
  };
}

function instantOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
