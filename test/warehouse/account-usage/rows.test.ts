import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAmountTo, parseCredits } from '#base/units.js';
import { warehouseEventRows } from '../../../warehouse/account-usage/event-rows.js';
import { adjusted } from '../../../warehouse/account-usage/hours.js';
import { queryHasher } from '../../../warehouse/account-usage/query-hash.js';
import type { WarehouseEvent } from '../../../warehouse/metering/events.js';

describe('the adjustment of cloud services', () => {
  test.each([
    ['120', '10', '-10.00', '120.00'],
    ['100', '20', '-10.00', '110.00'],
    ['100', '10', '-10.00', '100.00'],
    ['0', '3', '0.00', '3.00'],
    ['37.5', '3.75', '-3.75', '37.50'],
  ])('of compute %s and services %s is %s, billed %s', (compute, services, adjustment, billed) => {
    const found = adjusted({
      compute: parseCredits(compute),
      cloudServices: parseCredits(services),
    });
    expect(formatAmountTo(found.adjustment, 2)).toBe(adjustment);
    expect(formatAmountTo(found.billed, 2)).toBe(billed);
  });

  test('is never more than the services, and leaves at least the compute to be billed', () => {
    const amount = fc
      .bigInt({ min: 0n, max: 10n ** 18n })
      .map((pico) => pico as ReturnType<typeof parseCredits>);
    fc.assert(
      fc.property(amount, amount, (compute, cloudServices) => {
        const { adjustment, billed } = adjusted({ compute, cloudServices });
        expect(billed).toBe(compute + cloudServices + adjustment);
        expect(adjustment + cloudServices).toBeGreaterThanOrEqual(0n);
        expect(billed).toBeGreaterThanOrEqual(compute);
        // Either all services are given, or a tenth of the compute to the pico-credit.
        const beyondATenth = compute + adjustment * 10n;
        if (billed !== compute) expect(beyondATenth * beyondATenth).toBeLessThanOrEqual(25n);
      }),
      { numRuns: 1000, seed: 20261125 },
    );
  });
});

describe('rows of warehouse events', () => {
  const event = (
    at: number,
    name: WarehouseEvent['event'],
    cluster = 1,
    rest: Partial<WarehouseEvent> = {},
  ): WarehouseEvent => ({
    type: 'warehouse',
    at,
    warehouse: 'W',
    cluster,
    event: name,
    size: 'SMALL',
    reason: 'USER',
    ...rest,
  });
  const shown = (events: readonly WarehouseEvent[]): readonly (readonly (string | null)[])[] =>
    warehouseEventRows(events).map(
      ([at, , , cluster, name, reason, state, , , , size, count, make]) =>
        [at, cluster, name, reason, state, size, count, make].map((cell) => cell ?? null),
    );

  test('what is STARTED is closed by WAREHOUSE_CONSISTENT, which alone has size and clusters', () => {
    expect(shown([event(1000, 'RESUMED', 1, { reason: 'AUTORESUME' })])).toEqual([
      ['1.000', null, 'RESUME_WAREHOUSE', 'WAREHOUSE_AUTORESUME', 'STARTED', null, null, null],
      ['1.000', '1', 'RESUME_CLUSTER', 'WAREHOUSE_AUTORESUME', 'STARTED', null, null, null],
      [
        '1.000',
        null,
        'WAREHOUSE_CONSISTENT',
        'WAREHOUSE_AUTORESUME',
        'COMPLETED',
        'Small',
        '1',
        'STANDARD_GEN_1',
      ],
    ]);
  });

  test('events of one instant share one, a resize of several clusters is one event', () => {
    const make = { kind: 'STANDARD', generation: 2, resourceConstraint: null } as const;
    const rows = shown([
      event(1000, 'RESUMED', 1),
      event(1000, 'RESUMED', 2, { reason: 'MULTICLUSTER_SPINUP' }),
      event(2000, 'RESIZED', 1, { size: 'LARGE', make }),
      event(2000, 'RESIZED', 2, { size: 'LARGE', make }),
      event(3000, 'SUSPENDED', 2),
      event(4000, 'DROPPED', 1),
    ]);
    expect(
      rows.map(([at, cluster, name, , , size, count, constraint]) =>
        [at, cluster, name, size, count, constraint].filter((cell) => cell !== null).join(' '),
      ),
    ).toEqual([
      '1.000 RESUME_WAREHOUSE',
      '1.000 1 RESUME_CLUSTER',
      '1.000 2 RESUME_CLUSTER',
      '1.000 WAREHOUSE_CONSISTENT Small 2 STANDARD_GEN_1',
      '2.000 RESIZE_WAREHOUSE',
      '2.000 WAREHOUSE_CONSISTENT Large 2 STANDARD_GEN_2',
      '3.000 2 SUSPEND_CLUSTER',
      '3.000 WAREHOUSE_CONSISTENT Small 1 STANDARD_GEN_1',
      '4.000 1 SUSPEND_CLUSTER',
      '4.000 DROP_WAREHOUSE',
      '4.000 WAREHOUSE_CONSISTENT Small 0 STANDARD_GEN_1',
    ]);
  });
});

describe('hashes of statements', () => {
  const hashesOf = queryHasher();

  test('ignore blanks, comments and the case of words; the parameterized one literals, too', () => {
    const one = hashesOf("SELECT a FROM t WHERE b = 'x' AND c > 5");
    const same = hashesOf("select A from t /* why */\n where b='x' and c > 5 -- end");
    const other = hashesOf("SELECT a FROM t WHERE b = 'y' AND c > 6");
    expect(same).toEqual(one);
    expect(other.hash).not.toBe(one.hash);
    expect(other.parameterizedHash).toBe(one.parameterizedHash);
    expect(hashesOf('SELECT "a" FROM t WHERE b = 1').hash).not.toBe(
      hashesOf('SELECT a FROM t WHERE b = 1').hash,
    );
    expect(hashesOf("SELECT 'A' FROM t").hash).not.toBe(hashesOf("SELECT 'a' FROM t").hash);
  });
});
