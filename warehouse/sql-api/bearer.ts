/** Who sends a request of the SQL API: a bearer token comes with each of them, and is checked each time. */
import type { IncomingMessage } from 'node:http';
import { BEARER_TYPES } from '#base/wire/sql-api.js';
import type { BearerType } from '#base/wire/sql-api.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { authenticate } from '../identity/authenticate.js';
import type { Authenticated, LoginParts } from '../identity/authenticate.js';
import { looksLikeToken } from '../identity/access-tokens.js';
import { parseWebToken } from '../identity/json-web-token.js';

const AUTHENTICATORS: Readonly<Record<BearerType, string>> = {
  KEYPAIR_JWT: 'SNOWFLAKE_JWT',
  OAUTH: 'OAUTH',
  PROGRAMMATIC_ACCESS_TOKEN: 'PROGRAMMATIC_ACCESS_TOKEN',
};

/** The user of the token, or 390101, 390142, 390144, 390303, 390318 or 394400. */
export async function bearerUser(
  parts: LoginParts,
  request: IncomingMessage,
): Promise<Authenticated> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined)
    return refused(
      WIRE_CODES.tokenMissing,
      'Authorization header not found in the request data: send a bearer token.',
    );
  const named = request.headers['x-snowflake-authorization-token-type'];
  const type = typeof named === 'string' ? bearerType(named) : impliedType(token);
  if (type === undefined)
    return refused(
      '390142',
      `The header X-Snowflake-Authorization-Token-Type is one of ${BEARER_TYPES.join(', ')}.`,
    );
  return authenticate(parts, {
    authenticator: AUTHENTICATORS[type],
    account: '',
    loginName: '',
    password: '',
    token,
    clientAddress: request.socket.remoteAddress ?? '',
    clientApp: 'SQLAPI',
    clientVersion: request.headers['user-agent'] ?? '',
    isBearer: true,
  });
}

function bearerType(text: string): BearerType | undefined {
  return BEARER_TYPES.find((type) => type === text.trim().toUpperCase());
}

/** Without the header OAuth is assumed, unless the token itself tells that it is none. */
function impliedType(token: string): BearerType {
  if (looksLikeToken(token)) return 'PROGRAMMATIC_ACCESS_TOKEN';
  return parseWebToken(token)?.claims.iss?.includes('.SHA256:') === true ? 'KEYPAIR_JWT' : 'OAUTH';
}

function refused(code: string, message: string): Authenticated {
  return { kind: 'refused', code, message };
}
