/** What is known of who calls, once what they presented was looked at. */
import type { Actor } from './actor.js';

export type Authentication =
  | { readonly kind: 'known'; readonly actor: Actor }
  /** The token is good, but its team or principal stands no longer in the control document. */
  | { readonly kind: 'withoutTeam'; readonly actor: Actor }
  /** Malformed, unknown, expired or revoked: which of these is not told. */
  | { readonly kind: 'unknown' };

/** The actor behind a bearer token; must compare in the same time whatever was sent. */
export type Authenticate = (token: string) => Promise<Authentication>;
