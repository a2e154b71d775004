/**
 * What every client is asked, and what it must have seen. A program of a client only does and reports; what is right is
 * decided here, once for all languages. Where both sides run a case, the proxied answer must also equal the direct one.
 */
import { deepStrictEqual, match, ok } from 'node:assert/strict';

/** JSON that a program reported for a case. */
export type Seen = unknown;

export interface Case {
  /** Key that programs know it by. */
  readonly name: string;
  /** As the table calls it. */
  readonly title: string;
  /** Null: both sides run it; otherwise why a direct connection does not. */
  readonly notDirect: string | null;
  /** Throws what is wrong with it. */
  readonly check: (seen: Seen) => void;
}

export const AGGREGATE: string = `SELECT n.N_NAME, COUNT(*) AS ORDERS, SUM(o.O_TOTALPRICE) AS VALUE, MIN(o.O_ORDERDATE) AS FIRST_ORDER
  FROM ORDERS o JOIN CUSTOMER c ON o.O_CUSTKEY = c.C_CUSTKEY JOIN NATION n ON c.C_NATIONKEY = n.N_NATIONKEY
 GROUP BY 1 ORDER BY 1`;

export const TYPES: string = `SELECT '2026-03-01'::DATE AS A_DATE, '2026-03-01 12:34:56.789123'::TIMESTAMP_NTZ AS A_LOCAL_TIME,
  '2026-03-01 12:34:56.789 +02:00'::TIMESTAMP_TZ AS A_ZONED_TIME, '12:34:56'::TIME AS A_TIME, TRUE AS A_BOOLEAN,
  12345678901234567890.1234567890::NUMBER(38, 10) AS A_DECIMAL, 9007199254740993 AS A_LONG, -1.5::FLOAT AS A_FLOAT,
  'grüße 😀 ''quoted''' AS A_TEXT, '' AS EMPTY, '00FF'::BINARY AS BYTES, NULL::DATE AS NO_DATE, NULL::VARCHAR AS NO_TEXT,
  NULL::NUMBER(12, 2) AS NO_NUMBER`;

const ONLY_REFUSES = 'only the proxy refuses';
const ONLY_ANSWERS = 'only the proxy answers';

const ONE = [['1']];

