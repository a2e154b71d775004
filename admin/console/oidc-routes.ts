/**
 * `GET /console/oidc/start` and `/console/oidc/callback`: signing in by OpenID Connect. What the answer is held to waits in a
 * sealed cookie of ten minutes, so that no replica keeps rows and any of them completes the sign-in.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { GroupRole } from '#base/console-settings.js';
import { createSealer, type SealKey } from '#base/sealing.js';
import type { Clock } from '#base/time.js';
import type { SignInLog } from '../stores/sign-in-log.js';
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
});

export function addOidcRoutes(app: FastifyInstance, options: OidcRoutesOptions): void {
  const { client, clock, isSecure, signIns } = options;
  const sealer = createSealer('tgo1', options.sealKeys, options.randomBytes);
  const name = isSecure ? '__Secure-tollgate-oidc' : 'tollgate-oidc';
  // Lax: the provider sends the browser back from its own site.
  const attributes = `Path=${PATH}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  app.get(`${PATH}/start`, { schema: { hide: true } }, async (request, reply) => {
    const { to } = request.query as { readonly to?: unknown };
    const begun = await client.begin();
    if (begun.kind === 'failed') return refused(reply, begun.why);
    const page = typeof to === 'string' && PAGE.test(to) ? to : '/';
    const pending = sealer.seal(JSON.stringify({ ...begun.checks, to: page, at: clock.now() }));
    const maxAge = PENDING_MS / 1000;
    reply.header('set-cookie', `${name}=${pending}; ${attributes}; Max-Age=${maxAge}`);
    return reply.redirect(begun.url, 303);
  });
  app.get(`${PATH}/callback`, { schema: { hide: true } }, async (request, reply) => {
    const opened = sealer.open(cookieOf(request.headers.cookie, name) ?? '');
    const pending = opened === undefined ? undefined : pendingSchema.parse(JSON.parse(opened));
    // It is used once, whatever comes of it.
    reply.header('set-cookie', `${name}=; ${attributes}; Max-Age=0`);
    if (pending === undefined || clock.now() - pending.at >= PENDING_MS)
      return refused(reply, 'state');
    const query = request.url.slice(request.url.indexOf('?') >>> 0);
    const outcome = await client.complete(query, pending);
    if (outcome.kind === 'failed') return refused(reply, outcome.why);
    const found = personOf(outcome.claims, options.claims, options.roles);
    if (found.kind === 'no-group') return refused(reply, 'no-group');
    const signIn = signIns.start(reply, { person: found.person });
    await options.signInLog.began(found.actor, signIn, 'oidc');
    return reply.redirect(pending.to, 303);
  });
}

/** The console says in words why. */
function refused(reply: FastifyReply, why: string): FastifyReply {
  return reply.redirect(`/?refused=${why}`, 303);
}
