import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { openJournal, type Journal } from '../../proxy/settlement/journal.js';

type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'acknowledge'; readonly pick: number }
  | { readonly kind: 'reopen' };

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        sizes: fc.array(fc.nat(300), { minLength: 1, maxLength: 6 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), pick: fc.nat() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  ),
  { maxLength: 40 },
) satisfies fc.Arbitrary<readonly Step[]>;

const recordOf = (sequence: bigint, size: number): string => `${sequence}:${'z'.repeat(size)}`;

test('after any appends, marks and reopens exactly the unmarked records replay, once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const directory = await mkdtemp(join(tmpdir(), 'tollgate-journal-'));
      // A small cap makes segments of 500 bytes, so that rotation and removal happen all the time.
      const open = (): Promise<Journal> =>
        openJournal({ directory, bytesMax: 4000, log: silentLog });
      let journal = await open();
      const model = new Map<bigint, string>();
      let next = 1n;
      for (const step of [...sequence, { kind: 'reopen' as const }]) {
        if (step.kind === 'append') {
          await Promise.all(
            step.sizes.map(async (size) => {
              const record = recordOf(next, size);
              if (journal.bytes + Buffer.byteLength(JSON.stringify(record)) + 17 > 4000) return;
              const expected = next;
              next += 1n;
              const given = await journal.append(record);
              expect(given).toBe(expected);
              model.set(given, record);
            }),
          );
        } else if (step.kind === 'acknowledge') {
          const marked = [...model.keys()][step.pick % Math.max(model.size, 1)];
          if (marked !== undefined) {
            journal.acknowledge(marked);
            model.delete(marked);
          }
        } else {
          await journal.stop();
          journal = await open();
          const found: [bigint, unknown][] = [];
          for await (const each of journal.replay()) found.push([each.sequence, each.record]);
          expect(found).toEqual([...model].sort((a, b) => Number(a[0] - b[0])));
        }
        expect(journal.recordsUnacknowledged).toBe(model.size);
      }
      await journal.stop();
      await rm(directory, { recursive: true, force: true });
    }),
    { numRuns: 60 },
  );
});
