import { expect, test } from 'vitest';
import { parseCredits, parseMoney } from '../../../base/units.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { parseControlDocument } from '../../../policies/control/parse.js';
import { priceLookup } from '../../../policies/prices/price-lookup.js';
import type { ImportedPrice } from '../../../policies/prices/price-lookup.js';
import { rateLookup } from '../../../policies/prices/rate-lookup.js';

const OCTOBER = Date.UTC(2026, 9, 5);

function accepted(changes: object): ControlDocument {
  const parsed = parseControlDocument({ ...demoControlDocument(), ...changes });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
}

const booked = (more: object): object => ({
  creditKind: 'compute',
  currency: 'USD',
  pricePerCredit: '3',
  effectiveFrom: '2026-01-01',
  ...more,
});
const IMPORTED: ImportedPrice = {
  account: 'demo',
  ratingType: 'COMPUTE',
  serviceType: 'WAREHOUSE_METERING',
  from: Date.UTC(2026, 9, 1),
  to: Date.UTC(2026, 9, 10),
  currency: 'USD',
  pricePerCredit: parseMoney('2.45'),
};

test('the rate sheet of the account stands before the price book, and the book where the sheet says nothing', () => {
  const priceAt = priceLookup(accepted({}), [IMPORTED]);
  expect(priceAt('compute', OCTOBER)).toEqual({
    pricePerCredit: parseMoney('2.45'),
    currency: 'USD',
    source: 'rateSheet',
    since: Date.UTC(2026, 9, 1),
    listPricePerCredit: null,
  });
  for (const [at, of] of [
    [IMPORTED.from - 1, {}],
    [Date.UTC(2026, 9, 10), {}],
    [OCTOBER, { account: 'other' }],
    [OCTOBER, { serviceType: 'SERVERLESS_TASK' }],
  ] as const)
    expect(priceAt('compute', at, of)).toMatchObject({ source: 'book' });
  expect(priceAt('storage', OCTOBER)).toBeUndefined();
});

test('of the book the most special price decides: account and service, account, service, neither', () => {
  const document = accepted({
    prices: [
      booked({}),
      booked({ serviceType: 'SNOWPIPE', pricePerCredit: '4' }),
      booked({ account: 'demo', pricePerCredit: '5', listPricePerCredit: '6' }),
      booked({ account: 'demo', serviceType: 'SNOWPIPE', pricePerCredit: '7' }),
    ],
  });
  const price = (account: string, serviceType?: string): string | undefined =>
    priceLookup(document)('compute', OCTOBER, {
      account,
      ...(serviceType === undefined ? {} : { serviceType }),
    })?.pricePerCredit.toString()[0];
  expect([price('other'), price('other', 'SNOWPIPE')]).toEqual(['3', '4']);
  expect([price('DEMO'), price('demo', 'SNOWPIPE')]).toEqual(['5', '7']);
  expect(priceLookup(document)('compute', OCTOBER)?.listPricePerCredit).toBe(parseMoney('6'));
});

test('a published list stands behind both, less the discount of the contract, and only where the document names it', () => {
  const account = { id: 'demo', upstream: 'embedded', region: 'AWS_EU_CENTRAL_1' };
  const list = (more: object, lists: object = { prices: '2026-10-02' }): unknown =>
    priceLookup(accepted({ prices: [], lists, accounts: [{ ...account, ...more }] }))(
      'compute',
      OCTOBER,
    );
  expect(list({ edition: 'ENTERPRISE', discountPercent: '12.5' })).toMatchObject({
    pricePerCredit: parseMoney('3.4125'),
    listPricePerCredit: parseMoney('3.9'),
    source: 'list',
  });
  expect(list({ edition: 'ENTERPRISE' }, {})).toBeUndefined();
  expect(list({})).toBeUndefined();
  expect(list({ edition: 'ENTERPRISE', region: 'AWS_MOON_1' })).toBeUndefined();
});

test('two prices or rates of one key and day are refused, other keys are not', () => {
  const problems = (changes: object): number => {
    const parsed = parseControlDocument({ ...demoControlDocument(), ...changes });
    return parsed.ok ? 0 : parsed.problems.length;
  };
  expect(problems({ prices: [booked({}), booked({})] })).toBe(1);
  expect(problems({ prices: [booked({}), booked({ account: 'demo' })] })).toBe(0);
  const rate = {
    kind: 'STANDARD',
    generation: '2',
    size: 'SMALL',
    creditsPerHour: '2.7',
    effectiveFrom: '2026-01-01',
  };
  expect(problems({ rates: [rate, { ...rate, cloud: 'AZURE' }] })).toBe(0);
  expect(problems({ rates: [rate, { ...rate, size: 'Small' }] })).toBe(1);
});

test('criterion 27: an unknown kind, generation, memory, size or cloud has no rate; nothing stands in for it', () => {
  const rate = rateLookup(accepted({ rates: [], lists: { rates: '2026-10-02' } }));
  expect(rate('STANDARD', '1', 'X-Small', OCTOBER)).toBe(parseCredits('1'));
  expect(rate('STANDARD', '2', 'Large', OCTOBER, { cloud: 'AWS' })).toBe(parseCredits('10.8'));
  expect(rate('STANDARD', '2', 'Large', OCTOBER, { cloud: 'AZURE' })).toBe(parseCredits('10'));
  const memory = (resourceConstraint: string | null): unknown =>
    rate('SNOWPARK-OPTIMIZED', '1', 'MEDIUM', OCTOBER, { resourceConstraint });
  expect(memory('MEMORY_1X_x86')).toBe(parseCredits('4.4'));
  // Snowflake's own default.
  expect(memory(null)).toBe(parseCredits('6'));
  for (const none of [
    rate('STANDARD', '2', 'Large', OCTOBER),
    rate('STANDARD', '2', '5X-Large', OCTOBER, { cloud: 'AWS' }),
    rate('STANDARD', '3', 'Large', OCTOBER, { cloud: 'AWS' }),
    rate('STANDARD', '2', 'Large', Date.UTC(2025, 1), { cloud: 'AWS' }),
    rate('ADAPTIVE', '1', 'ADAPTIVE', OCTOBER),
    memory('MEMORY_128X'),
    rateLookup(accepted({ rates: [] }))('STANDARD', '1', 'X-Small', OCTOBER),
  ])
    expect(none).toBeUndefined();
});

test('criterion 27: a rate of the future changes nothing of the past, and the own rate stands before the list', () => {
  const own = {
    kind: 'STANDARD',
    generation: '1',
    size: 'XSMALL',
    creditsPerHour: '1.1',
    effectiveFrom: '2026-11-01',
  };
  const rate = rateLookup(accepted({ rates: [own], lists: { rates: '2026-10-02' } }));
  expect(rate('STANDARD', '1', 'XSMALL', Date.UTC(2026, 10, 1) - 1)).toBe(parseCredits('1'));
  expect(rate('STANDARD', '1', 'XSMALL', Date.UTC(2026, 10, 1))).toBe(parseCredits('1.1'));
});
