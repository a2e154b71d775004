/** Signing in to the console by OpenID Connect, as the settings say. */
import { createOidcClient } from '../admin/console/oidc-client.js';
import type { OidcSignIn } from '../admin/console/oidc-routes.js';
import type { Config, Secrets } from '../base/config.js';
import { Fault } from '../base/errors.js';
import type { Log } from '../base/log.js';

const OIDC_CALLBACK = '/console/oidc/callback';

/**
 * What the console signs people in by; undefined: by token alone.
 * @throws Fault `internal` that names the setting which is missing beside the issuer.
 */
export function oidcOf(config: Config, secrets: Secrets, log: Log): OidcSignIn | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcRoles: roles, consolePublicUrl } = config;
  if (issuer === null) return undefined;
  if (clientId === null) throw missing('TOLLGATE_OIDC_CLIENT_ID', 'the id of the client');
  if (roles.length === 0) throw missing('TOLLGATE_OIDC_ROLES', 'which groups have which role');
  if (consolePublicUrl === null)
    throw missing('TOLLGATE_CONSOLE_PUBLIC_URL', 'where people come back to');
  const { origin } = new URL(consolePublicUrl);
  const client = createOidcClient(
    {
      issuer,
      clientId,
      clientSecret: secrets.oidcClientSecret,
      scopes: config.oidcScopes,
      redirectUri: `${origin}${OIDC_CALLBACK}`,
      log,
    },
    () => performance.now(),
  );
  return {
    client,
    claims: { groups: config.oidcGroupsClaim, principal: config.oidcPrincipalClaim },
    roles,
  };
}

function missing(name: string, what: string): Fault {
  return new Fault(
    'internal',
    `TOLLGATE_OIDC_ISSUER is set and ${name} is not: set it to say ${what}, or unset the issuer.`,
  );
}
