/** The caller's own sign-ins of the console: seen, and ended. OWASP ASVS 5.0, 7.5.2. */
import { z } from 'zod';
import { formatInstant } from '#base/time.js';
import { API_ROLES } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { notFound } from '../problems.js';
import type { SignInLog } from '../stores/sign-in-log.js';
import type { ApiApp } from './api.js';

const signInSchema = z.object({
  id: z.string(),
  isThis: z.boolean().describe('The one by which this is asked; with a token none is'),
  provenBy: z.enum(['token', 'oidc']).describe('A token, or the identity provider'),
  browser: z.string().nullable().describe('Such as "Firefox on Linux"; null: none that is known'),
  startedAt: z.string().describe('When it began, or was confirmed'),
  startedFrom: z
    .string()
    .describe('Address of the connection; behind a balancer that of the balancer'),
  usedAt: z.string().describe('When its person did something last, at most a minute old'),
  usedFrom: z.string(),
});

const endedReply = z.object({ ended: z.int().describe('How many sign-ins were ended') });

const idParams = z.object({
  id: z.string().max(100).describe('As GET /api/v1/sign-ins lists it'),
});

/** `GET /sign-ins`, `POST /sign-ins/{id}/end`, `POST /sign-ins/end-others`. */
export function addSignInListRoutes(app: ApiApp, log: SignInLog): void {
  app.get(
    '/sign-ins',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'Your own sign-ins of the console that last, the newest first',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({ signIns: z.array(signInSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ actor, signInId, query: { limit, cursor } }) => {
      const after = keyOfCursor('sign-ins', cursor, z.tuple([z.iso.datetime(), z.string()]));
      const found = await log.list(actor, { after, limit: limit + 1 });
      const { rows, nextCursor } = pageOf('sign-ins', found, limit, ({ startedAt, id }) => [
        formatInstant(startedAt),
        id,
      ]);
      return {
        nextCursor,
        signIns: rows.map(({ startedAt, usedAt, ...rest }) => ({
          ...rest,
          isThis: rest.id === signInId,
          startedAt: formatInstant(startedAt),
          usedAt: formatInstant(usedAt),
        })),
      };
    },
  );
  app.post(
    '/sign-ins/:id/end',
    {
      config: { access: API_ROLES, takesConfirmed: true },
      schema: {
        summary: 'End one of your own sign-ins, on every replica within two seconds',
        params: idParams,
        response: { 200: endedReply },
      },
    },
    async ({ actor, params }) => {
      if (!(await log.endOwn(actor, params.id)))
        throw notFound(
          'There is no such sign-in of yours: it is over, or was never one.',
          'GET /api/v1/sign-ins lists those that last',
          'id',
        );
      return { ended: 1 };
    },
  );
  app.post(
    '/sign-ins/end-others',
    {
      config: { access: API_ROLES, takesConfirmed: true },
      schema: {
        summary: 'End all your sign-ins but the one by which this is asked; with a token all',
        response: { 200: endedReply },
      },
    },
    async ({ actor, signInId }) => ({ ended: await log.endAll(actor, signInId) }),
  );
}
