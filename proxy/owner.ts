/** Whose a statement is, and who else may read its result, ask for its state, or cancel it (I8). */
import type { Call } from './call.js';
import { whoIs } from './identity/identify.js';
import type { Authenticated } from './identity/identify.js';
import type { Parts } from './parts.js';
import type { RequestKey, RequestOwner } from './requests.js';
import type { Identified, Payer } from './stages.js';

type Session = Extract<Authenticated, { kind: 'session' }>;

/** What a request is known by: the session, not the token, which a renewal replaces. */
export function keyOf({
  identity,
  requestId,
}: Pick<Identified, 'identity' | 'requestId'>): RequestKey {
  return { account: identity.account, sessionId: identity.sessionId, requestId };
}

export function ownerOf(statement: Identified): RequestOwner {
  const { call, query, team, signedIn, isOnBehalf } = statement;
  return {
    ticketId: call.ticketId,
    hash: query.hash,
    isAsync: query.isAsync,
    teamId: team.id,
    viaPrincipalId: isOnBehalf ? signedIn.principal.id : null,
  };
}

/**
 * Whether the session may have what belongs to `owner`: sessions of the team that pays, and the shared principal that
 * sent it. Snowflake itself knows users only, and one user can stand for several teams.
 */
export function mayHave(
  parts: Parts,
  session: Session,
  call: Call,
  owner: Pick<RequestOwner, 'teamId' | 'viaPrincipalId'>,
): boolean {
  const snapshot = parts.control.current();
  if (snapshot === undefined) return false;
  const who = whoIs(parts, snapshot, session, call);
  return who.kind === 'known' && isOfOwner(who, owner);
}

/** Whether a caller is of the team that pays, or is the shared principal that sent the statement. */
export function isOfOwner(
  { principal, team }: Payer,
  owner: Pick<RequestOwner, 'teamId' | 'viaPrincipalId'>,
): boolean {
  return team.id === owner.teamId || principal.id === owner.viaPrincipalId;
}
