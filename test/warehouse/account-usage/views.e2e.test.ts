import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { must } from '#base/assert.js';
import { QUERY_HISTORY } from '../../../warehouse/account-usage/query-rows.js';
import {
  ATTRIBUTION_VIEW,
  QUERY_HISTORY_VIEW,
  VIEWS,
} from '../../../warehouse/account-usage/view-definitions.js';
import type { WarehouseOptions } from '../../../warehouse/start-warehouse.js';
import { manualClock } from '../support/manual-clock.js';
import type { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { openWorld } from '../support/world.js';
import type { World } from '../support/world.js';

const ENDS_AT = Date.UTC(2026, 10, 1);
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const SEED = { month: '2026-10', seed: 'views', statementsPerDay: 30 };

interface Table {
  readonly rows: readonly (readonly (string | null)[])[];
  readonly cell: (row: readonly (string | null)[] | undefined, column: string) => string | null;
}

describe('the views of a seeded month', () => {
  let world: World;
  let admin: RawClient;
  let clock: ManualClock;
  afterEach(() => world.end());

  const open = async (options: Partial<WarehouseOptions> = {}): Promise<void> => {
    clock = manualClock(ENDS_AT);
    world = await openWorld({ clock, ...options });
    expect(await world.warehouse.seedMonth(SEED)).toMatchObject({ kind: 'seeded' });
    admin = new RawClient(world.port);
    const password = await readFile(join(world.dataDir, 'service-user-password'), 'utf8');
    await admin.login('TOLLGATE_SERVICE', password.trim());
  };
  const read = async (name: string, schema = 'ACCOUNT_USAGE'): Promise<Table> => {
    // Quoted, so that the fake engine does not send all rows back: they are looked at where they lie.
    const reply = await admin.run(`SELECT 1 FROM SNOWFLAKE."${schema}"."${name}"`);
    expect(reply.body).toMatchObject({ success: true });
    const columns = [QUERY_HISTORY_VIEW, ATTRIBUTION_VIEW, ...VIEWS].find(
      (view) => view.schema === schema && view.name === name,
    )?.columns;
    return {
      rows: world.engine.provided.get(`SNOWFLAKE.${schema}.${name}`) ?? [],
      cell: (row, column) => {
        const index = must(columns, 'a view').findIndex((one) => one.name === column);
        expect(index).toBeGreaterThanOrEqual(0);
        return row?.[index] ?? null;
      },
    };
  };

  test('every row has a cell for every column, and only what has no source is empty', async () => {
    await open();
    clock.at = ENDS_AT + 2 * HOUR_MS;
    const empty: string[] = [];
    for (const view of [QUERY_HISTORY_VIEW, ATTRIBUTION_VIEW, ...VIEWS]) {
      const { rows } = await read(view.name, view.schema);
      if (rows.length === 0) empty.push(view.name);
      else expect([...new Set(rows.map((row) => row.length))]).toEqual([view.columns.length]);
    }
    expect(empty).toEqual([
      'QUERY_METERING_HISTORY',
      'DATA_TRANSFER_HISTORY',
      'REMAINING_BALANCE_DAILY',
    ]);
    expect(QUERY_HISTORY).toHaveLength(76);
  });

  test('with latencies as documented rows come, and change, when their time has passed', async () => {
    await open({ latencyScale: 1 });
    const ended = (name: string): Promise<number> =>
      read(name).then(({ rows, cell }) =>
        Math.max(-Infinity, ...rows.map((row) => Number(cell(row, 'END_TIME')) * 1000)),
      );
    expect(await ended('QUERY_HISTORY')).toBeLessThanOrEqual(ENDS_AT - 45 * MINUTE_MS);
    expect(await ended('QUERY_HISTORY')).toBeGreaterThan(ENDS_AT - 3 * HOUR_MS);
    const lastHour = async (): Promise<readonly (string | null)[] | undefined> => {
      const { rows, cell } = await read('WAREHOUSE_METERING_HISTORY');
      const found = rows.find(
        (row) =>
          cell(row, 'START_TIME') === ((ENDS_AT - HOUR_MS) / 1000).toFixed(3) &&
          cell(row, 'WAREHOUSE_NAME') === 'BATCH_WH',
      );
      return found?.slice(4);
    };
    clock.at = ENDS_AT + 45 * MINUTE_MS - 2;
    const before = (await read('QUERY_HISTORY')).rows.length;
    clock.at = ENDS_AT + 45 * MINUTE_MS;
    const all = (await read('QUERY_HISTORY')).rows.length;
    expect(all).toBeGreaterThanOrEqual(before);
    clock.at = ENDS_AT + 3 * HOUR_MS - 1;
    expect(await lastHour()).toBeUndefined();
    clock.at = ENDS_AT + 3 * HOUR_MS;
    const [used, compute, services, attributed] = must(await lastHour(), 'the row has come');
    expect([used, services, attributed]).toEqual([compute, '0.000000000000', null]);
    clock.at = ENDS_AT + 6 * HOUR_MS;
    const later = must(await lastHour(), 'the row has stayed');
    expect(later[1]).toBe(compute);
    expect(Number(later[2])).toBeGreaterThan(0);
    expect(Number(later[0])).toBeGreaterThan(Number(used));
    expect(later[3]).toBeNull();
    clock.at = ENDS_AT + 8 * HOUR_MS - 1000 * 60;
    const attributedBefore = await ended('QUERY_ATTRIBUTION_HISTORY');
    clock.at = ENDS_AT + 8 * HOUR_MS;
    expect(Number(must(await lastHour(), 'the row has stayed')[3])).toBeGreaterThan(0);
    expect(await ended('QUERY_ATTRIBUTION_HISTORY')).toBeGreaterThan(attributedBefore);
    const days = async (name: string): Promise<number> =>
      (await read(name, 'ORGANIZATION_USAGE')).rows.length;
    clock.at = ENDS_AT + 72 * HOUR_MS - 1;
    const money = await days('USAGE_IN_CURRENCY_DAILY');
    expect(await days('RATE_SHEET_DAILY')).toBe(3 * 32);
    clock.at = ENDS_AT + 72 * HOUR_MS;
    expect(await days('USAGE_IN_CURRENCY_DAILY')).toBe(money + 3);
    expect((await read('QUERY_HISTORY')).rows).toHaveLength(
      world.warehouse.queryHistory().length === 0 ? all : all + adminStatements(),
    );
  });

  /** Statements of this test's own session that ended long enough before the clock stood where it stands. */
  const adminStatements = (): number =>
    world.warehouse
      .queryHistory()
      .filter(({ ended }) => (ended?.at ?? Infinity) + 45 * MINUTE_MS <= clock.at).length;

  test('storage of a day is the same in every view of it, whatever is made between two looks', async () => {
    await open();
    let bytes = 1_000;
    const table = { database: 'D', schema: 'S', name: 'T', kind: 'TABLE', rows: 1 } as const;
    const notes = { comment: null, viewText: null, isSecure: false, keys: [] } as const;
    vi.spyOn(world.engine, 'tables').mockImplementation(() =>
      Promise.resolve([{ ...table, ...notes, bytes, clusteringKey: null, createdAtMs: 0 }]),
    );
    const told = async (): Promise<readonly (string | null)[]> => {
      const account = await read('STORAGE_USAGE');
      bytes += 36;
      const databases = await read('DATABASE_STORAGE_USAGE_HISTORY');
      return [
        account.cell(account.rows[0], 'STORAGE_BYTES'),
        databases.cell(databases.rows[0], 'AVERAGE_DATABASE_BYTES'),
      ];
    };
    expect(await told()).toEqual(['1000', '1000']);
    clock.at += 24 * HOUR_MS;
    expect(await told()).toEqual(['1036', '1036']);
  });

  test('a log that is mostly on disk, and a lost engine, show the same as one in memory', async () => {
    await open();
    const names = ['QUERY_HISTORY', 'QUERY_ATTRIBUTION_HISTORY', 'WAREHOUSE_METERING_HISTORY'];
    const all = async (): Promise<readonly unknown[]> => {
      const found: unknown[] = [];
      for (const name of names) {
        const { rows, cell } = await read(name);
        // What this test asks itself is not part of the comparison.
        found.push(
          rows.filter(
            (row) =>
              Number(cell(row, name.startsWith('W') ? 'START_TIME' : 'END_TIME')) * 1000 <
              ENDS_AT - 1,
          ),
        );
      }
      return found;
    };
    const shown = await all();
    world.engine.provided.clear();
    expect(await all()).toEqual(shown);
    const first = world;
    await open({ keptEventBytes: 10_000 });
    await first.end();
    expect(await all()).toEqual(shown);
    // More statements than are kept come between two looks.
    for (let index = 0; index < 30; index += 1) await admin.query(`SELECT ${index}`);
    expect(await all()).toEqual(shown);
    const { rows, cell } = await read('QUERY_HISTORY');
    expect(rows.filter((row) => cell(row, 'QUERY_TEXT') === 'SELECT 7')).toHaveLength(1);
  });

  test('what ends between two looks is appended to what is there', async () => {
    await open();
    await read('QUERY_HISTORY');
    const before = world.engine.provided.get('SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY');
    await admin.query("SELECT 'fresh'");
    const { rows, cell } = await read('QUERY_HISTORY');
    expect(rows.slice(0, before?.length)).toEqual(before);
    expect(rows.map((row) => cell(row, 'QUERY_TEXT'))).toContain("SELECT 'fresh'");
  });

  test('a function named after a session, user or warehouse is asked with the own one', async () => {
    await open();
    const session = (await admin.query('SELECT CURRENT_SESSION()')).body.data
      .rowset[0][0] as string;
    await admin.query('USE WAREHOUSE BATCH_WH');
    for (const [call, text] of [
      ['QUERY_HISTORY_BY_SESSION()', `QUERY_HISTORY_ALL(SESSION_ID => ${session})`],
      ['QUERY_HISTORY_BY_SESSION(SESSION_ID => 7)', 'QUERY_HISTORY_ALL(SESSION_ID => 7)'],
      [
        'QUERY_HISTORY_BY_USER(RESULT_LIMIT => 5)',
        "QUERY_HISTORY_ALL(USER_NAME => 'TOLLGATE_SERVICE', RESULT_LIMIT => 5)",
      ],
      ['QUERY_HISTORY_BY_WAREHOUSE()', "QUERY_HISTORY_ALL(WAREHOUSE_NAME => 'BATCH_WH')"],
      ['WAREHOUSE_LOAD_HISTORY()', 'WAREHOUSE_LOAD_HISTORY()'],
    ]) {
      await admin.run(`SELECT * FROM TABLE(ANALYTICS.INFORMATION_SCHEMA.${call ?? ''})`);
      expect(world.engine.executed.at(-1)).toBe(
        `SELECT * FROM TABLE(ANALYTICS.INFORMATION_SCHEMA.${text ?? ''})`,
      );
    }
    const analyst = new RawClient(world.port);
    await analyst.login();
    const metering = 'SELECT * FROM TABLE(INFORMATION_SCHEMA.WAREHOUSE_METERING_HISTORY())';
    expect((await analyst.run(metering)).body.success).toBe(false);
  });
});
