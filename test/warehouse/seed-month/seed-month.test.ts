import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#base/assert.js';
import { openUsers } from '../../../warehouse/identity/users.js';
import { EventLog } from '../../../warehouse/metering/event-log.js';
import type {
  EventRecord,
  StatementEnded,
  StatementStarted,
  WarehouseEvent,
} from '../../../warehouse/metering/events.js';
import { importSeededMonth } from '../../../warehouse/seed-month/import-month.js';
import { seedMonth } from '../../../warehouse/seed-month/seed-month.js';
import { analystOf, SEEDED_TEAMS } from '../../../warehouse/seed-month/teams.js';
import { manualClock } from '../support/manual-clock.js';

const STARTS_AT = Date.UTC(2026, 9, 1);
const ENDS_AT = Date.UTC(2026, 10, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const OPTIONS = { month: '2026-10', seed: 'test', statementsPerDay: 400 };

const digest = (records: Iterable<EventRecord>): string => {
  const hash = createHash('sha256');
  for (const record of records) hash.update(JSON.stringify(record));
  return hash.digest('hex');
};

describe('a seeded month', () => {
  let records: readonly EventRecord[];
  let events: readonly WarehouseEvent[];
  let statements: readonly { readonly started: StatementStarted; readonly ended: StatementEnded }[];

  beforeAll(() => {
    records = [...seedMonth(OPTIONS)];
    events = records.flatMap((record) => (record.type === 'warehouse' ? [record] : []));
    const started = new Map<string, StatementStarted>();
    statements = records.flatMap((record) => {
      if (record.type === 'started') started.set(record.id, record);
      return record.type === 'ended'
        ? [{ started: must(started.get(record.id), 'it started before'), ended: record }]
        : [];
    });
    expect(statements).toHaveLength(started.size);
    expect(statements.length).toBeGreaterThan(8_000);
  });

  test('has the same bytes for the same seed and others for another', () => {
    const small = { ...OPTIONS, statementsPerDay: 40 };
    expect(digest(seedMonth(small))).toBe(digest(seedMonth(small)));
    expect(digest(seedMonth(small))).not.toBe(digest(seedMonth({ ...small, seed: 'other' })));
  });

  test('is in order of time and inside the month, its edges included', () => {
    for (const [index, record] of records.entries())
      expect(record.at).toBeGreaterThanOrEqual(records[index - 1]?.at ?? STARTS_AT);
    expect(statements[0]?.started.at).toBeLessThan(STARTS_AT + DAY_MS);
    expect(records.some(({ at, type }) => at === STARTS_AT && type === 'started')).toBe(true);
    expect(records.at(-1)?.at).toBe(ENDS_AT - 1);
    // The last start is billed a minute, part of which is in the next month.
    const last = events.findLast(({ event }) => event === 'RESUMED');
    expect(must(last, 'a start').at).toBeGreaterThan(ENDS_AT - 60_000);
  });

  test('no statement is on a cluster that does not run, and all are suspended in the end', () => {
    const runningSince = new Map<string, number>();
    const uptimes = new Map<string, (readonly [number, number])[]>();
    for (const { at, warehouse, cluster, event } of events) {
      const key = `${warehouse} ${cluster}`;
      if (event === 'RESUMED') {
        expect(runningSince.has(key)).toBe(false);
        runningSince.set(key, at);
      }
      if (event !== 'SUSPENDED') continue;
      const own = uptimes.get(key) ?? [];
      own.push([must(runningSince.get(key), 'it ran'), at]);
      uptimes.set(key, own);
      runningSince.delete(key);
    }
    expect(runningSince.size).toBe(0);
    let looked = 0;
    for (const { ended } of statements) {
      if (ended.warehouse === null) continue;
      const own = must(uptimes.get(`${ended.warehouse} ${String(ended.cluster)}`), 'it had uptime');
      const up = own.find(([from, to]) => from <= ended.runningSince && ended.at <= to);
      expect(up).toBeDefined();
      looked += 1;
    }
    expect(looked).toBeGreaterThan(5_000);
  });

  test('its times add up', () => {
    for (const { started, ended } of statements) {
      expect(ended.at - started.at).toBe(ended.queuedMs + ended.compileMs + ended.executionMs);
      expect(ended.provisioningMs ?? 0).toBeLessThanOrEqual(ended.queuedMs);
      expect(ended.runningSince).toBe(started.at + ended.queuedMs);
    }
  });

  test('it has everything that chargeback stumbles over', () => {
    const count = (is: (one: (typeof statements)[number]) => boolean): number =>
      statements.filter(is).length;
    const ran = (ended: StatementEnded): boolean => ended.warehouse !== null;
    const crosses = (one: StatementEnded, gridMs: number): boolean =>
      ran(one) && Math.floor(one.runningSince / gridMs) !== Math.floor((one.at - 1) / gridMs);
    const found = {
      crossingAnHour: count(({ ended }) => crosses(ended, HOUR_MS)),
      crossingADay: count(({ ended }) => crosses(ended, DAY_MS)),
      longerThanTwoHours: count(({ ended }) => ended.executionMs > 2 * HOUR_MS),
      invalid: count(({ ended }) => ended.errorCode === '002003'),
      cancelled: count(({ ended }) => ended.errorCode === '000604' && ran(ended)),
      timedOut: count(({ ended }) => ended.errorCode === '000630'),
      queued: count(({ ended }) => ended.queuedMs > (ended.provisioningMs ?? 0)),
      provisioned: count(({ ended }) => (ended.provisioningMs ?? 0) > 0),
      free: count(({ ended }) => ended.warehouse === null && ended.status === 'SUCCESS'),
      short: count(({ ended }) => ran(ended) && ended.executionMs < 100),
      onOtherClusters: count(({ ended }) => (ended.cluster ?? 0) > 1),
      ofTools: count(({ started }) => started.isClientGenerated === true),
      fromCache: count(({ ended }) => (ended.cachedBytes ?? 0) > 0),
      writing: count(({ ended }) => (ended.rowsInserted ?? 0) > 0),
      byLoader: count(({ started }) => started.user === 'FIVETRAN_SVC' && started.tag === ''),
      byAnalystDirectly: count(
        ({ started }) => started.user !== 'FIVETRAN_SVC' && started.tag === '',
      ),
      autoSuspensions: events.filter(({ reason }) => reason === 'AUTOSUSPEND').length,
      spinUps: events.filter(({ reason }) => reason === 'MULTICLUSTER_SPINUP').length,
      resizes: events.filter(({ event }) => event === 'RESIZED').length,
      drops: events.filter(({ event }) => event === 'DROPPED').length,
    };
    expect(Object.entries(found).filter(([, value]) => value === 0)).toEqual([]);
    const sizes = new Set(
      statements.flatMap(({ ended }) => (ended.warehouse === 'STANDARD_WH' ? [ended.size] : [])),
    );
    expect(sizes).toEqual(new Set(['MEDIUM', 'LARGE', 'SMALL']));
  });

  test('its people are those who can log in, and what came through the proxy has its tag', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tollgate-seed-'));
    const users = (await openUsers(dir)).list().map(({ name }) => name);
    await rm(dir, { recursive: true });
    expect(SEEDED_TEAMS).toHaveLength(15);
    for (const { name } of SEEDED_TEAMS) {
      expect(users).toContain(analystOf(name));
      const own = statements.filter(({ started }) => started.user === analystOf(name));
      const tag: unknown = JSON.parse(
        must(
          own.find(({ started }) => started.tag !== ''),
          `${name} works`,
        ).started.tag,
      );
      expect(tag).toMatchObject({
        tg: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) as unknown,
        team: name,
        tier: expect.any(String) as unknown,
        src: 'driver',
      });
    }
  });

  test('teams and counts can be fewer; what is unknown is refused', () => {
    const few = [...seedMonth({ ...OPTIONS, teams: ['legal'], statementsPerDay: 20 })];
    const users = new Set(few.flatMap((one) => (one.type === 'started' ? [one.user] : [])));
    expect(users).toEqual(new Set(['LEGAL_ANALYST', 'FIVETRAN_SVC']));
    expect(() => seedMonth({ ...OPTIONS, month: '2026-13' })).toThrow(/not a month/);
    expect(() => seedMonth({ ...OPTIONS, teams: ['nobody'] })).toThrow(/no team 'nobody'/);
    expect(() => seedMonth({ ...OPTIONS, statementsPerDay: 0 })).toThrow(/from 1 to/);
  });
});

describe('seeding a log', () => {
  let dir: string;
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test('happens once, for a month that is over and empty', async () => {
    dir = await mkdtemp(join(tmpdir(), 'tollgate-seed-'));
    const log = await EventLog.open(dir);
    const clock = manualClock(ENDS_AT - 1);
    const options = { ...OPTIONS, statementsPerDay: 30 };
    expect(await importSeededMonth(log, clock, options)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('not over') as unknown,
    });
    clock.at = ENDS_AT;
    const seeded = await importSeededMonth(log, clock, options);
    expect(seeded).toMatchObject({ kind: 'seeded' });
    expect(await importSeededMonth(log, clock, options)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('has events already') as unknown,
    });
    expect(await importSeededMonth(log, clock, { ...options, month: 'May' })).toMatchObject({
      kind: 'refused',
    });
    await log.close();
    const again = await EventLog.open(dir);
    expect(await importSeededMonth(again, clock, options)).toMatchObject({ kind: 'refused' });
    // Nothing was left open that opening the log would have had to close.
    expect(again.lastAt).toBe(ENDS_AT - 1);
    await again.close();
  });
});
