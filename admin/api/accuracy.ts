/** `GET /accuracy`: how good estimates are. */
import { z } from 'zod';
import { API_ROLES } from '../actor.js';
import { type AccuracyRow, readAccuracy } from '../stores/accuracy-store.js';
import { type ApiApp, type ApiContext, controlOf, teamOf } from './api.js';

const DAYS = 7;
const DAY_MS = 24 * 3_600_000;
const STATEMENTS_MAX = 20_000;

const accuracySchema = z.object({
  basis: z.string(),
  statements: z.int(),
  qErrorP50: z.string().describe('Factor between expected and used, whichever way; a decimal'),
  qErrorP90: z.string(),
  coveragePercent: z.string().describe('That took no more than the 90 % estimate; a decimal'),
});

/** Adds the route. */
export function addAccuracyRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/accuracy',
    {
      config: { access: API_ROLES },
      schema: {
        summary: `How far estimates were from what statements took, by basis: the newest ${STATEMENTS_MAX.toLocaleString('en')} of ${DAYS} days`,
        querystring: z.strictObject({
          team: z.string().max(100).optional().describe('Of this team alone'),
        }),
        response: { 200: z.object({ from: z.string(), accuracy: z.array(accuracySchema) }) },
      },
    },
    async ({ query, actor }) => {
      if (query.team !== undefined)
        teamOf((await controlOf(context.db)).document, query.team, actor);
      const from = context.clock.now() - DAYS * DAY_MS;
      const rows = await readAccuracy(context.db, {
        from,
        teamId: query.team ?? actor.teamId,
        principalId: actor.principalId,
        statementsMax: STATEMENTS_MAX,
      });
      return { from: new Date(from).toISOString(), accuracy: rows.map(toJson) };
    },
  );
}

function toJson(row: AccuracyRow): z.infer<typeof accuracySchema> {
  return {
    basis: row.basis,
    statements: row.statements,
    qErrorP50: row.q_error_p50.toFixed(3),
    qErrorP90: row.q_error_p90.toFixed(3),
    coveragePercent: ((100 * row.covered) / row.statements).toFixed(1),
  };
}
