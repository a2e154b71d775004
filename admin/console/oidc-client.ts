/**
 * The authorization code flow with PKCE, state and nonce, by `openid-client`, which is loaded when somebody first signs
 * in so. What came back is told as one of few words: the answer of a provider has nothing for people in it.
 */
import type * as OpenIdClient from 'openid-client';
import type { Configuration } from 'openid-client';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | null;
  readonly scopes: string;
  /** Where the provider sends people back to. */
  readonly redirectUri: string;
  readonly log: Log;
}

/** What one sign-in is held to when it comes back. */
export interface OidcChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export const OIDC_FAILURES = [
  'unreachable',
  'denied',
  'clock',
  'audience',
  'state',
  'not-anew',
  'not-accepted',
] as const;
export type OidcFailure = (typeof OIDC_FAILURES)[number];

export type OidcOutcome =
  | { readonly kind: 'claims'; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failed'; readonly why: OidcFailure };

export interface OidcClient {
  /** Where to send somebody, and what to hold the answer to. Failed: the provider does not answer. */
  begin(asked: {
    /** Who is signed in there already signs in anew all the same. */
    readonly isAnew: boolean;
  }): Promise<
    | { readonly kind: 'begun'; readonly url: string; readonly checks: OidcChecks }
    | { readonly kind: 'failed'; readonly why: 'unreachable' }
  >;
  /**
   * The claims of a proven id token.
   * @param query what the provider sent back, with its `?`.
   * @param signedInWithinMs how long ago the person signed in at the provider at most, by its `auth_time`; null: whenever.
   */
  complete(
    query: string,
    checks: OidcChecks,
    signedInWithinMs: number | null,
  ): Promise<OidcOutcome>;
}

type Library = typeof OpenIdClient;

const DISCOVERY_KEPT_MS = 3_600_000;
const TIMEOUT_SECONDS = 10;
/** Clocks of provider and process may be so far apart. */
const CLOCK_TOLERANCE_SECONDS = 30;
const CAUSES_MAX = 6;

/** @param realNow milliseconds that never run backwards. */
export function createOidcClient(options: OidcOptions, realNow: () => number): OidcClient {
  const { log } = options;
  let known: { readonly config: Promise<Configuration>; readonly until: number } | undefined;
  const configOf = (library: Library): Promise<Configuration> => {
    if (known === undefined || known.until < realNow()) {
      const config = discover(library, options);
      // A provider that did not answer is asked again by the next.
      config.catch(() => {
        known = undefined;
      });
      known = { config, until: realNow() + DISCOVERY_KEPT_MS };
    }
    return known.config;
  };
  return {
    async begin({ isAnew }) {
      try {
        const library = await import('openid-client');
        return await begin(library, await configOf(library), options, isAnew);
      } catch (thrown) {
        log.warn({ err: toError(thrown) }, 'the identity provider does not answer');
        return { kind: 'failed', why: 'unreachable' };
      }
    },
    async complete(query, { state, nonce, verifier }, signedInWithinMs) {
      const library = await import('openid-client');
      try {
        const tokens = await library.authorizationCodeGrant(
          await configOf(library),
          new URL(query, options.redirectUri),
          {
            expectedState: state,
            expectedNonce: nonce,
            pkceCodeVerifier: verifier,
            idTokenExpected: true,
            ...(signedInWithinMs === null ? {} : { maxAge: Math.ceil(signedInWithinMs / 1000) }),
          },
        );
        return { kind: 'claims', claims: { ...tokens.claims() } };
      } catch (thrown) {
        const why = failureOf(thrown);
        log.warn(
          { err: toError(thrown), why },
          'a sign-in by the identity provider was not accepted',
        );
        return { kind: 'failed', why };
      }
    },
  };
}

async function discover(library: Library, options: OidcOptions): Promise<Configuration> {
  const { issuer, clientId, clientSecret } = options;
  const url = new URL(issuer);
  return library.discovery(
    url,
    clientId,
    { [library.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
    clientSecret === null ? library.None() : library.ClientSecretPost(clientSecret),
    {
      timeout: TIMEOUT_SECONDS,
      // The settings take http on this machine alone.
      ...(url.protocol === 'http:' ? { execute: [library.allowInsecureRequests] } : {}),
    },
  );
}

async function begin(
  library: Library,
  config: Configuration,
  { redirectUri, scopes }: OidcOptions,
  isAnew: boolean,
): Promise<{ readonly kind: 'begun'; readonly url: string; readonly checks: OidcChecks }> {
  const checks = {
    state: library.randomState(),
    nonce: library.randomNonce(),
    verifier: library.randomPKCECodeVerifier(),
  };
  const url = library.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: scopes,
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: await library.calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: 'S256',
    // Both: some providers know only one of them, and `max_age` has them tell when somebody signed in.
    ...(isAnew ? { prompt: 'login', max_age: '0' } : {}),
  });
  return { kind: 'begun', url: url.href, checks };
}

/** By the codes and the claim that the library names; what it names nothing of is not accepted. */
function failureOf(thrown: unknown): OidcFailure {
  const { words, claim } = namedIn(thrown);
  if (words.includes('access_denied')) return 'denied';
  // Of a claim that is not there the library tells the name in its text alone.
  if (words.includes('"auth_time"')) return 'not-anew';
  switch (claim) {
    case 'exp':
    case 'iat':
    case 'nbf':
      return 'clock';
    case 'auth_time':
      return 'not-anew';
    case 'aud':
    case 'azp':
      return 'audience';
    case 'nonce':
      return 'state';
    case undefined:
      break;
    default:
      return 'not-accepted';
  }
  if (/"state"/.test(words)) return 'state';
  return /OAUTH_TIMEOUT|ECONN|ENOTFOUND|fetch failed/.test(words) ? 'unreachable' : 'not-accepted';
}

/** Messages and codes of an error and its causes, and the claim that one of them is about. */
function namedIn(thrown: unknown): { readonly words: string; readonly claim: string | undefined } {
  const words: string[] = [];
  let claim: string | undefined;
  let each = thrown;
  for (let depth = 0; depth < CAUSES_MAX && typeof each === 'object' && each !== null; depth += 1) {
    const found = each as Readonly<Record<string, unknown>>;
    for (const name of ['message', 'code', 'error'])
      if (typeof found[name] === 'string') words.push(found[name]);
    if (typeof found['claim'] === 'string') claim = found['claim'];
    each = found['cause'];
  }
  return { words: words.join(' '), claim };
}
