/**
 * Whether what a login presents is a credential of ours, and whose. A principal that does not exist and a secret that
 * is wrong get one answer after the same work; why it was is for the log.
 */
import { must } from '#base/assert.js';
import { credentialIdOf, hashToken, isToken, looksLikeToken } from '#base/issued-secrets.js';
import { formatInstant } from '#base/time.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import type { Parts } from '../parts.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { Attempt } from './credentials-attempts.js';
import { keyPairFault, readKeyPairToken } from './credentials-key-pair.js';
import type { Credential } from './credentials.js';
import type { Presentable } from './login-request.js';

/** What a login shows for itself. */
export type Presented =
  | { readonly kind: 'password'; readonly loginName: string; readonly password: string }
  | { readonly kind: 'token'; readonly loginName: string; readonly token: string }
  | { readonly kind: 'key-pair'; readonly loginName: string; readonly token: string };

export type Checked =
  | { readonly kind: 'proven'; readonly credential: Credential }
  /** `why` is for the log. */
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly why: string };

/** Authenticators that send a password; an absent one means that too. */
const PASSWORD_AUTHENTICATORS: ReadonlySet<string> = new Set([
  '',
  'SNOWFLAKE',
  'USERNAME_PASSWORD_MFA',
]);

/** What could be a credential of ours; undefined for single sign-on, OAuth and whatever else we do not issue. */
export function presentedBy(login: Presentable): Presented | undefined {
  const { loginName, authenticator, password, token } = login;
  const isToken = authenticator === 'PROGRAMMATIC_ACCESS_TOKEN';
  const text = [token, password].find((each) => each !== null && looksLikeToken(each));
  if (text !== undefined && text !== null) return { kind: 'token', loginName, token: text };
  if (isToken) return { kind: 'token', loginName, token: token ?? password ?? '' };
  if (authenticator === 'SNOWFLAKE_JWT') return { kind: 'key-pair', loginName, token: token ?? '' };
  if (!PASSWORD_AUTHENTICATORS.has(authenticator)) return undefined;
  return { kind: 'password', loginName, password: password ?? '' };
}

/** Snowflake's own codes: drivers stop at them at once and show the text. */
const CODES = { password: WIRE_CODES.incorrectLogin, token: '394400', 'key-pair': '390144' };
const WORDS = {
  password: 'the user name or password is not right',
  token: 'the token is not valid for this user and account',
  'key-pair': 'the key-pair token is not valid for this user and account',
};
const WAY_OUT =
  'Credentials of this account are issued by Tollgate: ask the platform admins for one, or for a rotation.';

/** The refusal of a sign-in, in a code that every driver knows as one. */
export function signInRefusal(kind: Presented['kind'], words: string): Refusal {
  return {
    ...callerRefusal('unauthenticated', `Not connected: ${words}. ${WAY_OUT}`),
    wireCode: CODES[kind],
  };
}

/** Checks what was presented. Fault `ledgerUnavailable` when the credentials cannot be read. */
export async function checkPresented(
  parts: Parts,
  snapshot: ControlSnapshot,
  presented: Presented,
  attempt: Attempt,
): Promise<Checked> {
  const { attempts } = parts.terminated;
  const blockedMs = attempts.addressBlockedMs(attempt);
  if (blockedMs > 0) return blocked(presented.kind, blockedMs, 'address');
  if (presented.kind === 'password') return checkPassword(parts, snapshot, presented, attempt);
  const checked =
    presented.kind === 'token'
      ? await checkToken(parts, presented, attempt.account)
      : await checkKeyPair(parts, presented, attempt.account);
  if (checked.kind === 'refused') attempts.proofFailed(attempt);
  return checked;
}

