import { expect, test } from 'vitest';
import { formatAmount, parseCredits, sumCredits } from '../../../base/units.js';
import { attributed } from '../../../billing/attribution/attributed.js';
import { elapsedShare } from '../../../billing/attribution/elapsed-share.js';
import { perQuery } from '../../../billing/attribution/per-query.js';
import { sweep } from '../../../billing/attribution/sweep.js';
import type {
  AllocationMethod,
  ClusterSpan,
  Execution,
  WarehouseHour,
} from '../../../billing/attribution/warehouse-hour.js';

// Known answers of each method by hand, in exact fractions rounded to twelve decimals. Seconds count from 10:00 UTC.
const TEN = Date.UTC(2026, 9, 1, 10);
const MEDIUM = parseCredits('4');
const XSMALL = parseCredits('1');

function ran(queryId: string, from: number, to: number, more: Partial<Execution> = {}): Execution {
  return {
    queryId,
    cluster: 1,
    startsAt: TEN + from * 1000,
    endsAt: TEN + to * 1000,
    creditsPerHour: MEDIUM,
    isGoverned: true,
    attributedCredits: null,
    ...more,
  };
}

function up(from: number, to: number | null, more: Partial<ClusterSpan> = {}): ClusterSpan {
  return {
    cluster: 1,
    startsAt: TEN + from * 1000,
    endsAt: to === null ? null : TEN + to * 1000,
    creditsPerHour: MEDIUM,
    minimumMs: 60_000,
    ...more,
  };
}

function hour(
  meteredCredits: string,
  executions: readonly Execution[],
  spans: readonly ClusterSpan[] | null,
  more: Partial<WarehouseHour> = {},
): WarehouseHour {
  return {
    startsAt: TEN,
    meteredCredits: parseCredits(meteredCredits),
    attributedCredits: null,
    executions,
    spans,
    queryCredits: null,
    ...more,
  };
}

function told(method: AllocationMethod, of: WarehouseHour): readonly string[] {
  return method
    .allocate(of)
    .map(
      ({ bucket, reason, queryId, credits }) =>
        `${bucket} ${reason ?? '-'} ${queryId ?? '-'} ${formatAmount(credits)}`,
    );
}

test('criterion 5: two statements that overlap share the overlap, and the tail until the suspension is idle', () => {
  const overlap = hour('1.666666666667', [ran('a', 0, 600), ran('b', 300, 900)], [up(0, 1500)]);
  expect(told(sweep, overlap)).toEqual([
    'direct - a 0.500000000000',
    'direct - b 0.500000000000',
    'idle suspendTail b 0.666666666667',
  ]);
  expect(told(elapsedShare, overlap)).toEqual([
    'direct - a 0.833333333334',
    'direct - b 0.833333333333',
  ]);
});

test('criterion 5: a short statement beside a long one pays for its share of the time that both ran', () => {
  const beside = hour('1.333333333333', [ran('a', 0, 600), ran('b', 300, 420)], [up(0, 1200)]);
  expect(told(sweep, beside)).toEqual([
    'direct - a 0.600000000000',
    'direct - b 0.066666666667',
    'idle suspendTail a 0.666666666666',
  ]);
  expect(told(elapsedShare, beside)).toEqual([
    'direct - a 1.111111111111',
    'direct - b 0.222222222222',
  ]);
});

test('criterion 5: a statement over the full hour is allocated hour by hour', () => {
  const executions = [ran('a', 3000, 4800, { creditsPerHour: XSMALL })];
  const spans = [up(3000, 5400, { creditsPerHour: XSMALL })];
  expect(told(sweep, hour('0.166666666667', executions, spans))).toEqual([
    'direct - a 0.166666666667',
  ]);
  const eleven = { startsAt: TEN + 3_600_000 };
  expect(told(sweep, hour('0.500000000000', executions, spans, eleven))).toEqual([
    'direct - a 0.333333333333',
    'idle suspendTail a 0.166666666667',
  ]);
  expect(told(elapsedShare, hour('0.166666666667', executions, spans))).toEqual([
    'direct - a 0.166666666667',
  ]);
  expect(told(elapsedShare, hour('0.500000000000', executions, spans, eleven))).toEqual([
    'direct - a 0.500000000000',
  ]);
});

