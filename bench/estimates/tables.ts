/**
 * The tables that generated statements read: what is true of them (compressed widths, growth, how well they are clustered) and
 * what an import would know of them. The first decides how long statements take, the second is all the estimator gets.
 */
import { must } from '../../base/assert.js';
import type { EpochMs } from '../../base/time.js';
import type { Draw } from './draw.js';
import type { Profile } from './profile.js';

export const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const MINUTE_MS = 60_000;

export type ColumnRole = 'date' | 'time' | 'key' | 'dimension' | 'measure' | 'payload';

export interface Column {
  readonly name: string;
  readonly role: ColumnRole;
  /** True compressed bytes a row; nothing that is imported tells it. */
  readonly width: number;
}

export interface Table {
  /** `ANALYTICS.WEB.EVENTS`. */
  readonly name: string;
  readonly columns: readonly Column[];
  /** Clustering column; null: not clustered. */
  readonly dateColumn: string | null;
  readonly rowsAtStart: number;
  readonly daysAtStart: number;
  readonly startsAt: EpochMs;
  /** Part of the rows that comes with a week. */
  readonly weeklyGrowth: number;
  /** Share of the table that is read beside the wanted days, because partitions overlap. */
  readonly overlap: number;
  /** From then on hardly any partitions overlap; null: it stays as it is. */
  readonly reclusteredAt: EpochMs | null;
  /** Its rows change this often: what was read before is no result to reuse. */
  readonly changesEveryMs: number;
}

/** Facts: millions of rows, days covered, clustering column, other columns. */
const FACTS = [
  'WEB.EVENTS 20000 1200 EVENT_DATE EVENT_TS:T CUSTOMER_ID:K PRODUCT_ID:K EVENT_TYPE COUNTRY DEVICE PAGE REFERRER REVENUE:M DURATION_MS:M PAYLOAD:P',
  'WEB.SESSIONS 3000 900 SESSION_DATE SESSION_ID:K CUSTOMER_ID:K CHANNEL COUNTRY BROWSER PAGES:M SECONDS:M BASKET:M',
  'SALES.ORDERS 1500 1800 ORDER_DATE ORDER_ID:K CUSTOMER_ID:K STORE_ID:K STATUS CHANNEL PRIORITY AMOUNT:M DISCOUNT:M TAX:M',
  'SALES.ORDER_LINES 7000 1800 ORDER_DATE ORDER_ID:K PRODUCT_ID:K STORE_ID:K RETURN_FLAG SHIP_MODE QUANTITY:M PRICE:M COST:M REMARK:P',
  'FINANCE.LEDGER_ENTRIES 2500 2000 POSTED_ON ENTRY_ID:K ACCOUNT_ID:K COST_CENTRE CURRENCY SOURCE DEBIT:M CREDIT_AMOUNT:M',
  'SUPPORT.TICKETS 120 1500 OPENED_ON TICKET_ID:K CUSTOMER_ID:K PRODUCT_ID:K PRIORITY STATUS TOPIC MINUTES:M SCORE:M BODY:P',
  'LOGISTICS.SHIPMENTS 1200 1500 SHIPPED_ON SHIPMENT_ID:K ROUTE_ID:K STORE_ID:K CARRIER STATUS WEIGHT:M COST:M DELAY_HOURS:M',
  'RISK.SCORES 900 1000 SCORED_ON CUSTOMER_ID:K ACCOUNT_ID:K MODEL BAND SCORE:M EXPOSURE:M LOSS:M',
  'ML.FEATURES 4000 400 FEATURE_DATE CUSTOMER_ID:K PRODUCT_ID:K FEATURE_SET VALUE_A:M VALUE_B:M VALUE_C:M VECTOR:P',
  'ML.PREDICTIONS 2000 400 PREDICTED_ON CUSTOMER_ID:K PRODUCT_ID:K MODEL MODEL_VERSION SCORE:M',
];

/** Dimensions: found by the key that they begin with. */
const DIMENSIONS = [
  'SALES.CUSTOMERS 60 CUSTOMER_ID:K SEGMENT REGION LOYALTY LIFETIME_VALUE:M FULL_NAME:P',
  'SALES.PRODUCTS 2 PRODUCT_ID:K CATEGORY BRAND FAMILY LIST_PRICE:M',
  'SALES.STORES 0.02 STORE_ID:K CITY STORE_FORMAT AREA_SQM:M',
  'FINANCE.ACCOUNTS 0.5 ACCOUNT_ID:K ACCOUNT_TYPE GROUP_NAME LIMIT_AMOUNT:M',
  'LOGISTICS.ROUTES 1 ROUTE_ID:K ORIGIN DESTINATION KILOMETRES:M',
];

const MART_KINDS = ['DAILY', 'FUNNEL', 'COHORT', 'TARGETS'] as const;
const MART_COLUMNS =
  'SEGMENT REGION CHANNEL PRODUCT_LINE OWNER STAGE STATUS COUNTRY UNITS:M AMOUNT:M MARGIN:M SCORE:M HOURS:M';

const ROLES: Readonly<Record<string, ColumnRole>> = {
  T: 'time',
  K: 'key',
  M: 'measure',
  P: 'payload',
};

/** Median compressed bytes of a value, and the spread of it from column to column. */
const WIDTHS: Readonly<Record<ColumnRole, readonly [number, number]>> = {
  date: [0.3, 0.2],
  time: [3, 0.2],
  key: [4, 0.4],
  dimension: [1, 0.6],
  measure: [3, 0.5],
  payload: [30, 0.5],
};

