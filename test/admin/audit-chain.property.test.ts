import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineOfEvent, verifyChain } from '../../admin/audit-chain.js';
import { AUDIT_GENESIS, type AuditEvent, hashOfEvent } from '../../admin/stores/audit-store.js';

type Unsealed = Omit<AuditEvent, 'hash' | 'previousHash' | 'sequence'>;

function chainOf(contents: readonly Unsealed[]): readonly AuditEvent[] {
  const events: AuditEvent[] = [];
  for (const content of contents) {
    const event = {
      ...content,
      sequence: events.length + 1,
      previousHash: events.at(-1)?.hash ?? AUDIT_GENESIS,
    };
    events.push({ ...event, hash: hashOfEvent(event) });
  }
  return events;
}

// As it comes back from the database: JSON values without undefined, and without halves of surrogate pairs.
const storedJson: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 2 })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const contents: fc.Arbitrary<readonly Unsealed[]> = fc.array(
  fc.record({
    occurredAt: fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map((date) => date.toISOString()),
    actor: fc.string({ maxLength: 8 }),
    role: fc.constantFrom('platform', 'finance'),
    action: fc.constantFrom('control.apply', 'token.issue'),
    subject: fc.string({ maxLength: 8 }),
    reason: fc.option(fc.string({ maxLength: 8 })),
    before: storedJson,
    after: storedJson,
  }),
  { minLength: 2, maxLength: 6 },
);

type Mutation = (lines: readonly string[], at: number, other: number) => readonly string[];

/** Everything that one hand may do to a file; `at` and `other` are two of its lines. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a line removed': (lines, at) => lines.toSpliced(at, 1),
  'a line twice': (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
  'two lines swapped': (lines, at, other) =>
    lines.with(at, lines[other] ?? '').with(other, lines[at] ?? ''),
  'an empty line': (lines, at) => lines.toSpliced(at, 0, ''),
  'a space before a line': (lines, at) => lines.with(at, ` ${lines[at]}`),
  'an event inserted, with a hash of its own': (lines, at) => {
    const { hash, ...event } = JSON.parse(lines[at] ?? '') as AuditEvent;
    const forged = { ...event, actor: `${event.actor}!`, previousHash: hash };
    return lines.toSpliced(at + 1, 0, lineOfEvent({ ...forged, hash: hashOfEvent(forged) }));
  },
  'an event edited, and its own hash made to fit': (lines, at) => {
    const { hash: _hash, ...event } = JSON.parse(lines[at] ?? '') as AuditEvent;
    const forged = { ...event, actor: `${event.actor}!` };
    return lines.with(at, lineOfEvent({ ...forged, hash: hashOfEvent(forged) }));
  },
  'a field added': (lines, at) => lines.with(at, (lines[at] ?? '').replace(/\}$/, ',"zzz":1}')),
};

describe('an exported chain', () => {
  test('that nobody touched is intact, and its head is that of its last event', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async (given) => {
        const events = chainOf(given);
        const head = events.at(-1)?.hash ?? '';
        const outcome = await verifyChain(events.map(lineOfEvent), head);
        expect(outcome).toEqual({ kind: 'intact', events: events.length, head });
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  test.each(Object.entries(MUTATIONS))('with %s is found', async (_name, mutate) => {
    await fc.assert(
      fc.asyncProperty(contents, fc.nat(), fc.nat(), async (given, a, b) => {
        const lines = chainOf(given).map(lineOfEvent);
        const mutated = mutate(lines, a % lines.length, b % lines.length);
        fc.pre(mutated.join('\n') !== lines.join('\n'));
        const head = chainOf(given).at(-1)?.hash;
        const outcome = await verifyChain(mutated, head);
        expect(outcome.kind).not.toBe('intact');
        if (outcome.kind !== 'broken') return;
        // The first line that differs is the first that does not fit, or the one that follows a forged hash.
        const differs = mutated.findIndex((line, index) => line !== lines[index]) + 1;
        expect(outcome.sequence).toBeGreaterThanOrEqual(differs);
        expect(outcome.sequence).toBeLessThanOrEqual(differs + 1);
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  test('with any one character of any line changed, removed or added is found, at that line', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.nat(),
        fc.nat(),
        fc.constantFrom('0', 'a', ' ', '"', '}', 'é', ''),
        fc.constantFrom(0, 1),
        async (given, a, b, put, removed) => {
          const lines = chainOf(given).map(lineOfEvent);
          const at = a % lines.length;
          const line = lines[at] ?? '';
          const place = b % line.length;
          const changed = line.slice(0, place) + put + line.slice(place + removed);
          fc.pre(changed !== line);
          const outcome = await verifyChain(lines.with(at, changed));
          expect(outcome).toMatchObject({ kind: 'broken', sequence: at + 1 });
        },
      ),
      { seed: 4, numRuns: 1000 },
    );
  });

  test('that was shortened is found by whoever kept the hash of its head, and only then', async () => {
    await fc.assert(
      fc.asyncProperty(contents, fc.nat(), async (given, kept) => {
        const events = chainOf(given);
        const lines = events.map(lineOfEvent);
        const head = events.at(-1)?.hash;
        const short = lines.slice(0, kept % lines.length);
        expect((await verifyChain(short, head)).kind).toBe('shortened');
        expect((await verifyChain(short)).kind).toBe('intact');
        // A head that was kept earlier is found in a chain that has grown since.
        expect((await verifyChain(lines, events[0]?.hash)).kind).toBe('intact');
      }),
      { seed: 4, numRuns: 100 },
    );
  });
});
