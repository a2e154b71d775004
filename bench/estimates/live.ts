/**
 * Work on the running embedded warehouse: real statements by the real driver (bin/quiet-driver.js keeps it quiet), at
 * sixty warehouse seconds a second, then the account's own QUERY_HISTORY and QUERY_ATTRIBUTION_HISTORY as a file. What is
 * sent is drawn from a seed; how the statements meet each other is the machine's.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../base/log.js';
import { connectService } from '../../base/snowflake/service-connection.js';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import { QUERY_HISTORY } from '../../warehouse/account-usage/query-rows.js';
import { openWarehouseClock } from '../../warehouse/clock.js';
import { createEngine } from '../../warehouse/engine/create-engine.js';
import { SEEDED_TEAMS } from '../../warehouse/seed-month/teams.js';
import { startWarehouse } from '../../warehouse/start-warehouse.js';
import { instantText, quoted } from './csv.js';
import { Draw, Popularity } from './draw.js';
import { dayText } from './plan.js';
import type { WarehouseName } from './profile.js';

const TIME_SCALE = 60;
const EVENTS = 'ANALYTICS.WEB.EVENTS';
/** Days of the events that are asked for: 2025-01-01 on. */
const FIRST_DAY = 20_089;

export interface LiveOptions {
  readonly seed: number;
  /** Real seconds. */
  readonly seconds: number;
}

/** Streams by warehouse: connections that send one statement after the other. */
const STREAMS: readonly (readonly [WarehouseName, number])[] = [
  ['INTERACTIVE_WH', 3],
  ['STANDARD_WH', 4],
  ['BATCH_WH', 3],
];

