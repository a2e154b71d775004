/**
 * `PUT /teams/{team}/split`: a lead splits the team's monthly budget among its members and workloads. A part is a
 * budget of the control document below the team's own: a statement is held against both, so that a part can only stop
 * what the team's budget would let through, and never lets through what that stops. A lead touches no other budget
 * than parts, which are known by their id.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { compareAmounts, parseCredits } from '#base/units.js';
import type { BudgetDocument, ControlDocument, TeamDocument } from '#policies/control/document.js';
import type { Actor } from '../actor.js';
import { badField, notFound, ProblemError } from '../problems.js';
import { editControl } from '../stores/control-store.js';
import {
  type ApiApp,
  type ApiContext,
  controlOf,
  creditsSchema,
  reasonSchema,
  teamOf,
  teamParams,
} from './api.js';
import { monthlyBudgetOrProblem } from './monthly-budget.js';
import { budgetSchema, toBudgetsJson } from './budget-json.js';

/** Parts that one team may have; each is a budget that statements of the team are held against. */
const PARTS_MAX = 200;
const NONE = 'none';

const splitBody = z.strictObject({
  principal: z.string().max(255).optional().describe('The member whose part it is'),
  workload: z
    .string()
    .max(200)
    .optional()
    .describe('Or the workloads: <tool>/<name> with * and ?, such as dbt/*'),
  limitCredits: z
    .string('must be a decimal in quotes, such as "25", or "none"')
    .refine(
      (text) => text === NONE || creditsSchema.safeParse(text).success,
      'must be a decimal amount, not negative, at most 12 decimals, such as "25", or "none"',
    )
    .describe('A month; "none" takes the part away'),
  reason: reasonSchema,
});

const splitReply = z.object({
  controlVersion: z.int(),
  team: z.string(),
  parts: z.array(budgetSchema).describe('Every part of the team'),
});

/** Adds the routes that read and write the parts of a team. */
export function addTeamSplitRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/teams/:team/split',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: "The parts of a team's monthly budget, with their standing",
        params: teamParams,
        response: { 200: splitReply },
      },
    },
    ({ params, actor }) => splitOf(context, params.team, actor),
  );
  app.put(
    '/teams/:team/split',
    {
      config: {
        access: ['platform', 'team-lead'],
        example: { principal: 'marketing_analyst', limitCredits: '25', reason: 'fair shares' },
      },
      schema: {
        summary:
          "Give a member or workloads a part of the team's monthly budget; a new control version",
        params: teamParams,
        body: splitBody,
        response: { 200: splitReply },
      },
    },
    async ({ params, body, actor }) => {
      const outcome = await editControl(context.db, {
        actor,
        reason: body.reason,
        at: context.clock.now(),
        edit: (document) => withPart(document, teamOf(document, params.team, actor), body),
      });
      if (outcome.kind === 'invalid')
        throw new ProblemError({
          status: 400,
          title: 'Bad request',
          detail: 'The control document would not be valid with this part.',
          errors: outcome.problems.map(({ path, rule, wayOut }) => ({ field: path, rule, wayOut })),
        });
      return splitOf(context, params.team, actor);
    },
  );
}

async function splitOf(
  context: ApiContext,
  teamId: string,
  actor: Actor,
): Promise<z.infer<typeof splitReply>> {
  const { document, version } = await controlOf(context.db);
  const team = teamOf(document, teamId, actor);
  const parts = document.budgets.filter((budget) => isPartOf(budget, team, document));
  return { controlVersion: version, team: team.id, parts: await toBudgetsJson(parts, context) };
}

/** Known by its id, and on a node of the team: a budget that the platform wrote is none. */
function isPartOf(
  { id, node }: BudgetDocument,
  team: TeamDocument,
  document: ControlDocument,
): boolean {
  if (!id.startsWith('split-')) return false;
  return (
    node === team.id ||
    document.principals.some((each) => each.id === node && each.team === team.id)
  );
}

type Part = Pick<z.infer<typeof splitBody>, 'principal' | 'workload' | 'limitCredits'>;

/** The document with the part set, or without it. Problems name the field. */
function withPart(document: ControlDocument, team: TeamDocument, asked: Part): ControlDocument {
  const whole = monthlyBudgetOrProblem(document, team);
  const part = partOf(document, team, whole, asked);
  const others = document.budgets.filter(({ id }) => id !== part.id);
  if (asked.limitCredits === NONE) {
    if (others.length === document.budgets.length)
      throw notFound(
        'There is no such part.',
        `GET /api/v1/teams/${team.id}/split lists them`,
        'principal',
      );
    return { ...document, budgets: others };
  }
  if (whole.limitCredits !== 'unlimited') {
    const limit = parseCredits(whole.limitCredits);
    if (compareAmounts(parseCredits(asked.limitCredits), limit) > 0)
      throw badField(
        'limitCredits',
        `must be at most the team's own limit, ${whole.limitCredits}`,
        'ask the platform for more credits for the team',
      );
  }
  const isNew = others.length === document.budgets.length;
  if (
    isNew &&
    document.budgets.filter((each) => isPartOf(each, team, document)).length >= PARTS_MAX
  )
    throw badField('principal', `must be one of at most ${PARTS_MAX} parts`, 'take one away first');
  return { ...document, budgets: [...others, part] };
}

function partOf(
  document: ControlDocument,
  team: TeamDocument,
  whole: BudgetDocument,
  { principal, workload, limitCredits }: Part,
): BudgetDocument {
  const { period, counts } = whole;
  const common = { limitCredits, hard: true, period, counts } as const;
  if ((principal === undefined) === (workload === undefined))
    throw badField('principal', 'must be sent, or workload, and not both', 'send one of the two');
  if (workload !== undefined) {
    const hash = createHash('sha256').update(`${team.id}\n${workload}`).digest('hex').slice(0, 16);
    return { id: `split-${hash}`, node: team.id, workload, ...common };
  }
  const found = document.principals.find(({ id, team: of }) => id === principal && of === team.id);
  if (found === undefined)
    throw notFound(
      `There is no principal "${(principal ?? '').slice(0, 80)}" in the team.`,
      `GET /api/v1/principals?team=${team.id} lists them`,
      'principal',
    );
  const hash = createHash('sha256').update(found.id).digest('hex').slice(0, 16);
  return { id: `split-${hash}`, node: found.id, ...common };
}
