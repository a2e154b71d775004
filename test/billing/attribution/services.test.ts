import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  NO_CREDITS,
  addCredits,
  formatAmount,
  parseCredits,
  subtractCredits,
} from '../../../base/units.js';
import type { Credits } from '../../../base/units.js';
import { allocateServiceDay } from '../../../billing/attribution/services/allocate-day.js';
import { adjustmentOf } from '../../../billing/attribution/services/cloud-services.js';
import type {
  ServiceDay,
  ServiceLine,
  SharedCost,
  SharedCosts,
} from '../../../billing/attribution/services/service-day.js';

// Criteria 2, 3 and 4 of the billing domain, for services. Source of the golden cases: docs/attribution.md.
const NOTHING: ServiceDay = {
  day: '2026-10-01',
  warehouses: [],
  statements: [],
  services: [],
  billed: [],
  storage: [],
  transfers: [],
  ran: [],
};
const NOBODY: SharedCosts = { costOf: () => undefined, teamIds: ['a', 'b', 'c'] };

function by(cost: Partial<SharedCost>): SharedCosts {
  return { ...NOBODY, costOf: () => ({ id: 'cost', by: 'team', teams: [], ...cost }) };
}

function warehouse(compute: string, services: string, id = '7'): ServiceDay['warehouses'][number] {
  return {
    id,
    name: `WH_${id}`,
    computeCredits: parseCredits(compute),
    cloudServicesCredits: parseCredits(services),
  };
}

function used(
  teamId: string | null,
  services: string,
  acceleration = '0',
  warehouseId = '7',
): ServiceDay['statements'][number] {
  return {
    warehouseId,
    teamId,
    cloudServicesCredits: parseCredits(services),
    accelerationCredits: parseCredits(acceleration),
  };
}

function billed(
  amounts: readonly string[],
  serviceType = 'WAREHOUSE_METERING',
): ServiceDay['billed'][number] {
  const [compute = '0', services = '0', adjustment = '0', all = '0'] = amounts;
  return {
    serviceType,
    computeCredits: parseCredits(compute),
    cloudServicesCredits: parseCredits(services),
    adjustmentCredits: subtractCredits(NO_CREDITS, parseCredits(adjustment)),
    billedCredits: parseCredits(all),
  };
}

function told(day: Partial<ServiceDay>, shared: SharedCosts = NOBODY): readonly string[] {
  return allocateServiceDay({ ...NOTHING, ...day }, shared).map((line) =>
    [
      line.serviceType,
      line.kind,
      line.part ?? '-',
      line.entityId === null || line.entityId === '' ? '-' : line.entityId,
      line.teamId ?? '-',
      line.sharedBy ?? '-',
      amountOf(line),
    ].join(' '),
  );
}

function amountOf({ unit, amount }: ServiceLine): string {
  return unit === 'bytes'
    ? `${amount} bytes`
    : formatAmount(amount as Credits).replace(/\.?0+$/, '');
}

test.each([
  ['120', '10', '-10', '120'],
  ['100', '20', '-10', '110'],
  ['100', '10', '-10', '100'],
  ['0', '3', '0', '3'],
  ['37.5', '3.75', '-3.75', '37.5'],
])(
  'criterion 2: of a day with %s credits of compute and %s of services %s is not billed, %s is',
  (compute, services, adjustment, all) => {
    const own = adjustmentOf(parseCredits(compute), parseCredits(services));
    expect(formatAmount(own).replace(/\.?0+$/, '')).toBe(adjustment);
    expect(addCredits(parseCredits(compute), parseCredits(services), own)).toBe(parseCredits(all));
  },
);

test('services of a statement are of its team, the rest is a line, and the adjustment follows the same key', () => {
  expect(
    told({
      warehouses: [warehouse('30', '4')],
      statements: [used('sales', '2'), used(null, '0.5'), used('ml', '1')],
      billed: [billed(['30', '4', '3', '31'])],
    }),
  ).toEqual([
    'WAREHOUSE_METERING adjustment notOfStatements 7 - - -0.375',
    'WAREHOUSE_METERING adjustment statements 7 - - -0.375',
    'WAREHOUSE_METERING adjustment statements 7 ml - -0.75',
    'WAREHOUSE_METERING adjustment statements 7 sales - -1.5',
    'WAREHOUSE_METERING cloudServices notOfStatements 7 - - 0.5',
    'WAREHOUSE_METERING cloudServices statements 7 - - 0.5',
    'WAREHOUSE_METERING cloudServices statements 7 ml - 1',
    'WAREHOUSE_METERING cloudServices statements 7 sales - 2',
  ]);
});

