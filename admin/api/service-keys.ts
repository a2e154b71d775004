/**
 * Service keys: the key pairs by which teams sign in upstream. The private half is made here, sealed at once, and
 * never shown; the public half goes to Snowflake's administrator with the statements that register it.
 */
import { z } from 'zod';
import { Fault } from '#base/errors.js';
import { newRsaKeyPair, readRsaPublicKey } from '#base/key-pairs.js';
import { createSealer, type Sealer } from '#base/sealing.js';
import { SERVICE_KEY_PREFIX, serviceKeyContext } from '#base/service-keys.js';
import { formatInstant } from '#base/time.js';
import { serviceUserOf } from '#policies/control/service-users.js';
import { badField, conflict, notFound, ProblemError, problemSchema } from '../problems.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import {
  accountItemParams,
  accountOf,
  accountParams,
  byOf,
  newId,
  type SignInContext,
} from '../sign-in.js';
import { createUserSql, setKeySql, unsetKeySql } from '../stores/service-key-statements.js';
import {
  activateServiceKey,
  addServiceKey,
  listServiceKeys,
  readSealedPrivateKey,
  readServiceKey,
  retireServiceKey,
  type ServiceKeyEntry,
} from '../stores/service-key-store.js';
import { type ApiApp, controlOf, reasonSchema, teamOf } from './api.js';

const LIST = 'service-keys';
const keySchema = z.object({
  id: z.string(),
  account: z.string(),
  team: z.string(),
  snowflakeUser: z.string(),
  publicKey: z.string(),
  fingerprint: z.string(),
  slot: z.int().describe('1: RSA_PUBLIC_KEY, 2: RSA_PUBLIC_KEY_2'),
  state: z.enum(['pending', 'active', 'retired']),
  createdAt: z.string(),
  createdBy: z.string(),
  activatedAt: z.string().nullable(),
  retiredAt: z.string().nullable(),
});
const sqlSchema = z.array(z.string()).describe('What an administrator of Snowflake runs, in order');
const addBody = z.strictObject({ team: z.string().max(100), reason: reasonSchema.optional() });
const reasonBody = z.strictObject({ reason: reasonSchema.optional() }).nullish();

/** `GET` and `POST /accounts/{account}/service-keys`, `POST …/{id}/activate`, `POST …/{id}/retire`. */
export function addServiceKeyRoutes(app: ApiApp, context: SignInContext): void {
  const { sealKeys, randomBytes } = context.signIn;
  const sealer = createSealer(SERVICE_KEY_PREFIX, sealKeys, randomBytes);
  addList(app, context);
  addAdd(app, context, sealer);
  addActivate(app, context, sealer);
  addRetire(app, context);
}

function addList(app: ApiApp, context: SignInContext): void {
  app.get(
    '/accounts/:account/service-keys',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'Service keys of the account; private halves are never shown',
        params: accountParams,
        querystring: z.strictObject({ ...pageFields, team: z.string().max(100).optional() }),
        response: {
          200: z.object({ serviceKeys: z.array(keySchema), nextCursor: nextCursorSchema }),
          404: problemSchema,
        },
      },
    },
    async (request) => {
      const account = accountOf((await controlOf(context.db)).document, request.params.account);
      const { limit, cursor, team } = request.query;
      const found = await listServiceKeys(context.db, {
        account: account.id,
        teamId: team ?? null,
        afterId: keyOfCursor(LIST, cursor, z.string().max(100)) ?? null,
        limit: limit + 1,
      });
      const page = pageOf(LIST, found, limit, ({ id }) => id);
      return { serviceKeys: page.rows.map(toJson), nextCursor: page.nextCursor };
    },
  );
}

function addAdd(app: ApiApp, context: SignInContext, sealer: Sealer): void {
  app.post(
    '/accounts/:account/service-keys',
    {
      config: { access: ['platform'], takesConfirmed: true },
      schema: {
        summary: 'Make a key pair for a team; answers the statements that register it at Snowflake',
        params: accountParams,
        body: addBody,
        response: {
          201: z.object({ serviceKey: keySchema, sql: sqlSchema }),
          400: problemSchema,
          404: problemSchema,
          409: problemSchema,
        },
      },
    },
    async (request, reply) => {
      const { document } = await controlOf(context.db);
      const account = accountOf(document, request.params.account);
      const team = teamOf(document, request.body.team, request.actor);
      const snowflakeUser = serviceUserOf(account, team.id);
      if (snowflakeUser === undefined)
        throw badField(
          'team',
          'must have a service user on the account',
          'name one under accounts[].serviceUsers in the control document and apply it',
        );
      const { publicKey, privatePem } = await newRsaKeyPair();
      const id = newId(context);
      const sealedPrivateKey = sealer.seal(privatePem, serviceKeyContext(account.id, team.id, id));
      const key = { id, account: account.id, teamId: team.id, snowflakeUser, sealedPrivateKey };
      const by = byOf(context, request.actor, request.body.reason);
      const outcome = await context.db.transaction((tx) =>
        addServiceKey(tx, { ...key, publicKey: publicKey.pem }, by),
      );
      if (outcome.kind === 'pending')
        throw conflict(
          `A key of team ${team.id} is pending already.`,
          'team',
          'must have no pending key',
          `activate or retire ${outcome.id} first`,
        );
      const { slot } = outcome.key;
      const sql = [
        createUserSql(snowflakeUser, team.id),
        setKeySql(snowflakeUser, slot, publicKey.base64),
      ];
      return reply.code(201).send({ serviceKey: toJson(outcome.key), sql });
    },
  );
}