const TYPES: Readonly<Record<ColumnRole, string>> = {
  date: 'DATE',
  time: 'TIMESTAMP_NTZ',
  key: 'NUMBER',
  dimension: 'TEXT',
  measure: 'NUMBER',
  payload: 'TEXT',
};

export interface Tables {
  readonly facts: readonly Table[];
  readonly dimensions: readonly Table[];
  /** By team. */
  readonly marts: ReadonlyMap<string, readonly Table[]>;
}

/** The tables of a history that begins at `startsAt` and lasts about `days`. */
export function tablesOf(
  profile: Profile,
  teams: readonly string[],
  startsAt: EpochMs,
  days: number,
  draw: Draw,
): Tables {
  const reclustered = new Set(draw.some([...FACTS.keys()], profile.reclusteredTables));
  const facts = FACTS.map((text, index): Table => {
    const [name = '', millions = '', covered = '', date = '', ...columns] = text.split(' ');
    const own = draw.of(name);
    const isReclustered = reclustered.has(index);
    return {
      name: `ANALYTICS.${name}`,
      columns: [column(`${date}:DATE`, own), ...columns.map((each) => column(each, own))],
      dateColumn: date,
      rowsAtStart: Number(millions) * 1e6,
      daysAtStart: Number(covered),
      startsAt,
      weeklyGrowth: own.between(...profile.weeklyGrowth),
      overlap: isReclustered ? own.between(0.05, 0.15) : own.between(0.0005, 0.003),
      reclusteredAt: isReclustered ? startsAt + own.between(0.35, 0.65) * days * DAY_MS : null,
      changesEveryMs: own.whole(2, 12) * 10 * MINUTE_MS,
    };
  });
  const dimensions = DIMENSIONS.map((text): Table => {
    const [name = '', millions = '', ...columns] = text.split(' ');
    return plainTable(`ANALYTICS.${name}`, Number(millions), columns, startsAt, draw.of(name));
  });
  const marts = new Map(teams.map((team) => [team, martsOf(team, startsAt, draw.of(team))]));
  return { facts, dimensions, marts };
}

function martsOf(team: string, startsAt: EpochMs, draw: Draw): readonly Table[] {
  const prefix = team.toUpperCase().replaceAll('-', '_');
  const offered = MART_COLUMNS.split(' ');
  return MART_KINDS.map((kind) => {
    const columns = draw.some(offered, 7);
    const needed = columns.some((each) => each.endsWith(':M')) ? [] : ['UNITS:M'];
    const table = plainTable(
      `ANALYTICS.MARTS.${prefix}_${kind}`,
      draw.spread(30, 0.9),
      ['DAY:DATE', ...columns, ...needed],
      startsAt,
      draw,
    );
    return { ...table, changesEveryMs: draw.whole(3, 24) * 10 * MINUTE_MS };
  });
}

function plainTable(
  name: string,
  millions: number,
  columns: readonly string[],
  startsAt: EpochMs,
  draw: Draw,
): Table {
  return {
    name,
    columns: columns.map((each) => column(each, draw)),
    dateColumn: null,
    rowsAtStart: millions * 1e6,
    daysAtStart: 1,
    startsAt,
    weeklyGrowth: draw.between(0, 0.01),
    overlap: 0,
    reclusteredAt: null,
    changesEveryMs: DAY_MS,
  };
}

function column(text: string, draw: Draw): Column {
  const [name = '', mark = ''] = text.split(':');
  const role = mark === 'DATE' ? 'date' : (ROLES[mark] ?? 'dimension');
  const [median, sigma] = WIDTHS[role];
  return { name, role, width: draw.spread(median, sigma) };
}

/** Rows of the table at an instant. */
export function rowsAt(table: Table, at: EpochMs): number {
  return table.rowsAtStart * (1 + table.weeklyGrowth) ** ((at - table.startsAt) / WEEK_MS);
}

/** Days that the table covers at an instant. */
export function daysAt(table: Table, at: EpochMs): number {
  return table.daysAtStart + (at - table.startsAt) / DAY_MS;
}

/** Share of the partitions that reading `days` of the table takes; null: no filter on its date. */
export function readShare(table: Table, days: number | null, at: EpochMs): number {
  if (days === null || table.dateColumn === null) return 1;
  const isReclustered = table.reclusteredAt !== null && at >= table.reclusteredAt;
  const overlap = isReclustered ? 0.001 : table.overlap;
  return Math.min(1, days / daysAt(table, at) + overlap);
}

export function columnNamed(table: Table, name: string): Column {
  return must(
    table.columns.find((each) => each.name === name),
    `${table.name} has a column ${name}`,
  );
}

/** What `tollgate explain --statistics` and `replay` read of the tables, as an import at `at` finds them. */
export function statisticsOf(tables: Tables, at: EpochMs): Readonly<Record<string, unknown>> {
  const all = [...tables.facts, ...tables.dimensions, ...[...tables.marts.values()].flat()];
  const dateText = (instant: number): string => new Date(instant).toISOString().slice(0, 10);
  return Object.fromEntries(
    all.map((table) => {
      const rows = Math.round(rowsAt(table, at));
      const width = table.columns.reduce((sum, each) => sum + each.width, 0);
      const clustering =
        table.dateColumn === null
          ? {}
          : {
              clusteringColumn: table.dateColumn,
              clusteringMin: dateText(table.startsAt - table.daysAtStart * DAY_MS),
              clusteringMax: dateText(at),
            };
      const columns = Object.fromEntries(
        table.columns.map(({ name, role }) => [name, TYPES[role]]),
      );
      return [table.name, { rows, bytes: Math.round(rows * width), ...clustering, columns }];
    }),
  );
}
