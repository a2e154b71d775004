/**
 * Who sends a request of the SQL API: the account by its host, the way in by what is presented, then either a
 * credential of ours that is checked here, or a token that Snowflake has told the owner of. Each request is a session
 * of its own upstream; here it belongs to a session of user and role, by which a repeat is known.
 */
import { signKeyPairToken } from '#base/key-pairs.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import { inForce } from '../control/in-force.js';
import type { Call } from '../call.js';
import { readKeyPairToken } from '../identity/credentials-key-pair.js';
import type { Presented } from '../identity/credentials-check.js';
import { admit, KEY_REFUSED, keyRefused, noKey } from '../identity/terminated-login.js';
import type { Admitted } from '../identity/terminated-login.js';
import type { ServiceKey } from '../identity/terminated-service-keys.js';
import { wayOf } from '../identity/terminated-way.js';
import { SQL_API_SESSION } from '../owner.js';
import type { Parts } from '../parts.js';
import type { Session } from '../passthrough.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { UpstreamReply } from '../upstream/engine.js';
import type { Upstream } from '../upstream/upstreams.js';
import { keyPairHeaders, readBearer } from './bearer.js';
import type { Bearer } from './bearer.js';
import type { Proof, ProofOutcome } from './proofs.js';
import type { ApiPlace } from './request.js';

/** How long a key-pair token of ours is good for: less than the hour that Snowflake allows. */
const OWN_TOKEN_SECONDS = 3_500;

/** A caller whose token is proven, in the user's default role. */
export interface ApiCaller {
  readonly upstream: Upstream;
  /** They carry the token upstream. */
  readonly headers: Readonly<Record<string, string>>;
  readonly endsAtMs: number;
  readonly proof: Proof;
  /** Makes another token for the same; undefined: the token is the client's own. */
  readonly renew: (() => Promise<string>) | undefined;
  /** Of the terminated way: who has proven to be whom here. */
  readonly admitted: Admitted | undefined;
}

/** Why a request is not answered: in our words, in Snowflake's own, or because too many are asked at once. */
export type ApiRefused =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'upstream'; readonly reply: UpstreamReply }
  | { readonly kind: 'busy' };

export type CallerOutcome = { readonly kind: 'caller'; readonly caller: ApiCaller } | ApiRefused;

/** Proves the token of a request, before its body is read. Fault `upstreamUnreachable`, `ledgerUnavailable`. */
export async function callerOf(parts: Parts, call: Call): Promise<CallerOutcome> {
  const bearer = readBearer(call.request.headers);
  if ('why' in bearer) return refused(callerRefusal('unauthenticated', `Not run: ${bearer.why}.`));
  const snapshot = inForce(parts.control.current());
  const selected = parts.upstreams.select(
    call.request.headers.host,
    accountNameOf(parts, call, bearer),
  );
  if (selected.kind === 'refused') return selected;
  const { upstream } = selected;
  const way = await wayOf(parts, snapshot, upstream, {
    fields: { TOKEN: bearer.token },
    loginName: '',
    authenticator: AUTHENTICATORS[bearer.type],
    password: null,
    token: bearer.token,
  });
  switch (way.kind) {
    case 'refused':
      return way;
    case 'passthrough': {
      const { headers, endsAtMs } = bearer;
      const proven = await parts.bearerProofs.prove({ upstream, headers, role: null, endsAtMs });
      return callerWith(proven, {
        upstream,
        headers,
        endsAtMs,
        renew: undefined,
        admitted: undefined,
      });
    }
    case 'terminated':
      return terminatedCaller(parts, call, snapshot, upstream, way.presented);
  }
}

const AUTHENTICATORS: Readonly<Record<Bearer['type'], string>> = {
  KEYPAIR_JWT: 'SNOWFLAKE_JWT',
  OAUTH: 'OAUTH',
  PROGRAMMATIC_ACCESS_TOKEN: 'PROGRAMMATIC_ACCESS_TOKEN',
};

/**
 * What stands in for a login's ACCOUNT_NAME where the host names no account: Snowflake's own header, else the account
 * that a key-pair token is signed for, else the only one there is.
 */
function accountNameOf(parts: Parts, call: Call, { token, type }: Bearer): string | undefined {
  const named = call.request.headers['snowflake-account'];
  if (typeof named === 'string' && named !== '') return named;
  const served = parts.upstreams.fit()?.served ?? [];
  const signedFor = type === 'KEYPAIR_JWT' ? readKeyPairToken(token)?.account : undefined;
  const ofToken =
    signedFor === undefined
      ? undefined
      : served.find((account) => parts.upstreams.isNameOf(signedFor, account));
  return ofToken ?? (served.length === 1 ? served[0] : undefined);
}

