/** Tokens of the API: issued, listed, rotated, revoked. A secret is told once and kept as its hash. */
import { z } from 'zod';
import { must } from '#base/assert.js';
import type { Ids } from '#base/ids.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { type Actor, API_ROLES, type ApiRole } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, notFound, ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import {
  type ApiToken,
  insertToken,
  listTokens,
  revokeToken,
  rotateToken,
  type TokenChange,
} from '../stores/token-store.js';
import { hashOfToken, tokenText } from '../token-authenticator.js';
import {
  type ApiApp,
  type ApiContext,
  controlOf,
  instantSchema,
  reasonSchema,
  teamOf,
} from './api.js';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** Longest time that the secret before a rotation may live on. */
const GRACE_SECONDS_MAX = 86_400;

const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(API_ROLES),
  team: z.string().nullable(),
  principal: z.string().nullable(),
  createdAt: z.string(),
  createdBy: z.string(),
  expiresAt: z.string().nullable(),
  lastUsedAt: z.string().nullable().describe('At most a minute old while it is in use'),
  revokedAt: z.string().nullable(),
  revokedBy: z.string().nullable(),
  previousSecretUntil: z
    .string()
    .nullable()
    .describe('Until when the secret before the last rotation is accepted too'),
});

const issueBody = z.strictObject({
  name: z
    .string('must say what the token is for')
    .regex(
      /^[\p{L}\p{N}][\p{L}\p{N} ._/@-]{0,99}$/u,
      'must be 1 to 100 letters, digits or " ._/@-"',
    ),
  role: z.enum(API_ROLES, `must be one of ${API_ROLES.join(', ')}`),
  team: z.string().max(100).optional().describe('For team-lead and analyst: the team it may see'),
  principal: z
    .string()
    .max(200)
    .optional()
    .describe('For analyst, and for a team-lead that decides requests: the principal it is'),
  expiresAt: instantSchema.optional().describe('Absent: until it is revoked'),
  reason: reasonSchema.optional(),
});

const rotateBody = z.strictObject({
  graceSeconds: z
    .int()
    .min(0)
    .max(GRACE_SECONDS_MAX, 'must be at most 86400 (24 hours)')
    .default(0)
    .describe('How long the present secret is accepted too'),
  reason: reasonSchema.optional(),
});

const revokeBody = z.strictObject({ reason: reasonSchema.optional() }).nullish();

const idParams = z.object({
  id: z.string().max(100).describe('As GET /api/v1/tokens lists it, without the secret'),
});

const secretReply = z.object({
  token: tokenSchema,
  secret: z.string().describe('tga_<id>_<secret>; told once'),
});
const tokenReply = z.object({ token: tokenSchema });

/** `POST` and `GET /tokens`, `POST /tokens/{id}/rotate`, `POST /tokens/{id}/revoke`. */
export function addTokenRoutes(app: ApiApp, context: ApiContext, ids: Ids): void {
  addIssue(app, context, ids);
  addList(app, context);
  addRotate(app, context, ids);
  addRevoke(app, context);
}

function addIssue(app: ApiApp, context: ApiContext, ids: Ids): void {
  app.post(
    '/tokens',
    {
      config: {
        access: ['platform'],
        takesConfirmed: true,
        example: { name: 'sales dashboard', role: 'team-lead', team: 'sales' },
      },
      schema: {
        summary: 'Issue a token; its secret is told in this answer and never again',
        body: issueBody,
        response: { 201: secretReply },
      },
    },
    async (request, reply) => {
      const { name, role, team, principal, reason } = request.body;
      const at = context.clock.now();
      const expiresAt = expiryOf(request.body.expiresAt, at);
      await checkScope(context, request.actor, { role, team, principal });
      const id = ids.randomBytes(ID_BYTES).toString('hex');
      const secret = tokenText(id, ids.randomBytes(SECRET_BYTES));
      const token = await context.db.transaction(async (tx) => {
        const issued = await insertToken(tx, {
          id,
          name,
          role,
          teamId: team ?? null,
          principalId: principal ?? null,
          createdAt: at,
          createdBy: request.actor.id,
          expiresAt,
          secretHash: hashOfToken(secret),
        });
        await appendAudit(tx, {
          actor: request.actor,
          action: 'token.issue',
          subject: `token/${id}`,
          reason: reason ?? null,
          before: null,
          after: toJson(issued),
          at,
        });
        return issued;
      });
      return reply.code(201).send({ token: toJson(token), secret });
    },
  );
}

function addList(app: ApiApp, context: ApiContext): void {
  app.get(
    '/tokens',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'Every issued token without its secret, the newest first',
        querystring: z.strictObject(pageFields),
        response: { 200: z.object({ tokens: z.array(tokenSchema), nextCursor: nextCursorSchema }) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = keyOfCursor('tokens', cursor, z.tuple([z.iso.datetime(), z.string()]));
      const tokens = await listTokens(context.db, { after, limit: limit + 1 });
      const { rows, nextCursor } = pageOf('tokens', tokens, limit, (token) => [
        formatInstant(token.createdAt),
        token.id,
      ]);
      return { tokens: rows.map(toJson), nextCursor };
    },
  );
}

