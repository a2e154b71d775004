import { describe, expect, test } from 'vitest';
import { clusterSpans, constraintsOf } from '../../../billing/usage/cluster-spans.js';
import type { WarehouseEventRow } from '../../../billing/usage/cluster-spans.js';
import { SESSIONS } from '../../../billing/usage/account-views.js';
import { rowReader } from '../../../billing/usage/usage-rows.js';
import { parseCredits } from '../../../base/units.js';

describe('a row of a view', () => {
  test('gives credits as decimals of twelve places, whatever form they come in', () => {
    const read = rowReader('V', { A: '1.2e-05', B: '0.1234567890125', C: '-3.75', D: null });
    expect(read.credits('A')).toBe('0.000012');
    // Half to even at the thirteenth decimal.
    expect(read.credits('B')).toBe('0.123456789012');
    expect(read.signed('C')).toBe('-3.75');
    expect(rowReader('V', { A: '-0.0' }).credits('A')).toBe('0.0');
    expect(read.credits('D')).toBe('0');
    expect(read.creditsOrNull('D')).toBeNull();
  });

  test.each([
    ['credits', 'A', { A: 'NaN' }, 'V.A is no amount of credits such as 1.25: NaN'],
    ['credits', 'A', { A: '1.5.2' }, 'V.A is no amount of credits such as 1.25: 1.5.2'],
    ['credits', 'A', { A: '9'.repeat(30) }, 'V.A is no amount of credits such as 1.25: 9999'],
    ['credits', 'A', { A: '-1e-9' }, 'V.A is negative: -0.000000001'],
    [
      'instant',
      'A',
      { A: 'yesterday' },
      'V.A is no time such as 2026-10-01 12:00:00 +0000: yesterday',
    ],
    ['hour', 'A', { A: '1790000000000' }, 'V.A does not begin an hour of UTC: 2026-09-21T'],
    ['text', 'A', {}, 'V.A is missing'],
    ['text', 'A', { A: null }, 'V.A is NULL'],
    ['whole', 'A', { A: '12.5' }, 'V.A is no whole number: 12.5'],
  ] as const)(
    'that cannot be read as %s is refused by view, column and value',
    (form, column, row, why) => {
      expect(() => rowReader('V', row)[form](column)).toThrow(why);
    },
  );
});

describe('who opened a session', () => {
  const clientOf = (driver: string | null, environment: string | null): unknown =>
    SESSIONS.toRow(
      rowReader('SESSIONS', {
        SESSION_ID: '1',
        CREATED_ON: '1790000000000',
        USER_NAME: 'EVE',
        CLIENT_APPLICATION_ID: driver,
        CLIENT_ENVIRONMENT: environment,
      }),
    )['client'];

  test.each([
    [
      'JDBC 4.0.2',
      '{"APPLICATION":"DBeaver_DBeaver","OS":"Linux"}',
      'DBeaver_DBeaver (JDBC 4.0.2)',
    ],
    ['PythonConnector 4.8.1', '{"APPLICATION":"PythonConnector"}', 'PythonConnector 4.8.1'],
    ['JDBC 4.0.2', '{"OS":"Linux"}', 'JDBC 4.0.2'],
    ['JDBC 4.0.2', 'null', 'JDBC 4.0.2'],
    ['JDBC 4.0.2', '{"APPLICATION":7}', 'JDBC 4.0.2'],
    ['JDBC 4.0.2', '{"APPLICATION":" "}', 'JDBC 4.0.2'],
    ['JDBC 4.0.2', '{cut off', 'JDBC 4.0.2'],
    ['JDBC 4.0.2', null, 'JDBC 4.0.2'],
    [null, '{"APPLICATION":"AIRFLOW"}', 'AIRFLOW'],
    [null, null, null],
  ])('of %s with %s is %s', (driver, environment, client) => {
    expect(clientOf(driver, environment)).toBe(client);
  });
});