function addActivate(app: ApiApp, context: SignInContext, sealer: Sealer): void {
  app.post(
    '/accounts/:account/service-keys/:id/activate',
    {
      config: { access: ['platform'], takesConfirmed: true },
      schema: {
        summary:
          'Prove a pending key by a real sign-in upstream, then use it; the one before it retires',
        params: accountItemParams,
        body: reasonBody,
        response: {
          200: z.object({
            serviceKey: keySchema,
            previous: keySchema.nullable(),
            sql: sqlSchema.describe('Takes the key before it away at Snowflake, after a minute'),
          }),
          404: problemSchema,
          409: problemSchema,
          502: problemSchema,
        },
      },
    },
    async (request) => {
      const { account, id } = request.params;
      const key = await readServiceKey(context.db, account, id);
      if (key === undefined) throw noKey(id);
      if (key.state !== 'pending') throw notPending(key);
      await prove(context, sealer, key);
      const by = byOf(context, request.actor, request.body?.reason);
      const outcome = await context.db.transaction((tx) => activateServiceKey(tx, key, by));
      if (outcome.kind === 'notPending') throw notPending(key);
      const { previous } = outcome;
      const isSameUser = previous?.snowflakeUser === outcome.key.snowflakeUser;
      return {
        serviceKey: toJson(outcome.key),
        previous: previous === null ? null : toJson(previous),
        sql:
          previous !== null && isSameUser
            ? [unsetKeySql(previous.snowflakeUser, previous.slot)]
            : [],
      };
    },
  );
}

function addRetire(app: ApiApp, context: SignInContext): void {
  app.post(
    '/accounts/:account/service-keys/:id/retire',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'Take a key out of use for good; without an active key a team cannot sign in',
        params: accountItemParams,
        body: reasonBody,
        response: {
          200: z.object({ serviceKey: keySchema, isReplayed: z.boolean(), sql: sqlSchema }),
          404: problemSchema,
        },
      },
    },
    async (request) => {
      const { account, id } = request.params;
      const by = byOf(context, request.actor, request.body?.reason);
      const outcome = await context.db.transaction((tx) =>
        retireServiceKey(tx, { account, id }, by),
      );
      if (outcome.kind === 'unknown') throw noKey(id);
      const { key, isRepeated } = outcome;
      return {
        serviceKey: toJson(key),
        isReplayed: isRepeated,
        sql: [unsetKeySql(key.snowflakeUser, key.slot)],
      };
    },
  );
}

/** 502 with upstream's words when the key does not sign in; nothing is changed then. */
async function prove(context: SignInContext, sealer: Sealer, key: ServiceKeyEntry): Promise<void> {
  const { account, teamId, snowflakeUser } = key;
  const sealed = (await readSealedPrivateKey(context.db, key.id)) ?? '';
  const privateKey = sealer.open(sealed, serviceKeyContext(account, teamId, key.id));
  if (privateKey === undefined)
    throw new Fault(
      'internal',
      `The service key ${key.id} opens with none of the seal keys of this process. Add the key that sealed it to TOLLGATE_SEAL_KEYS, or retire it and make a new one.`,
    );
  try {
    await context.signIn.probe.signIn({ account, snowflakeUser, privateKey });
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== 'upstreamUnreachable') throw cause;
    throw new ProblemError({
      status: 502,
      title: 'Upstream refused',
      detail: `${snowflakeUser} could not sign in with this key, and nothing was changed: ${cause.message}`,
      errors: [
        {
          field: 'id',
          rule: 'must be of a key that signs in upstream',
          wayOut: `run the statements of its making at Snowflake, then activate it again: ${setKeySql(snowflakeUser, key.slot, readRsaPublicKey(key.publicKey)?.base64 ?? '')}`,
        },
      ],
    });
  }
}

function noKey(id: string): Error {
  return notFound(
    `There is no service key "${id.slice(0, 80)}" on this account.`,
    'GET /api/v1/accounts/{account}/service-keys lists them',
    'id',
  );
}

function notPending(key: ServiceKeyEntry): Error {
  return conflict(
    `This key is ${key.state}, and only a pending one can be activated.`,
    'id',
    'must be of a pending key',
    'POST /api/v1/accounts/{account}/service-keys makes one',
  );
}

function toJson(key: ServiceKeyEntry): z.infer<typeof keySchema> {
  const { teamId, createdAt, activatedAt, retiredAt, ...rest } = key;
  return {
    ...rest,
    team: teamId,
    fingerprint: readRsaPublicKey(key.publicKey)?.fingerprint ?? '',
    createdAt: formatInstant(createdAt),
    activatedAt: activatedAt === null ? null : formatInstant(activatedAt),
    retiredAt: retiredAt === null ? null : formatInstant(retiredAt),
  };
}