async function checkPassword(
  parts: Parts,
  snapshot: ControlSnapshot,
  presented: Extract<Presented, { kind: 'password' }>,
  attempt: Attempt,
): Promise<Checked> {
  const { passwords, attempts, credentials } = parts.terminated;
  const principal = snapshot.principal(presented.loginName);
  const found =
    principal === undefined
      ? []
      : await credentials.passwordsOf(attempt.account, principal.id, parts.clock.now());
  const { password } = presented;
  // Who has the password is let in while somebody else guesses at the name.
  const proven = found.find((each) => passwords.isProven(password, hashOf(each)));
  if (proven !== undefined) return { kind: 'proven', credential: proven };
  const answer = await passwords.inTurn(
    `${attempt.account} ${presented.loginName.slice(0, 256).toUpperCase()}`,
    async (): Promise<Checked> => {
      const blockedMs = attempts.nameBlockedMs(attempt);
      if (blockedMs > 0) return blocked('password', blockedMs, 'name');
      for (const credential of found.length === 0 ? [null] : found) {
        const isRight = await passwords.matches(password, credential && hashOf(credential));
        if (isRight === 'busy') return busy();
        if (!isRight || credential === null) continue;
        attempts.passwordProven(attempt);
        return { kind: 'proven', credential };
      }
      attempts.passwordFailed(attempt);
      const why = found.length === 0 ? 'no password in force' : 'wrong password';
      return { kind: 'refused', refusal: signInRefusal('password', WORDS.password), why };
    },
  );
  return answer === 'busy' ? busy() : answer;
}

async function checkToken(
  parts: Parts,
  presented: Extract<Presented, { kind: 'token' }>,
  account: string,
): Promise<Checked> {
  const id = credentialIdOf(presented.token);
  const found = id === undefined ? undefined : await parts.terminated.credentials.byId(account, id);
  const isRight = isToken(presented.token, found?.secretHash ?? hashToken(''));
  if (found?.kind !== 'token' || !isRight) return refused('token', 'unknown or wrong token');
  return inForce(parts, found, presented);
}

async function checkKeyPair(
  parts: Parts,
  presented: Extract<Presented, { kind: 'key-pair' }>,
  account: string,
): Promise<Checked> {
  const token = readKeyPairToken(presented.token);
  if (token === undefined) return refused('key-pair', 'not a key-pair token');
  const { credentials, realNow } = parts.terminated;
  const found = await credentials.byFingerprint(account, token.fingerprint);
  if (found === undefined) return refused('key-pair', 'unknown key');
  const publicKey = must(found.publicKey, 'a key pair has its public key');
  const isAccount = (name: string): boolean => parts.upstreams.isNameOf(name, account);
  const fault = keyPairFault(token, { isAccount, publicKey }, realNow());
  if (fault !== undefined) return refused('key-pair', fault);
  if (!isSameName(token.user, found.principalId))
    return refused('key-pair', "another principal's key");
  return inForce(parts, found, presented);
}

/** What only its holder learns of a credential: that it is over. */
function inForce(
  parts: Parts,
  credential: Credential,
  presented: Extract<Presented, { kind: 'token' | 'key-pair' }>,
): Checked {
  const { kind, loginName } = presented;
  if (loginName !== '' && !isSameName(loginName, credential.principalId))
    return refused(kind, 'presented under another name');
  if (credential.isRevoked) return over(kind, 'this credential was revoked');
  const { expiresAt } = credential;
  if (expiresAt !== null && expiresAt <= parts.clock.now())
    return over(kind, `this credential expired at ${formatInstant(expiresAt)}`);
  return { kind: 'proven', credential };
}

/** Names compare as Snowflake folds them: letters of ASCII alone. */
function isSameName(a: string, b: string): boolean {
  const fold = (text: string): string => text.replace(/[a-z]+/g, (run) => run.toUpperCase());
  return fold(a) === fold(b);
}

function hashOf(credential: Credential): string {
  return must(credential.secretHash, 'a password has its hash');
}

function refused(kind: Presented['kind'], why: string): Checked {
  return { kind: 'refused', refusal: signInRefusal(kind, WORDS[kind]), why };
}

function over(kind: Presented['kind'], words: string): Checked {
  return { kind: 'refused', refusal: signInRefusal(kind, words), why: words };
}

function blocked(kind: Presented['kind'], ms: number, what: 'name' | 'address'): Checked {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  const whose = what === 'name' ? 'this user name' : "this client's address";
  return {
    kind: 'refused',
    refusal: signInRefusal(
      kind,
      `too many failed sign-ins of ${whose}; try again in ${seconds} s, with the right one`,
    ),
    why: `${what} blocked`,
  };
}

function busy(): Checked {
  return {
    kind: 'refused',
    refusal: callerRefusal(
      'queueFull',
      'Not connected: too many sign-ins are being checked at once. Connect again in a few seconds, or sign in by a token, which needs no waiting.',
    ),
    why: 'too many at once',
  };
}