test('criterion 5: what is billed up to the first minute is a line of its own, with the statement that woke the warehouse', () => {
  const woken = hour(
    '0.016666666667',
    [ran('a', 0, 5, { creditsPerHour: XSMALL })],
    [up(0, 5, { creditsPerHour: XSMALL })],
  );
  expect(told(sweep, woken)).toEqual([
    'direct - a 0.001388888889',
    'resumeMinute - a 0.015277777778',
  ]);
  expect(told(elapsedShare, woken)).toEqual(['direct - a 0.016666666667']);
});

test.each<
  readonly [string, string, readonly [string, number, number, string][], number, readonly string[]]
>([
  [
    'two that overlap',
    '1.666666666667',
    [
      ['a', 0, 600, '0.5'],
      ['b', 300, 900, '0.5'],
    ],
    1500,
    ['direct - a 0.500000000000', 'direct - b 0.500000000000', 'idle suspendTail b 0.666666666667'],
  ],
  [
    'a short one beside a long one',
    '1.333333333333',
    [
      ['a', 0, 600, '0.6'],
      ['b', 300, 420, '0.066666667'],
    ],
    1200,
    ['direct - a 0.600000000000', 'direct - b 0.066666667000', 'idle suspendTail a 0.666666666333'],
  ],
])(
  'criterion 5: by Snowflake’s own figures %s have those, to the last digit told, and the tail has the rest',
  (_what, metered, statements, until, lines) => {
    const executions = statements.map(([id, from, to, credits]) =>
      ran(id, from, to, { attributedCredits: parseCredits(credits) }),
    );
    const figures = sumCredits(executions.flatMap((each) => each.attributedCredits ?? []));
    const of = hour(metered, executions, [up(0, until)], { attributedCredits: figures });
    expect(told(attributed, of)).toEqual(lines);
  },
);

test('gaps before, between and after executions, and a cluster nobody used, are told apart', () => {
  const gaps = hour(
    '4.000000000000',
    [ran('a', 600, 1200), ran('b', 1800, 2400)],
    [up(0, 3000), up(0, 600, { cluster: 2 })],
  );
  expect(told(sweep, gaps)).toEqual([
    'direct - a 0.666666666667',
    'direct - b 0.666666666666',
    'idle beforeFirst a 0.666666666667',
    'idle between a 0.666666666667',
    'idle suspendTail b 0.666666666667',
    'idle unused - 0.666666666666',
  ]);
});

test('criterion 6: a statement that did not come through Tollgate is bypass, and takes nothing from those beside it', () => {
  const beside = hour(
    '1.000000000000',
    [ran('a', 0, 900), ran('z', 0, 900, { isGoverned: false })],
    [up(0, 900)],
  );
  expect(told(sweep, beside)).toEqual(['direct - a 0.500000000000', 'bypass - z 0.500000000000']);
});

test('a resize starts other servers: what runs on the old ones does not share with what runs on the new', () => {
  const LARGE = parseCredits('8');
  const resized = hour(
    '3.000000000000',
    [ran('old', 0, 900), ran('new', 300, 1200, { creditsPerHour: LARGE })],
    [up(0, 900), up(300, 1200, { creditsPerHour: LARGE })],
  );
  expect(told(sweep, resized)).toEqual([
    'direct - new 2.000000000000',
    'direct - old 1.000000000000',
  ]);
});

test('criterion 3: a metered hour without a statement is idle, also where no events of the warehouse are known', () => {
  expect(told(sweep, hour('1.000000000000', [], [up(0, 900)]))).toEqual([
    'idle unused - 1.000000000000',
  ]);
  expect(told(sweep, hour('1.000000000000', [], null))).toEqual(['idle notKnown - 1.000000000000']);
  expect(told(elapsedShare, hour('1.000000000000', [], []))).toEqual([
    'idle unused - 1.000000000000',
  ]);
});

