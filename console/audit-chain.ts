/**
 * Recomputes the hash of every audit event in the browser, from the export: whoever looks needs not believe the server
 * that it checked. An export spells an event as it is hashed, with its keys in order and no spaces.
 */
export type ChainState =
  | { readonly kind: 'checking'; readonly events: number }
  | { readonly kind: 'intact'; readonly events: number; readonly head: string }
  | { readonly kind: 'broken'; readonly sequence: number; readonly why: string }
  | { readonly kind: 'unread'; readonly why: string };

const GENESIS = '0'.repeat(64);
const TOLD_EVERY = 500;

interface Event {
  readonly sequence: number;
  readonly previousHash: string;
  readonly hash: string;
}

/** Tells how far it is, and what came of it in the end. Rejects where the export cannot be read. */
export async function checkChain(tell: (state: ChainState) => void): Promise<void> {
  // Browsers hash on secure pages alone; this machine's own address is one.
  if (globalThis.crypto.subtle === undefined) {
    tell({ kind: 'unread', why: 'The browser hashes only over https. Use tollgate audit verify.' });
    return;
  }
  let head = GENESIS;
  let events = 0;
  for await (const line of linesOf('/api/v1/audit/export.jsonl')) {
    const event = JSON.parse(line) as Event;
    const why = await problemOf(event, line, { head, sequence: events + 1 });
    if (why !== null) {
      tell({ kind: 'broken', sequence: event.sequence, why });
      return;
    }
    head = event.hash;
    events += 1;
    if (events % TOLD_EVERY === 0) tell({ kind: 'checking', events });
  }
  tell({ kind: 'intact', events, head });
}

async function problemOf(
  event: Event,
  line: string,
  expected: { readonly head: string; readonly sequence: number },
): Promise<string | null> {
  if (event.sequence !== expected.sequence) return `number ${expected.sequence} is missing`;
  if (event.previousHash !== expected.head) return 'it names another event before it';
  const { hash: _hash, ...rest } = event;
  const spelled = canonical(rest);
  if (canonical(event) !== line) return 'it is spelled another way';
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(spelled));
  const hash = [...new Uint8Array(bytes)]
    .map((each) => each.toString(16).padStart(2, '0'))
    .join('');
  return hash === event.hash ? null : 'its hash is that of other content';
}

/** JSON with sorted keys and no spaces, as the server spells what it hashes. */
export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}

async function* linesOf(url: string): AsyncGenerator<string> {
  const reply = await fetch(url, { credentials: 'same-origin' });
  if (!reply.ok || reply.body === null) throw new Error(`The export was answered ${reply.status}.`);
  const reader = reply.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    yield* lines;
    if (done) break;
  }
  if (text !== '') yield text;
}
