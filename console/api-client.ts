/** The API over HTTP with the cookie of the sign-in. */

const HEADER = 'x-tollgate-console';

/** What somebody shows again that it is they by: a token, or the identity provider. */
export type ConfirmBy = 'token' | 'oidc';

/** What the API says went wrong, in its words. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  /** What can be done about it. */
  readonly waysOut: readonly string[];
  /** The sign-in has to be confirmed so before this is done; null: that is not what is wrong. */
  readonly confirmBy: ConfirmBy | null;

  constructor(
    status: number,
    title: string,
    detail: string,
    waysOut: readonly string[],
    confirmBy: ConfirmBy | null = null,
  ) {
    super(detail);
    this.confirmBy = confirmBy;
    this.status = status;
    this.title = title;
    this.waysOut = waysOut;
  }
}

interface ProblemJson {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly wayOut?: string }[];
  readonly confirmBy?: ConfirmBy;
}

/** Asks the person; whether they did it. */
type AskToConfirm = (by: ConfirmBy) => Promise<boolean>;
let askToConfirm: AskToConfirm | undefined;

/** From now on `ask` is asked where a call takes a confirmed sign-in. @returns what ends it. */
export function askToConfirmBy(ask: AskToConfirm): () => void {
  askToConfirm = ask;
  return () => {
    askToConfirm = undefined;
  };
}

/** Reads a path below `/api/v1`. `isLive`: the page asks by itself, which keeps no sign-in open. */
export async function read<T>(path: string, isLive = false): Promise<T> {
  return (await call('GET', `/api/v1${path}`, undefined, isLive)) as T;
}

/** Writes to a path below `/api/v1`. */
export async function write<T>(
  path: string,
  body: unknown,
  { method = 'POST', key }: { readonly method?: 'POST' | 'PUT'; readonly key?: string } = {},
): Promise<T> {
  return (await confirmed(() => call(method, `/api/v1${path}`, body, false, key))) as T;
}

/** Shows by the token of the sign-in that it is still the same person; a {@link Problem} when it is not that token. */
export async function confirmByToken(token: string): Promise<void> {
  await call('POST', '/console/session/confirm', { token }, false);
}

/** Does `work`, and once more after the person has confirmed the sign-in where that is what it takes. */
async function confirmed(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (thrown) {
    const by = thrown instanceof Problem ? thrown.confirmBy : null;
    if (by === null || (await askToConfirm?.(by)) !== true) throw thrown;
    return work();
  }
}

/** Signs in with a token; a {@link Problem} when it is not good. */
export async function signIn(token: string): Promise<void> {
  await call('POST', '/console/session', { token }, false);
}

/** How one may sign in beside a token. */
export async function waysToSignIn(): Promise<{ readonly oidc: boolean }> {
  return (await call('GET', '/console/ways', undefined, true)) as { readonly oidc: boolean };
}

/** Ends the sign-in here and at the server, with `everywhere` also in all other browsers. */
export async function signOut(everywhere = false): Promise<void> {
  const path = everywhere ? '/console/sessions' : '/console/session';
  await confirmed(() => call('DELETE', path, undefined, false));
}

async function call(
  method: string,
  url: string,
  body: unknown,
  isLive: boolean,
  key?: string,
): Promise<unknown> {
  const reply = await fetch(url, {
    method,
    credentials: 'same-origin',
    headers: {
      [HEADER]: isLive ? 'live' : 'user',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => undefined);
  if (reply === undefined)
    throw new Problem(0, 'No answer', 'Tollgate does not answer. This page asks again.', []);
  if (reply.status === 204) return undefined;
  const json: unknown = await reply.json().catch(() => ({}));
  if (reply.ok) return json;
  const { title, detail, errors, confirmBy } = json as ProblemJson;
  const waysOut = (errors ?? []).flatMap(({ wayOut }) => (wayOut === undefined ? [] : [wayOut]));
  throw new Problem(
    reply.status,
    title ?? 'Error',
    detail ?? `The answer was ${reply.status}.`,
    waysOut,
    confirmBy,
  );
}

/** Whether Tollgate, or its database, could not say: not an answer about who asks. */
export function isAway({ status }: Problem): boolean {
  return status === 0 || status >= 500;
}

/** A thrown value as a problem. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(0, 'Error', thrown instanceof Error ? thrown.message : String(thrown), []);
}
