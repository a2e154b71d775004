/** Credentials of the terminated sign-in. A secret stands in the answer that makes it, and nowhere after. */
import { z } from 'zod';
import { type EpochMs, formatInstant } from '#base/time.js';
import { serviceUserOf } from '#policies/control/service-users.js';
import type { ControlDocument, PrincipalDocument } from '#policies/control/document.js';
import { conflict, notFound, problemSchema } from '../problems.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import {
  accountItemParams,
  accountOf,
  accountParams,
  byOf,
  type SignInContext,
} from '../sign-in.js';
import {
  CREDENTIAL_KINDS,
  type CredentialEntry,
  CREDENTIALS_OF_PRINCIPAL_MAX,
  issueCredential,
  listCredentials,
  readCredential,
  revokeCredential,
  rotateCredential,
  stateOf,
} from '../stores/credential-store.js';
import { type ApiApp, controlOf, reasonSchema } from './api.js';
import { newCredential } from './new-credential.js';

const LIST = 'credentials';
const GRACE_SECONDS_MAX = 7 * 86_400;

const credentialSchema = z.object({
  id: z.string(),
  account: z.string(),
  principal: z.string(),
  kind: z.enum(CREDENTIAL_KINDS),
  name: z.string(),
  state: z.enum(['active', 'expired', 'revoked']),
  fingerprint: z.string().nullable().describe('Of a key pair, as the iss of its tokens names it'),
  createdAt: z.string(),
  createdBy: z.string(),
  expiresAt: z.string().nullable(),
  lastUsedAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
  revokedBy: z.string().nullable(),
});
const issuedReply = z.object({
  credential: credentialSchema,
  secret: z.string().nullable().describe('Shown this once; null for a key pair'),
});
const expiresAtSchema = z
  .string('must be an instant in quotes, such as "2027-01-31T00:00:00Z"')
  .describe('Tokens: at most one year ahead, 90 days unless given. Others: never unless given');
const publicKeySchema = z
  .string('must be PEM text')
  .max(8000)
  .describe('PEM, RSA of at least 2048 bits; only for key pairs');

const issueBody = z.strictObject({
  principal: z.string().max(100),
  kind: z.enum(CREDENTIAL_KINDS, 'must be "password", "token" or "key-pair"'),
  name: z.string().min(1, 'must say what it is for').max(200).describe('What it is for'),
  expiresAt: expiresAtSchema.optional(),
  publicKey: publicKeySchema.optional(),
  reason: reasonSchema.optional(),
});
const rotateBody = z.strictObject({
  graceSeconds: z
    .int('must be a whole number')
    .min(0, 'must not be negative')
    .max(GRACE_SECONDS_MAX, 'must be at most 604800, seven days')
    .default(0)
    .describe('How long the old secret still signs in'),
  expiresAt: expiresAtSchema.optional(),
  publicKey: publicKeySchema.optional(),
  reason: reasonSchema.optional(),
});
const revokeBody = z.strictObject({ reason: reasonSchema });

/** `GET` and `POST /accounts/{account}/credentials`, `POST …/{id}/rotate`, `POST …/{id}/revoke`. */
export function addCredentialRoutes(app: ApiApp, context: SignInContext): void {
  addList(app, context);
  addIssue(app, context);
  addRotate(app, context);
  addRevoke(app, context);
}

function addList(app: ApiApp, context: SignInContext): void {
  app.get(
    '/accounts/:account/credentials',
    {
      config: { access: ['platform', 'team-lead'] },
      schema: {
        summary: 'Credentials of the account, without secrets; a team lead sees those of the team',
        params: accountParams,
        querystring: z.strictObject({ ...pageFields, principal: z.string().max(100).optional() }),
        response: {
          200: z.object({
            credentials: z.array(credentialSchema),
            nextCursor: nextCursorSchema,
          }),
          404: problemSchema,
        },
      },
    },
    async (request) => {
      const { document } = await controlOf(context.db);
      const account = accountOf(document, request.params.account);
      const { limit, cursor, principal } = request.query;
      const { teamId } = request.actor;
      const visible = document.principals.filter(
        (each) =>
          (teamId === null || each.team === teamId) &&
          (principal === undefined || each.id === principal),
      );
      const isAll = teamId === null && principal === undefined;
      const found = await listCredentials(context.db, {
        account: account.id,
        principalIds: isAll ? null : visible.map((each) => each.id),
        afterId: keyOfCursor(LIST, cursor, z.string().max(100)) ?? null,
        limit: limit + 1,
      });
      const page = pageOf(LIST, found, limit, ({ id }) => id);
      return {
        credentials: page.rows.map((each) => toJson(each, context.clock.now())),
        nextCursor: page.nextCursor,
      };
    },
  );
}

function addIssue(app: ApiApp, context: SignInContext): void {
  app.post(
    '/accounts/:account/credentials',
    {
      config: { access: ['platform'], takesConfirmed: true },
      schema: {
        summary: 'Issue a password or a token, or register the public key of a key pair',
        params: accountParams,
        body: issueBody,
        response: {
          201: issuedReply,
          400: problemSchema,
          404: problemSchema,
          409: problemSchema,
        },
      },
    },
    async (request, reply) => {
      const { document } = await controlOf(context.db);
      const { body } = request;
      const principal = principalOf(document, request.params.account, body.principal);
      const { secret, credential } = await newCredential(context, {
        account: request.params.account,
        principalId: principal.id,
        ...body,
      });
      const by = byOf(context, request.actor, body.reason);
      const outcome = await context.db.transaction((tx) => issueCredential(tx, credential, by));
      switch (outcome.kind) {
        case 'issued':
          return reply.code(201).send({ credential: toJson(outcome.credential, by.at), secret });
        case 'keyTaken':
          throw keyTaken();
        case 'hasPassword':
          throw conflict(
            `${principal.id} has a password on this account already.`,
            'kind',
            'must not be "password" while one is in force',
            `POST /api/v1/accounts/${credential.account}/credentials/${outcome.id}/rotate gives a new one`,
          );
        case 'tooMany':
          throw conflict(
            `${principal.id} has ${CREDENTIALS_OF_PRINCIPAL_MAX} credentials in force on this account, the most that one may have.`,
            'principal',
            `must have fewer than ${CREDENTIALS_OF_PRINCIPAL_MAX} credentials in force`,
            'revoke one that is not needed any more',
          );
      }
    },
  );
}

