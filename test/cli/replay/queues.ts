/** Documents and histories in which queues are full and waits too long, as generators of fast-check. */
import fc from 'fast-check';
import { must } from '../../../base/assert.js';
import { creditsForMillis, formatAmount, parseCredits } from '../../../base/units.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { ControlDocument, TierDocument } from '../../../policies/control/document.js';
import { aRow, accepted, documents, TEXTS, WORLD_BEGINS_AT } from './worlds.js';

const aQueue = fc.record({
  concurrencyMax: fc.constantFrom(1, 1, 2, 3),
  queueMax: fc.constantFrom(1, 4, 10, 20),
  queueTimeoutSeconds: fc.constantFrom(1, 1, 3, 8),
  teamConcurrencyMax: fc.constantFrom(undefined, undefined, 1),
  teamQueueMax: fc.constantFrom(undefined, undefined, 1),
  principalConcurrencyMax: fc.constantFrom(undefined, undefined, 1),
  hasAdministrators: fc.constantFrom(false, false, true),
});

function queued(
  tier: TierDocument,
  { hasAdministrators, ...drawn }: typeof aQueue extends fc.Arbitrary<infer T> ? T : never,
): TierDocument {
  const limits = Object.fromEntries(
    Object.entries(drawn).filter(([, value]) => value !== undefined),
  );
  return {
    ...tier,
    ...limits,
    // Somebody has to be left a permit.
    ...(hasAdministrators && drawn.concurrencyMax > 1
      ? { administrators: { permits: 1, roles: ['ADMIN'] } }
      : {}),
  };
}

/** Their statements run for less than a guard takes to look at them; budgets and ladders are as drawn. */
export const queuedDocuments: fc.Arbitrary<ControlDocument> = fc
  .tuple(documents, fc.tuple(aQueue, aQueue, aQueue))
  .map(([document, queues]) =>
    accepted({
      ...document,
      tiers: document.tiers.map((tier, index) =>
        queued(tier, must(queues[index], 'there are three tiers')),
      ),
      // Most come as far as the queue.
      rules: document.rules.filter(({ effect }) => effect === 'queue'),
      access: [],
      principals: demoControlDocument().principals,
      runRates: [],
    }),
  );

/** Credits an hour. */
const RATES = { INTERACTIVE_WH: '1', STANDARD_WH: '4', BATCH_WH: '16' } as const;
const WAREHOUSES = Object.keys(RATES) as readonly (keyof typeof RATES)[];

const arrival = fc.record({
  text: fc.constantFrom(...TEXTS.filter((text) => !/use warehouse/i.test(text))),
  user: fc.constantFrom('MARKETING_ANALYST', 'MARKETING_ANALYST', 'SALES_ANALYST'),
  role: fc.constantFrom('ANALYST', 'ANALYST', 'ANALYST', 'admin'),
  warehouse: fc.constantFrom(...WAREHOUSES),
  waitSeconds: fc.constantFrom(0, 0, 0, 0, 0, 1),
  runMs: fc.constantFrom(1_000, 2_000),
});

/** Each comes in a millisecond of its own and takes whole seconds, so that no two come, leave or give up in one moment. */
export function crowdOf(length: number): fc.Arbitrary<readonly ReplayRow[]> {
  return fc.array(arrival, { minLength: length, maxLength: length }).map((drawn) => {
    let second = 0;
    return drawn.map(({ text, user, role, warehouse, waitSeconds, runMs }, index) => {
      second += waitSeconds;
      const at = WORLD_BEGINS_AT + second * 1_000 + index;
      const drawnRow = { text, user, warehouse, client: null, queryTag: null, executionMs: runMs };
      const used = creditsForMillis(parseCredits(RATES[warehouse]), runMs, 'half-even');
      return { ...aRow(index, at, drawnRow), role, credits: formatAmount(used) };
    });
  });
}
