/** The sides of the comparison: the warehouse itself, Tollgate before it, and the other ways that lead through Tollgate. */
import type { Encryption } from './encryption.js';
import type { Operator } from './operator.js';

/** Ways that are compared beside the plain proxy, in the order of the document. */
export const WAYS = ['terminated', 'replicas', 'second account', 'combined'] as const;
export type Way = (typeof WAYS)[number];

/** What a way is, for the document. */
export const WAY_TEXTS: Readonly<Record<Way, string>> = {
  terminated:
    'signed in with credentials that Tollgate issued: a password, and where the driver has it an access token and a key pair',
  replicas:
    'over TLS with a certificate of an authority of our own, two replicas on one Postgres and one warehouse, behind a balancer that deals connections round',
  'second account':
    'over TLS, the second Snowflake account of one deployment, chosen by the account name of the login',
  combined: 'all three at once',
};

export type SideName = 'direct' | 'proxied' | Way;

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** What else Tollgate issued to the same principal. */
  readonly issued?: { readonly token: string; readonly keyFile: string };
}

export interface Side {
  readonly name: SideName;
  /** Where it listens; of several ports each new connection takes the next. */
  readonly ports: readonly number[];
  readonly account: string;
  readonly credentials: Credentials;
  /** Null: plain HTTP. */
  readonly encryption: Encryption | null;
  /** Of the warehouse behind it. */
  readonly operator: Operator;
}

/** The plain pair, and the ways that were asked for. */
export interface Sides {
  readonly direct: Side;
  readonly proxied: Side;
  readonly ways: ReadonlyMap<Way, Side>;
}
