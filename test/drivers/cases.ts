/**
 * What every client is asked, and what it must have seen. A program of a client only does and reports; what is right is
 * decided here, once for all languages. Where both sides run a case, the proxied answer must also equal the direct one.
 */
import { ok } from 'node:assert/strict';
import {
  answer,
  at,
  checkFailure,
  failing,
  list,
  match,
  onlyProxied,
  plain,
  same,
  steps,
  ONE,
  type Case,
  type Seen,
} from './case.js';
import { LATER_CASES } from './later-cases.js';
import { PRICE_CASES } from './price-cases.js';
import type { Side } from './sides.js';

const CONTEXT = `SELECT CURRENT_USER() AS A, CURRENT_ROLE() AS B, CURRENT_DATABASE() AS C, CURRENT_SCHEMA() AS D,
  CURRENT_WAREHOUSE() AS E`;

const AGGREGATE = `SELECT n.N_NAME, COUNT(*) AS ORDERS, SUM(o.O_TOTALPRICE) AS VALUE, MIN(o.O_ORDERDATE) AS FIRST_ORDER
  FROM ORDERS o JOIN CUSTOMER c ON o.O_CUSTKEY = c.C_CUSTKEY JOIN NATION n ON c.C_NATIONKEY = n.N_NATIONKEY
 GROUP BY 1 ORDER BY 1`;

const TYPES = `SELECT '2026-03-01'::DATE AS A_DATE, '2026-03-01 12:34:56.789123'::TIMESTAMP_NTZ AS A_TIMESTAMP,
  '12:34:56'::TIME AS A_TIME, TRUE AS A_BOOLEAN, 12345678901234567890.1234567890::NUMBER(38, 10) AS A_DECIMAL,
  9007199254740993 AS A_LONG, -1.5::FLOAT AS A_FLOAT, 'grüße 😀 ''quoted''' AS A_TEXT, '' AS EMPTY,
  NULL::DATE AS NO_DATE, NULL::VARCHAR AS NO_TEXT, NULL::NUMBER(12, 2) AS NO_NUMBER`;

const EXTREMES = `SELECT 99999999999999999999999999999999999999::NUMBER(38, 0) AS MOST,
  -99999999999999999999999999999999999999::NUMBER(38, 0) AS FEWEST, -0.05::NUMBER(12, 2) AS SMALL, -1.5e300::FLOAT AS A_FLOAT,
  FALSE AS A_BOOLEAN, '1901-02-03 04:05:06.5'::TIMESTAMP_NTZ AS OLD, '1969-12-31 23:59:59.5'::TIMESTAMP_NTZ AS BEFORE_EPOCH,
  '9999-12-31'::DATE AS LAST_DATE, NULL::BOOLEAN AS NO_BOOLEAN, NULL::FLOAT AS NO_FLOAT, NULL::TIME AS NO_TIME,
  NULL::TIMESTAMP_NTZ AS NO_NTZ, NULL::TIMESTAMP_LTZ AS NO_LTZ, NULL::TIMESTAMP_TZ AS NO_TZ, NULL::BINARY AS NO_BINARY,
  NULL::VARIANT AS NO_VARIANT`;

const ZONED = `SELECT '2026-03-01 12:34:56.789 +02:00'::TIMESTAMP_TZ AS ZONED, '2026-03-01 12:34:56'::TIMESTAMP_LTZ AS LOCAL`;

const EVENTS = 'SELECT * FROM ANALYTICS.WEB.EVENTS';

const BUDGET = `SELECT BUDGET, LIMIT_CREDITS, AVAILABLE_CREDITS, LIMIT_AMOUNT, PERIOD_START, IS_HARD FROM TOLLGATE.MY_BUDGET`;

const ONLY_REFUSES = 'only the proxy refuses';
const ONLY_ANSWERS = 'only the proxy answers';

const ZERO = [['0']];

/** What clients call a number of their own with a fraction. */
const NUMBERS: ReadonlySet<string> = new Set(['Decimal', 'number', 'float64', 'BigDecimal']);