/** In the order of the table. */
export const CASES: readonly Case[] = [
  both('connect', 'connect by host, port and protocol', (seen) => {
    const [row] = plain(at(seen, 'answers'));
    deepStrictEqual(row?.slice(2, 4), ['ANALYTICS', 'TPCH']);
    deepStrictEqual(row?.[0]?.toUpperCase(), 'MARKETING_ANALYST');
  }),
  both('select-1', 'SELECT 1', (seen) => deepStrictEqual(plain(seen), ONE)),
  both('aggregate', 'join and aggregate', (seen) => deepStrictEqual(plain(seen).length, 25)),
  both('client-binds', 'binds written into the text by the client', checkBinds),
  both('server-binds', 'binds sent to the server', checkBinds),
  both('types', 'date, time, timestamp, boolean, decimal, float, text, binary, null', (seen) => {
    const [row] = plain(seen);
    deepStrictEqual(row?.length, 14);
    match(row?.[0] ?? '', /^2026-03-01/);
    match(row?.[8] ?? '', /^grüße 😀 'quoted'$/);
    deepStrictEqual(row?.slice(11), [null, null, null]);
  }),
  both('syntax-error', 'syntax error', (seen) => checkFailure(seen, '001003', '42000')),
  both('missing-table', 'missing table', (seen) => checkFailure(seen, '002003', '42S02')),
  both('temporary-table', 'temporary table stays in its session', (seen) => {
    deepStrictEqual(plain(at(seen, 'own')), [['15']]);
    deepStrictEqual(at(seen, 'other'), '002003');
  }),
  both('two-sessions', 'two sessions at once', (seen) => {
    const turns = [0, 1, 2, 3, 4].map(String);
    const expected = ['INTERACTIVE_WH', 'BATCH_WH'].map((warehouse) =>
      turns.map((turn) => [[warehouse, turn]]),
    );
    const sessions = list(at(seen, 'seen')).map((session) => list(session).map(plain));
    deepStrictEqual(sessions, expected);
    deepStrictEqual(at(seen, 'apart'), true);
  }),
  both('cancel', 'cancel of a running statement', (seen) => {
    deepStrictEqual(at(seen, 'code'), '000604');
    deepStrictEqual(at(seen, 'isPrompt'), true);
    deepStrictEqual(plain(at(seen, 'afterwards')), ONE);
  }),
  both('transactions', 'autocommit off, begin, commit, rollback', (seen) =>
    deepStrictEqual(list(seen).map(plain), [[['0']], [['1']], [['1']], [['2']]]),
  ),
  both('query-tag', 'session query tag is set, shown and restored', (seen) =>
    deepStrictEqual(seen, { before: '', during: 'a model', restored: '', unset: '' }),
  ),
  proxied('refusal', 'refusal word for word, and the connection goes on', ONLY_REFUSES, (seen) => {
    checkFailure(seen, '712001', '42501');
    match(
      String(at(seen, 'message')),
      /^TG2001 Not run, nothing charged: needs about \$[\d.,]+, \$[\d.,]+ is left in marketing-monthly/,
    );
  }),
  proxied('explain-cost', 'EXPLAIN COST', ONLY_ANSWERS, (seen) => {
    const items = new Map(plain(seen).map((row) => [row[0], row[1]]));
    deepStrictEqual(items.get('bytes'), '50.0 TB');
    match(items.get('money') ?? '', /^\d+\.\d\d USD$/);
  }),
  proxied('my-budget', 'TOLLGATE.MY_BUDGET with typed columns', ONLY_ANSWERS, (seen) => {
    const [budget] = list(seen);
    for (const column of ['LIMIT_CREDITS', 'SPENT_CREDITS', 'AVAILABLE_CREDITS', 'LIMIT_AMOUNT']) {
      ok(NUMBERS.has(String(at(budget, column))), `${column} is ${String(at(budget, column))}`);
    }
    match(String(at(budget, 'PERIOD_START')), /datetime|Date|Time/);
    match(String(at(budget, 'IS_HARD')), /^bool|Boolean$/);
  }),
];

/** What clients call a number of their own with a fraction. */
const NUMBERS: ReadonlySet<string> = new Set(['Decimal', 'number', 'float64', 'BigDecimal']);

function both(name: string, title: string, check: (seen: Seen) => void): Case {
  return { name, title, notDirect: null, check };
}

function proxied(name: string, title: string, why: string, check: (seen: Seen) => void): Case {
  return { name, title, notDirect: why, check };
}

function checkBinds(seen: Seen): void {
  const [row] = plain(seen);
  ok(Number(row?.[0]) > 0, 'no orders were counted');
  deepStrictEqual(row?.slice(1, 4), ['7', "it's 100%", null]);
  match(row?.[4] ?? '', /^true$/i);
}

function checkFailure(seen: Seen, code: string, sqlState: string): void {
  deepStrictEqual([at(seen, 'code'), at(seen, 'sqlState')], [code, sqlState]);
  deepStrictEqual(plain(at(seen, 'afterwards')), ONE);
}

/** Rows of values shown as `<type> <text>`, without the types, which each language names its own way. */
function plain(rows: Seen): readonly (readonly (string | null)[])[] {
  return list(rows).map((row) =>
    list(row).map((value) => {
      if (value === null) return null;
      ok(typeof value === 'string', `a shown value was expected, not ${JSON.stringify(value)}`);
      return value.replace(/^\S+ /, '');
    }),
  );
}

function list(value: Seen): readonly unknown[] {
  ok(Array.isArray(value), `a list was expected, not ${JSON.stringify(value)}`);
  return value as readonly unknown[];
}

function at(value: Seen, key: string): unknown {
  ok(typeof value === 'object' && value !== null, `an object was expected, not ${String(value)}`);
  return (value as Readonly<Record<string, unknown>>)[key];
}
