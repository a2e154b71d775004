import { expect, test } from 'vitest';
import { parseCredits } from '../../base/units.js';
import type { AskedBack } from '../../billing/leases.js';
import { AWAY_WAIT_MS, RETURN_WAIT_MS, waitForReturns } from '../../billing/returns.js';

const NONE = parseCredits('0');
const ONE = parseCredits('1');

/** A period of which others have one credit idle; its clock goes on by what is slept. */
class Period {
  now = 0;
  idle = ONE;
  available = NONE;
  mayTake = true;
  readonly taken: number[] = [];
  onTake = (): void => {
    this.available = parseCredits('1');
    this.idle = NONE;
  };

  readonly mayBeReturned = waitForReturns(
    {
      ask: (): Promise<AskedBack> =>
        Promise.resolve({
          idleCredits: this.idle,
          availableCredits: this.available,
          mayTake: this.mayTake,
          upMs: 0,
        }),
      takeBack: () => {
        this.taken.push(this.now);
        this.onTake();
        return Promise.resolve();
      },
      realNow: () => this.now,
    },
    (ms) => {
      this.now += ms;
      return Promise.resolve();
    },
  );

  /** Judgements until it is refused, each of which had seen nothing available; undefined: there was something. */
  async judgements(max = 1_000): Promise<number | undefined> {
    for (let count = 1; count < max; count += 1) {
      if (!(await this.mayBeReturned('1', NONE))) return count;
      if (this.available > NONE) return undefined;
    }
    return max;
  }
}

test('nothing is waited for where nothing is idle and nothing came', async () => {
  const period = new Period();
  period.idle = NONE;
  expect(await period.judgements()).toBe(1);
  expect(period.now).toBe(0);
});

test('what others do not give back in a quarter of a second is taken from them, and judged', async () => {
  const period = new Period();
  expect(await period.judgements()).toBeUndefined();
  expect(period.taken).toEqual([expect.any(Number)]);
  expect(period.taken[0]).toBeGreaterThanOrEqual(RETURN_WAIT_MS);
  expect(period.now).toBeLessThanOrEqual(RETURN_WAIT_MS + 20);
});

test('what came when the time was over is judged once more', async () => {
  const period = new Period();
  await period.mayBeReturned('1', NONE);
  period.now = 10_000;
  period.idle = NONE;
  period.available = ONE;
  expect(await period.mayBeReturned('1', NONE)).toBe(true);
});

test('what was given back while it was to be taken is judged too', async () => {
  const period = new Period();
  period.onTake = () => (period.idle = NONE);
  expect(await period.mayBeReturned('1', NONE)).toBe(true);
  period.now = 10_000;
  expect(await period.mayBeReturned('1', NONE)).toBe(true);
  expect(period.taken).toEqual([10_000]);
  expect(await period.mayBeReturned('1', NONE)).toBe(false);
});

test('where nothing may be taken it waits a second, and refuses', async () => {
  const period = new Period();
  period.mayTake = false;
  expect(await period.judgements()).toBeGreaterThan(10);
  expect(period.taken).toEqual([]);
  expect(period.now).toBe(AWAY_WAIT_MS);
});

test('credits that come again and again and go to others end in a refusal', async () => {
  const period = new Period();
  period.onTake = () => undefined;
  const count = await period.judgements();
  expect(count).toBeLessThan(50);
});

test('however often what came went to others in a short while, it is judged again until a second is over', async () => {
  const period = new Period();
  period.now = 5_000;
  let lost = 0;
  period.onTake = () => {
    lost += 1;
    if (lost === 10) period.available = ONE;
  };
  expect(await period.judgements()).toBeUndefined();
  expect(lost).toBe(10);
  expect(period.now - 5_000).toBeLessThan(AWAY_WAIT_MS);
});

test('a ledger that takes half a second for each answer still judges three times after the wait', async () => {
  const period = new Period();
  period.onTake = () => (period.now += 500);
  await period.judgements();
  expect(period.taken).toHaveLength(3);
});