/** Plays the work and writes the history of it; the number of its rows. */
export async function writeLiveHistory(options: LiveOptions, file: string): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-live-'));
  const engine = await createEngine({
    dataDir: join(dataDir, 'engine'),
    log: silentLog,
    demoWorld: true,
  });
  try {
    const clock = await openWarehouseClock(dataDir, TIME_SCALE);
    const warehouse = await startWarehouse({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      clock,
      engine,
      log: silentLog,
    });
    try {
      const origin = `http://127.0.0.1:${warehouse.port}`;
      const until = performance.now() + options.seconds * 1000;
      const draw = new Draw(options.seed);
      await Promise.all(
        STREAMS.flatMap(([name, count]) =>
          Array.from({ length: count }, (_, index) =>
            stream(origin, name, index, until, draw.of(`${name} ${index}`)),
          ),
        ),
      );
      const password = await readFile(join(dataDir, 'service-user-password'), 'utf8');
      return await exportHistory(origin, password.trim(), file);
    } finally {
      await warehouse.stop(AbortSignal.abort());
    }
  } finally {
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function stream(
  origin: string,
  warehouse: WarehouseName,
  index: number,
  until: number,
  draw: Draw,
): Promise<void> {
  const user = `${draw.pick(SEEDED_TEAMS).name}_analyst`;
  const connection = await connectService({ origin, account: 'demo', user, password: 'demo' });
  try {
    await connection.query(`USE WAREHOUSE ${warehouse}`);
    const texts = new Popularity(TEXTS[warehouse], 0.8);
    while (performance.now() < until) await connection.query(texts.pick(draw)(draw, index));
  } finally {
    await connection.close();
  }
}

/** `stream` keeps apart what two streams must not write at once. */
type Text = (draw: Draw, stream: number) => string;

/** A report over as many days as somebody wants; the same shape for one and for ninety. */
function report(columns: string, days: readonly number[], filter: string = ''): Text {
  return (draw) => {
    const wanted = draw.pick(days);
    const last = FIRST_DAY + draw.whole(100, 500);
    const window = `EVENT_DATE BETWEEN '${dayText(last - wanted + 1)}' AND '${dayText(last)}'`;
    const groups = columns.split(', ').length;
    return `SELECT ${columns}, COUNT(*) AS N, SUM(REVENUE) AS REVENUE FROM ${EVENTS} WHERE ${window}${filter} GROUP BY ${Array.from({ length: groups }, (_, index) => index + 1).join(', ')} ORDER BY N DESC`;
  };
}

function tile(columns: string, filter: string): Text {
  return (draw) =>
    report(
      columns,
      [1],
      filter,
    )(draw, 0).replace('SELECT', `SELECT /* tile ${draw.whole(1, 4)} */`);
}

function build(name: string, columns: string, days: number): Text {
  const query = report(columns, [days]);
  return (draw, stream) =>
    `CREATE OR REPLACE TABLE ANALYTICS.PUBLIC.${name}_${stream} AS ${query(draw, stream)}`;
}

const TPCH: Text = (draw) =>
  `SELECT C_MKTSEGMENT, SUM(O_TOTALPRICE) AS TOTAL FROM ANALYTICS.TPCH.ORDERS JOIN ANALYTICS.TPCH.CUSTOMER ON C_CUSTKEY = O_CUSTKEY WHERE O_ORDERDATE >= '${dayText(8_400 + draw.whole(0, 2_000))}' GROUP BY 1`;

const TEXTS: Readonly<Record<WarehouseName, readonly Text[]>> = {
  INTERACTIVE_WH: [
    tile('COUNTRY', ''),
    tile('DEVICE, EVENT_TYPE', " AND COUNTRY = 'DE'"),
    tile('EVENT_TYPE', " AND COUNTRY = 'FR'"),
    TPCH,
    report('COUNTRY, DEVICE', [1, 1, 3]),
  ],
  STANDARD_WH: [
    report('COUNTRY', [1, 7, 30]),
    report('PAGE', [1, 7], " AND EVENT_TYPE = 'purchase'"),
    report('EVENT_DATE, COUNTRY', [7, 30]),
    report('REFERRER, DEVICE', [1, 1, 7]),
    report('PAGE, COUNTRY', [1, 3], " AND DEVICE = 'mobile'"),
    TPCH,
    report('EVENT_TYPE, PAGE, DEVICE', [1, 7]),
  ],
  BATCH_WH: [
    build('DAILY_COUNTRY', 'EVENT_DATE, COUNTRY', 7),
    build('DAILY_PAGE', 'EVENT_DATE, PAGE', 3),
    build('DAILY_REFERRER', 'EVENT_DATE, REFERRER', 3),
    report('USER_ID', [7, 30]),
    report('PAGE, REFERRER', [30]),
  ],
};

async function exportHistory(origin: string, password: string, file: string): Promise<number> {
  const connection = await connectService({
    origin,
    account: 'demo',
    user: 'TOLLGATE_SERVICE',
    password,
  });
  try {
    return await writeRows(connection, file);
  } finally {
    await connection.close();
  }
}

async function writeRows(connection: ServiceConnection, file: string): Promise<number> {
  const names = QUERY_HISTORY.map(({ name }) => name);
  const columns = QUERY_HISTORY.map(({ name, type }) =>
    type === 'TIMESTAMP_LTZ'
      ? `DATE_PART(EPOCH_MILLISECOND, h.${name})::VARCHAR AS ${name}`
      : `h.${name}::VARCHAR AS ${name}`,
  );
  const usage = 'SNOWFLAKE.ACCOUNT_USAGE';
  const rows = await connection.query(
    `SELECT ${columns.join(', ')}, a.CREDITS_ATTRIBUTED_COMPUTE::VARCHAR AS CREDITS
       FROM ${usage}.QUERY_HISTORY h LEFT JOIN ${usage}.QUERY_ATTRIBUTION_HISTORY a ON a.QUERY_ID = h.QUERY_ID
      WHERE h.USER_NAME <> 'TOLLGATE_SERVICE' ORDER BY h.START_TIME`,
  );
  const handle = openSync(file, 'w');
  try {
    writeSync(handle, `${[...names, 'CREDITS_ATTRIBUTED_COMPUTE'].join(',')}\n`);
    for (const row of rows) {
      const cells = QUERY_HISTORY.map(({ name, type }) => {
        const cell = row[name] ?? '';
        return type === 'TIMESTAMP_LTZ' && cell !== '' ? instantText(Number(cell)) : quoted(cell);
      });
      writeSync(handle, `${[...cells, row['CREDITS'] ?? ''].join(',')}\n`);
    }
  } finally {
    closeSync(handle);
  }
  return rows.length;
}
