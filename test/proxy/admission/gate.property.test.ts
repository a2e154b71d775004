import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gate, type AdmitOutcome, type Permit } from '../../../proxy/admission/gate.js';

type Step =
  | { readonly kind: 'ask'; readonly team: string }
  | { readonly kind: 'release'; readonly which: number; readonly times: number }
  | { readonly kind: 'cancel'; readonly which: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), team: fc.constantFrom('a', 'b', 'c', 'd') }),
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
  readonly team: string;
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
        const gate = new Gate(() => 0);
        const limits = { tier: 't', concurrencyMax, queueMax, queueTimeoutMs: 3_600_000 };
        const asked: Asked[] = [];
        const held: Permit[] = [];
        const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
        for (const step of script) {
          switch (step.kind) {
            case 'ask': {
              const one: Asked = {
                team: step.team,
                cancel: new AbortController(),
                outcome: undefined,
              };
              asked.push(one);
              void gate.admit(limits, step.team, one.cancel.signal).then((outcome) => {
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
          const [lane] = gate.occupancy();
          const waiting = asked.filter((one) => one.outcome === undefined).length;
          expect(lane?.running ?? 0).toBe(held.length);
          expect(held.length).toBeLessThanOrEqual(concurrencyMax);
          expect(lane?.waiting ?? 0).toBe(waiting);
          expect(waiting).toBeLessThanOrEqual(queueMax);
          // A free place is never beside somebody who waits for it.
          if (waiting > 0) expect(held.length).toBe(concurrencyMax);
        }
        while (held.length > 0) {
          held.splice(0).forEach((permit) => permit.release());
          await settle();
        }
        expect(asked.every((one) => one.outcome !== undefined)).toBe(true);
        expect(gate.occupancy().every((lane) => lane.running === 0 && lane.waiting === 0)).toBe(
          true,
        );
      },
    ),
    { numRuns: 150 },
  );
});
