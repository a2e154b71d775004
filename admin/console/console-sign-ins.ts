/**
 * Sign-ins of the console: a cookie that holds the token or the person, sealed, so that every replica opens it. What
 * was ended stands in the audit log. The token is proved anew on each request, and so a revocation ends its sign-ins
 * within the same five seconds. A write by cookie must carry a header that no form and no page of another site can
 * send. Limits after OWASP ASVS 5.0, 7.3.1 and 7.3.2: 30 minutes without use, 12 hours in all.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createSealer, type SealKey } from '#base/sealing.js';
import type { Clock } from '#base/time.js';
import type { SignInLog } from '../stores/sign-in-log.js';
import { type Person, personSchema } from './oidc-people.js';

export const IDLE_MS: number = 30 * 60_000;
export const ABSOLUTE_MS: number = 12 * 3_600_000;
/** A cookie is written anew at most this often. */
const RENEW_AFTER_MS = 60_000;
const COOKIE_CHARACTERS_MAX = 2_000;
/** `user`: a person did something; `live`: the page refreshes by itself, which is no use. */
export const CONSOLE_HEADER = 'x-tollgate-console';

/** By what somebody signed in: exactly one of the two. */
export type SignedInBy = { readonly token: string } | { readonly person: Person };

export interface SignIn {
  readonly id: string;
  readonly by: SignedInBy;
  /** Milliseconds of the wall clock, as {@link usedAt}. */
  readonly startedAt: number;
  readonly usedAt: number;
  /** When somebody last showed that it is they, which at a provider may be before the sign-in; 0: nobody said when. */
  readonly confirmedAt: number;
}

export interface ConsoleSignIns {
  /**
   * Signs in with a token that is proved, or as a person that an identity provider vouched for.
   * @param confirmedAt see {@link SignIn}; now unless it is given, and never later.
   */
  start(reply: FastifyReply, by: SignedInBy, confirmedAt?: number): SignIn;
  /** The sign-in of a request that is not over; undefined: there is none. */
  find(request: FastifyRequest): SignIn | undefined;
  /** Whether it was confirmed so lately that it may do what takes that. */
  isConfirmed(signIn: SignIn): boolean;
  /** Moves the idle limit on where a person did something, and says so to the log. */
  noteUse(request: FastifyRequest, reply: FastifyReply, signIn: SignIn): Promise<void>;
  /**
   * Takes the cookie back. That a copy of it is worth nothing is for the log to know.
   * @returns what is to be ended; undefined: there was no sign-in.
   */
  end(request: FastifyRequest, reply: FastifyReply): SignIn | undefined;
  /** Whether it was ended, on whichever replica, also with all others of who signed in. */
  isEnded(signIn: SignIn, actorId: string): Promise<boolean>;
}

export interface ConsoleSignInOptions {
  readonly sealKeys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
  /** The wall clock: the clock of business may run faster. */
  readonly clock: Clock;
  /** Browsers reach the console by https alone. */
  readonly isSecure: boolean;
  /** How long a sign-in counts as confirmed; Infinity: as long as it lasts. */
  readonly confirmAfterMs: number;
  /** What every replica knows of sign-ins. */
  readonly log: Pick<SignInLog, 'isEnded' | 'used'>;
}

const sealed = z.strictObject({
  id: z.string(),
  by: z.union([z.strictObject({ token: z.string() }), z.strictObject({ person: personSchema })]),
  startedAt: z.number(),
  usedAt: z.number(),
  confirmedAt: z.number(),
});

export function createConsoleSignIns(options: ConsoleSignInOptions): ConsoleSignIns {
  const { clock, isSecure, randomBytes } = options;
  const sealer = createSealer('tgc1', options.sealKeys, randomBytes);
  const name = isSecure ? '__Host-tollgate' : 'tollgate';
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
  const give = (reply: FastifyReply, signIn: SignIn): void => {
    const value = sealer.seal(JSON.stringify(signIn));
    addCookie(reply, `${name}=${value}; ${attributes}`);
  };
  const find = (request: FastifyRequest): SignIn | undefined => {
    const text = cookieOf(request.headers.cookie, name);
    const opened = text === undefined ? undefined : sealer.open(text);
    if (opened === undefined) return undefined;
    const signIn = sealed.safeParse(JSON.parse(opened)).data;
    if (signIn === undefined) return undefined;
    const now = clock.now();
    const isOver = now - signIn.usedAt >= IDLE_MS || now - signIn.startedAt >= ABSOLUTE_MS;
    return isOver ? undefined : signIn;
  };
  return {
    find,
    start(reply, by, confirmedAt = Infinity) {
      const now = clock.now();
      const signIn = {
        id: randomBytes(16).toString('hex'),
        by,
        startedAt: now,
        usedAt: now,
        confirmedAt: Math.min(now, confirmedAt),
      };
      give(reply, signIn);
      return signIn;
    },
    isConfirmed: ({ confirmedAt }) => clock.now() - confirmedAt < options.confirmAfterMs,
    async noteUse(request, reply, signIn) {
      const now = clock.now();
      if (request.headers[CONSOLE_HEADER] !== 'user' || now - signIn.usedAt < RENEW_AFTER_MS)
        return;
      await options.log.used(signIn.id, { at: now, from: request.ip });
      give(reply, { ...signIn, usedAt: now });
    },
    end(request, reply) {
      const signIn = find(request);
      addCookie(reply, `${name}=; ${attributes}; Max-Age=0`);
      return signIn;
    },
    isEnded: (signIn, actorId) => options.log.isEnded(signIn, actorId),
  };
}

/** Beside those that the reply sets already. */
function addCookie(reply: FastifyReply, cookie: string): void {
  const before = reply.getHeader('set-cookie');
  reply.removeHeader('set-cookie');
  reply.header(
    'set-cookie',
    before === undefined ? cookie : [before, cookie].flat().map((each) => String(each)),
  );
}

/** The value of a cookie; undefined where it is absent or too long to be ours. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) {
      const value = part.slice(at + 1).trim();
      return value.length <= COOKIE_CHARACTERS_MAX ? value : undefined;
    }
  }
  return undefined;
}
