/** Tiers with who runs and waits in them now, and how well they keep what they promise. */
import { z } from 'zod';
import { tryParseInstant } from '#policies/control/instant.js';
import { API_ROLES } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField } from '../problems.js';
import { type AttainmentRow, readAttainment, readOccupancy } from '../stores/slo-store.js';
import { type ApiApp, type ApiContext, controlOf, instantSchema } from './api.js';

const DAY_MS = 24 * 3_600_000;
const ROWS_MAX = 5_000;

const attainmentSchema = z.object({
  startsAt: z.string(),
  valid: z.number().int().describe('Statements that count'),
  good: z.number().int().describe('Those that had their permit in time'),
  attainedPercent: z.string().nullable().describe('A decimal'),
});

const tierSchema = z.object({
  id: z.string(),
  warehouse: z.string(),
  running: z.number().int(),
  concurrencyMax: z.number().int(),
  waiting: z.number().int(),
  queueMax: z.number().int(),
  slo: z
    .object({ waitSeconds: z.number().int(), percent: z.string() })
    .nullable()
    .describe('What it promises; null: nothing'),
  attainment: z.array(attainmentSchema).describe('The newest first; at most 5,000 of all tiers'),
});

/** `GET /tiers`. */
export function addTierRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/tiers',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'Tiers: their queues now, and the share of statements that had a permit in time',
        querystring: z.strictObject({
          ...pageFields,
          by: z.enum(['hour', 'day']).default('hour').describe('Of UTC'),
          from: instantSchema.optional().describe('At or after; absent: the last 24 hours'),
          to: instantSchema.optional().describe('Before; absent: now'),
        }),
        response: {
          200: z.object({ tiers: z.array(tierSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async (request) => {
      const { by, from: fromText, to: toText, limit, cursor } = request.query;
      const to = tryParseInstant(toText ?? '') ?? context.clock.now() + 1;
      const from = tryParseInstant(fromText ?? '') ?? to - DAY_MS;
      if (from >= to)
        throw badField('querystring.from', 'must be before to', 'swap the two instants');
      const { document } = await controlOf(context.db);
      const after = keyOfCursor('tiers', cursor, z.string().max(100)) ?? '';
      const found = document.tiers
        .filter(({ id }) => id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit + 1);
      const page = pageOf('tiers', found, limit, ({ id }) => id);
      const rows = await readAttainment(context.db, { by, from, to, limit: ROWS_MAX });
      const occupancy = await readOccupancy(context.db);
      return {
        nextCursor: page.nextCursor,
        tiers: page.rows.map(({ id, warehouse, concurrencyMax, queueMax, slo }) => ({
          id,
          warehouse,
          running: occupancy.get(id)?.running ?? 0,
          concurrencyMax,
          waiting: occupancy.get(id)?.waiting ?? 0,
          queueMax,
          slo: slo ?? null,
          attainment: rows.filter(({ tier }) => tier === id).map(toJson),
        })),
      };
    },
  );
}

function toJson(row: AttainmentRow): z.infer<typeof attainmentSchema> {
  return {
    startsAt: row.starts_at.toISOString(),
    valid: Number(row.valid),
    good: Number(row.good),
    attainedPercent: row.attained_percent,
  };
}
