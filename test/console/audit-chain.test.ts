/** The chain as a browser checks it, against events as the server writes them. */
import { afterEach, expect, test, vi } from 'vitest';
import { lineOfEvent } from '../../admin/audit-chain.js';
import { AUDIT_GENESIS, type AuditEvent, hashOfEvent } from '../../admin/stores/audit-store.js';
import { type ChainState, checkChain } from '../../console/audit-chain.js';

afterEach(() => vi.unstubAllGlobals());

/** Keys that a careless spelling would order otherwise, and text beyond ASCII. */
const AFTER = { b: 1, a: [{ z: null, y: 'ü\u2028' }], 10: 'ten', 9: 'nine' };

function chain(count: number): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const event = {
      sequence,
      occurredAt: '2026-11-26T18:00:00.000Z',
      actor: 'admin-token',
      role: 'platform',
      action: 'control.edit',
      subject: 'control',
      reason: null,
      before: null,
      after: AFTER,
      previousHash: events.at(-1)?.hash ?? AUDIT_GENESIS,
    };
    events.push({ ...event, hash: hashOfEvent(event) });
  }
  return events;
}

async function checked(lines: readonly string[]): Promise<ChainState | undefined> {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(`${lines.join('\n')}\n`)));
  let last: ChainState | undefined;
  await checkChain((state) => {
    last = state;
  });
  return last;
}

test('a whole chain is intact, and says its head', async () => {
  const events = chain(3);
  expect(await checked(events.map(lineOfEvent))).toEqual({
    kind: 'intact',
    events: 3,
    head: events[2]?.hash,
  });
});

test.each<[what: string, spoil: (events: AuditEvent[]) => readonly AuditEvent[], why: RegExp]>([
  ['edited', (e) => e.map((x) => (x.sequence === 2 ? { ...x, actor: 'x' } : x)), /other content/],
  ['removed', (e) => e.filter((x) => x.sequence !== 2), /number 2 is missing/],
  [
    'written anew',
    (e) => e.map((x) => (x.sequence === 2 ? { ...x, previousHash: AUDIT_GENESIS } : x)),
    /another event before it/,
  ],
])('an event that was %s is found', async (_what, spoil, why) => {
  const state = await checked(spoil(chain(3)).map(lineOfEvent));
  expect(state).toMatchObject({ kind: 'broken', why: expect.stringMatching(why) as unknown });
});

test('an event that is spelled another way is found', async () => {
  const [first = ''] = chain(1).map(lineOfEvent);
  expect(await checked([first.replace('{', '{ ')])).toMatchObject({ kind: 'broken', sequence: 1 });
});
