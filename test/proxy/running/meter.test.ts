import { afterEach, expect, test, vi } from 'vitest';
import type { TicketId } from '../../../base/ids.js';
import type { TopUpOutcome } from '../../../billing/ledger.js';
import type { Credits } from '../../../base/units.js';
import { driverFront } from '../../../proxy/driver-front.js';
import { Meter } from '../../../proxy/running/meter.js';
import type { RunningStatement } from '../../../proxy/running/running.js';
import { manualClock } from '../../support/clock.js';
import { credits } from '../../support/builders.js';
import { aRunningStatement, stopParts } from './running-statement.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const START = Date.UTC(2026, 6, 15, 12);
const never = (): Promise<never> => new Promise(() => undefined);
const given = (_ticket: TicketId, wanted: Credits): Promise<TopUpOutcome> =>
  Promise.resolve({ kind: 'held', holdCredits: wanted });

interface World {
  readonly clock: ReturnType<typeof manualClock>;
  readonly meter: Meter;
  readonly aborted: string[];
  readonly begin: (changes?: Partial<RunningStatement>) => RunningStatement;
}

function world(
  options: {
    readonly topUp?: typeof given;
    readonly tellStop?: () => Promise<void>;
    readonly abort?: () => Promise<void>;
  } = {},
): World {
  const clock = manualClock(START);
  const aborted: string[] = [];
  const parts = stopParts(clock, {
    topUp: options.topUp ?? given,
    tellStop: options.tellStop ?? (() => Promise.resolve()),
  });
  const front = {
    ...driverFront,
    abort: (_upstream: unknown, _token: string, { requestId }: { requestId: string }) => {
      aborted.push(requestId);
      return options.abort?.() ?? Promise.resolve();
    },
  };
  return {
    clock,
    aborted,
    meter: new Meter(parts, 1_000),
    begin(changes = {}) {
      const statement = aRunningStatement({ front, startedAt: START, ...changes });
      parts.running.begin(statement);
      return statement;
    },
  };
}

test('a ledger that does not answer holds up no ceiling', async () => {
  const { clock, meter, begin, aborted } = world({ topUp: never });
  begin({ requestId: 'waits for its top-up', warehouse: 'A' });
  clock.advance(2_000);
  meter.look();
  const dear = begin({ requestId: 'dear', warehouse: 'B', ceilingCredits: credits('1') });
  clock.advance(2_000);
  meter.look();
  await vi.waitFor(() => expect(aborted).toEqual(['dear']));
  expect(dear.stop?.code).toBe('ceilingReached');
});

test("a client's cancel that had no effect is sent again, a few seconds apart, until the statement ends", async () => {
  const { clock, meter, begin, aborted } = world();
  const cancelled = begin({ requestId: 'cancelled', warehouse: 'A' });
  begin({ requestId: 'goes on', warehouse: 'B' });
  const now = vi.spyOn(performance, 'now').mockReturnValue(10_000);
  // Its client's own cancel was sent at that moment.
  cancelled.cancelledAtMs = 10_000;
  for (const atMs of [11_000, 12_999, 13_000, 14_000, 16_000]) {
    now.mockReturnValue(atMs);
    clock.advance(10);
    meter.look();
    await meter.settled();
  }
  expect(aborted).toEqual(['cancelled', 'cancelled']);
  expect(cancelled.stop).toBeNull();
});

test('an upstream that does not answer a cancel holds up neither the cancels nor the top-ups of others', async () => {
  const { clock, meter, begin, aborted } = world({ abort: never });
  begin({ requestId: 'first', warehouse: 'A', ceilingCredits: credits('1') });
  begin({ requestId: 'second', warehouse: 'B', ceilingCredits: credits('1') });
  const third = begin({ requestId: 'third', warehouse: 'C', ceilingCredits: credits('100') });
  clock.advance(1_500);
  meter.look();
  await vi.waitFor(() => {
    expect(aborted).toEqual(['first', 'second']);
    expect(third.holdCredits).toBeGreaterThan(credits('3'));
  });
});

test('a reason that cannot be written does not keep a statement from being cancelled', async () => {
  const { clock, meter, begin, aborted } = world({ tellStop: () => Promise.reject(new Error()) });
  begin({ ceilingCredits: credits('1') });
  clock.advance(1_500);
  meter.look();
  await meter.settled();
  expect(aborted).toEqual(['r']);
});

test.each([
  ['is refused', (): Promise<void> => Promise.reject(new Error('away'))],
  ['has no effect', (): Promise<void> => Promise.resolve()],
])('a cancel that %s is sent again after a while, with the reason it had', async (_how, abort) => {
  let realMs = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => realMs);
  const { clock, meter, begin, aborted } = world({ abort });
  const one = begin({ ceilingCredits: credits('1') });
  clock.advance(1_500);
  meter.look();
  await meter.settled();
  const used = one.stop?.usedCredits;
  clock.advance(1_000);
  realMs += 1_000;
  meter.look();
  await meter.settled();
  expect(aborted).toHaveLength(1);
  clock.advance(3_000);
  realMs += 3_000;
  meter.look();
  await meter.settled();
  expect(aborted).toHaveLength(2);
  expect(one.stop).toMatchObject({ code: 'ceilingReached', usedCredits: used });
});

test('a look that comes late tops up for as long as the next may be late', async () => {
  const { clock, meter, begin } = world();
  const one = begin({ holdCredits: credits('2'), ceilingCredits: credits('1000') });
  clock.advance(1_000);
  meter.look();
  await meter.settled();
  expect(one.holdCredits).toBe(credits('3'));
  clock.advance(20_000);
  meter.look();
  await meter.settled();
  // 21 used, and twice the 20 seconds that passed.
  expect(one.holdCredits).toBe(credits('61'));
});

test('when the ledger fails one top-up the others wait for the next look instead of failing one by one', async () => {
  let asked = 0;
  const topUp = (): Promise<never> => {
    asked += 1;
    return Promise.reject(new Error('away'));
  };
  const { clock, meter, begin } = world({ topUp });
  for (let each = 0; each < 100; each += 1) begin({ warehouse: `W${each}` });
  clock.advance(900);
  meter.look();
  await meter.settled();
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThan(10);
});
