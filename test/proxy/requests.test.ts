import { expect, test } from 'vitest';
import { RequestRegistry } from '../../proxy/requests.js';
import type { RequestEntry, RequestKey, RequestOwner, RequestState } from '../../proxy/requests.js';
import { buildTicketId } from '../support/builders.js';

const ANSWER = {
  kind: 'answered',
  reply: { status: 200, headers: {}, body: Buffer.from('x') },
} as const;

function registry(rememberedMax = 10): RequestRegistry {
  return new RequestRegistry({ rememberedMax, rememberMs: 60_000, now: () => 0 });
}

function key(sessionId: string, requestId: string): RequestKey {
  return { account: 'demo', sessionId, requestId };
}

function owner(hash: string): RequestOwner {
  const ticketId = buildTicketId();
  return { ticketId, hash, isAsync: false, teamId: 'marketing', viaPrincipalId: null };
}

function entryOf(state: RequestState): RequestEntry {
  if (state.kind === 'reused') throw new Error('reused');
  return state.entry;
}

test('the first of a request is new; a repeat of it waits for the same ending', async () => {
  const requests = registry();
  const first = requests.enter(key('s', 'r'), owner('hash'));
  expect(first.kind).toBe('new');
  const repeat = requests.enter(key('s', 'r'), owner('hash'));
  expect(repeat.kind).toBe('repeat');
  entryOf(first).finish(ANSWER);
  entryOf(first).finish({ kind: 'streamed', queryId: 'later' });
  expect(await entryOf(repeat).ending).toBe(ANSWER);
  const afterwards = requests.enter(key('s', 'r'), owner('hash'));
  expect(afterwards.kind).toBe('repeat');
  expect(await entryOf(afterwards).ending).toBe(ANSWER);
});

test('another text under the same id is told apart; another session or id is another request', () => {
  const requests = registry();
  requests.enter(key('s', 'r'), owner('hash'));
  expect(requests.enter(key('s', 'r'), owner('other'))).toEqual({ kind: 'reused' });
  expect(requests.enter(key('t', 'r'), owner('other')).kind).toBe('new');
  expect(requests.enter(key('s', 'q'), owner('other')).kind).toBe('new');
});

test('a session has a request under way until the last of its others has ended', () => {
  const requests = registry();
  const mine = owner('mine');
  requests.enter(key('s', 'mine'), mine);
  const other = entryOf(requests.enter(key('s', 'other'), owner('other')));
  requests.enter(key('t', 'r'), owner('hash'));
  const isOpen = (account = 'demo'): boolean =>
    requests.isOpen({ account, sessionId: 's' }, mine.ticketId);
  expect([isOpen(), isOpen('elsewhere')]).toEqual([true, false]);
  other.finish(ANSWER);
  expect(isOpen()).toBe(false);
});

test('a cancel counts until a statement is sent or has ended', () => {
  const entry = (): RequestEntry => entryOf(registry().enter(key('s', 'r'), owner('hash')));
  const [waits, sent, ended, abandoned] = [entry(), entry(), entry(), entry()];
  sent.isSent = true;
  ended.finish(ANSWER);
  abandoned.cancel('abandoned');
  expect([waits.cancelUnsent(), sent.cancelUnsent(), ended.cancelUnsent()]).toEqual([
    true,
    false,
    false,
  ]);
  expect([waits, sent, ended, abandoned].map((each) => each.isCancelled)).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(waits.cancelled.reason).toBe('cancelled');
});

test('of several repeats of an unanswered request one sends it again, and the rest wait for that one', async () => {
  const requests = registry();
  const first = entryOf(requests.enter(key('s', 'r'), owner('hash')));
  const one = requests.again(first, buildTicketId());
  const two = requests.again(first, buildTicketId());
  expect([one.kind, two.kind]).toEqual(['new', 'repeat']);
  expect(two.entry).toBe(one.entry);
  expect(requests.find(key('s', 'r'))).toBe(one.entry);
  one.entry.finish(ANSWER);
  expect(await two.entry.ending).toBe(ANSWER);
  const three = requests.again(one.entry, buildTicketId());
  expect(three.kind).toBe('new');
});

test('a forgotten request is new again, and its late ending is not kept', async () => {
  const requests = registry(2);
  const first = entryOf(requests.enter(key('s', '1'), owner('h')));
  requests.enter(key('s', '2'), owner('h'));
  requests.enter(key('s', '3'), owner('h'));
  expect(requests.find(key('s', '1'))).toBeUndefined();
  first.finish(ANSWER);
  await first.ending;
  expect(requests.find(key('s', '1'))).toBeUndefined();
  expect(requests.again(first, buildTicketId()).kind).toBe('new');
});

test('replies are kept up to a sum of bytes; the oldest are forgotten first', async () => {
  const requests = registry(1_000);
  // One buffer stands for all replies: only its size is counted.
  const body = Buffer.alloc(16 * 1024 * 1024);
  for (let index = 0; index < 40; index += 1) {
    const entry = entryOf(requests.enter(key('s', `r${index}`), owner('h')));
    entry.finish({ kind: 'answered', reply: { status: 200, headers: {}, body } });
    await entry.ending;
  }
  const kept = Array.from(
    { length: 40 },
    (_, index) => requests.find(key('s', `r${index}`)) !== undefined,
  );
  expect(kept.filter(Boolean).length).toBeLessThanOrEqual(16);
  expect(kept.at(-1)).toBe(true);
  expect(kept[0]).toBe(false);
});

test('an entry is found by its ticket, also after its ending, until it is forgotten or sent again', async () => {
  const requests = registry(2);
  const first = entryOf(requests.enter(key('s', '1'), owner('h')));
  const { ticketId } = first.owner;
  first.finish(ANSWER);
  await first.ending;
  expect(requests.ofTicket(ticketId)).toBe(first);
  const again = requests.again(first, ticketId).entry;
  expect(requests.ofTicket(ticketId)).toBe(again);
  requests.enter(key('s', '2'), owner('h'));
  requests.enter(key('s', '3'), owner('h'));
  expect(requests.ofTicket(ticketId)).toBeUndefined();
});
