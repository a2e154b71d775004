/**
 * What a seeded month costs, calculated a second time: from the rows of the views alone, read by the real driver from
 * the real engine, with rates and rules written down here once more. Nothing of the warehouse's metering is used.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#base/assert.js';
import { silentLog } from '#base/log.js';
import { createEngine } from '../../../warehouse/engine/create-engine.js';
import type { RunningEngine } from '../../../warehouse/engine/create-engine.js';
import { startWarehouse } from '../../../warehouse/start-warehouse.js';
import type { RunningWarehouse } from '../../../warehouse/start-warehouse.js';
import { manualClock } from '../support/manual-clock.js';
import { connect } from '../support/snowflake.js';
import type { Client } from '../support/snowflake.js';

const AU = 'SNOWFLAKE.ACCOUNT_USAGE';
const HOUR_MS = 3_600_000;
const CREDIT = 10n ** 12n;
/** Credits an hour of one cluster, as Snowflake publishes them. */
const RATES: Readonly<Record<string, bigint>> = {
  'X-Small': 1n,
  Small: 2n,
  Medium: 4n,
  Large: 8n,
  'X-Large': 16n,
};

/** `12.5` as pico-credits. */
function pico(text: unknown): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(String(text));
  const [, sign = '', whole = '', fraction = ''] = must(match, `${String(text)} is a decimal`);
  const value = BigInt(whole) * CREDIT + BigInt(fraction.padEnd(12, '0'));
  return sign === '-' ? -value : value;
}

/** numerator ÷ denominator, halves to the even neighbour. */
function halfEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice < denominator) return quotient;
  return twice > denominator || quotient % 2n === 1n ? quotient + 1n : quotient;
}

/** A text; empty for NULL. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

interface EventRow {
  readonly at: number;
  readonly warehouse: string;
  readonly cluster: string;
  readonly name: string;
  readonly size: string;
}

/**
 * Pico-credits by `<hour> <warehouse>`. The rate of a cluster is cut into the levels between the rates of sizes; each level
 * is on while the rate is above it, costs a minute at least each time, and whole seconds.
 */
function costs(rows: readonly EventRow[]): ReadonlyMap<string, bigint> {
  const sizeOf = new Map(
    rows
      .filter(({ name }) => name === 'WAREHOUSE_CONSISTENT')
      .map(({ at, warehouse, size }) => [`${at} ${warehouse}`, size]),
  );
  const hours = new Map<string, bigint>();
  for (const warehouse of new Set(rows.map((row) => row.warehouse))) {
    const own = rows.filter((row) => row.warehouse === warehouse);
    const clusters = new Set(own.flatMap(({ cluster }) => (cluster === '' ? [] : [cluster])));
    for (const cluster of clusters) {
      const onSince: { readonly at: number; readonly from: bigint; readonly to: bigint }[] = [];
      let rate = 0n;
      for (const { at, name, cluster: of } of own) {
        const size = must(sizeOf.get(`${at} ${warehouse}`), 'every start is closed');
        let next = rate;
        if (name === 'RESUME_CLUSTER' && of === cluster) next = must(RATES[size], size);
        if (name === 'SUSPEND_CLUSTER' && of === cluster) next = 0n;
        if (name === 'RESIZE_WAREHOUSE' && rate > 0n) next = must(RATES[size], size);
        while (rate > next) {
          const level = must(onSince.pop(), 'a level that is on');
          const from = level.from > next ? level.from : next;
          bill(hours, warehouse, level.at, at, level.to - from);
          if (from > level.from) onSince.push({ ...level, to: from });
          rate = from;
        }
        if (next > rate) onSince.push({ at, from: rate, to: next });
        rate = next;
      }
      expect(onSince).toEqual([]);
    }
  }
  return hours;
}

function bill(
  hours: Map<string, bigint>,
  warehouse: string,
  from: number,
  to: number,
  rate: bigint,
): void {
  const until = from + Math.max(60_000, Math.ceil((to - from) / 1000) * 1000);
  for (let at = from; at < until;) {
    const hour = Math.floor(at / HOUR_MS) * HOUR_MS;
    const end = Math.min(until, hour + HOUR_MS);
    const key = `${hour} ${warehouse}`;
    // An hour is what the span costs up to its end less what it costs up to its start, so that hours add up to the span.
    const upTo = (instant: number): bigint =>
      halfEven(rate * CREDIT * BigInt(instant - from), BigInt(HOUR_MS));
    hours.set(key, (hours.get(key) ?? 0n) + upTo(end) - upTo(at));
    at = end;
  }
}

