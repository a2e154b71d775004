import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { accuracyOf, judge } from '../../bench/estimates/accuracy.js';
import { runBaselines } from '../../bench/estimates/baselines.js';
import { SharedCluster } from '../../bench/estimates/cluster.js';
import { COLUMNS, lineOf } from '../../bench/estimates/csv.js';
import { Draw } from '../../bench/estimates/draw.js';
import { playHistory } from '../../bench/estimates/generate.js';
import type { GeneratedHistory } from '../../bench/estimates/generate.js';
import { pooledHolds, runHoldStrategies } from '../../bench/estimates/hold-strategies.js';
import {
  CONCURRENCY_MAX,
  PROFILES,
  PROFILE_NAMES,
  WAREHOUSES,
} from '../../bench/estimates/profile.js';
import type { Profile } from '../../bench/estimates/profile.js';
import { CsvReader } from '../../bench/estimates/read-csv.js';
import { JUDGING_SEEDS, TUNING_SEEDS } from '../../bench/estimates/seeds.js';
import type { Ended } from '../../bench/estimates/simulation.js';
import { repeatedIds } from '../../bench/estimates/truth.js';
import type { HistoryRow } from '../../bench/estimates/truth.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { ROOT } from '../tidy/tree.js';

/** Few sources, so that a day of theirs is made in milliseconds, and more at once than clusters take. */
const CROWDED: Profile = {
  ...PROFILES.shared,
  perDay: 1_800,
  shares: { tile: 0.7, report: 0.1, adhoc: 0.1, build: 0.05, load: 0.02, free: 0.03 },
  streams: [32],
};

function played(
  seed: number,
  rows: number,
  profile: Profile = CROWDED,
): { readonly statements: readonly Ended[]; readonly history: GeneratedHistory } {
  const statements: Ended[] = [];
  const history = playHistory(profile, { seed, rows }, (ended) => statements.push(ended));
  return { statements, history };
}

function digest(statements: readonly Ended[]): string {
  const hash = createHash('sha256');
  for (const each of statements) hash.update(lineOf(each, { seed: 1, hasCredits: true }));
  return hash.digest('hex');
}

describe('seeds', () => {
  test('for tuning and for judging are disjoint', () => {
    const tuning: readonly number[] = TUNING_SEEDS;
    expect(JUDGING_SEEDS.filter((seed) => tuning.includes(seed))).toEqual([]);
    expect(new Set([...TUNING_SEEDS, ...JUDGING_SEEDS]).size).toBe(
      TUNING_SEEDS.length + JUDGING_SEEDS.length,
    );
  });

  test('of the page are the judging ones', () => {
    const page = `${ROOT}/docs/estimates.md`;
    expect(existsSync(page)).toBe(true);
    const named = /^- Seeds (.+), \d+ statements a file/m.exec(readFileSync(page, 'utf8'))?.[1];
    expect(named).toBe(JUDGING_SEEDS.join(', '));
  });
});

