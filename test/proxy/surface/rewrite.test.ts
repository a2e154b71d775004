import { beforeAll, expect, test } from 'vitest';
import {
  loadPrinter,
  withFilter,
  type MissingFilter,
  type Printer,
} from '../../../proxy/surface/rewrite.js';
import { ADVERSARIES } from '../../support/sql-adversaries.js';
import { processorMs } from '../../support/processor-time.js';

const EVENTS: MissingFilter = {
  table: 'ANALYTICS.WEB.EVENTS',
  column: 'EVENT_DATE',
  day: '2026-06-30',
  hasTime: false,
};
const DAY = "EVENT_DATE = '2026-06-30'";

let printer: Printer;
beforeAll(async () => {
  printer = await loadPrinter();
});

const rewritten = (text: string, filter: MissingFilter = EVENTS): string | null =>
  withFilter(text, filter, printer);

test.each([
  ['SELECT * FROM ANALYTICS.WEB.EVENTS', `SELECT * FROM ANALYTICS.WEB.EVENTS WHERE ${DAY}`],
  ['select * from web.events;', `select * from web.events WHERE ${DAY};`],
  [
    'SELECT country, SUM(revenue) r FROM events GROUP BY 1 ORDER BY r DESC LIMIT 10',
    `SELECT country, SUM(revenue) r FROM events WHERE ${DAY} GROUP BY 1 ORDER BY r DESC LIMIT 10`,
  ],
  [
    "SELECT COUNT(*) FROM EVENTS WHERE COUNTRY = 'it''s' AND REVENUE > 1.50",
    `SELECT COUNT(*) FROM EVENTS WHERE ${DAY} AND COUNTRY = 'it''s' AND REVENUE > 1.50`,
  ],
  [
    "SELECT COUNT(*) FROM EVENTS WHERE COUNTRY = 'DE' OR COUNTRY = 'FR'",
    `SELECT COUNT(*) FROM EVENTS WHERE ${DAY} AND (COUNTRY = 'DE' OR COUNTRY = 'FR')`,
  ],
  [
    "SELECT COUNT(*) FROM EVENTS WHERE (COUNTRY = 'DE') OR (COUNTRY = 'FR')",
    `SELECT COUNT(*) FROM EVENTS WHERE ${DAY} AND ((COUNTRY = 'DE') OR (COUNTRY = 'FR'))`,
  ],
  [
    "SELECT COUNT(*) FROM EVENTS WHERE (COUNTRY = 'DE' OR COUNTRY = 'FR')",
    `SELECT COUNT(*) FROM EVENTS WHERE ${DAY} AND (COUNTRY = 'DE' OR COUNTRY = 'FR')`,
  ],
  [
    'SELECT c.n, e.page FROM countries c JOIN web.events e ON e.country = c.code',
    `SELECT c.n, e.page FROM countries c JOIN web.events e ON e.country = c.code WHERE e.${DAY}`,
  ],
  [
    'WITH x AS (SELECT page FROM "ANALYTICS"."WEB"."EVENTS") SELECT COUNT(*) FROM x',
    `WITH x AS (SELECT page FROM "ANALYTICS"."WEB"."EVENTS" WHERE ${DAY}) SELECT COUNT(*) FROM x`,
  ],
  [
    'SELECT page, -- which\n  COUNT(*) AS n /* how often */\nFROM events\nGROUP BY page',
    `SELECT page, -- which\n  COUNT(*) AS n /* how often */\nFROM events WHERE ${DAY}\nGROUP BY page`,
  ],
])('%s keeps its own text and gains the filter', (text, wanted) => {
  expect(rewritten(text)).toBe(wanted);
});

test('a column with a time of day is bounded by the whole day, an odd name is quoted', () => {
  const filter = { table: 'D.S.T', column: 'at "x"', day: '2026-06-30', hasTime: true };
  expect(rewritten('SELECT a FROM t', filter)).toBe(
    `SELECT a FROM t WHERE "at ""x""" BETWEEN '2026-06-30 00:00:00' AND '2026-06-30 23:59:59.999999999'`,
  );
});

test.each([
  ['it does not parse', 'SELEC * FROM EVENTS'],
  ['the table is not named', 'SELECT * FROM OTHERS'],
  ['another schema has the name', 'SELECT * FROM SHOP.EVENTS'],
  ['a quoted name is another one', 'SELECT * FROM "events"'],
  ['it is read twice', 'SELECT * FROM EVENTS a JOIN EVENTS b ON a.PAGE = b.PAGE'],
  ['its rows may be absent', 'SELECT * FROM COUNTRIES c LEFT JOIN EVENTS e ON e.COUNTRY = c.CODE'],
  ['a full join', 'SELECT * FROM EVENTS e FULL OUTER JOIN COUNTRIES c ON e.COUNTRY = c.CODE'],
  ['two statements', 'SELECT * FROM EVENTS; SELECT 1'],
  ['words of ours', 'SELECT TOLLGATE_MARK FROM EVENTS WHERE TOLLGATE_MARK = 1'],
  ['an unfinished string', "SELECT * FROM EVENTS WHERE PAGE = 'x"],
  ['an empty text', ''],
  ['a long text', `SELECT ${'PAGE, '.repeat(1000)} PAGE FROM EVENTS`],
])('no suggestion where it is not sure: %s', (_why, text) => {
  expect(rewritten(text)).toBeNull();
});

test('texts made to be slow are given up without a throw, within half a second of work each', () => {
  for (const each of ADVERSARIES) {
    const text = each.text(1000);
    const ms = processorMs(() => expect(rewritten(text), each.name).toBeNull());
    expect(ms, each.name).toBeLessThan(500);
  }
});
