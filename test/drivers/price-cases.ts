/** Cases of what an analyst asks Tollgate in SQL: the price before the run, the budget, the receipts. */
import { ok } from 'node:assert/strict';
import { at, list, match, onlyProxied, plain, same, steps, type Case, type Seen } from './case.js';

const ONLY_ANSWERS = 'only the proxy answers';

/** As a comment, so that a tool which rewrites nothing but comments can ask it, too. */
const DRY_RUN = `/* tollgate: dry-run */ SELECT COUNTRY, SUM(REVENUE) FROM ANALYTICS.WEB.EVENTS GROUP BY COUNTRY`;
const BUDGET = 'SELECT * FROM TOLLGATE.MY_BUDGET';
const RECEIPTS = `SELECT TICKET, STARTED_AT, STATE, ESTIMATED_CREDITS, USED_CREDITS, CREDITS, AMOUNT
  FROM TOLLGATE.MY_QUERIES WHERE STATE = ? ORDER BY STARTED_AT DESC LIMIT 3`;

const BUDGET_COLUMNS: readonly (readonly [name: string, kind: Kind])[] = [
  ['BUDGET', 'text'],
  ['TEAM', 'text'],
  ['PERIOD_START', 'instant'],
  ['PERIOD_END', 'instant'],
  ['LIMIT_CREDITS', 'number'],
  ['SPENT_CREDITS', 'number'],
  ['HELD_CREDITS', 'number'],
  ['AVAILABLE_CREDITS', 'number'],
  ['LIMIT_AMOUNT', 'number'],
  ['SPENT_AMOUNT', 'number'],
  ['AVAILABLE_AMOUNT', 'number'],
  ['CURRENCY', 'text'],
  ['IS_HARD', 'boolean'],
  ['GRANTED_CREDITS', 'number'],
  ['CARRIED_CREDITS', 'number'],
  ['FORECAST_CREDITS', 'number'],
  ['FORECAST_AMOUNT', 'number'],
  ['EXHAUSTED_AT', 'instant'],
  ['PASSED_CREDITS', 'number'],
  ['NOTICE', 'text'],
  ['COUNTS', 'text'],
  ['DIRECT_CREDITS', 'number'],
  ['METERED_CREDITS', 'number'],
  ['LOADING_CREDITS', 'number'],
];
/** Null while nothing is forecast, or nothing passed. */
const MAY_BE_NULL: ReadonlySet<string> = new Set([
  'FORECAST_CREDITS',
  'FORECAST_AMOUNT',
  'EXHAUSTED_AT',
  'PASSED_CREDITS',
  'NOTICE',
]);

const RECEIPT_COLUMNS: readonly (readonly [name: string, kind: Kind])[] = [
  ['TICKET', 'text'],
  ['STARTED_AT', 'instant'],
  ['STATE', 'text'],
  ['ESTIMATED_CREDITS', 'number'],
  ['USED_CREDITS', 'number'],
  ['CREDITS', 'number'],
  ['AMOUNT', 'number'],
];

type Kind = 'text' | 'number' | 'instant' | 'boolean';

/** What drivers call the type of a column: a word of the wire, Python's code, JDBC's name and number. */
const KINDS: Readonly<Record<string, Kind>> = {
  text: 'text',
  '2': 'text',
  'varchar 12': 'text',
  fixed: 'number',
  '0': 'number',
  'number 3': 'number',
  timestamp_ltz: 'instant',
  '6': 'instant',
  'timestampltz 93': 'instant',
  'timestampltz 2014': 'instant',
  'timestampltz 50000': 'instant',
  boolean: 'boolean',
  '13': 'boolean',
  'boolean 16': 'boolean',
};

/** Appended to the list in `cases.ts`, in the order of the table. */
export const PRICE_CASES: readonly Case[] = [
  asked('dry-run', 'dry run by a comment: an ordinary result set of text', DRY_RUN, (seen) => {
    same(columns(seen), [
      ['ITEM', 'text'],
      ['VALUE', 'text'],
      ['DETAIL', 'text'],
    ]);
    const rows = plain(at(seen, 'rows'));
    const items = new Map(rows.map(([item, value, detail]) => [item, [value, detail] as const]));
    const detail = (item: string): string => items.get(item)?.[1] ?? '';
    match(items.get('decision')?.[0] ?? '', /^(?:allow|refuse)$/);
    for (const item of ['credits', 'money'])
      match(detail(item), /^[\d.]+ – [\d.]+ – [\d.]+ .*\(low – expected – high\)/);
    match(items.get('queue wait')?.[0] ?? '', /^[\d.]+ s$/);
    same(items.get('binds first')?.[0], 'marketing-monthly');
    match(detail('advice'), /^filter EVENT_DATE of ANALYTICS\.WEB\.EVENTS to one day: [\d.]+ cred/);
    match(
      items.get('suggested rewrite')?.[0] ?? '',
      /^SELECT COUNTRY, SUM\(REVENUE\) FROM ANALYTICS\.WEB\.EVENTS WHERE EVENT_DATE = '[\d-]+' GROUP BY COUNTRY$/,
    );
  }),
  asked('budget-types', 'TOLLGATE.MY_BUDGET: names, types, scale, values', BUDGET, (seen) => {
    same(columns(seen), BUDGET_COLUMNS);
    const [row] = list(at(seen, 'rows'));
    same(list(row).length, BUDGET_COLUMNS.length);
    for (const [index, [name, kind]] of BUDGET_COLUMNS.entries()) {
      const described = list(at(seen, 'columns'))[index];
      if (kind === 'number') same([at(described, 'precision'), at(described, 'scale')], [38, 12]);
      const isThere = list(row)[index] !== null || MAY_BE_NULL.has(name);
      ok(isThere, `${name} of the demo's budget is not null`);
    }
  }),
  asked(
    'receipts',
    'TOLLGATE.MY_QUERIES prepared without its bind, then read by it',
    RECEIPTS,
    (seen) => {
      same(columns(seen), RECEIPT_COLUMNS);
      // Only JDBC tells how many a statement takes.
      const binds = at(seen, 'binds');
      if (binds !== undefined) same(binds, 1);
      const [row] = plain(at(seen, 'rows'));
      ok(row !== undefined, 'there is no receipt');
      same(row[2], 'SETTLED');
      for (const cell of row.slice(3)) ok(Number(cell) > 0, `an amount is ${String(cell)}`);
      same(Number(row[4]), Number(row[5]));
    },
  ),
];

function asked(name: string, title: string, text: string, check: Case['check']): Case {
  const each = steps(name, title, check);
  return onlyProxied(ONLY_ANSWERS, { ...each, ask: { kind: 'steps', text } });
}

function columns(seen: Seen): readonly (readonly [unknown, string])[] {
  return list(at(seen, 'columns')).map((column) => {
    const type = String(at(column, 'type')).toLowerCase();
    return [at(column, 'name'), KINDS[type] ?? type];
  });
}
