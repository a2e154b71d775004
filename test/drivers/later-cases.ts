/** Cases of waiting, stopping, renewing, and of statements that are more than one request. */
import { ok } from 'node:assert/strict';
import {
  at,
  checkFailure,
  list,
  match,
  ONE,
  onlyProxied,
  plain,
  same,
  steps,
  type Case,
  type Seen,
} from './case.js';
import type { Side } from './sides.js';
import { checkWritten } from './written.js';

const ONLY_STOPS = 'only the proxy stops it';
const ONLY_ISSUES = 'only Tollgate issues it';
const DRIVERS_OWN = 'snowflake-connector-python';

/** Asked one after the other; each program tells the columns as its driver shows them, and a hash over all rows. */
const FIXED: readonly string[] = [
  `SELECT L_RETURNFLAG, L_LINESTATUS, SUM(L_QUANTITY) AS Q, SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT)) AS P,
          AVG(L_TAX) AS T, COUNT(*) AS N FROM LINEITEM WHERE L_SHIPDATE <= '1998-09-02'::DATE GROUP BY 1, 2 ORDER BY 1, 2`,
  'SELECT * FROM CUSTOMER ORDER BY C_CUSTKEY LIMIT 1000',
  'SELECT O_ORDERKEY, O_ORDERDATE, O_TOTALPRICE, O_ORDERSTATUS, O_COMMENT FROM ORDERS ORDER BY O_ORDERKEY LIMIT 8000',
  `SELECT '2026-03-01 12:34:56.789 +02:00'::TIMESTAMP_TZ AS TZ, '2026-03-01 12:34:56'::TIMESTAMP_NTZ(3) AS NTZ, 1.50::NUMBER(9, 2) AS D,
          PARSE_JSON('{"a": [1, null, "ü"]}') AS V, ARRAY_CONSTRUCT(1, 'b') AS A, 'x'::VARCHAR(5) AS T, '0AFF'::BINARY AS B, NULL AS NOTHING`,
  'DESCRIBE TABLE ORDERS',
];

/** What dbt's catalogue says of the project. */
const CATALOGUE = {
  regions: { type: 'BASE TABLE', columns: ['N_REGIONKEY NUMBER', 'NATIONS NUMBER'], rows: 5 },
  largest: { type: 'VIEW', columns: ['NATIONS NUMBER'], rows: null },
  orders: { type: 'BASE TABLE', columns: ['O_ORDERKEY NUMBER', 'O_TOTALPRICE NUMBER'], rows: 255 },
  typed: {
    type: 'BASE TABLE',
    columns: [
      'D NUMBER',
      'T TEXT',
      'DAY DATE',
      'YES BOOLEAN',
      'F FLOAT',
      'CLOCK TIME',
      'V VARIANT',
      'AT TIMESTAMP_NTZ',
      'LOCAL_AT TIMESTAMP_LTZ',
      'B BINARY',
    ],
    rows: 1,
  },
};

/** Appended to the list in `cases.ts`, in the order of the table. */
export const LATER_CASES: readonly Case[] = [
  {
    ...steps(
      'same-bytes',
      'fixed queries: the same rows, names, types, precision, scale, nullable',
      checkSameBytes,
    ),
    ask: { kind: 'steps', text: FIXED.join(';;') },
  },
  steps(
    'queue',
    'a statement that waits for its turn is a slow one: rows, one request',
    checkQueue,
    {
      notCompared: ['waited'],
    },
  ),
  onlyProxied(
    ONLY_STOPS,
    steps(
      'stopped',
      'a statement that reaches its ceiling is stopped, and the session goes on',
      (seen) => {
        checkFailure(seen, '714001', '57014');
        match(String(at(seen, 'message')), /^TG4001 Stopped after .+ at \$[\d.]+: /);
      },
    ),
  ),
  steps('renewal', 'an expired session token is renewed, and nobody notices', (seen) =>
    same(plain(at(seen, 'rows')), ONE),
  ),
  steps(
    'master-gone',
    "a master token that is gone: said at once, in the driver's words",
    (seen) => {
      same(at(seen, 'isPrompt'), true);
      ok(String(at(seen, 'message')).length > 0, 'nothing was said');
    },
  ),
  steps('async', 'asynchronous: status and rows, here and on a second connection', (seen) => {
    for (const [first, second] of [
      ['before', 'beforeElsewhere'],
      ['after', 'afterElsewhere'],
    ] as const)
      same(at(seen, first), at(seen, second));
    for (const name of ['rows', 'rowsElsewhere'])
      same(plain(at(seen, name)), [['waited 4 seconds']]);
  }),
  steps('several', 'several statements in one request, and the rows of each', (seen) =>
    same(list(seen).map(plain).slice(-2), [[['3']], [['last']]]),
  ),
  steps('array-bind', 'many rows bound at once, through a stage', (seen) =>
    same(plain(seen), [['3000', '4498500', 'row 2999']]),
  ),
  steps('prepared', 'described without running, prepared and run twice', (seen) => {
    same(list(at(seen, 'columns')).length, 2);
    same(list(at(seen, 'runs')).map(plain), [[['7']], [['8']]]);
  }),
  steps('write-pandas', 'a pandas table written, in 18 ways', checkWritten, {
    client: DRIVERS_OWN,
  }),
  steps('interrupt', 'Ctrl-C ends the statement upstream', checkInterrupt, { client: DRIVERS_OWN }),
  onlyProxied(
    ONLY_ISSUES,
    steps('access-token', 'signed in by an access token', checkWho, { onlyIssued: true }),
  ),
  onlyProxied(
    ONLY_ISSUES,
    steps('key-pair', 'signed in by a key pair', checkWho, { onlyIssued: true }),
  ),
  steps(
    'dbt-build',
    'dbt seed, run, test',
    (seen) => {
      same(at(seen, 'seed'), { countries: 'success' });
      for (const model of ['regions', 'largest', 'orders'])
        same(at(at(seen, 'run'), model), 'success');
      const tests = Object.values(at(seen, 'test') as Readonly<Record<string, unknown>>);
      same(tests, ['pass', 'pass', 'pass']);
    },
    { client: 'dbt-snowflake' },
  ),
  steps(
    'dbt-docs',
    'dbt docs generate: the relations of the project, their columns and types',
    (seen) => same(seen, CATALOGUE),
    { client: 'dbt-snowflake' },
  ),
  steps('dbt-interrupt', 'Ctrl-C ends the model upstream', checkInterrupt, {
    client: 'dbt-snowflake',
  }),
];

function checkSameBytes(seen: Seen): void {
  const queries = list(seen);
  same(queries.length, FIXED.length);
  for (const query of queries) {
    ok(list(at(query, 'columns')).length > 0, 'no columns were told');
    ok(Number(at(query, 'rows')) > 0, 'no rows came');
    match(String(at(query, 'hash')), /^[0-9a-f]{64}$/);
  }
}

function checkQueue(seen: Seen, side: Side): void {
  same(plain(at(seen, 'rows')), [['5']]);
  // Both statements, the one that is waited for and the one that waits.
  const requests = at(seen, 'requests');
  if (requests !== null) same(requests, 2);
  // Each replica has permits of its own.
  if (side.name !== 'direct' && side.ports.length === 1) same(at(seen, 'waited'), true);
}

function checkInterrupt(seen: Seen): void {
  match(String(at(seen, 'before')), /^RUNNING$/);
  match(String(at(seen, 'after')), /^FAIL/);
}

function checkWho(seen: Seen): void {
  same(plain(seen), [['TOLLGATE_MARKETING', 'ANALYTICS']]);
}
