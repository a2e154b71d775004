/** A small OpenID provider on loopback: discovery, keys and token end point, with answers that a test may spoil. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IdentityProvider {
  readonly issuer: string;
  /** What the authorization page does once somebody has signed in there: a code for the request at `url`. */
  authorize(url: string, claims: Readonly<Record<string, unknown>>): string;
  /** From now on a browser at the authorization page is somebody with these claims, and is sent back at once. */
  beWho(claims: Readonly<Record<string, unknown>>): void;
  close(): Promise<void>;
}

interface Granted {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly challenge: string;
  readonly redirectUri: string;
}

export const CLIENT_ID = 'tollgate-console';
export const CLIENT_SECRET = 'a-secret-of-the-test';

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const granted = new Map<string, Granted>();
  let who: Readonly<Record<string, unknown>> = {};
  const server = createServer((request, reply) => {
    void answer(request, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const jwt = (claims: object): string => {
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ alg: 'RS256', kid: 'k1' })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
  };
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/openid-configuration': {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    },
    '/keys': {
      keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }],
    },
  };
  const token = (form: URLSearchParams): object | undefined => {
    const code = form.get('code') ?? '';
    const grant = granted.get(code);
    granted.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isGood =
      grant?.challenge === challenge &&
      grant.redirectUri === form.get('redirect_uri') &&
      form.get('client_secret') === CLIENT_SECRET;
    return isGood
      ? { access_token: 'a', token_type: 'Bearer', id_token: jwt(grant.claims) }
      : undefined;
  };
  async function answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const path = request.url ?? '';
    if (path.startsWith('/authorize?')) {
      reply.writeHead(302, { location: backTo(path) }).end();
      return;
    }
    const found = path === '/token' ? token(new URLSearchParams(body)) : documents[path];
    reply.writeHead(found === undefined ? 400 : 200, { 'content-type': 'application/json' });
    reply.end(JSON.stringify(found ?? { error: 'invalid_grant' }));
  }
  const provider: IdentityProvider = {
    issuer,
    beWho(claims) {
      who = claims;
    },
    authorize(url, claims) {
      const { searchParams } = new URL(url);
      const code = `code-${granted.size}-${createHash('sha256').update(url).digest('hex').slice(0, 8)}`;
      const now = Math.floor(Date.now() / 1000);
      granted.set(code, {
        challenge: searchParams.get('code_challenge') ?? '',
        redirectUri: searchParams.get('redirect_uri') ?? '',
        claims: {
          iss: issuer,
          aud: CLIENT_ID,
          sub: 'subject-1',
          iat: now,
          exp: now + 300,
          nonce: searchParams.get('nonce'),
          ...claims,
        },
      });
      return code;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  function backTo(path: string): string {
    const asked = new URL(path, issuer);
    const back = new URL(asked.searchParams.get('redirect_uri') ?? '');
    // Who has to sign in anew does so there and then, and is said to have.
    const isAnew = asked.searchParams.get('prompt') === 'login';
    const claims = isAnew ? { auth_time: Math.floor(Date.now() / 1000), ...who } : who;
    back.searchParams.set('code', provider.authorize(asked.href, claims));
    back.searchParams.set('state', asked.searchParams.get('state') ?? '');
    return back.href;
  }
  return provider;
}
