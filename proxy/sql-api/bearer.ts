/** The bearer token of a request of the SQL API, as its headers present it; nothing of it is proven here. */
import type { IncomingHttpHeaders } from 'node:http';
import { looksLikeToken } from '#base/issued-secrets.js';
import { BEARER_TYPES } from '#base/wire/sql-api.js';
import type { BearerType } from '#base/wire/sql-api.js';
import { readKeyPairToken } from '../identity/credentials-key-pair.js';

const TYPE_HEADER = 'x-snowflake-authorization-token-type';
const TOKEN_LENGTH_MAX = 16_384;
/** How long a proof of a token without an end of its own would be good for, were there no cap. */
const NO_END = Number.POSITIVE_INFINITY;

export interface Bearer {
  readonly token: string;
  /** As named, or as the token itself tells. */
  readonly type: BearerType;
  /** Headers that carry it upstream as the client sent it. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it ends by its own words, in milliseconds of real time. */
  readonly endsAtMs: number;
}

/** The token, or what is wrong with the headers. */
export function readBearer(headers: IncomingHttpHeaders): Bearer | { readonly why: string } {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined || token.length > TOKEN_LENGTH_MAX)
    return { why: 'the header Authorization must be "Bearer" and a token' };
  const named = headers[TYPE_HEADER];
  const type =
    named === undefined
      ? impliedType(token)
      : BEARER_TYPES.find((each) => each === String(named).trim().toUpperCase());
  if (type === undefined)
    return {
      why: `the header X-Snowflake-Authorization-Token-Type must be one of ${BEARER_TYPES.join(', ')}`,
    };
  return {
    token,
    type,
    headers: {
      authorization: `Bearer ${token}`,
      ...(named === undefined ? {} : { [TYPE_HEADER]: String(named) }),
    },
    endsAtMs: endOf(token),
  };
}

/** The headers of a key-pair token of ours; they take the place of the client's. */
export function keyPairHeaders(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}`, [TYPE_HEADER]: 'KEYPAIR_JWT' };
}

/** Snowflake assumes OAuth where the type is not named, unless the token itself tells. */
function impliedType(token: string): BearerType {
  if (looksLikeToken(token)) return 'PROGRAMMATIC_ACCESS_TOKEN';
  return readKeyPairToken(token) === undefined ? 'OAUTH' : 'KEYPAIR_JWT';
}

/** `exp` of a JSON Web Token; opaque tokens have no end that is ours to know. */
function endOf(token: string): number {
  const payload = token.split('.')[1];
  if (payload === undefined) return NO_END;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const isRecord = typeof claims === 'object' && claims !== null && 'exp' in claims;
    return isRecord && typeof claims.exp === 'number' ? claims.exp * 1000 : NO_END;
  } catch {
    return NO_END;
  }
}