function addRotate(app: ApiApp, context: SignInContext): void {
  app.post(
    '/accounts/:account/credentials/:id/rotate',
    {
      config: { access: ['platform'], takesConfirmed: true },
      schema: {
        summary:
          'Issue the successor of a credential; the old one ends after a grace, its sessions go on',
        params: accountItemParams,
        body: rotateBody.nullish(),
        response: {
          201: issuedReply.extend({ previous: credentialSchema }),
          400: problemSchema,
          404: problemSchema,
          409: problemSchema,
        },
      },
    },
    async (request, reply) => {
      const { account, id } = request.params;
      const body = request.body ?? { graceSeconds: 0 };
      const before = await readCredential(context.db, account, id);
      if (before === undefined) throw noCredential(id);
      const { secret, credential } = await newCredential(context, {
        account,
        principalId: before.principalId,
        kind: before.kind,
        name: before.name,
        expiresAt: body.expiresAt,
        publicKey: body.publicKey,
      });
      const by = byOf(context, request.actor, body.reason);
      const rotated = { previousId: id, graceMs: body.graceSeconds * 1000 };
      const outcome = await context.db.transaction((tx) =>
        rotateCredential(tx, rotated, credential, by),
      );
      switch (outcome.kind) {
        case 'rotated':
          return reply.code(201).send({
            credential: toJson(outcome.credential, by.at),
            secret,
            previous: toJson(outcome.previous, by.at),
          });
        case 'unknown':
          throw noCredential(id);
        case 'over':
          throw conflict(
            'This credential is revoked or has expired; there is nothing to rotate.',
            'id',
            'must be of a credential in force',
            `POST /api/v1/accounts/${account}/credentials issues a new one`,
          );
        case 'keyTaken':
          throw keyTaken();
      }
    },
  );
}

function addRevoke(app: ApiApp, context: SignInContext): void {
  app.post(
    '/accounts/:account/credentials/:id/revoke',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'End a credential and every session that was opened by it, within 5 s',
        params: accountItemParams,
        body: revokeBody,
        response: {
          200: z.object({
            credential: credentialSchema,
            sessionsEnded: z.int(),
            isReplayed: z.boolean(),
          }),
          400: problemSchema,
          404: problemSchema,
        },
      },
    },
    async (request) => {
      const { account, id } = request.params;
      const by = byOf(context, request.actor, request.body.reason);
      const outcome = await context.db.transaction((tx) =>
        revokeCredential(tx, { account, id }, by),
      );
      if (outcome.kind === 'unknown') throw noCredential(id);
      return {
        credential: toJson(outcome.credential, by.at),
        sessionsEnded: outcome.sessionsEnded,
        isReplayed: outcome.isRepeated,
      };
    },
  );
}

/** The principal, if it could sign in terminated on the account at all. */
function principalOf(
  document: ControlDocument,
  accountId: string,
  principalId: string,
): PrincipalDocument {
  const account = accountOf(document, accountId);
  if ((account.signIn ?? 'passthrough') === 'passthrough')
    throw conflict(
      `The account ${account.id} takes Snowflake's own credentials only, so that this one would open nothing.`,
      'account',
      'must have signIn "terminated" or "both"',
      'set accounts[].signIn in the control document and apply it',
    );
  const principal = document.principals.find((each) => each.id === principalId);
  if (principal === undefined)
    throw notFound(
      `There is no principal "${principalId.slice(0, 80)}".`,
      'GET /api/v1/control shows the principals of the document in force',
      'principal',
    );
  if (serviceUserOf(account, principal.team) === undefined)
    throw conflict(
      `The team ${principal.team} has no service user on the account ${account.id} to sign in by.`,
      'principal',
      'must be of a team with a service user',
      'name one under accounts[].serviceUsers in the control document and apply it',
    );
  return principal;
}

function noCredential(id: string): Error {
  return notFound(
    `There is no credential "${id.slice(0, 80)}" on this account.`,
    'GET /api/v1/accounts/{account}/credentials lists them',
    'id',
  );
}

function keyTaken(): Error {
  return conflict(
    'This public key is registered on the account already, perhaps as one that was revoked.',
    'publicKey',
    'must be new to the account',
    'make a new key pair',
  );
}

function toJson(credential: CredentialEntry, now: EpochMs): z.infer<typeof credentialSchema> {
  const { principalId, createdAt, expiresAt, lastUsedAt, revokedAt, ...rest } = credential;
  const instant = (at: EpochMs | null): string | null => (at === null ? null : formatInstant(at));
  return {
    ...rest,
    principal: principalId,
    state: stateOf(credential, now),
    createdAt: formatInstant(createdAt),
    expiresAt: instant(expiresAt),
    lastUsedAt: instant(lastUsedAt),
    revokedAt: instant(revokedAt),
  };
}