test('where figures of Snowflake differ, each difference is a line with its name', () => {
  expect(
    told({
      warehouses: [warehouse('30', '4')],
      statements: [used('sales', '4.5')],
      billed: [billed(['31', '5', '3', '34'])],
    }),
  ).toEqual([
    'WAREHOUSE_METERING adjustment statements 7 sales - -3.1',
    'WAREHOUSE_METERING cloudServices statements 7 sales - 4.5',
    'WAREHOUSE_METERING variance adjustment - - - 0.1',
    'WAREHOUSE_METERING variance billed - - - 1',
    'WAREHOUSE_METERING variance cloudServices - - - 1',
    'WAREHOUSE_METERING variance compute - - - 1',
    'WAREHOUSE_METERING variance statementsAboveHours 7 - - -0.5',
  ]);
});

test('acceleration is of the statements that had it, and what the service has above them is a line', () => {
  const services = [
    {
      serviceType: 'QUERY_ACCELERATION',
      entityId: 'x',
      entityName: 'WH_7',
      credits: parseCredits('1'),
    },
  ];
  const statements = [used('sales', '0', '0.6'), used('ml', '0', '0.3')];
  const warehouses = [warehouse('0', '0')];
  expect(told({ warehouses, services, statements })).toEqual([
    'QUERY_ACCELERATION acceleration notOfStatements 7 - - 0.1',
    'QUERY_ACCELERATION acceleration statements 7 ml - 0.3',
    'QUERY_ACCELERATION acceleration statements 7 sales - 0.6',
  ]);
  expect(told({ warehouses, statements })).toEqual([
    'QUERY_ACCELERATION acceleration statements 7 ml - 0.3',
    'QUERY_ACCELERATION acceleration statements 7 sales - 0.6',
  ]);
  expect(
    told({
      warehouses,
      statements,
      billed: [billed(['0', '0', '0', '0.8'], 'QUERY_ACCELERATION')],
    }),
  ).toContain('QUERY_ACCELERATION variance hours - - - -0.1');
});

describe('a service goes by its shared cost', () => {
  const services = [
    { serviceType: 'SNOWPIPE', entityId: '1', entityName: 'RAW.P', credits: parseCredits('1') },
  ];
  const ran = [
    { teamId: 'a', credits: parseCredits('3') },
    { teamId: 'b', credits: parseCredits('1') },
  ];
  const teams = (...ids: string[]): SharedCost['teams'] =>
    ids.map((teamId) => ({ teamId, weight: 1n }));
  test.each<[string, SharedCosts, readonly string[]]>([
    ['none: of nobody', NOBODY, ['- - 1']],
    ['one team', by({ teams: teams('b') }), ['b cost 1']],
    ['central', by({ by: 'central', teams: teams('c') }), ['c cost 1']],
    [
      'alike',
      by({ by: 'even' }),
      ['a cost 0.333333333334', 'b cost 0.333333333333', 'c cost 0.333333333333'],
    ],
    ['alike of some', by({ by: 'even', teams: teams('a', 'c') }), ['a cost 0.5', 'c cost 0.5']],
    [
      'percents',
      by({
        by: 'percent',
        teams: [
          { teamId: 'a', weight: 30n },
          { teamId: 'b', weight: 70n },
        ],
      }),
      ['a cost 0.3', 'b cost 0.7'],
    ],
    ['by what ran', by({ by: 'direct' }), ['a cost 0.75', 'b cost 0.25']],
    ['by what some ran', by({ by: 'direct', teams: teams('b') }), ['b cost 1']],
    ['by what nobody ran', by({ by: 'direct', teams: teams('c') }), ['- cost 1']],
  ])('%s', (_what, shared, expected) => {
    expect(told({ services, ran }, shared)).toEqual(
      expected.map((each) => `SNOWPIPE service - 1 ${each}`),
    );
  });

  test('criterion 3: an unknown service, and one that has no hours, are lines of their own', () => {
    expect(
      told({
        services: [
          { serviceType: 'BRAND_NEW', entityId: '', entityName: null, credits: parseCredits('2') },
        ],
        billed: [
          billed(['3', '0', '0', '3'], 'OTHER'),
          billed(['2', '0', '0', '2.5'], 'BRAND_NEW'),
        ],
      }),
    ).toEqual([
      'BRAND_NEW service - - - - 2',
      'BRAND_NEW variance hours - - - 0.5',
      'OTHER service withoutHours - - - 3',
    ]);
  });
});

test('storage is of databases and stages, what the account has above them is kept for clones, and transfer goes by route', () => {
  const storage = [
    { scope: 'account', entityId: '', entityName: null, bytes: 1000n },
    { scope: 'database', entityId: '1', entityName: 'RAW', bytes: 600n },
    { scope: 'stage', entityId: '', entityName: null, bytes: 300n },
  ] as const;
  const transfers = [{ route: 'AWS/us>AWS/eu', kind: 'COPY', bytes: 7n }];
  expect(told({ storage, transfers })).toEqual([
    'DATA_TRANSFER transfer COPY AWS/us>AWS/eu - - 7 bytes',
    'STORAGE storage clones - - - 100 bytes',
    'STORAGE storage database 1 - - 600 bytes',
    'STORAGE storage stage - - - 300 bytes',
  ]);
  expect(told({ storage: storage.slice(1) }, by({ by: 'even' })).slice(0, 3)).toEqual([
    'STORAGE storage database 1 a cost 200 bytes',
    'STORAGE storage database 1 b cost 200 bytes',
    'STORAGE storage database 1 c cost 200 bytes',
  ]);
  expect(told({ storage: [storage[0], { ...storage[1], bytes: 1001n }] })).toContain(
    'STORAGE variance databasesAboveAccount - - - -1 bytes',
  );
});

