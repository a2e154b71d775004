import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import { Gate } from '../../../proxy/admission/gate.js';
import type { AdmitOutcome, Permit } from '../../../proxy/admission/lane.js';
import { limitsOf, memberOf } from '../../policies/lanes/support.js';
import { MemoryLanes } from './memory-lanes.js';

type Step =
  | { readonly kind: 'ask'; readonly team: string; readonly replica: number }
  | { readonly kind: 'release'; readonly which: number; readonly times: number }
  | { readonly kind: 'cancel'; readonly which: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('ask' as const),
      team: fc.constantFrom('a', 'b', 'c', 'd'),
      replica: fc.nat(1),
    }),
    fc.record({
      kind: fc.constant('release' as const),
      which: fc.nat(20),
      times: fc.integer({ min: 1, max: 2 }),
    }),
    fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(40) }),
  ),
  { maxLength: 60 },
);

interface Asked {
  readonly replica: number;
  readonly cancel: AbortController;
  outcome: AdmitOutcome | undefined;
}

test('whatever happens, no more run than may, everybody gets one answer, and no place is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 6 }),
      async (script, concurrencyMax, queueMax) => {
        const store = new MemoryLanes(() => 0);
        const gates = ['0', '1'].map(
          (replica) =>
            new Gate({ store, replica, isHeard: () => true, log: silentLog, now: () => 0 }),
        );
        store.onTold = (replica, tier) => gates[Number(replica)]?.onNotify(`${replica} ${tier}`);
        const limits = limitsOf({ concurrencyMax, queueMax, queueTimeoutMs: 3_600_000 });
        const total = (of: 'running' | 'waiting'): number =>
          gates.reduce((sum, gate) => sum + (gate.occupancy()[0]?.[of] ?? 0), 0);
        const asked: Asked[] = [];
        const held: Permit[] = [];
        const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
        for (const step of script) {
          switch (step.kind) {
            case 'ask': {
              const one: Asked = {
                replica: step.replica,
                cancel: new AbortController(),
                outcome: undefined,
              };
              asked.push(one);
              void gates[step.replica]
                ?.admit(limits, memberOf(step.team), one.cancel.signal)
                .then((outcome) => {
                  expect(one.outcome).toBeUndefined();
                  one.outcome = outcome;
                  if (outcome.kind === 'admitted') held.push(outcome.permit);
                });
              break;
            }
            case 'release': {
              const [permit] = held.splice(step.which % Math.max(1, held.length), 1);
              for (let time = 0; time < step.times; time += 1) permit?.release();
              break;
            }
            case 'cancel':
              asked[step.which]?.cancel.abort();
              break;
          }
          await settle();
          const waiting = asked.filter((one) => one.outcome === undefined).length;
          expect(total('running')).toBe(held.length);
          expect(held.length).toBeLessThanOrEqual(concurrencyMax);
          expect(total('waiting')).toBe(waiting);
          expect(waiting).toBeLessThanOrEqual(queueMax);
          // Nobody is refused a place or a permit that is there.
          const isRefused = asked.at(-1)?.outcome?.kind === 'queueFull';
          if (step.kind === 'ask' && isRefused)
            expect([held.length, waiting]).toEqual([concurrencyMax, queueMax]);
          // A free place is never beside somebody who waits for it.
          if (waiting > 0) expect(held.length).toBe(concurrencyMax);
        }
        while (held.length > 0) {
          held.splice(0).forEach((permit) => permit.release());
          await settle();
        }
        expect(asked.every((one) => one.outcome !== undefined)).toBe(true);
        expect([total('running'), total('waiting')]).toEqual([0, 0]);
      },
    ),
    { numRuns: 150 },
  );
});
