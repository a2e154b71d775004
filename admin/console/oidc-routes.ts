/**
 * `GET /console/oidc/start` and `/console/oidc/callback`: signing in by OpenID Connect. What the answer is held to waits in a
 * sealed cookie of ten minutes, so that no replica keeps rows and any of them completes the sign-in.
 * `GET /console/oidc/confirm` sends who is signed in there once more, in a window of its own, and the answer must be of
 * then and of them.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { GroupRole } from '#base/console-settings.js';
import { createSealer, type SealKey } from '#base/sealing.js';
import type { Clock } from '#base/time.js';
import type { SignInLog } from '../stores/sign-in-log.js';
import { senderOf } from './browser-name.js';
import { type ConsoleSignIns, cookieOf } from './console-sign-ins.js';
import type { OidcClient } from './oidc-client.js';
import { type ClaimNames, personOf } from './oidc-people.js';

export interface OidcSignIn {
  readonly client: OidcClient;
  readonly claims: ClaimNames;
  readonly roles: readonly GroupRole[];
}

export interface OidcRoutesOptions extends OidcSignIn {
  readonly signIns: ConsoleSignIns;
  readonly signInLog: Pick<SignInLog, 'began'>;
  readonly sealKeys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
  /** The wall clock. */
  readonly clock: Clock;
  readonly isSecure: boolean;
}

const PENDING_MS = 10 * 60_000;
const PATH = '/console/oidc';
/** A page of the console, and nothing that a browser takes for another host. */
const PAGE = /^\/(?![/\\])[\w./?=&#%-]{0,500}$/;

const pendingSchema = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  to: z.string(),
  at: z.number(),
  /** The sign-in that is confirmed; absent: somebody signs in. */
  confirms: z
    .strictObject({ id: z.string(), startedAt: z.number(), personId: z.string() })
    .optional(),
});
type Pending = z.infer<typeof pendingSchema>;

/** Where the window that confirms a sign-in ends. */
const CONFIRMED_PAGE = '/confirmed';

export function addOidcRoutes(app: FastifyInstance, options: OidcRoutesOptions): void {
  const { client, clock, isSecure, signIns } = options;
  const sealer = createSealer('tgo1', options.sealKeys, options.randomBytes);
  const name = isSecure ? '__Secure-tollgate-oidc' : 'tollgate-oidc';
  // Lax: the provider sends the browser back from its own site.
  const attributes = `Path=${PATH}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  const send = async (
    reply: FastifyReply,
    to: string,
    confirms?: Pending['confirms'],
  ): Promise<FastifyReply> => {
    const begun = await client.begin({ isAnew: confirms !== undefined });
    if (begun.kind === 'failed') return refused(reply, begun.why, confirms && to);
    const pending: Pending = {
      ...begun.checks,
      to,
      at: clock.now(),
      ...(confirms && { confirms }),
    };
    const maxAge = PENDING_MS / 1000;
    const value = sealer.seal(JSON.stringify(pending));
    reply.header('set-cookie', `${name}=${value}; ${attributes}; Max-Age=${maxAge}`);
    return reply.redirect(begun.url, 303);
  };
  app.get(`${PATH}/start`, { schema: { hide: true } }, async (request, reply) => {
    const { to } = request.query as { readonly to?: unknown };
    return send(reply, typeof to === 'string' && PAGE.test(to) ? to : '/');
  });
  app.get(`${PATH}/confirm`, { schema: { hide: true } }, async (request, reply) => {
    // A page of another site that leads here brings no sign-in: its cookie is strict.
    const signIn = signIns.find(request);
    if (signIn === undefined || !('person' in signIn.by))
      return refused(reply, 'not-signed-in', CONFIRMED_PAGE);
    const { id, startedAt, by } = signIn;
    return send(reply, CONFIRMED_PAGE, { id, startedAt, personId: by.person.id });
  });
  app.get(`${PATH}/callback`, { schema: { hide: true } }, async (request, reply) => {
    const opened = sealer.open(cookieOf(request.headers.cookie, name) ?? '');
    const pending = opened === undefined ? undefined : pendingSchema.parse(JSON.parse(opened));
    // It is used once, whatever comes of it.
    reply.header('set-cookie', `${name}=; ${attributes}; Max-Age=0`);
    if (pending === undefined || clock.now() - pending.at >= PENDING_MS)
      return refused(reply, 'state');
    return complete(request, reply, pending, options);
  });
}

async function complete(
  request: FastifyRequest,
  reply: FastifyReply,
  pending: Pending,
  options: OidcRoutesOptions,
): Promise<FastifyReply> {
  const { client, clock, signIns, signInLog } = options;
  const { confirms } = pending;
  const page = confirms && CONFIRMED_PAGE;
  const sinceMs = confirms === undefined ? null : clock.now() - pending.at;
  const query = request.url.slice(request.url.indexOf('?') >>> 0);
  const outcome = await client.complete(query, pending, sinceMs);
  if (outcome.kind === 'failed') return refused(reply, outcome.why, page);
  const { claims } = outcome;
  const found = personOf(claims, options.claims, options.roles);
  if (found.kind === 'no-group') return refused(reply, 'no-group', page);
  const { actor, person } = found;
  if (confirms !== undefined && confirms.personId !== person.id)
    return refused(reply, 'another-person', page);
  // Who was signed in at the provider since the morning showed then that it is they, and not now.
  const confirmedAt = confirms === undefined ? signedInAt(claims) : clock.now();
  const signIn = signIns.start(reply, { person }, confirmedAt);
  const beginning = { by: 'oidc', ...(confirms && { confirms }), ...senderOf(request) } as const;
  await signInLog.began(actor, signIn, beginning);
  return reply.redirect(pending.to, 303);
}

/** When the person signed in at the provider, in milliseconds; 0: it does not say. */
function signedInAt({ auth_time: seconds }: Readonly<Record<string, unknown>>): number {
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : 0;
}

/** The console says in words why, on the page of the sign-in unless another is given. */
function refused(reply: FastifyReply, why: string, page = '/'): FastifyReply {
  return reply.redirect(`${page}?refused=${why}`, 303);
}