function addRotate(app: ApiApp, context: ApiContext, ids: Ids): void {
  app.post(
    '/tokens/:id/rotate',
    {
      config: {
        access: ['platform'],
        takesConfirmed: true,
        example: { graceSeconds: 3600, reason: 'yearly' },
      },
      schema: {
        summary: 'Give a token a new secret; the present one ends now, or after a stated grace',
        params: idParams,
        body: rotateBody,
        response: { 200: secretReply },
      },
    },
    async (request) => {
      const { graceSeconds, reason } = request.body;
      const { id } = request.params;
      const at = context.clock.now();
      const secret = tokenText(id, ids.randomBytes(SECRET_BYTES));
      const token = await context.db.transaction(async (tx) => {
        const { before, after } = changedOrProblem(
          await rotateToken(tx, {
            id,
            secretHash: hashOfToken(secret),
            previousUntil: graceSeconds === 0 ? null : at + graceSeconds * 1000,
          }),
        );
        await appendAudit(tx, {
          actor: request.actor,
          action: 'token.rotate',
          subject: `token/${id}`,
          reason: reason ?? null,
          before: toJson(before),
          after: toJson(after),
          at,
        });
        return after;
      });
      return { token: toJson(token), secret };
    },
  );
}

function addRevoke(app: ApiApp, context: ApiContext): void {
  app.post(
    '/tokens/:id/revoke',
    {
      config: { access: ['platform'], example: { reason: 'the laptop was lost' } },
      schema: {
        summary: 'End a token; every replica refuses it within five seconds',
        params: idParams,
        body: revokeBody,
        response: { 200: tokenReply },
      },
    },
    async (request) => {
      const { id } = request.params;
      const at = context.clock.now();
      const token = await context.db.transaction(async (tx) => {
        const outcome = await revokeToken(tx, { id, by: request.actor.id, at });
        // Revoking twice changes nothing, so that a script may repeat itself.
        if (outcome.kind === 'revoked') return outcome.token;
        const { before, after } = changedOrProblem(outcome);
        await appendAudit(tx, {
          actor: request.actor,
          action: 'token.revoke',
          subject: `token/${id}`,
          reason: request.body?.reason ?? null,
          before: toJson(before),
          after: toJson(after),
          at,
        });
        return after;
      });
      return { token: toJson(token) };
    },
  );
}

function expiryOf(text: string | undefined, at: EpochMs): EpochMs | null {
  if (text === undefined) return null;
  const expiresAt = must(tryParseInstant(text), 'checked by the schema');
  if (expiresAt <= at)
    throw badField(
      'expiresAt',
      'must be in the future',
      `name an instant after ${formatInstant(at)}`,
    );
  return expiresAt;
}

/** A lead has a team and perhaps its principal in it, an analyst a team and a principal in it, the others neither. */
async function checkScope(
  context: ApiContext,
  actor: Actor,
  scope: {
    readonly role: ApiRole;
    readonly team: string | undefined;
    readonly principal: string | undefined;
  },
): Promise<void> {
  const { role, team, principal } = scope;
  const hasTeam = role === 'team-lead' || role === 'analyst';
  if (hasTeam !== (team !== undefined))
    throw badField(
      'team',
      hasTeam ? `must be named for the role ${role}` : `must be absent for the role ${role}`,
      hasTeam ? 'GET /api/v1/teams lists the teams' : 'remove it',
    );
  const isMisplaced = !hasTeam && principal !== undefined;
  if (isMisplaced || (role === 'analyst' && principal === undefined))
    throw badField(
      'principal',
      role === 'analyst'
        ? 'must be named for the role analyst'
        : `must be absent for the role ${role}`,
      role === 'analyst' ? 'GET /api/v1/principals lists them' : 'remove it',
    );
  if (team === undefined) return;
  const { document } = await controlOf(context.db);
  teamOf(document, team, actor);
  const isThere = document.principals.some((each) => each.id === principal && each.team === team);
  if (principal !== undefined && !isThere)
    throw notFound(
      `Team "${team}" has no principal "${principal.slice(0, 80)}".`,
      `GET /api/v1/principals?team=${team} lists them`,
      'principal',
    );
}

function changedOrProblem(outcome: TokenChange): Extract<TokenChange, { kind: 'changed' }> {
  switch (outcome.kind) {
    case 'changed':
      return outcome;
    case 'unknown':
      throw notFound('There is no such token.', 'GET /api/v1/tokens lists them', 'id');
    case 'revoked':
      throw new ProblemError({
        status: 409,
        title: 'Conflict',
        detail: 'This token was revoked, and stays so.',
        errors: [{ field: 'id', rule: 'must not be revoked', wayOut: 'issue another token' }],
      });
  }
}

function toJson(token: ApiToken): z.infer<typeof tokenSchema> {
  const instant = (at: EpochMs | null): string | null => (at === null ? null : formatInstant(at));
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    team: token.teamId,
    principal: token.principalId,
    createdAt: formatInstant(token.createdAt),
    createdBy: token.createdBy,
    expiresAt: instant(token.expiresAt),
    lastUsedAt: instant(token.lastUsedAt),
    revokedAt: instant(token.revokedAt),
    revokedBy: token.revokedBy,
    previousSecretUntil: instant(token.previousUntil),
  };
}
