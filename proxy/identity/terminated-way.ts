/** Which way in a login takes: Snowflake checks it (passthrough), or Tollgate does (terminated). */
import { looksIssued } from '#base/issued-secrets.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import type { Parts } from '../parts.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { Upstream } from '../upstream/upstreams.js';
import { presentedBy } from './credentials-check.js';
import type { Presented } from './credentials-check.js';
import { readKeyPairToken } from './credentials-key-pair.js';
import type { Presentable } from './login-request.js';

export type Way =
  | { readonly kind: 'passthrough' }
  | { readonly kind: 'terminated'; readonly presented: Presented }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Chosen before anything is checked and never changed after, so that a failed terminated login does not end up at
 * Snowflake. Whatever begins as our secrets do never goes upstream, whichever way the account takes and whichever
 * field it stands in. Fault `ledgerUnavailable` when it must be known what was issued and Postgres is away.
 */
export async function wayOf(
  parts: Parts,
  snapshot: ControlSnapshot,
  upstream: Upstream,
  login: Presentable,
): Promise<Way> {
  const signIn = snapshot.account(upstream.account)?.signIn ?? 'passthrough';
  const hasSecret = holdsIssuedSecret(login.fields);
  if (signIn === 'passthrough') {
    return hasSecret
      ? refused(
          'this account takes credentials of Snowflake, and one of Tollgate was presented; it was not passed on. Sign in as you do at Snowflake, or ask the platform admins to switch the account to signIn: both',
        )
      : { kind: 'passthrough' };
  }
  const presented = presentedBy(login);
  if (signIn === 'both' && !hasSecret) {
    const isIssued =
      presented !== undefined && (await isOfOurs(parts, snapshot, upstream, presented));
    if (!isIssued) return { kind: 'passthrough' };
  }
  if (presented !== undefined) return { kind: 'terminated', presented };
  return refused(
    'this account takes credentials issued by Tollgate: a password, a programmatic access token or a key pair. Ask the platform admins for one (POST /api/v1/accounts/{account}/credentials)',
  );
}

async function isOfOurs(
  parts: Parts,
  snapshot: ControlSnapshot,
  { account }: Upstream,
  presented: Presented,
): Promise<boolean> {
  const { credentials } = parts.terminated;
  switch (presented.kind) {
    case 'token':
      return false;
    case 'key-pair': {
      const token = readKeyPairToken(presented.token);
      if (token === undefined) return false;
      return (await credentials.byFingerprint(account, token.fingerprint)) !== undefined;
    }
    case 'password': {
      const principal = snapshot.principal(presented.loginName);
      if (principal === undefined) return false;
      const found = await credentials.passwordsOf(account, principal.id, parts.clock.now());
      return found.length > 0;
    }
  }
}

function refused(words: string): Way {
  return { kind: 'refused', refusal: callerRefusal('unauthenticated', `Not connected: ${words}.`) };
}

/** The body was accepted under a cap on its depth. */
function holdsIssuedSecret(value: unknown): boolean {
  if (typeof value === 'string') return looksIssued(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsIssuedSecret);
}
