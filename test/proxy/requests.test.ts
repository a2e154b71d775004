import { expect, test } from 'vitest';
import { RequestRegistry, type RequestEntry, type RequestState } from '../../proxy/requests.js';

const ANSWER = {
  kind: 'answered',
  reply: { status: 200, headers: {}, body: Buffer.from('x') },
} as const;

function registry(rememberedMax = 10): RequestRegistry {
  return new RequestRegistry({ rememberedMax, rememberMs: 60_000 });
}

function entryOf(state: RequestState): RequestEntry {
  if (state.kind === 'reused') throw new Error('reused');
  return state.entry;
}

test('the first of a request is new; a repeat of it waits for the same ending', async () => {
  const requests = registry();
  const first = requests.enter('s', 'r', 'hash');
  expect(first.kind).toBe('new');
  const repeat = requests.enter('s', 'r', 'hash');
  expect(repeat.kind).toBe('repeat');
  entryOf(first).finish(ANSWER);
  entryOf(first).finish({ kind: 'streamed', queryId: 'later' });
  expect(await entryOf(repeat).ending).toBe(ANSWER);
  const afterwards = requests.enter('s', 'r', 'hash');
  expect(afterwards.kind).toBe('repeat');
  expect(await entryOf(afterwards).ending).toBe(ANSWER);
});

test('another text under the same id is told apart; another session or id is another request', () => {
  const requests = registry();
  requests.enter('s', 'r', 'hash');
  expect(requests.enter('s', 'r', 'other')).toEqual({ kind: 'reused' });
  expect(requests.enter('t', 'r', 'other').kind).toBe('new');
  expect(requests.enter('s', 'q', 'other').kind).toBe('new');
});

test('of several repeats of an unanswered request one sends it again, and the rest wait for that one', async () => {
  const requests = registry();
  const first = entryOf(requests.enter('s', 'r', 'hash'));
  const one = requests.again('s', 'r', first);
  const two = requests.again('s', 'r', first);
  expect([one.kind, two.kind]).toEqual(['new', 'repeat']);
  expect(two.entry).toBe(one.entry);
  expect(requests.find('s', 'r')).toBe(one.entry);
  one.entry.finish(ANSWER);
  expect(await two.entry.ending).toBe(ANSWER);
  const three = requests.again('s', 'r', one.entry);
  expect(three.kind).toBe('new');
});

test('a forgotten request is new again, and its late ending is not kept', async () => {
  const requests = registry(2);
  const first = entryOf(requests.enter('s', '1', 'h'));
  requests.enter('s', '2', 'h');
  requests.enter('s', '3', 'h');
  expect(requests.find('s', '1')).toBeUndefined();
  first.finish(ANSWER);
  await first.ending;
  expect(requests.find('s', '1')).toBeUndefined();
  expect(requests.enter('s', '1', 'h').kind).toBe('new');
  expect(requests.again('s', '9', first).kind).toBe('new');
});

test('replies are kept up to a sum of bytes; the oldest are forgotten first', async () => {
  const requests = registry(1_000);
  // One buffer stands for all replies: only its size is counted.
  const body = Buffer.alloc(16 * 1024 * 1024);
  for (let index = 0; index < 40; index += 1) {
    const entry = entryOf(requests.enter('s', `r${index}`, 'h'));
    entry.finish({ kind: 'answered', reply: { status: 200, headers: {}, body } });
    await entry.ending;
  }
  const kept = Array.from(
    { length: 40 },
    (_, index) => requests.find('s', `r${index}`) !== undefined,
  );
  expect(kept.filter(Boolean).length).toBeLessThanOrEqual(16);
  expect(kept.at(-1)).toBe(true);
  expect(kept[0]).toBe(false);
});
