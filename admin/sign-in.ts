/** What the routes of the terminated sign-in need beside the database. */
import { z } from 'zod';
import { uuidV7 } from '#base/ids.js';
import type { SealKey } from '#base/sealing.js';
import type { AccountDocument, ControlDocument } from '#policies/control/document.js';
import { notFound } from './problems.js';
import type { WriteBy } from './stores/credential-store.js';
import type { ApiContext } from './api/api.js';
import type { Actor } from './actor.js';

/** Proves a service key where it counts. */
export interface UpstreamProbe {
  /**
   * Signs in upstream as `snowflakeUser` with the private key and out again. Fault `upstreamUnreachable`, with
   * upstream's words, when that fails for any reason.
   */
  signIn(login: {
    readonly account: string;
    readonly snowflakeUser: string;
    /** PEM, PKCS #8. */
    readonly privateKey: string;
  }): Promise<void>;
}

export interface SignInApi {
  readonly sealKeys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
  readonly probe: UpstreamProbe;
}

export interface SignInContext extends ApiContext {
  readonly signIn: SignInApi;
}

export const accountParams: z.ZodObject<{ account: z.ZodString }> = z.object({
  account: z.string().max(100),
});
export const accountItemParams: z.ZodObject<{ account: z.ZodString; id: z.ZodString }> = z.object({
  account: z.string().max(100),
  id: z.string().max(100),
});

/** A new id, ordered by time. */
export function newId({ clock, signIn }: SignInContext): string {
  return uuidV7(clock.now(), signIn.randomBytes(10));
}

/** The account, or a 404. */
export function accountOf(document: ControlDocument, id: string): AccountDocument {
  const account = document.accounts.find((each) => each.id === id);
  if (account === undefined)
    throw notFound(
      `There is no account "${id.slice(0, 80)}".`,
      'GET /api/v1/control shows the accounts of the document in force',
      'account',
    );
  return account;
}

/** Who writes now. */
export function byOf(context: ApiContext, actor: Actor, reason: string | undefined): WriteBy {
  return { actor, at: context.clock.now(), reason: reason ?? null };
}
