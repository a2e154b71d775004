import { z } from 'zod';
import { type ApiApp, type ApiContext, controlOf } from './api.js';

const teamsReply = z.object({
  controlVersion: z.int(),
  teams: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      department: z.string(),
      costCentre: z.string(),
      owner: z.string(),
      principals: z.int(),
      budgets: z.array(z.string()),
    }),
  ),
});

/** `GET /teams`. */
export function addTeamRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/teams',
    {
      config: { access: ['platform', 'finance'] },
      schema: { summary: 'Every team, with its budgets', response: { 200: teamsReply } },
    },
    async () => {
      const { document, version } = await controlOf(context.db);
      return {
        controlVersion: version,
        teams: document.teams.map((team) => ({
          ...team,
          principals: document.principals.filter((each) => each.team === team.id).length,
          budgets: document.budgets.filter((each) => each.node === team.id).map((each) => each.id),
        })),
      };
    },
  );
}