/** A credential of ours goes no further: the request runs as the service user of the principal's team. */
async function terminatedCaller(
  parts: Parts,
  call: Call,
  snapshot: ControlSnapshot,
  upstream: Upstream,
  presented: Presented,
): Promise<CallerOutcome> {
  const admitted = await admit(parts, call, snapshot, upstream, presented);
  if ('code' in admitted) return refused(admitted);
  const { need, credential } = admitted;
  const { serviceKeys, provision, realNow, credentials } = parts.terminated;
  let isProvisioned = false;
  for (;;) {
    const key = await serviceKeys.active(need);
    if (key !== undefined) {
      const token = await ownToken(parts, upstream, need.snowflakeUser, key);
      const headers = keyPairHeaders(token);
      const endsAtMs = realNow() + OWN_TOKEN_SECONDS * 1000;
      const subject = `service key ${key.id}`;
      const proven = await parts.bearerProofs.prove({
        upstream,
        headers,
        role: null,
        endsAtMs,
        subject,
      });
      const isKeyRefused = proven.kind === 'refused' && refusesKey(proven.reply);
      if (!isKeyRefused) {
        await credentials.touch(credential.id, parts.clock.now());
        const renew = async (): Promise<string> =>
          ownToken(parts, upstream, need.snowflakeUser, (await serviceKeys.active(need)) ?? key);
        return callerWith(proven, { upstream, headers, endsAtMs, renew, admitted });
      }
    }
    if (isProvisioned || !(await provision(need)))
      return refused(key === undefined ? noKey(need) : keyRefused(parts, need));
    isProvisioned = true;
  }
}

/** A key-pair token of a team's service user. */
function ownToken(
  { terminated }: Parts,
  upstream: Upstream,
  user: string,
  { privateKey, fingerprint }: ServiceKey,
): Promise<string> {
  const signer = { account: upstream.snowflakeName, user, privateKey, fingerprint };
  return signKeyPairToken(signer, terminated.realNow(), OWN_TOKEN_SECONDS);
}

function refusesKey(reply: UpstreamReply): boolean {
  if (reply.status !== 401) return false;
  const code = /"code"\s*:\s*"(\d+)"/.exec(reply.body.toString('latin1'))?.[1] ?? '';
  return KEY_REFUSED.test(code);
}

function callerWith(outcome: ProofOutcome, caller: Omit<ApiCaller, 'proof'>): CallerOutcome {
  switch (outcome.kind) {
    case 'proven':
      return { kind: 'caller', caller: { ...caller, proof: outcome.proof } };
    case 'refused':
      return { kind: 'upstream', reply: outcome.reply };
    case 'busy':
      return outcome;
  }
}

export const NO_PLACE: ApiPlace = { role: null, warehouse: null, database: null, schema: null };

export type SessionOutcome = { readonly kind: 'session'; readonly session: Session } | ApiRefused;

/** The session that a request is in, in the role and place that it names. Fault `upstreamUnreachable`. */
export async function apiSession(
  parts: Parts,
  call: Call,
  caller: ApiCaller,
  place: ApiPlace,
): Promise<SessionOutcome> {
  const { upstream, headers, endsAtMs, admitted } = caller;
  let { proof } = caller;
  if (place.role !== null && place.role !== proof.role) {
    const proven = await parts.bearerProofs.prove({
      upstream,
      headers,
      role: place.role,
      endsAtMs,
      ...(admitted === undefined ? {} : { subject: `user ${proof.snowflakeUser}` }),
    });
    if (proven.kind === 'busy') return proven;
    if (proven.kind === 'refused') return { kind: 'upstream', reply: proven.reply };
    ({ proof } = proven);
  }
  const { account } = upstream;
  const sessionId = `${sessionsOf(caller)}${proof.role ?? ''}`;
  const { snowflakeUser } = proof;
  return {
    kind: 'session',
    session: {
      kind: 'session',
      upstream,
      identity: {
        kind: 'session',
        account,
        sessionId,
        snowflakeUser,
        upstreamToken: tokenOf(headers),
        application: /^[^\s/]{1,60}/.exec(call.request.headers['user-agent'] ?? '')?.[0],
        ...(admitted === undefined ? {} : { principalId: admitted.principal.id }),
      },
      session: {
        account,
        sessionId,
        principalId: admitted?.principal.id ?? '',
        snowflakeUser,
        ...(admitted === undefined
          ? {}
          : { signIn: 'terminated' as const, credentialId: admitted.credential.id }),
        role: proof.role,
        warehouse: place.warehouse ?? proof.warehouse,
        database: place.database ?? proof.database,
        schema: place.schema ?? (place.database === null ? proof.schema : 'PUBLIC'),
        queryTag: null,
        statementTimeoutSeconds: null,
        timeZone: null,
        isEnded: false,
      },
    },
  };
}

/**
 * The role in which a statement was sent, when the caller is who sent it; undefined for anybody else's. The id of its
 * session tells both.
 */
export function roleOfOwn(caller: ApiCaller, sessionId: string): string | undefined {
  const own = sessionsOf(caller);
  return sessionId.startsWith(own) ? sessionId.slice(own.length) : undefined;
}

/** What the ids of the caller's sessions begin with. */
function sessionsOf({ admitted, proof }: ApiCaller): string {
  const [way, who] =
    admitted === undefined ? ['user', proof.snowflakeUser] : ['principal', admitted.principal.id];
  return `${SQL_API_SESSION}${way}/${encodeURIComponent(who)}/`;
}

function tokenOf(headers: Readonly<Record<string, string>>): string {
  return (headers['authorization'] ?? '').replace(/^Bearer /, '');
}

function refused(refusal: Refusal): ApiRefused {
  return { kind: 'refused', refusal };
}
