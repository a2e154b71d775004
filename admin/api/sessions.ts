/** Snowflake sessions through the proxy: which are open, and ending them. */
import { z } from 'zod';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { listSessions, revokeSessions } from '../stores/session-store.js';
import { type ApiApp, type ApiContext, reasonSchema } from './api.js';

const sessionSchema = z.object({
  account: z.string(),
  sessionId: z.string(),
  principal: z.string(),
  snowflakeUser: z.string(),
  signIn: z.string().describe('passthrough, or terminated: by a credential of Tollgate'),
  credential: z.string().nullable(),
  role: z.string().nullable(),
  warehouse: z.string().nullable(),
  openedAt: z.string(),
  changedAt: z.string(),
});

const positionSchema = z.strictObject({
  openedAt: z.iso.datetime(),
  account: z.string(),
  sessionId: z.string(),
});

const name = z.string().min(1).max(300);
const revokeBody = z.strictObject({
  principal: name.optional().describe('Every open session of this principal'),
  account: name.optional().describe('Only those on this account'),
  sessionId: name.optional().describe('Only this session; needs the account'),
  reason: reasonSchema,
});

/** `GET /sessions`, `POST /sessions/revoke`. */
export function addSessionRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/sessions',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'Open sessions, the oldest first',
        querystring: z.strictObject({
          principal: name.optional(),
          account: name.optional(),
          ...pageFields,
        }),
        response: {
          200: z.object({ sessions: z.array(sessionSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async (request) => {
      const { principal, account, limit, cursor } = request.query;
      const after = keyOfCursor('sessions', cursor, positionSchema) ?? null;
      const found = await listSessions(
        context.db,
        {
          account: account ?? null,
          principalId: principal ?? null,
          sessionId: null,
          credentialId: null,
        },
        { limit: limit + 1, after },
      );
      const { rows, nextCursor } = pageOf(
        'sessions',
        found,
        limit,
        ({ openedAt, account: of, sessionId }) => ({ openedAt, account: of, sessionId }),
      );
      return {
        nextCursor,
        sessions: rows.map(({ principalId, credentialId, roleName, ...rest }) => ({
          ...rest,
          principal: principalId,
          credential: credentialId,
          role: roleName,
        })),
      };
    },
  );
  addRevoke(app, context);
}

function addRevoke(app: ApiApp, context: ApiContext): void {
  app.post(
    '/sessions/revoke',
    {
      config: {
        access: ['platform'],
        takesConfirmed: true,
        example: { principal: 'sales_analyst', reason: 'the laptop was lost' },
      },
      schema: {
        summary: 'End open sessions of a principal, or one session; honoured within five seconds',
        body: revokeBody,
        response: { 200: z.object({ revoked: z.int() }) },
      },
    },
    async (request) => {
      const { principal, account, sessionId, reason } = request.body;
      if (principal === undefined && sessionId === undefined)
        throw badField(
          'principal',
          'must be given unless sessionId is',
          'name whose sessions end; there is no way to end all of them at once',
        );
      if (sessionId !== undefined && account === undefined)
        throw badField(
          'account',
          'must be given with sessionId',
          'name the account: two accounts may use one session id',
        );
      const choice = {
        account: account ?? null,
        principalId: principal ?? null,
        sessionId: sessionId ?? null,
        credentialId: null,
      };
      const revoked = await context.db.transaction(async (tx) => {
        const count = await revokeSessions(tx, choice);
        await appendAudit(tx, {
          actor: request.actor,
          action: 'session.revoke',
          subject:
            principal === undefined ? `session/${account}/${sessionId}` : `principal/${principal}`,
          reason,
          before: null,
          after: { ...choice, revoked: count },
          at: context.clock.now(),
        });
        return count;
      });
      return { revoked };
    },
  );
}
