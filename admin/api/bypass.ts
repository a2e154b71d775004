/** What ran on governed warehouses past Tollgate, and the statements that would close the way. */
import { z } from 'zod';
import { coveragePercent, readBypass } from '#billing/attribution/read-bypass.js';
import type { Bypass } from '#billing/attribution/read-bypass.js';
import { NO_CREDITS, addCredits, formatAmount } from '#base/units.js';
import { type ApiApp, type ApiContext, controlOf } from './api.js';
import { closingStatements, problemOfAddress } from './bypass-sql.js';
import { periodFields, periodOf } from './cost-period.js';

const CALLERS_MAX = 1_000;

const counts = {
  governedStatements: z.int(),
  bypassStatements: z.int(),
  governedCredits: z.string(),
  bypassCredits: z.string(),
  coveragePercent: z.string().nullable().describe('Of credits, rounded down; null: nothing ran'),
};

const reply = z.object({
  from: z.string(),
  to: z.string(),
  ...counts,
  coverage: z.array(z.object({ warehouse: z.string(), day: z.string(), ...counts })),
  callers: z.array(
    z.object({
      application: z.string().nullable().describe('null: sessions are not imported'),
      snowflakeUser: z.string().nullable(),
      role: z.string().nullable(),
      team: z.string().nullable().describe('Whom the mapping names; null: nobody'),
      statements: z.int(),
      credits: z.string(),
      warehouses: z.array(z.string()),
      lastAt: z.string(),
    }),
  ),
  callersLeftOut: z.int(),
  sql: z.array(z.string()).describe('Closes the way for these users; Tollgate never runs it'),
});

/** `GET /bypass`. */
export function addBypassRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/bypass',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary: 'Statements on governed warehouses that never passed Tollgate, and by whom',
        querystring: z.strictObject({
          ...periodFields,
          addresses: z
            .string()
            .max(1_000)
            .superRefine((text, refused) => {
              const rules = networksOf(text).flatMap((each) => problemOfAddress(each) ?? []);
              for (const message of new Set(rules)) refused.addIssue({ code: 'custom', message });
            })
            .optional()
            .describe(
              'IPv4 networks from which Tollgate reaches Snowflake, for the SQL that closes the way',
            ),
        }),
        response: { 200: reply },
      },
    },
    async (request) => {
      const { document } = await controlOf(context.db);
      const { startsAt, endsAt } = periodOf(request.query, context.clock.now());
      const bypass = await readBypass(context.db, {
        period: { startsAt, endsAt },
        warehouses: document.warehouses.map(({ name }) => name),
        callersMax: CALLERS_MAX,
      });
      const addresses = networksOf(request.query.addresses ?? null);
      return {
        from: new Date(startsAt).toISOString(),
        to: new Date(endsAt).toISOString(),
        ...bypassJson(bypass),
        sql: [...closingStatements(bypass.callers, addresses)],
      };
    },
  );
}

function networksOf(text: string | null): readonly string[] {
  return text === null ? [] : text.split(',').map((each) => each.trim());
}

function bypassJson({
  coverage,
  callers,
  callersLeftOut,
}: Bypass): Omit<z.infer<typeof reply>, 'from' | 'to' | 'sql'> {
  return {
    ...countsJson(coverage),
    coverage: coverage.map((each) => ({
      warehouse: each.warehouse,
      day: each.day,
      ...countsJson([each]),
    })),
    callers: callers.map((each) => ({
      application: each.application,
      snowflakeUser: each.snowflakeUser,
      role: each.roleName,
      team: each.teamId,
      statements: each.statements,
      credits: formatAmount(each.credits),
      warehouses: [...each.warehouses],
      lastAt: new Date(each.lastAt).toISOString(),
    })),
    callersLeftOut,
  };
}

function countsJson(of: Bypass['coverage']): {
  readonly governedStatements: number;
  readonly bypassStatements: number;
  readonly governedCredits: string;
  readonly bypassCredits: string;
  readonly coveragePercent: string | null;
} {
  return {
    governedStatements: of.reduce((sum, each) => sum + each.governedStatements, 0),
    bypassStatements: of.reduce((sum, each) => sum + each.bypassStatements, 0),
    governedCredits: formatAmount(
      addCredits(NO_CREDITS, ...of.map((each) => each.governedCredits)),
    ),
    bypassCredits: formatAmount(addCredits(NO_CREDITS, ...of.map((each) => each.bypassCredits))),
    coveragePercent: coveragePercent(of),
  };
}