/** In the order of the table. */
export const CASES: readonly Case[] = [
  {
    ...answer('connect', 'connect by host, port and protocol', CONTEXT, checkContext),
    differsIssued: "the session's Snowflake user is the team's service user",
  },
  answer('select-1', 'SELECT 1', 'SELECT 1', (seen) => same(plain(seen), ONE)),
  answer('aggregate', 'join and aggregate', AGGREGATE, (seen) => same(plain(seen).length, 25)),
  steps('client-binds', 'binds written into the text by the client', checkBinds),
  steps('server-binds', 'binds sent to the server', checkBinds),
  answer('types', 'date, time, timestamp, boolean, decimal, float, text, null', TYPES, (seen) => {
    const [row] = plain(seen);
    same(row?.length, 12);
    match(row?.[0] ?? '', /^2026-03-01/);
    match(row?.[7] ?? '', /^grüße 😀 'quoted'$/);
    same(row?.slice(9), [null, null, null]);
  }),
  answer('extremes', 'the least and the most of every type, and its null', EXTREMES, (seen) => {
    const [row] = plain(seen);
    same(row?.length, 16);
    // Node and Go read a number of 38 digits as a double unless told otherwise.
    same([Number(row?.[0]), Number(row?.[1])], [1e38, -1e38]);
    same([Number(row?.[2]), Number(row?.[3])], [-0.05, -1.5e300]);
    match(row?.[4] ?? '', /^false$/i);
    match(row?.[5] ?? '', /^1901-02-03.04:05:06\.50*\D?/);
    match(row?.[6] ?? '', /^1969-12-31.23:59:59\.50*\D?/);
    match(row?.[7] ?? '', /^9999-12-31/);
    // Node's driver writes a TIME that is null as this word.
    const nulls = row?.slice(8).map((value) => (value === 'NULL' ? null : value));
    const eight = Array.from({ length: 8 }, () => null);
    same(nulls, eight);
  }),
  answer('zoned', 'timestamps with an offset and in the session zone', ZONED, (seen) => {
    const [row] = plain(seen);
    // The same instant, written with its offset or in UTC.
    match(row?.[0] ?? '', /12:34:56\.789.*\+02:?00|10:34:56\.789/);
    match(row?.[1] ?? '', /12:34:56/);
  }),
  answer('binary', 'binary', "SELECT '00FF'::BINARY AS BYTES", (seen) =>
    same(plain(seen), [['00ff']]),
  ),
  steps('many-rows', '200,000 rows in pages, each once', (seen) =>
    same(seen, { count: 200_000, sum: 19_999_900_000 }),
  ),
  {
    ...steps('pandas', 'the same rows as a pandas and as an Arrow table', (seen) =>
      same(seen, { pandas: 200_000, arrow: 200_000, sum: 19_999_900_000 }),
    ),
    client: 'snowflake-connector-python',
  },
  steps('files', 'a file: PUT, COPY into a table and out of it, GET', (seen) => {
    same(plain(at(seen, 'loaded')), [['1000', '500500']]);
    same(at(seen, 'isSame'), true);
  }),
  failing('syntax-error', 'syntax error', 'SELEC 1', (seen) =>
    checkFailure(seen, '001003', '42000'),
  ),
  failing('missing-table', 'missing table', 'SELECT * FROM NO_SUCH_TABLE', (seen) =>
    checkFailure(seen, '002003', '42S02'),
  ),
  steps('temporary-table', 'temporary table stays in its session', (seen) => {
    same(plain(at(seen, 'own')), [['15']]);
    same(at(seen, 'other'), '002003');
  }),
  steps('two-sessions', 'two sessions at once', (seen) => {
    const turns = ['0', '1', '2', '3', '4'];
    const expected = ['INTERACTIVE_WH', 'BATCH_WH'].map((warehouse) =>
      turns.map((turn) => [[warehouse, turn]]),
    );
    const sessions = list(seen).map((session) => list(session).map(plain));
    same(sessions, expected);
  }),
  steps('cancel', 'cancel of a running statement', checkCancelled),
  steps('time-limit', 'time limit of the client on a statement', checkCancelled),
  steps('begin', 'begin, rollback, commit', (seen) => same(list(seen).map(plain), [ZERO, ONE])),
  steps('autocommit', 'autocommit off, rollback, commit', (seen) =>
    same(list(seen).map(plain), [ZERO, ONE]),
  ),
  steps('query-tag', 'session query tag is set, shown and restored', (seen) =>
    same(seen, { before: '', during: 'a model', restored: '', unset: '' }),
  ),
  {
    ...steps('reflection', 'reflection of tables and columns', (seen) => {
      const names = ['customer', 'lineitem', 'nation', 'orders', 'part', 'partsupp', 'region'];
      same(at(seen, 'tables'), [...names, 'supplier']);
      const columns = list(at(seen, 'columns')).map((column) => String(column).split(' ', 1)[0]);
      same(columns, ['n_nationkey', 'n_name', 'n_regionkey', 'n_comment']);
    }),
    client: 'sqlalchemy',
  },
  {
    ...steps('connection-test', 'snow connection test', (seen) => {
      same([at(seen, 'Status'), at(seen, 'Database')], ['OK', 'ANALYTICS']);
    }),
    client: 'snow',
    differsIssued: 'it is signed in as another principal',
  },
  {
    ...steps('dbt-debug', 'dbt debug', (seen) => same(seen, true)),
    client: 'dbt-snowflake',
  },
  {
    ...steps('dbt-run', 'dbt run, twice: table, view, incremental', (seen) => {
      for (const run of list(seen)) {
        for (const model of ['regions', 'largest', 'orders']) {
          same(list(at(run, model))[0], 'success');
        }
      }
    }),
    client: 'dbt-snowflake',
  },
  {
    ...onlyProxied(
      ONLY_REFUSES,
      steps('dbt-refusal', 'dbt run with a refused model; the others go on', (seen) => {
        const [status, message] = list(at(seen, 'everything'));
        same(status, 'error');
        match(String(message), /TG2001 Not run, nothing charged: needs about \$[\d.,]+/);
        same(list(at(seen, 'regions'))[0], 'success');
      }),
    ),
    client: 'dbt-snowflake',
  },
  onlyProxied(
    ONLY_REFUSES,
    failing('refusal', 'refusal word for word, and the connection goes on', EVENTS, (seen) => {
      checkFailure(seen, '712001', '42501');
      match(
        String(at(seen, 'message')),
        /^TG2001 Not run, nothing charged: needs about \$[\d.,]+, \$[\d.,]+ is left in marketing-monthly/,
      );
    }),
  ),
  onlyProxied(
    ONLY_ANSWERS,
    answer('explain-cost', 'EXPLAIN COST', `EXPLAIN COST ${EVENTS}`, (seen) => {
      const items = new Map(plain(seen).map((row) => [row[0], row[1]]));
      same(items.get('bytes'), '50.0 TB');
      match(items.get('money') ?? '', /^\d+\.\d\d USD$/);
    }),
  ),
  onlyProxied(
    ONLY_ANSWERS,
    answer('my-budget', 'TOLLGATE.MY_BUDGET with typed columns', BUDGET, (seen) => {
      const [row] = list(seen);
      const kinds = list(row).map((value) => String(value).split(' ', 1)[0] ?? '');
      same(plain(seen)[0]?.[0], 'marketing-monthly');
      for (const kind of kinds.slice(1, 4)) ok(NUMBERS.has(kind), `a number is ${kind}`);
      match(kinds[4] ?? '', /^(?:datetime|Date|time\.Time|\w*Timestamp\w*)$/);
      match(kinds[5] ?? '', /^bool/i);
    }),
  ),
  ...PRICE_CASES,
  ...LATER_CASES,
];

function checkContext(seen: Seen, { credentials }: Side): void {
  const [row] = plain(seen);
  same(row?.slice(2, 4), ['ANALYTICS', 'TPCH']);
  const user = credentials.issued === undefined ? 'MARKETING_ANALYST' : 'TOLLGATE_MARKETING';
  same(row?.[0]?.toUpperCase(), user);
}

function checkBinds(seen: Seen): void {
  const [row] = plain(seen);
  ok(Number(row?.[0]) > 0, 'no orders were counted');
  same(row?.slice(1, 4), ['7', "it's 100%", null]);
  match(row?.[4] ?? '', /^true$/i);
}

function checkCancelled(seen: Seen): void {
  // Go reports what ended its context, and not the code that the server answers with.
  match(String(at(seen, 'code')), /^(?:000604|the context ended)$/);
  same(at(seen, 'isPrompt'), true);
  same(plain(at(seen, 'afterwards')), ONE);
}
