/**
 * The account's views: tables of the engine that are filled from the event log just before a statement that names
 * them. ACCOUNT_USAGE and ORGANIZATION_USAGE are for ACCOUNTADMIN; INFORMATION_SCHEMA.QUERY_HISTORY shows other roles their own statements.
 */
import { createHash } from 'node:crypto';
import type { Cell } from '#base/wire/row-type.js';
import type { Clock } from '#base/time.js';
import type { Engine, ProvidedColumn } from '../engine/engine.js';
import type { EventLog } from '../metering/event-log.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Session } from '../identity/sessions.js';
import { readTokens } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import {
  VIEW_COLUMNS,
  attributionRows,
  meteringDailyRows,
  meteringRows,
  queryRows,
  rateSheetRows,
  warehouseEventRows,
} from './view-rows.js';
import type { ViewName } from './view-rows.js';

const ADMIN_SCHEMAS: Readonly<Record<string, readonly ViewName[]>> = {
  ACCOUNT_USAGE: [
    'QUERY_HISTORY',
    'WAREHOUSE_METERING_HISTORY',
    'METERING_DAILY_HISTORY',
    'QUERY_ATTRIBUTION_HISTORY',
    'QUERY_METERING_HISTORY',
    'WAREHOUSE_EVENTS_HISTORY',
  ],
  ORGANIZATION_USAGE: ['RATE_SHEET_DAILY'],
};
/** Where the engine looks for what TABLE(INFORMATION_SCHEMA.F(…)) reads. */
const HISTORY_SCHEMA = 'TABLE_FUNCTIONS';
const HISTORY_FUNCTIONS: ReadonlySet<string> = new Set([
  'QUERY_HISTORY',
  'QUERY_HISTORY_BY_SESSION',
  'QUERY_HISTORY_BY_USER',
  'QUERY_HISTORY_BY_WAREHOUSE',
]);
const MENTIONS = /_HISTORY|_USAGE|_SHEET/i;
/** A refresh slower than this is not repeated within {@link SLOW_REFRESH_EVERY_MS}; real views lag far more. */
const SLOW_REFRESH_MS = 250;
const SLOW_REFRESH_EVERY_MS = 10_000;

export interface Views {
  /** Creates the views, empty, so that they can be listed and described. */
  create(): Promise<void>;
  /**
   * Fills the views that `sql` names and returns the text to run: references to
   * INFORMATION_SCHEMA.QUERY_HISTORY lead to the rows that `session` may see. Undefined: not authorized.
   */
  prepare(sql: string, session: Session): Promise<string | undefined>;
}

export interface ViewWorld {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly events: EventLog;
  readonly fleet: Fleet;
}

