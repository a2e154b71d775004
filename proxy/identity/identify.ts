/**
 * Step 2: the sealed token and the session's state say who asks, the mapping rules for which team, and a signed claim
 * of a shared principal for which other one. Fails closed.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { PrincipalDocument } from '#policies/control/document.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import type { PrincipalResolution } from '#policies/identity.js';
import { inForce } from '../control/in-force.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import type { Identified, Received } from '../stages.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { Upstream } from '../upstream/upstreams.js';
import { endedSession, foreignToken, tokenOfAuthorization } from './tokens.js';
import type { SealedIdentity } from './tokens.js';
import type { SessionState } from './sessions.js';
import { terminatedWho } from './who.js';

export type Authenticated =
  | {
      readonly kind: 'session';
      readonly identity: SealedIdentity;
      readonly upstream: Upstream;
      readonly session: SessionState;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * The session behind the headers of a request. Refused: a token that is not ours or at the host of another account,
 * an account no longer fronted, a session that was closed or revoked. Fault `ledgerUnavailable` when the session must
 * be read and Postgres is away.
 */
export async function authenticate(
  parts: Parts,
  { authorization, host }: IncomingHttpHeaders,
): Promise<Authenticated> {
  const token = tokenOfAuthorization(authorization);
  // Heartbeats of some drivers carry the master token; both name the same session.
  const identity =
    token === undefined
      ? undefined
      : (parts.sealer.open(token, 'session') ?? parts.sealer.open(token, 'master'));
  const upstream = identity === undefined ? undefined : parts.upstreams.get(identity.account);
  if (identity === undefined || upstream === undefined)
    return { kind: 'refused', refusal: foreignToken() };
  if (!parts.upstreams.agrees(host, identity.account))
    return { kind: 'refused', refusal: foreignToken() };
  const session = await parts.sessions.read(identity);
  if (session === undefined || session.isEnded) return { kind: 'refused', refusal: endedSession() };
  return { kind: 'session', identity, upstream, session };
}

export type IdentifyOutcome =
  | { readonly kind: 'identified'; readonly statement: Identified }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Adds session, principal and team to a received statement. Fault `controlStale` without any control snapshot. */
export async function identify(parts: Parts, received: Received): Promise<IdentifyOutcome> {
  const authenticated = await authenticate(parts, received.call.request.headers);
  if (authenticated.kind === 'refused') return authenticated;
  if (authenticated.identity.kind !== 'session')
    return { kind: 'refused', refusal: foreignToken() };
  return identifyIn(parts, received, authenticated);
}

/** Adds a session that is proven, with its principal and team. Fault `controlStale` without any control snapshot. */
export async function identifyIn(
  parts: Parts,
  received: Received,
  authenticated: Pick<Identified, 'identity' | 'upstream' | 'session'>,
): Promise<IdentifyOutcome> {
  const { identity, upstream, session } = authenticated;
  const snapshot = inForce(parts.control.current());
  const who = whoIs(parts, snapshot, authenticated, received.call);
  if (who.kind === 'unknown') {
    return refused(
      'principalUnknown',
      `Not run: no team answers for ${session.snowflakeUser} any more. Ask the platform admins for a mapping rule.`,
    );
  }
  if (who.kind === 'suspended') return suspended(who.principal);
  const signedIn = { principal: who.principal, team: who.team };
  const claimed = await parts.claims.read({
    ticketId: received.call.ticketId,
    tag: received.query.clientTag ?? session.queryTag,
    signedIn,
    snapshot,
  });
  if (claimed.kind === 'suspended') return suspended(claimed.principal);
  return {
    kind: 'identified',
    statement: {
      ...received,
      identity,
      upstream,
      session,
      snapshot,
      ...(claimed.kind === 'on-behalf' ? claimed.payer : signedIn),
      signedIn,
      isOnBehalf: claimed.kind === 'on-behalf',
      sentText: null,
    },
  };
}

/** Which principal of which team a session is, under a control version. */
export function whoIs(
  parts: Parts,
  snapshot: ControlSnapshot,
  { identity, session }: Pick<Identified, 'identity' | 'session'>,
  call: Call,
): PrincipalResolution {
  return (
    terminatedWho(snapshot, identity, session) ??
    snapshot.resolvePrincipal({
      account: identity.account,
      snowflakeUser: session.snowflakeUser,
      role: session.role,
      address: parts.clientAddress(call.request),
    })
  );
}

export type RenewOutcome<Statement extends Identified> =
  | { readonly kind: 'identified'; readonly statement: Statement }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * The statement under the control version in force now. One that came while the text was analysed decides: the first
 * statements of a process wait seconds for the parser, and what a team may spend can fall meanwhile.
 */
export async function underNewestVersion<Statement extends Identified>(
  parts: Parts,
  statement: Statement,
): Promise<RenewOutcome<Statement>> {
  if (parts.control.current()?.version === statement.snapshot.version)
    return { kind: 'identified', statement };
  // A request of the SQL API is a session of its own, which cannot have changed meanwhile.
  const outcome =
    statement.front.source === 'sqlapi'
      ? await identifyIn(parts, statement, statement)
      : await identify(parts, statement);
  if (outcome.kind === 'refused') return outcome;
  return { kind: 'identified', statement: { ...statement, ...outcome.statement } };
}

function suspended(principal: PrincipalDocument): IdentifyOutcome {
  return refused(
    'principalSuspended',
    `Not run: ${principal.id} is suspended. Ask ${principal.owner}.`,
  );
}

function refused(code: Parameters<typeof callerRefusal>[0], message: string): IdentifyOutcome {
  return { kind: 'refused', refusal: callerRefusal(code, message) };
}
