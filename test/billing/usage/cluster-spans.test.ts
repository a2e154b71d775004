import { describe, expect, test } from 'vitest';
import { parseCredits } from '../../../base/units.js';
import { sweep } from '../../../billing/attribution/sweep.js';
import { clusterSpans } from '../../../billing/usage/cluster-spans.js';
import type { WarehouseEventRow } from '../../../billing/usage/cluster-spans.js';

const TEN = Date.UTC(2026, 9, 15, 10);
const RATES: Readonly<Record<string, string>> = { Small: '2', Medium: '4', Large: '8' };

/** `seconds name size`, of the first cluster. */
function spansOf(
  ...events: readonly (readonly [number, string, string | null])[]
): readonly string[] {
  return spans(...events).map(({ startsAt, endsAt, creditsPerHour, minimumMs }) =>
    [
      (startsAt - TEN) / 1000,
      endsAt === null ? '-' : (endsAt - TEN) / 1000,
      Number((creditsPerHour ?? 0n) / 10n ** 12n),
      minimumMs / 1000,
    ].join(' '),
  );
}

function spans(
  ...events: readonly (readonly [number, string, string | null])[]
): ReturnType<typeof clusterSpans> {
  const rows = events.map(([seconds, name, size]): WarehouseEventRow => ({
    at: TEN + seconds * 1000,
    name,
    cluster: name.endsWith('CLUSTER') ? 1 : -1,
    size,
    resourceConstraint: null,
  }));
  return clusterSpans(rows, (size) => parseCredits(RATES[size] ?? ''));
}

describe('a resize', () => {
  test('upwards: the servers that are added have a minute of their own, those before keep theirs', () => {
    expect(
      spansOf(
        [0, 'RESUME_CLUSTER', 'Medium'],
        [20, 'RESIZE_WAREHOUSE', 'Large'],
        [30, 'SUSPEND_CLUSTER', null],
      ),
    ).toEqual(['0 20 4 0', '20 30 8 0', '30 30 4 30', '30 30 4 50']);
  });

  test('downwards ends the newest servers first, and what was billed of their minute is theirs', () => {
    expect(
      spansOf(
        [0, 'RESUME_CLUSTER', 'Small'],
        [100, 'RESIZE_WAREHOUSE', 'Large'],
        [110, 'RESIZE_WAREHOUSE', 'Medium'],
        [300, 'SUSPEND_CLUSTER', null],
      ),
    ).toEqual(['0 100 2 0', '100 110 8 0', '110 110 4 50', '110 300 4 0']);
  });

  test('long after the start and long before the stop leaves nothing beyond', () => {
    expect(
      spansOf(
        [0, 'RESUME_CLUSTER', 'Small'],
        [100, 'RESIZE_WAREHOUSE', 'Medium'],
        [300, 'SUSPEND_CLUSTER', null],
      ),
    ).toEqual(['0 100 2 0', '100 300 4 0']);
  });
});

test('a cluster that is not resized has its minimum in its span', () => {
  expect(spansOf([0, 'RESUME_CLUSTER', 'Medium'], [5, 'SUSPEND_CLUSTER', null])).toEqual([
    '0 5 4 60',
  ]);
  expect(spansOf([0, 'RESUME_CLUSTER', 'Medium'])).toEqual(['0 - 4 60']);
});

test('what a resize is billed for beyond its time is a resume minute, and nothing is left unexplained', () => {
  const known = spans(
    [0, 'RESUME_CLUSTER', 'Medium'],
    [20, 'RESIZE_WAREHOUSE', 'Large'],
    [30, 'SUSPEND_CLUSTER', null],
  );
  // One minute of Medium's servers and one of those that Large adds: 2 × 4 ÷ 60.
  const lines = sweep.allocate({
    startsAt: TEN,
    meteredCredits: parseCredits('0.133333333333'),
    attributedCredits: null,
    executions: [],
    spans: known.flatMap(({ creditsPerHour, ...span }) =>
      creditsPerHour === null ? [] : [{ ...span, creditsPerHour }],
    ),
    queryCredits: null,
  });
  expect(lines.map(({ bucket }) => bucket)).toEqual(['resumeMinute', 'idle']);
});
