/** Teams and their principals, as the control document in force has them. */
import { z } from 'zod';
import { must } from '#base/assert.js';
import type { ControlDocument, TeamDocument } from '#policies/control/document.js';
import { maySeeTeam } from '../actor.js';
import { nextCursorSchema, pageById, pageFields } from '../pagination.js';
import { type ApiApp, type ApiContext, controlOf, teamOf, teamParams } from './api.js';

const teamSchema = z.object({
  id: z.string(),
  name: z.string(),
  department: z.string(),
  costCentre: z.string(),
  owner: z.string(),
  principals: z.int(),
  budgets: z.array(z.string()),
});

const principalSchema = z.object({
  id: z.string(),
  team: z.string(),
  kind: z.enum(['person', 'service']),
  isShared: z.boolean().describe('May act for others by a signed claim'),
  owner: z.string(),
  status: z.enum(['active', 'suspended']),
});

/** `GET /teams`, `GET /teams/{team}`, `GET /principals`. */
export function addTeamRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/teams',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'Every team that the token may see, with its budgets, by id',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({
            controlVersion: z.int(),
            teams: z.array(teamSchema),
            nextCursor: nextCursorSchema,
          }),
        },
      },
    },
    async (request) => {
      const { document, version } = await controlOf(context.db);
      const teams = document.teams.filter((team) => maySeeTeam(request.actor, team.id));
      const { rows, nextCursor } = pageById('teams', teams, request.query);
      return { controlVersion: version, teams: toJson(rows, document), nextCursor };
    },
  );
  app.get(
    '/teams/:team',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'One team',
        params: teamParams,
        response: {
          200: z.object({ controlVersion: z.int(), team: teamSchema }),
        },
      },
    },
    async (request) => {
      const { document, version } = await controlOf(context.db);
      const [team] = toJson([teamOf(document, request.params.team, request.actor)], document);
      return { controlVersion: version, team: must(team, 'one team gives one') };
    },
  );
  addPrincipals(app, context);
}

function addPrincipals(app: ApiApp, context: ApiContext): void {
  app.get(
    '/principals',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'Every principal that the token may see, by id',
        querystring: z.strictObject({
          ...pageFields,
          team: z.string().max(100).optional().describe('Of this team alone'),
        }),
        response: {
          200: z.object({
            controlVersion: z.int(),
            principals: z.array(principalSchema),
            nextCursor: nextCursorSchema,
          }),
        },
      },
    },
    async (request) => {
      const { document, version } = await controlOf(context.db);
      const { team, ...asked } = request.query;
      if (team !== undefined) teamOf(document, team, request.actor);
      const principals = document.principals.filter(
        (each) =>
          maySeeTeam(request.actor, each.team) && (team === undefined || each.team === team),
      );
      const { rows, nextCursor } = pageById('principals', principals, asked);
      return {
        controlVersion: version,
        principals: rows.map(({ id, team: teamId, kind, shared, owner, status }) => ({
          id,
          team: teamId,
          kind,
          isShared: shared,
          owner,
          status,
        })),
        nextCursor,
      };
    },
  );
}

function toJson(
  teams: readonly TeamDocument[],
  document: ControlDocument,
): z.infer<typeof teamSchema>[] {
  const principals = new Map<string, number>();
  for (const { team } of document.principals) principals.set(team, (principals.get(team) ?? 0) + 1);
  const budgets = new Map<string, string[]>();
  for (const { node, id } of document.budgets) {
    const known = budgets.get(node);
    if (known === undefined) budgets.set(node, [id]);
    else known.push(id);
  }
  return teams.map(({ id, name, department, costCentre, owner }) => ({
    id,
    name,
    department,
    costCentre,
    owner,
    principals: principals.get(id) ?? 0,
    budgets: budgets.get(id) ?? [],
  }));
}
