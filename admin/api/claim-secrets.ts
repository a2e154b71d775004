/** Secrets of shared principals for signed claims, and the claims that were not believed. */
import { z } from 'zod';
import { tryParseInstant } from '#policies/control/instant.js';
import type { PrincipalDocument } from '#policies/control/document.js';
import type { EpochMs } from '#base/time.js';
import { badField, notFound, ProblemError, problemSchema } from '../problems.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import {
  CLAIM_SECRETS_MAX,
  type ClaimSecret,
  type ClaimSecretOptions,
  issueClaimSecret,
  listClaimNotices,
  listClaimSecrets,
  revokeClaimSecret,
} from '../stores/claim-secret-store.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema } from './api.js';

const LISTED_MAX = 100;
const NOTICES = 'claim-notices';
const positionSchema = z.strictObject({
  lastAt: z.iso.datetime(),
  principal: z.string(),
  problem: z.string(),
});

const principalParams = z.object({ id: z.string().max(100) });
const secretParams = principalParams.extend({ secret: z.string().max(100) });

const issueBody = z.strictObject({
  expiresAt: z
    .string()
    .refine((text) => tryParseInstant(text) !== undefined, 'must be a UTC date or instant')
    .optional()
    .describe('When it stops to count; absent: when it is revoked'),
  reason: reasonSchema,
});
const revokeBody = z.strictObject({ reason: reasonSchema });

const secretSchema = z.object({
  id: z.string().describe('`kid` of the claims that it signs'),
  principal: z.string(),
  algorithm: z.literal('HS256'),
  createdAt: z.string(),
  createdBy: z.string(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
  revokedBy: z.string().nullable(),
});
const issuedSchema = secretSchema.extend({
  secret: z.string().describe('Told here once and never again; its UTF-8 bytes are the key'),
});
const noticeSchema = z.object({
  principal: z.string(),
  problem: z.string(),
  statements: z.int(),
  firstAt: z.string(),
  lastAt: z.string(),
  lastTicketId: z.string().describe('`tg` of its query tag'),
});

/**
 * `POST` and `GET /principals/{id}/claim-secrets`, `POST /principals/{id}/claim-secrets/{secret}/revoke`,
 * `GET /claim-notices`.
 */
export function addClaimSecretRoutes(
  app: ApiApp,
  context: ApiContext,
  options: ClaimSecretOptions,
): void {
  addReads(app, context);
  addIssue(app, context, options);
  addRevoke(app, context);
}

function addReads(app: ApiApp, context: ApiContext): void {
  app.get(
    '/principals/:id/claim-secrets',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'The newest secrets of a shared principal, without their texts',
        params: principalParams,
        response: { 200: z.object({ secrets: z.array(secretSchema) }), 404: problemSchema },
      },
    },
    async (request) => {
      const { id } = await principalOf(context, request.params.id);
      return { secrets: (await listClaimSecrets(context.db, id, LISTED_MAX)).map(toJson) };
    },
  );
  app.get(
    '/claim-notices',
    {
      config: { access: ['platform'] },
      schema: {
        summary:
          'Claims that were not believed, so that their senders paid themselves; newest first',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({ notices: z.array(noticeSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = keyOfCursor(NOTICES, cursor, positionSchema) ?? null;
      const found = await listClaimNotices(context.db, { limit: limit + 1, after });
      const page = pageOf(NOTICES, found, limit, ({ lastAt, principal, problem }) => ({
        lastAt,
        principal,
        problem,
      }));
      return { notices: [...page.rows], nextCursor: page.nextCursor };
    },
  );
}

function addIssue(app: ApiApp, context: ApiContext, options: ClaimSecretOptions): void {
  app.post(
    '/principals/:id/claim-secrets',
    {
      config: { access: ['platform'], takesConfirmed: true },
      schema: {
        summary:
          'Issue a secret by which a shared principal signs claims; earlier ones go on to count',
        params: principalParams,
        body: issueBody,
        response: { 201: issuedSchema, 400: problemSchema, 404: problemSchema, 409: problemSchema },
      },
    },
    async (request, reply) => {
      const principal = await principalOf(context, request.params.id);
      if (!principal.shared) throw notShared(principal.id);
      const at = context.clock.now();
      const { expiresAt, reason } = request.body;
      const outcome = await issueClaimSecret(context.db, options, {
        principalId: principal.id,
        actor: request.actor,
        reason,
        at,
        expiresAt: expiresAt === undefined ? null : laterThan(at, expiresAt),
      });
      if (outcome.kind === 'tooMany') throw tooMany(principal.id);
      return reply.code(201).send({ ...toJson(outcome.secret), secret: outcome.text });
    },
  );
}

function addRevoke(app: ApiApp, context: ApiContext): void {
  app.post(
    '/principals/:id/claim-secrets/:secret/revoke',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'End a secret; its claims are not believed any more within 5 s',
        params: secretParams,
        body: revokeBody,
        response: { 200: secretSchema, 400: problemSchema, 404: problemSchema },
      },
    },
    async (request) => {
      // Also of a principal that left the document: its secrets must be revocable.
      const outcome = await revokeClaimSecret(context.db, {
        principalId: request.params.id,
        secretId: request.params.secret,
        actor: request.actor,
        reason: request.body.reason,
        at: context.clock.now(),
      });
      if (outcome.kind === 'unknown')
        throw notFound(
          'There is no such secret of that principal.',
          'GET /api/v1/principals/{id}/claim-secrets lists them',
          'secret',
        );
      return toJson(outcome.secret);
    },
  );
}

async function principalOf(context: ApiContext, id: string): Promise<PrincipalDocument> {
  const { document } = await controlOf(context.db);
  const principal = document.principals.find((each) => each.id === id);
  if (principal === undefined)
    throw notFound(
      `There is no principal "${id.slice(0, 80)}".`,
      'name one of the control document',
      'id',
    );
  return principal;
}

function laterThan(at: EpochMs, text: string): EpochMs {
  const instant = tryParseInstant(text);
  if (instant === undefined || instant <= at)
    throw badField('expiresAt', 'must be later than now', 'name a later instant, or leave it out');
  return instant;
}

function notShared(id: string): ProblemError {
  return badField(
    'id',
    'must be a shared principal',
    `set shared: true for ${id} in the control document, or let it pay for itself`,
  );
}

function tooMany(id: string): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: `${id} has ${CLAIM_SECRETS_MAX} secrets that count already.`,
    errors: [
      {
        field: 'id',
        rule: `may have at most ${CLAIM_SECRETS_MAX} secrets that count`,
        wayOut: 'revoke one that is not used any more',
      },
    ],
  });
}

function toJson(secret: ClaimSecret): z.infer<typeof secretSchema> {
  return { ...secret, algorithm: 'HS256' };
}