test('criterion 3: statements of no time weigh nothing, and what was metered stays visible', () => {
  const instant = [ran('a', 10, 10)];
  expect(told(sweep, hour('0.5', instant, null))).toEqual(['idle notKnown - 0.500000000000']);
  expect(told(elapsedShare, hour('0.5', instant, null))).toEqual([
    'idle notKnown - 0.500000000000',
  ]);
});

test('criterion 3: what events and statements do not explain is a line, not spread over anybody', () => {
  expect(told(sweep, hour('2.000000000000', [ran('a', 0, 900)], [up(0, 900)]))).toEqual([
    'direct - a 1.000000000000',
    'unexplained - - 1.000000000000',
  ]);
});

test('nobody pays for more than was metered', () => {
  const over = hour('0.5', [ran('a', 0, 900), ran('b', 900, 1800)], [up(0, 1800)]);
  expect(told(sweep, over)).toEqual(['direct - a 0.250000000000', 'direct - b 0.250000000000']);
});

test('by the figures of Snowflake short statements have one line, and a figure is split over its hours by time', () => {
  const executions = [
    ran('long', 3000, 4800, { attributedCredits: parseCredits('0.9') }),
    ran('short', 10, 10.05),
  ];
  const figures = { attributedCredits: parseCredits('0.35') };
  expect(told(attributed, hour('1.25', executions, null, figures))).toEqual([
    'direct - long 0.300000000000',
    'shortQuery - - 0.050000000000',
    'idle notKnown - 0.900000000000',
  ]);
  const eleven = { startsAt: TEN + 3_600_000, attributedCredits: null };
  expect(told(attributed, hour('0.5', executions, null, eleven))).toEqual([
    'direct - long 0.600000000000',
    'unexplained - - -0.100000000000',
  ]);
});

test('a figure is split over its hours by time, Snowflake’s hours by use: what one hour has too little the next has too much', () => {
  // Alone in the first half hour, beside another in the second: 2 and 1 of its 3 credits.
  const executions = [
    ran('long', 1800, 5400, { attributedCredits: parseCredits('3') }),
    ran('other', 3600, 5400, { attributedCredits: parseCredits('1') }),
  ];
  const figures = { attributedCredits: parseCredits('2') };
  expect(told(attributed, hour('2', executions, null, figures))).toEqual([
    'direct - long 1.500000000000',
    'shortQuery - - 0.500000000000',
  ]);
  const eleven = { startsAt: TEN + 3_600_000, ...figures };
  expect(told(attributed, hour('2', executions, null, eleven))).toEqual([
    'direct - long 1.500000000000',
    'direct - other 1.000000000000',
    'unexplained - - -0.500000000000',
  ]);
});

test('criterion 3: statements of an adaptive warehouse have their own figures; what is above them is of the small ones, below is in sight', () => {
  const queryCredits = [
    { queryId: 'a', isGoverned: true, credits: parseCredits('0.5') },
    { queryId: 'z', isGoverned: false, credits: parseCredits('0.25') },
    { queryId: 'runs', isGoverned: true, credits: parseCredits('0') },
  ];
  expect(told(perQuery, hour('1', [], null, { queryCredits }))).toEqual([
    'direct - a 0.500000000000',
    'bypass - z 0.250000000000',
    'shortQuery - - 0.250000000000',
  ]);
  expect(told(perQuery, hour('0.7', [], null, { queryCredits })).at(-1)).toBe(
    'unexplained - - -0.050000000000',
  );
  expect(told(perQuery, hour('0.75', [], null, { queryCredits }))).toHaveLength(2);
  expect(told(perQuery, hour('0.7', [], null, { queryCredits: [] }))).toEqual([
    'shortQuery - - 0.700000000000',
  ]);
});

test('an hour of more executions than a call may have arguments is allocated', () => {
  const executions = Array.from({ length: 150_000 }, (_, index) =>
    ran(`q${index}`, (index % 3_000) + 0.1, (index % 3_000) + 1.1),
  );
  const busy = hour('4', executions, [up(0, null)]);
  for (const method of [sweep, elapsedShare])
    expect(method.allocate(busy).length).toBeGreaterThanOrEqual(150_000);
});
