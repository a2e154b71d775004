/**
 * One POST of JSON to an address that the operator has put into the environment: no redirect is followed, nothing of the
 * answer is kept but its status, and no message has the address, which is a secret.
 */
import { toError } from '#base/errors.js';

/** `isFinal`: the receiver will not take it however often it is sent. */
export type PostOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'failed'; readonly why: string; readonly isFinal: boolean };

/** @param key is the same for every repeat; it goes as `Idempotency-Key`. */
export type Post = (
  url: string,
  text: string,
  key: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<PostOutcome>;

const DEADLINE_MS = 10_000;
/** Of answers that are refusals, these say nothing about what was sent: too early, too many, a time-out. */
const PASSING = new Set([408, 409, 425, 429]);

/** Sends it with a deadline. Never throws. */
export const postJson: Post = async (url, text, key, headers = {}) => {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return { kind: 'failed', why: 'the address of the channel is no http(s) URL', isFinal: false };
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(DEADLINE_MS),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'tollgate',
        // Printable ASCII only: keys are made of ids, and ids of people's documents may be longer than a header likes.
        'idempotency-key': encodeURIComponent(key).slice(0, 255),
        ...headers,
      },
      body: text,
    });
    await response.body?.cancel();
    if (response.ok) return { kind: 'accepted' };
    const { status } = response;
    const isFinal = status >= 400 && status < 500 && !PASSING.has(status);
    return { kind: 'failed', why: `the channel answered ${status}`, isFinal };
  } catch (thrown) {
    return {
      kind: 'failed',
      why: `the channel did not answer (${wordOf(thrown)})`,
      isFinal: false,
    };
  }
};

/** The system's own word for it, such as ECONNREFUSED; messages may have the address. */
function wordOf(thrown: unknown): string {
  const error = toError(thrown);
  const cause = error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? code : cause.name;
}