describe('a seeded month adds up', () => {
  let dataDir: string;
  let engine: RunningEngine;
  let warehouse: RunningWarehouse;
  let admin: Client;
  let seeded: Record<string, unknown>;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tollgate-conservation-'));
    engine = await createEngine({
      dataDir: join(dataDir, 'engine'),
      log: silentLog,
      demoWorld: false,
    });
    warehouse = await startWarehouse({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      clock: manualClock(Date.UTC(2026, 10, 5)),
      engine,
      log: silentLog,
    });
    const password = (await readFile(join(dataDir, 'service-user-password'), 'utf8')).trim();
    admin = await connect(warehouse.port, { username: 'TOLLGATE_SERVICE', password });
    const { rows } = await admin.query("CALL SYSTEM$SEED_MONTH('2026-10', 'conservation', 150)");
    seeded = must(rows[0], 'one row');
  }, 120_000);
  afterAll(async () => {
    await warehouse.stop(AbortSignal.abort());
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const rowsOf = async (sql: string): Promise<readonly Record<string, unknown>[]> =>
    (await admin.query(sql)).rows;
  const hourOf = (row: Record<string, unknown>): string =>
    `${Number(row['S']) * 1000} ${String(row['WAREHOUSE_NAME'])}`;

  test('uptime by the rows of events × rate is what each hour of each warehouse is metered', async () => {
    const events = await rowsOf(
      `SELECT DATE_PART(EPOCH_MILLISECOND, TIMESTAMP)::VARCHAR AS MS, WAREHOUSE_NAME, CLUSTER_NUMBER::VARCHAR AS C,
              EVENT_NAME, SIZE FROM ${AU}.WAREHOUSE_EVENTS_HISTORY ORDER BY TIMESTAMP`,
    );
    expect(events.some((row) => row['C'] === '2')).toBe(true);
    expect(events.some((row) => row['EVENT_NAME'] === 'RESIZE_WAREHOUSE')).toBe(true);
    const expected = costs(
      events.map((row) => ({
        at: Number(row['MS']),
        warehouse: String(row['WAREHOUSE_NAME']),
        cluster: textOf(row['C']),
        name: String(row['EVENT_NAME']),
        size: textOf(row['SIZE']),
      })),
    );
    const metered = await rowsOf(
      `SELECT DATE_PART(EPOCH_SECOND, START_TIME)::VARCHAR AS S, WAREHOUSE_NAME, CREDITS_USED_COMPUTE::VARCHAR AS C
         FROM ${AU}.WAREHOUSE_METERING_HISTORY WHERE WAREHOUSE_NAME <> 'CLOUD_SERVICES_ONLY'`,
    );
    expect(metered.length).toBeGreaterThan(1_500);
    expect(Object.fromEntries(metered.map((row) => [hourOf(row), pico(row['C'])]))).toEqual(
      Object.fromEntries(expected),
    );
    // The last minute's minimum charge is the next month's.
    expect(expected.get(`${Date.UTC(2026, 10, 1)} BATCH_WH`)).toBeGreaterThan(0n);
    const total = [...expected.values()].reduce((sum, one) => sum + one, 0n);
    expect(total).toBe(pico(seeded['COMPUTE_CREDITS']));
  });

  test('hours add up to days, days to what is billed, in every view that tells of them', async () => {
    const hours = await rowsOf(
      `SELECT TO_CHAR(DATE_TRUNC('day', START_TIME), 'YYYY-MM-DD') AS D, SUM(CREDITS_USED_COMPUTE)::VARCHAR AS W,
              SUM(CREDITS_USED_CLOUD_SERVICES)::VARCHAR AS CS FROM ${AU}.WAREHOUSE_METERING_HISTORY
        WHERE START_TIME < '2026-11-02' GROUP BY 1 ORDER BY 1`,
    );
    const daily = `SELECT TO_CHAR(USAGE_DATE, 'YYYY-MM-DD') AS D, CREDITS_USED_COMPUTE::VARCHAR AS W,
        CREDITS_USED_CLOUD_SERVICES::VARCHAR AS CS, CREDITS_USED::VARCHAR AS U,
        CREDITS_ADJUSTMENT_CLOUD_SERVICES::VARCHAR AS A, CREDITS_BILLED::VARCHAR AS B`;
    // What this test itself asks is of another day.
    const seededDays = `WHERE USAGE_DATE < '2026-11-02'`;
    const days = await rowsOf(
      `${daily} FROM ${AU}.METERING_DAILY_HISTORY ${seededDays} ORDER BY 1`,
    );
    expect(days.length).toBeGreaterThan(30);
    expect(days.map((day) => [day['D'], day['W'], day['CS']])).toEqual(
      hours.map((day) => [day['D'], day['W'], day['CS']]),
    );
    for (const day of days) {
      const [compute, services] = [pico(day['W']), pico(day['CS'])];
      const tenth = halfEven(compute, 10n);
      const adjustment = -(services < tenth ? services : tenth);
      expect([pico(day['U']), pico(day['A']), pico(day['B'])]).toEqual([
        compute + services,
        adjustment,
        compute + services + adjustment,
      ]);
    }
    const organization = 'SNOWFLAKE.ORGANIZATION_USAGE';
    expect(
      await rowsOf(`${daily} FROM ${organization}.METERING_DAILY_HISTORY ${seededDays} ORDER BY 1`),
    ).toEqual(days);
    const money = await rowsOf(
      `SELECT TO_CHAR(USAGE_DATE, 'YYYY-MM-DD') AS D, USAGE_IN_CURRENCY::VARCHAR AS M FROM ${organization}.USAGE_IN_CURRENCY_DAILY
        WHERE USAGE_TYPE = 'compute' ORDER BY 1`,
    );
    const compute = days.filter((day) => pico(day['W']) > 0n);
    expect(money).toEqual(
      compute.map((day) => {
        const cents = halfEven(pico(day['W']) * 300n, CREDIT);
        return { D: day['D'], M: `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}` };
      }),
    );
  });

  test('what is attributed is at most what is metered, and its parts add up to it', async () => {
    const hours = await rowsOf(
      `SELECT DATE_PART(EPOCH_SECOND, START_TIME)::VARCHAR AS S, WAREHOUSE_NAME, CREDITS_USED_COMPUTE::VARCHAR AS C,
              CREDITS_ATTRIBUTED_COMPUTE_QUERIES::VARCHAR AS A FROM ${AU}.WAREHOUSE_METERING_HISTORY`,
    );
    const byHour = new Map(hours.map((row) => [hourOf(row), pico(row['A'])]));
    for (const row of hours) expect(pico(row['A'])).toBeLessThanOrEqual(pico(row['C']));
    const statements = await rowsOf(
      `SELECT q.QUERY_ID, a.WAREHOUSE_NAME, a.CREDITS_ATTRIBUTED_COMPUTE::VARCHAR AS A, q.EXECUTION_TIME,
              DATE_PART(EPOCH_MILLISECOND, q.END_TIME)::VARCHAR AS E
         FROM ${AU}.QUERY_ATTRIBUTION_HISTORY a JOIN ${AU}.QUERY_HISTORY q ON q.QUERY_ID = a.QUERY_ID`,
    );
    expect(statements.length).toBeGreaterThan(3_000);
    const parts = new Map<string, bigint>();
    const crossed = new Set<string>();
    let total = 0n;
    for (const row of statements) {
      const endsAt = Number(row['E']);
      const first = Math.floor((endsAt - Number(row['EXECUTION_TIME'])) / HOUR_MS) * HOUR_MS;
      const last = Math.floor((endsAt - 1) / HOUR_MS) * HOUR_MS;
      const name = String(row['WAREHOUSE_NAME']);
      total += pico(row['A']);
      for (let hour = first; hour <= last && first < last; hour += HOUR_MS)
        crossed.add(`${hour} ${name}`);
      const key = `${first} ${name}`;
      parts.set(key, (parts.get(key) ?? 0n) + pico(row['A']));
    }
    expect(total).toBe([...byHour.values()].reduce((sum, one) => sum + one, 0n));
    const whole = [...parts].filter(([key]) => !crossed.has(key));
    expect(whole.length).toBeGreaterThan(500);
    for (const [key, sum] of whole) expect(byHour.get(key)).toBe(sum);
  });

  test('the history has every statement that was seeded, with and without the tag of the proxy', async () => {
    const [row] = await rowsOf(
      `SELECT COUNT(*) AS N, COUNT_IF(QUERY_TAG = '') AS DIRECT, COUNT_IF(QUERY_TAG LIKE '{"tg":"%') AS TAGGED,
              COUNT(DISTINCT QUERY_ID) AS IDS, COUNT_IF(EXECUTION_STATUS = 'FAIL') AS FAILED
         FROM ${AU}.QUERY_HISTORY WHERE START_TIME < '2026-11-01'`,
    );
    const { N, DIRECT, TAGGED, IDS, FAILED } = must(row, 'one row');
    expect(N).toBe(Number(seeded['STATEMENTS']));
    expect(IDS).toBe(N);
    expect(Number(DIRECT) + Number(TAGGED)).toBe(N);
    expect(Number(DIRECT)).toBeGreaterThan(1000);
    expect(Number(FAILED)).toBeGreaterThan(10);
  });
});