const amount = fc.bigInt({ min: 0n, max: 10n ** 15n }).map((each) => each as Credits);
const day: fc.Arbitrary<ServiceDay> = fc.record({
  day: fc.constant('2026-10-01'),
  warehouses: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom('1', '2', '3'),
      name: fc.constantFrom('W1', 'W2'),
      computeCredits: amount,
      cloudServicesCredits: amount,
    }),
    { selector: ({ id }) => id, maxLength: 3 },
  ),
  statements: fc.uniqueArray(
    fc.record({
      warehouseId: fc.constantFrom('1', '2', '3', '9'),
      teamId: fc.option(fc.constantFrom('a', 'b')),
      cloudServicesCredits: amount,
      accelerationCredits: fc.oneof(fc.constant(NO_CREDITS), amount),
    }),
    { selector: ({ warehouseId, teamId }) => `${warehouseId} ${teamId}`, maxLength: 8 },
  ),
  services: fc.uniqueArray(
    fc.record({
      serviceType: fc.constantFrom('QUERY_ACCELERATION', 'SNOWPIPE', 'NEW_ONE'),
      entityId: fc.constantFrom('1', '2', '8'),
      entityName: fc.option(fc.constantFrom('W1', 'X')),
      credits: amount,
    }),
    { selector: ({ serviceType, entityId }) => `${serviceType} ${entityId}`, maxLength: 6 },
  ),
  billed: fc.uniqueArray(
    fc.record({
      serviceType: fc.constantFrom(
        'WAREHOUSE_METERING',
        'CLOUD_SERVICES',
        'QUERY_ACCELERATION',
        'SNOWPIPE',
        'LATER',
      ),
      computeCredits: amount,
      cloudServicesCredits: amount,
      adjustmentCredits: amount.map((each) => subtractCredits(NO_CREDITS, each)),
      billedCredits: amount,
    }),
    { selector: ({ serviceType }) => serviceType, maxLength: 5 },
  ),
  storage: fc.constant([]),
  transfers: fc.constant([]),
  ran: fc.uniqueArray(fc.record({ teamId: fc.constantFrom('a', 'b', 'c'), credits: amount }), {
    selector: ({ teamId }) => teamId,
    maxLength: 3,
  }),
});
const costs = fc.constantFrom(NOBODY, by({ by: 'even' }), by({ by: 'direct' }));

function sumOf(lines: readonly ServiceLine[]): bigint {
  return lines.reduce((sum, line) => sum + line.amount, 0n);
}

test('criterion 2: of 1,000 random days compute and lines are what was billed, and without a day of the account what hours say', () => {
  fc.assert(
    fc.property(day, costs, (of, shared) => {
      const lines = allocateServiceDay(of, shared);
      const ofWarehouses = lines.filter(({ serviceType }) => serviceType === 'WAREHOUSE_METERING');
      const compute = addCredits(...of.warehouses.map(({ computeCredits }) => computeCredits));
      const services = addCredits(...of.warehouses.map((each) => each.cloudServicesCredits));
      const rows = of.billed.filter(({ serviceType }) => /^(WAREHOUSE|CLOUD)/.test(serviceType));
      expect(compute + sumOf(ofWarehouses)).toBe(
        rows.length === 0
          ? addCredits(compute, services, adjustmentOf(compute, services))
          : rows.reduce((sum, { billedCredits }) => sum + billedCredits, 0n),
      );
      for (const { serviceType, billedCredits } of of.billed)
        if (!rows.some((row) => row.serviceType === serviceType))
          expect(sumOf(lines.filter((line) => line.serviceType === serviceType))).toBe(
            billedCredits,
          );
      // Only a variance or an adjustment is below zero.
      for (const line of lines)
        expect(line.amount > 0n || ['variance', 'adjustment'].includes(line.kind)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('criterion 4: the order of rows changes no line', () => {
  fc.assert(
    fc.property(day, costs, (of, shared) => {
      const turned = {
        ...of,
        warehouses: of.warehouses.toReversed(),
        statements: of.statements.toReversed(),
        services: of.services.toReversed(),
        billed: of.billed.toReversed(),
        ran: of.ran.toReversed(),
      };
      expect(allocateServiceDay(turned, shared)).toEqual(allocateServiceDay(of, shared));
    }),
  );
});