export function createViews(world: ViewWorld): Views {
  const refreshed = new Map<string, { readonly atMs: number; readonly tookMs: number }>();
  let last: Promise<void> = Promise.resolve();

  const fill = async (
    schema: string,
    name: string,
    columns: readonly ProvidedColumn[],
    rows: () => readonly (readonly Cell[])[],
  ): Promise<void> => {
    const key = `${schema}.${name}`;
    const before = refreshed.get(key);
    const startedMs = performance.now();
    const isSlow = before !== undefined && before.tookMs > SLOW_REFRESH_MS;
    if (isSlow && startedMs - before.atMs < SLOW_REFRESH_EVERY_MS) return;
    await world.engine.replaceTable('SNOWFLAKE', schema, name, columns, rows());
    const atMs = performance.now();
    refreshed.set(key, { atMs, tookMs: atMs - startedMs });
  };
  /** One refresh at a time: two statements must not replace a table over each other. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };

  return {
    create: () =>
      inTurn(async () => {
        for (const [schema, names] of Object.entries(ADMIN_SCHEMAS))
          for (const name of names)
            await world.engine.replaceTable('SNOWFLAKE', schema, name, VIEW_COLUMNS[name], []);
      }),
    async prepare(sql, session) {
      if (!MENTIONS.test(sql)) return sql;
      const tokens = readTokens(sql);
      const isAdmin = session.role === 'ACCOUNTADMIN';
      const names = namesIn(tokens);
      const schemas = Object.keys(ADMIN_SCHEMAS).filter(
        (schema) => names.has(schema) || session.schema === schema,
      );
      const isReserved =
        schemas.length > 0 || names.has(HISTORY_SCHEMA) || session.schema === HISTORY_SCHEMA;
      if (isReserved && !isAdmin) return undefined;
      if (schemas.length > 0) world.fleet.settle();
      for (const schema of schemas) {
        for (const name of ADMIN_SCHEMAS[schema] ?? []) {
          if (names.has(name))
            await inTurn(() => fill(schema, name, VIEW_COLUMNS[name], () => viewRows(world, name)));
        }
      }
      const functions = historyFunctions(tokens);
      if (functions.length === 0) return sql;
      const table = historyTable(isAdmin ? undefined : session.user.name);
      const user = isAdmin ? undefined : session.user.name;
      await inTurn(() =>
        fill(HISTORY_SCHEMA, table, VIEW_COLUMNS.QUERY_HISTORY, () =>
          queryRows(world.events.statements(), 'live', user),
        ),
      );
      return splice(sql, functions, table);
    },
  };
}

/** Every name of the text, and the parts of names in strings, which IDENTIFIER and TABLE may turn into names. */
function namesIn(tokens: readonly Token[]): ReadonlySet<string> {
  return new Set(
    tokens.flatMap((token) =>
      token.kind === 'string' && /^[\w$".]{1,200}$/.test(token.value)
        ? token.value.toUpperCase().replaceAll('"', '').split('.')
        : [token.kind === 'string' ? '' : token.value],
    ),
  );
}

/** One table a user, so that nobody reads the rows of another; undefined: the one of all users. */
function historyTable(user: string | undefined): string {
  if (user === undefined) return 'QUERY_HISTORY_ALL';
  return `QUERY_HISTORY_${createHash('sha256').update(user).digest('hex').slice(0, 16).toUpperCase()}`;
}

function viewRows(world: ViewWorld, name: ViewName): readonly (readonly Cell[])[] {
  const now = world.clock.now();
  switch (name) {
    case 'QUERY_HISTORY':
      return queryRows(world.events.statements(), 'account-usage', undefined);
    case 'WAREHOUSE_METERING_HISTORY':
      return meteringRows(world.events, now);
    case 'METERING_DAILY_HISTORY':
      return meteringDailyRows(world.events, now);
    case 'QUERY_ATTRIBUTION_HISTORY':
      return attributionRows(world.events);
    case 'QUERY_METERING_HISTORY':
      return [];
    case 'RATE_SHEET_DAILY':
      return rateSheetRows(world.events, now);
    case 'WAREHOUSE_EVENTS_HISTORY':
      return warehouseEventRows(world.events.warehouseEvents());
  }
}

/** What stands in place of `[db.]INFORMATION_SCHEMA.QUERY_HISTORY[_BY_…]`: the part that names the history. */
interface HistoryReference {
  readonly start: number;
  readonly end: number;
  readonly isCall: boolean;
}

function historyFunctions(tokens: readonly Token[]): readonly HistoryReference[] {
  const found: HistoryReference[] = [];
  tokens.forEach((token, index) => {
    if (!HISTORY_FUNCTIONS.has(token.value) || token.kind === 'string') return;
    if (tokens[index - 1]?.value !== '.' || tokens[index - 2]?.value !== 'INFORMATION_SCHEMA')
      return;
    const hasDatabase = tokens[index - 3]?.value === '.';
    const first = tokens[index - (hasDatabase ? 4 : 2)];
    if (first === undefined) return;
    const isCall = tokens[index + 1]?.value === '(';
    found.push(
      isCall
        ? { start: token.start, end: token.end, isCall }
        : { start: first.start, end: token.end, isCall },
    );
  });
  return found;
}

function splice(sql: string, references: readonly HistoryReference[], table: string): string {
  let text = sql;
  for (const { start, end, isCall } of [...references].reverse())
    text =
      text.slice(0, start) +
      (isCall ? table : `SNOWFLAKE.${HISTORY_SCHEMA}.${table}`) +
      text.slice(end);
  return text;
}