describe('a generated history', () => {
  const crowded = played(7, 1_200);

  test('has the same bytes for the same seed and others for another', () => {
    const made = (seed: number): string =>
      digest(played(seed, 150, { ...CROWDED, perDay: 200 }).statements);
    expect(made(7)).toBe(made(7));
    expect(made(8)).not.toBe(made(7));
  });

  test.each(PROFILE_NAMES)('of profile %s has as many rows as asked for, in order', (profile) => {
    const { statements } = played(7, 100, { ...PROFILES[profile], perDay: 300 });
    expect(statements).toHaveLength(100);
    expect(statements.map(({ number }) => number)).toEqual([...statements.keys()]);
    for (const [index, { startedAt }] of statements.entries())
      expect(startedAt).toBeGreaterThanOrEqual(statements[index - 1]?.startedAt ?? 0);
  });

  test('has times that add up, and shares that sum to the time its clusters were busy', () => {
    const { statements, history } = crowded;
    const shares = new Map<string, number>();
    for (const each of statements) {
      const { compileMs, provisioningMs, queuedMs, executionMs, startedAt, endedAt } = each;
      expect(queuedMs).toBeGreaterThanOrEqual(0);
      expect(startedAt + compileMs + provisioningMs + queuedMs + executionMs).toBe(endedAt);
      // Whole milliseconds: a share is of the exact time.
      expect(each.shareMs).toBeLessThanOrEqual(executionMs + 1);
      const { warehouse } = each.arrival;
      shares.set(warehouse, (shares.get(warehouse) ?? 0) + each.shareMs);
    }
    for (const [warehouse, busyMs] of history.busyMs)
      expect(shares.get(warehouse)).toBeCloseTo(busyMs, 0);
    expect(Math.max(...statements.map(({ queuedMs }) => queuedMs))).toBeGreaterThan(0);
  });

  test('never has more on a cluster than it takes, and credits that its times imply', () => {
    const edges = crowded.statements
      .filter(({ cluster }) => cluster !== null)
      .flatMap((statement) => {
        const { endedAt, executionMs } = statement;
        return [
          { statement, at: endedAt - executionMs, change: 1 },
          { statement, at: endedAt, change: -1 },
        ];
      })
      .sort((a, b) => a.at - b.at || a.change - b.change);
    const clusters = new Map<string, { running: number; shared: number; at: number }>();
    const sharedAtStart = new Map<number, number>();
    let most = 0;
    for (const { statement, at, change } of edges) {
      const { arrival, cluster, number } = statement;
      const place = `${arrival.warehouse} ${cluster}`;
      const state = clusters.get(place) ?? { running: 0, shared: 0, at };
      clusters.set(place, state);
      if (state.running > 0) state.shared += (at - state.at) / state.running;
      state.at = at;
      state.running += change;
      most = Math.max(most, state.running);
      if (change === 1) sharedAtStart.set(number, state.shared);
      // The file has whole milliseconds, and every neighbour's edge may be off by half a one.
      else
        expect(
          Math.abs(state.shared - (sharedAtStart.get(number) ?? NaN) - statement.shareMs),
        ).toBeLessThan(5);
    }
    // A successor may begin in the millisecond of an end.
    expect(most).toBeLessThanOrEqual(CONCURRENCY_MAX + 1);
    expect(most).toBeGreaterThan(4);
  });

  test('runs one statement at once on a warehouse where it is uncontended', () => {
    const { statements } = played(7, 400, { ...PROFILES.uncontended, perDay: 300 });
    const busyUntil = new Map<string, number>();
    for (const { arrival, cluster, startedAt, endedAt, queuedMs } of statements) {
      if (cluster === null) continue;
      expect(startedAt).toBeGreaterThanOrEqual(busyUntil.get(arrival.warehouse) ?? 0);
      expect(queuedMs).toBe(0);
      busyUntil.set(arrival.warehouse, endedAt);
    }
  });

  test('of streams runs its templates one after the other, each with other literals', () => {
    const { statements } = played(7, 700, { ...PROFILES.individual, perDay: 700 });
    const texts = new Map<string, Set<string>>();
    for (const [index, { arrival, startedAt, queuedMs }] of statements.entries()) {
      expect(arrival.warehouse).toBe('BATCH_WH');
      expect(queuedMs).toBe(0);
      expect(startedAt).toBeGreaterThan(statements[index - 1]?.endedAt ?? 0);
      const known = texts.get(arrival.shape.id) ?? new Set();
      texts.set(arrival.shape.id, known.add(arrival.text));
    }
    const most = Math.max(...[...texts.values()].map(({ size }) => size));
    expect(texts.size).toBeLessThan(statements.length / 3);
    expect(most).toBeGreaterThan(3);
  });

  test('is of the people and warehouses of the demo', () => {
    const document = demoControlDocument();
    const users = new Set(document.mapping.map(({ match }) => match.snowflakeUser));
    const warehouses = new Map(document.warehouses.map(({ name, size }) => [name, size]));
    const cells = new Map<string, string>();
    const reader = new CsvReader((row) => {
      row.forEach((cell, index) => cells.set(COLUMNS[index] ?? '?', cell));
      expect(row).toHaveLength(COLUMNS.length);
      expect(users).toContain(cells.get('USER_NAME'));
    });
    for (const each of crowded.statements.slice(0, 300))
      reader.add(lineOf(each, { seed: 7, hasCredits: true }));
    for (const { name, label } of WAREHOUSES)
      expect(warehouses.get(name)).toBe(label.toUpperCase().replace('-', ''));
  });

  test('leaves attributed credits out where it is asked to', () => {
    const [first] = crowded.statements;
    expect(first && lineOf(first, { seed: 7, hasCredits: false })).toMatch(/,[0-9a-f]{32},\n$/);
  });
});

describe('a shared cluster', () => {
  test('slows its statements evenly and gives each its part of every instant', () => {
    const cluster = new SharedCluster<string>(1);
    cluster.begin('long', 100, 0);
    cluster.begin('short', 20, 50);
    expect(cluster.nextEndAt()).toBe(90);
    expect(cluster.end()).toEqual({ job: 'short', at: 90, shareMs: 20 });
    // 50 alone, 20 of the 40 that were shared, 30 alone.
    expect(cluster.end()).toEqual({ job: 'long', at: 120, shareMs: 100 });
    expect(cluster.nextEndAt()).toBe(Infinity);
    expect(cluster.busyMs).toBe(120);
  });

  test('runs as many as it has room for at full speed, each paying half', () => {
    const cluster = new SharedCluster<string>(2);
    cluster.begin('one', 100, 0);
    cluster.begin('two', 100, 0);
    expect(cluster.end()).toEqual({ job: 'one', at: 100, shareMs: 50 });
    expect(cluster.end()).toEqual({ job: 'two', at: 100, shareMs: 50 });
  });
});

