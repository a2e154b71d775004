/** `POST /explain`: the price of a statement before it runs, and what would become of it. */
import { z } from 'zod';
import { must } from '#base/assert.js';
import type { ControlDocument, PrincipalDocument } from '#policies/control/document.js';
import { foldName } from '#policies/rules/glob.js';
import { type Actor, maySeeTeam } from '../actor.js';
import { badField, notFound, ProblemError } from '../problems.js';
import type { CreditsAndAmount, PricedStatement, PriceStatement } from '../statement-pricing.js';
import { type ApiApp, type ApiContext, controlOf } from './api.js';

const SQL_CHARACTERS_MAX = 200_000;
const name = z.string().min(1).max(255).optional();

const explainBody = z.strictObject({
  sqlText: z
    .string('must be the statement')
    .max(SQL_CHARACTERS_MAX, `must be at most ${SQL_CHARACTERS_MAX} characters`)
    .refine((text) => text.trim() !== '', 'must be the statement'),
  principal: z
    .string()
    .max(255)
    .optional()
    .describe('Who would send it; absent: the principal that the token is'),
  account: name.describe("Absent: the mapping's for the principal, else the first"),
  role: name.describe('The Snowflake role in force'),
  warehouse: name.describe('Absent: that of the default tier'),
  database: name.describe('Where names without a database resolve'),
  schema: name.describe('Where names without a schema resolve; absent: PUBLIC'),
});

const reasons = z.array(z.object({ source: z.string(), message: z.string() }));
const amounts = (what: string): z.ZodType<CreditsAndAmount> =>
  z.object({ credits: z.string(), amount: z.string() }).describe(what);

const pricedSchema: z.ZodType<PricedStatement> = z.object({
  principal: z.string(),
  team: z.string(),
  account: z.string(),
  tier: z.string().nullable(),
  warehouse: z.string().nullable(),
  warehouseSize: z.string().nullable(),
  currency: z.string().nullable(),
  decision: z
    .enum(['allow', 'queue', 'reroute', 'approve', 'refuse'])
    .describe('What would become of it now, budgets included'),
  refusal: z
    .object({ code: z.string(), message: z.string().describe('What a driver would show first') })
    .nullable()
    .describe('null: it would run'),
  isFree: z.boolean().describe('It uses no warehouse'),
  reasons: reasons.describe('Rules that decided'),
  warnings: reasons.describe('Rules that only warn'),
  estimate: z
    .object({
      basis: z.string(),
      basisText: z.string().describe('What the basis means'),
      low: amounts('Probably not less'),
      expected: amounts('In the middle'),
      high: amounts('Probably not more'),
      expectedSeconds: z.number(),
      bytes: z.number().nullable(),
      partitions: z.object({ assigned: z.number(), total: z.number() }).nullable(),
    })
    .nullable()
    .describe('null: refused before it was priced, or answered by Tollgate itself'),
  hold: amounts('Set aside while it would run').nullable(),
  ceiling: amounts('Where it would be stopped, by tier and rules').nullable(),
  budgets: z
    .array(
      z.object({
        budgetId: z.string(),
        isHard: z.boolean(),
        availableCredits: z.string().nullable().describe('null: unlimited'),
        isShort: z.boolean().describe('It has less left than would be held'),
        periodEndsAt: z.string(),
      }),
    )
    .describe('Of its path'),
  cheaper: z
    .array(
      z.object({
        table: z.string(),
        column: z.string(),
        range: z.string(),
        after: amounts('With that filter'),
      }),
    )
    .describe('Filters that would make it cheaper'),
  statements: z.array(
    z.object({
      class: z.string(),
      isOpaque: z.boolean(),
      tablesRead: z.array(z.string()),
      tablesWritten: z.array(z.string()),
      unknown: z.array(z.string()),
    }),
  ),
});

/** @param price absent: this process has nothing to price by. */
export function addExplainRoute(
  app: ApiApp,
  context: ApiContext,
  price: PriceStatement | undefined,
): void {
  app.post(
    '/explain',
    {
      config: {
        access: ['platform', 'team-lead', 'analyst'],
        example: { sqlText: 'SELECT COUNT(*) FROM ANALYTICS.TPCH.ORDERS' },
      },
      schema: {
        summary: 'What a statement would cost and what would become of it; runs and holds nothing',
        body: explainBody,
        response: { 200: pricedSchema },
      },
    },
    async ({ body, actor }) => {
      const control = await controlOf(context.db);
      const principal = principalOf(control.document, body.principal, actor);
      if (price === undefined) throw unpriced();
      const priced = await price({
        sqlText: body.sqlText,
        control,
        principal,
        team: must(
          control.document.teams.find(({ id }) => id === principal.team),
          'a document is valid whose principals have teams',
        ),
        account: accountOf(control.document, body.account, principal),
        role: body.role ?? null,
        warehouse: body.warehouse,
        database: body.database ?? null,
        schema: body.schema ?? null,
        client: '',
      });
      if (priced === null)
        throw badField('sqlText', 'must hold a statement', 'write it, such as SELECT 1');
      return priced;
    },
  );
}

/** The own principal; a lead may name one of the team, the platform anyone. Others are as if they did not exist. */
function principalOf(
  { principals }: ControlDocument,
  named: string | undefined,
  actor: Actor,
): PrincipalDocument {
  const own = actor.principalId ?? actor.ownPrincipalId ?? undefined;
  const id = named ?? own;
  if (id === undefined)
    throw badField(
      'principal',
      'must say who would send it',
      'name a principal; GET /api/v1/principals lists them',
    );
  const found = principals.find((each) => each.id === id);
  const isSeen =
    found !== undefined &&
    maySeeTeam(actor, found.team) &&
    (actor.principalId === null || actor.principalId === id);
  if (found === undefined || !isSeen)
    throw notFound(
      `There is no principal "${id.slice(0, 80)}".`,
      'GET /api/v1/principals lists them',
      'principal',
    );
  return found;
}

function accountOf(
  { accounts, mapping }: ControlDocument,
  named: string | undefined,
  principal: PrincipalDocument,
): string {
  if (named === undefined) {
    const own = mapping.find(
      (rule) =>
        rule.principal !== undefined &&
        foldName(rule.principal) === foldName(principal.id) &&
        rule.match.account !== undefined,
    );
    return own?.match.account ?? accounts[0]?.id ?? '';
  }
  const found = accounts.find(({ id }) => id === named);
  if (found === undefined)
    throw notFound(
      `There is no account "${named.slice(0, 80)}".`,
      `name one of ${accounts
        .slice(0, 8)
        .map(({ id }) => id)
        .join(', ')}`,
      'account',
    );
  return found.id;
}

function unpriced(): ProblemError {
  return new ProblemError({
    status: 503,
    title: 'Service unavailable',
    detail:
      'This process has nothing to price statements by. Send EXPLAIN COST with the statement through the proxy instead.',
  });
}
