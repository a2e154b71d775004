/** What runs now and has used so far, for the live board. */
import { z } from 'zod';
import { API_ROLES } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { listRunning, type RunningRow } from '../stores/running-store.js';
import { type ApiApp, type ApiContext, controlOf, teamOf } from './api.js';

const runningSchema = z.object({
  ticketId: z.string(),
  state: z
    .string()
    .describe('SENT, RUNNING; IN_DOUBT: its replica was lost, it may run on, and is metered if so'),
  team: z.string(),
  principal: z.string(),
  account: z.string(),
  snowflakeQueryId: z.string().nullable(),
  tier: z.string(),
  warehouse: z.string().nullable(),
  warehouseSize: z.string().nullable(),
  workload: z.string().nullable(),
  statementShape: z.string().describe('Without literals'),
  expectedCredits: z.string(),
  usedCredits: z
    .string()
    .describe('So far, as its replica said last; in doubt, as whoever looks after it did'),
  usedAmount: z.string(),
  currency: z.string(),
  holdCredits: z.string(),
  ceilingCredits: z.string().nullable().describe('It is stopped there; null: just sent'),
  sentAt: z.string().nullable(),
  usedAt: z.string().nullable().describe('When that was said'),
  replica: z.string(),
  breakGlass: z.string().nullable().describe('The reason by which it passes budgets and rules'),
});

/** `GET /running`. */
export function addRunningRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/running',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'Statements that run now, with what each has used so far, the dearest first',
        querystring: z.strictObject({
          ...pageFields,
          team: z.string().max(100).optional().describe('Of this team alone'),
        }),
        response: {
          200: z.object({ running: z.array(runningSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async (request) => {
      const { team, limit, cursor } = request.query;
      const { actor } = request;
      if (team !== undefined) teamOf((await controlOf(context.db)).document, team, actor);
      const position = z.tuple([z.string().regex(/^\d{1,26}\.\d{12}$/), z.uuid()]);
      const found = await listRunning(context.db, {
        teamId: team ?? actor.teamId,
        principalId: actor.principalId,
        after: keyOfCursor('running', cursor, position),
        limit: limit + 1,
      });
      const { rows, nextCursor } = pageOf('running', found, limit, (row) => [
        row.used_credits,
        row.ticket_id,
      ]);
      return { running: rows.map(toJson), nextCursor };
    },
  );
}

function toJson(row: RunningRow): z.infer<typeof runningSchema> {
  return {
    ticketId: row.ticket_id,
    state: row.state,
    team: row.team_id,
    principal: row.principal_id,
    account: row.account,
    snowflakeQueryId: row.snowflake_query_id,
    tier: row.tier,
    warehouse: row.warehouse,
    warehouseSize: row.warehouse_size,
    workload: row.workload,
    statementShape: row.statement_shape,
    expectedCredits: row.expected_credits,
    usedCredits: row.used_credits,
    usedAmount: row.used_amount,
    currency: row.currency,
    holdCredits: row.hold_credits,
    ceilingCredits: row.ceiling_credits,
    sentAt: row.sent_at?.toISOString() ?? null,
    usedAt: row.used_at?.toISOString() ?? null,
    replica: row.replica.split('#', 1)[0] ?? row.replica,
    breakGlass: row.break_glass,
  };
}
