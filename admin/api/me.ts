import { z } from 'zod';
import { API_ROLES } from '../actor.js';
import type { ApiApp } from './api.js';

const meReply = z.object({
  id: z.string().describe('As the audit log names it'),
  role: z.enum(API_ROLES),
  team: z.string().nullable().describe('The one team that the token may see; null: all'),
  principal: z.string().nullable().describe('The one principal that the token is; null: none'),
});

/** `GET /me`. */
export function addMeRoute(app: ApiApp): void {
  app.get(
    '/me',
    {
      config: { access: API_ROLES },
      schema: { summary: 'Who the token is', response: { 200: meReply } },
    },
    (request) => {
      const { id, role, teamId, principalId, ownPrincipalId } = request.actor;
      return { id, role, team: teamId, principal: principalId ?? ownPrincipalId ?? null };
    },
  );
}