describe('spans of clusters', () => {
  const RATES: Readonly<Record<string, string>> = { 'X-Small': '1', Small: '2', Medium: '4' };
  const rateOf = (size: string): ReturnType<typeof parseCredits> | undefined =>
    RATES[size] === undefined ? undefined : parseCredits(RATES[size]);
  const event = (
    at: number,
    name: string,
    cluster = -1,
    size: string | null = null,
  ): WarehouseEventRow => ({ at, name, cluster, size, resourceConstraint: null });

  test('a cluster is up from its start to its stop, at the size that the next consistent row tells', () => {
    expect(
      clusterSpans(
        [
          event(1000, 'RESUME_WAREHOUSE'),
          event(1000, 'RESUME_CLUSTER', 1),
          event(1000, 'WAREHOUSE_CONSISTENT', -1, 'Small'),
          event(2000, 'SPINUP_CLUSTER', 2),
          event(2000, 'WAREHOUSE_CONSISTENT', -1, 'Small'),
          event(3000, 'SPINDOWN_CLUSTER', 2),
          event(4000, 'SUSPEND_WAREHOUSE'),
        ],
        rateOf,
      ),
    ).toEqual([
      {
        cluster: 2,
        startsAt: 2000,
        endsAt: 3000,
        creditsPerHour: parseCredits('2'),
        minimumMs: 60_000,
      },
      {
        cluster: 1,
        startsAt: 1000,
        endsAt: 4000,
        creditsPerHour: parseCredits('2'),
        minimumMs: 60_000,
      },
    ]);
  });

  test('a resize ends a span and begins one at the new size, and what has not stopped is up still', () => {
    expect(
      clusterSpans(
        [
          event(1000, 'RESUME_CLUSTER', 1),
          event(1000, 'WAREHOUSE_CONSISTENT', -1, 'Small'),
          event(2000, 'RESIZE_WAREHOUSE'),
          event(2000, 'WAREHOUSE_CONSISTENT', -1, 'Medium'),
        ],
        rateOf,
      ),
    ).toEqual([
      {
        cluster: 1,
        startsAt: 1000,
        endsAt: 2000,
        creditsPerHour: parseCredits('2'),
        minimumMs: 0,
      },
      {
        cluster: 1,
        startsAt: 2000,
        endsAt: null,
        creditsPerHour: parseCredits('4'),
        minimumMs: 60_000,
      },
    ]);
  });

  test('a start whose size nothing tells, or that has no rate, has none; the spans beside it have theirs', () => {
    const unsized = [event(1000, 'RESUME_CLUSTER', 1)];
    const span = { cluster: 1, startsAt: 1000, endsAt: null, minimumMs: 60_000 };
    expect(clusterSpans(unsized, rateOf)).toEqual([{ ...span, creditsPerHour: null }]);
    const adaptive = event(1000, 'WAREHOUSE_CONSISTENT', -1, 'ADAPTIVE');
    expect(clusterSpans([...unsized, adaptive], rateOf)).toEqual([
      { ...span, creditsPerHour: null },
    ]);
    const [first, second] = clusterSpans(
      [
        event(100, 'RESUME_CLUSTER', 1),
        event(100, 'WAREHOUSE_CONSISTENT', -1, 'Small'),
        event(900, 'SUSPEND_CLUSTER', 1),
        ...unsized,
      ],
      rateOf,
    );
    expect(first?.creditsPerHour).toBe(parseCredits('2'));
    expect(second?.creditsPerHour).toBeNull();
  });

  test('the memory or generation of an instant is what its start or resize says, not what came later', () => {
    const sized = (at: number, constraint: string): WarehouseEventRow => ({
      ...event(at, 'WAREHOUSE_CONSISTENT', -1, 'Small'),
      resourceConstraint: constraint,
    });
    const at = constraintsOf([
      event(1000, 'RESUME_CLUSTER', 1),
      sized(1001, 'STANDARD_GEN_1'),
      event(2000, 'SUSPEND_CLUSTER', 1),
      sized(2000, 'STANDARD_GEN_1'),
      event(3000, 'RESUME_CLUSTER', 1),
      sized(3005, 'STANDARD_GEN_2'),
    ]);
    expect([500, 1000, 2999, 3000, 9000].map(at)).toEqual([
      'STANDARD_GEN_1',
      'STANDARD_GEN_1',
      'STANDARD_GEN_1',
      'STANDARD_GEN_2',
      'STANDARD_GEN_2',
    ]);
    expect(constraintsOf([])(1000)).toBeNull();
  });
});