function row(
  queryId: string,
  shape: string,
  from: number,
  to: number,
  credits: number,
): HistoryRow {
  return {
    queryId,
    shape,
    warehouse: 'STANDARD_WH',
    startedAt: from,
    endedAt: to,
    wallSeconds: to - from,
    credits,
    isMeasured: true,
  };
}

describe('baselines', () => {
  const history = [
    row('a', 'x', 0, 10, 1),
    // Starts before the first has ended: nobody knows anything yet.
    row('b', 'x', 5, 30, 4),
    row('c', 'x', 20, 22, 2),
    row('d', 'x', 40, 41, 8),
    row('e', 'y', 50, 51, 8),
  ];

  test('know of a statement only when it has ended', () => {
    const { measured, errors } = runBaselines(history, (each) => each.credits);
    expect(measured).toBe(5);
    // c sees a; d sees a, c, b in the order of their ends.
    expect(errors['last value']).toEqual([2, 2]);
    expect(errors['running median']).toEqual([2, 4]);
    const mean = 0.7 * (0.3 * Math.log(2)) + 0.3 * Math.log(4);
    expect(errors['log-EWMA(0.3)'][1]).toBeCloseTo(8 / Math.exp(mean), 9);
    expect([...repeatedIds(history)]).toEqual(['c', 'd']);
  });

  test('learn nothing from what did not run to its end', () => {
    const failed = history.map((each) => ({ ...each, isMeasured: each.queryId === 'd' }));
    expect(runBaselines(failed, (each) => each.credits).errors['last value']).toEqual([]);
  });

  test('hold by what had ended, each in its way', () => {
    const holds = runHoldStrategies(history, (each) => each.credits);
    // c is held by a alone (1 of 2: missed), d by 1, 2 and 4, of which no quantile is 8.
    expect(holds['p90 of the last 50']).toEqual({ statements: 2, covered: 0, held: 5, actual: 10 });
    expect(holds['greatest of the last 20']).toMatchObject({ covered: 0, held: 5 });
    const [mean, sigma] = [Math.log(2), Math.log(2) * Math.sqrt(2 / 3)];
    expect(holds['log-normal + 1.28 σ'].held).toBeCloseTo(1 + Math.exp(mean + 1.28 * sigma), 9);
    // c missed what θ held of it: it is a twentieth larger for d, less the half per cent of every statement.
    const average = 0.7 * (0.3 * Math.log(2)) + 0.3 * Math.log(4);
    const factor = Math.exp(0.05 * 0.9);
    expect(holds['log-EWMA(0.3) × θ'].held).toBeCloseTo(1 + factor * Math.exp(average), 9);
  });

  test('hold with θ what nine of ten stay within, whatever the noise', () => {
    const draw = new Draw(3);
    const noisy = Array.from({ length: 4_000 }, (_, index) =>
      row(`n${index}`, `s${index % 20}`, index, index + 0.5, draw.spread(1 + (index % 20), 0.4)),
    );
    const holds = runHoldStrategies(noisy, (each) => each.credits);
    const { covered, statements } = holds['log-EWMA(0.3) × θ'];
    expect(statements).toBe(3_980);
    expect(covered / statements).toBeGreaterThan(0.89);
    expect(covered / statements).toBeLessThan(0.91);
    const twice = pooledHolds([holds, holds])['log-EWMA(0.3) × θ'];
    expect(twice).toMatchObject({ statements: 2 * statements, covered: 2 * covered });
  });

  test('are joined by predictions, by id, with what was held', () => {
    const predictions = new Map([
      ['c', { basis: 'HISTORY', expectedCredits: 1, holdCredits: 3 }],
      ['d', { basis: 'HISTORY', expectedCredits: 4, holdCredits: 5 }],
    ]);
    const { judged, missing } = judge(history, predictions);
    expect(missing).toBe(3);
    const accuracy = accuracyOf(judged);
    expect(accuracy).toMatchObject({ rows: 2, p50: 2, p90: 2, coverage: 0.5, heldOverActual: 0.8 });
    // The tenth expected to cost most is d, which took more than was held.
    expect(accuracy.dearestCoverage).toBe(0);
  });
});

describe('reading CSV', () => {
  test('keeps quotes, commas and line breaks in cells, wherever the pieces are cut', () => {
    const text = 'a,"b, ""c""\nd",,e\r\n"",1,2,3\n';
    const expected = [
      ['a', 'b, "c"\nd', '', 'e'],
      ['', '1', '2', '3'],
    ];
    for (let cut = 0; cut <= text.length; cut += 1) {
      const rows: (readonly string[])[] = [];
      const reader = new CsvReader((cells) => rows.push(cells));
      reader.add(text.slice(0, cut));
      reader.add(text.slice(cut));
      reader.end();
      expect(rows).toEqual(expected);
    }
  });
});
