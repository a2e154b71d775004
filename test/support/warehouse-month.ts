/**
 * A month as the views of Snowflake tell it: warehouses whose life is simulated, an adaptive one, one of which nothing is known
 * but its credits, services, days and money; with what each hour of a simulated warehouse must come to.
 */
import { must } from '../../base/assert.js';
import { formatAmount, mulDiv, parseCredits, parseMoney } from '../../base/units.js';
import type { Amount } from '../../base/units.js';
import type { UsageRow } from '../../billing/usage/view-reading.js';
import { type Draw, drawer } from './drawer.js';
import {
  HOUR_MS,
  type HourWeights,
  RATES,
  type Run,
  type WarehouseLife,
  warehouseLife,
} from './warehouse-life.js';

const DAY_MS = 24 * HOUR_MS;
/** Snowflake shows credits to nine decimals. */
const METER_STEP = 1_000n;
/** A statement of so many milliseconds has no figure of Snowflake's own. */
const SHORT_MS = 100;

export interface WarehouseMonth {
  readonly queries: readonly UsageRow[];
  readonly figures: readonly UsageRow[];
  /** Of the adaptive warehouse. */
  readonly queryHours: readonly UsageRow[];
  readonly events: readonly UsageRow[];
  readonly hours: readonly UsageRow[];
  /** METERING_HISTORY: the same hours once more, and those of services. */
  readonly serviceHours: readonly UsageRow[];
  readonly days: readonly UsageRow[];
  readonly money: readonly UsageRow[];
  /** Of simulated warehouses, by {@link hourKey}. */
  readonly truth: ReadonlyMap<string, HourWeights>;
}

export interface MonthShape {
  readonly seed: number;
  readonly startsAt: number;
  readonly days: number;
  /** How long each simulated warehouse sleeps between two times, at most. */
  readonly restMinutesMax: readonly number[];
}

export const ADAPTIVE = '9';
export const UNKNOWN = '8';
/** What the month's days are paid at. */
export const PRICE = '3';

export function hourKey(warehouseId: string, startsAt: number): string {
  return `${warehouseId} ${iso(startsAt)}`;
}

const iso = (at: number): string => new Date(at).toISOString();
const decimal = (pico: bigint): string => formatAmount(pico as Amount);

interface Rows {
  readonly draw: Draw;
  readonly queries: UsageRow[];
  readonly figures: UsageRow[];
  readonly queryHours: UsageRow[];
  readonly events: UsageRow[];
  readonly hours: UsageRow[];
  readonly serviceHours: UsageRow[];
  readonly truth: Map<string, HourWeights>;
}

export function warehouseMonth(shape: MonthShape): WarehouseMonth {
  const { seed, startsAt, days } = shape;
  const rows: Rows = {
    draw: drawer(seed),
    queries: [],
    figures: [],
    queryHours: [],
    events: [],
    hours: [],
    serviceHours: [],
    truth: new Map(),
  };
  const span = { startsAt, endsAt: startsAt + days * DAY_MS };
  for (const [index, rest] of shape.restMinutesMax.entries())
    tellLife(rows, String(index + 1), warehouseLife(rows.draw, span, rest), span);
  for (let at = startsAt; at < span.endsAt; at += HOUR_MS) {
    const hour = (at / HOUR_MS) % 24;
    if (hour >= 9 && hour < 13) tellAdaptive(rows, at);
    if (hour < 2) tellHour(rows, UNKNOWN, at, 4n * 10n ** 12n, null);
    if (hour % 5 === 0) tellService(rows, at);
  }
  return { ...rows, ...daysOf(rows.hours) };
}

/** Days on which Snowflake's own figures are there by the time of the import. */
function hasFigures(at: number): boolean {
  return Math.floor(at / DAY_MS) % 2 === 0;
}

function tellLife(
  rows: Rows,
  warehouseId: string,
  life: WarehouseLife,
  span: { readonly startsAt: number; readonly endsAt: number },
): void {
  for (const { at, name, cluster, size } of life.events)
    rows.events.push({
      warehouse_id: warehouseId,
      occurred_at: iso(at),
      name,
      cluster,
      state: name === 'WAREHOUSE_CONSISTENT' ? 'COMPLETED' : 'STARTED',
      warehouse_size: size,
      resource_constraint: null,
    });
  const attributed = new Map<number, bigint>();
  for (const [index, run] of life.runs.entries())
    tellRun(rows, warehouseId, `q${warehouseId}-${index}`, run, attributed);
  for (let at = span.startsAt; at < span.endsAt; at += HOUR_MS) {
    const weights = life.hours.get(at);
    // A warehouse that slept has no row, or one of its cloud services.
    if (weights === undefined && rows.draw(4) > 0) continue;
    if (weights !== undefined) rows.truth.set(hourKey(warehouseId, at), weights);
    const exact = mulDiv(weights?.billed ?? 0n, 1n, BigInt(HOUR_MS) * METER_STEP, 'half-even');
    const figure = hasFigures(at) ? (attributed.get(at) ?? 0n) + shorts(rows.draw) : null;
    tellHour(rows, warehouseId, at, exact * METER_STEP, figure);
  }
}

/** What Snowflake attributes to statements that have no figure. */
function shorts(draw: Draw): bigint {
  return BigInt(draw(3)) * 1_000_000_000n;
}

function tellRun(
  rows: Rows,
  warehouseId: string,
  id: string,
  run: Run,
  attributed: Map<number, bigint>,
): void {
  const { draw } = rows;
  const row = {
    ...queryRow(draw, id, warehouseId, run.startsAt, run.endsAt),
    cluster: run.cluster,
    warehouse_size: run.size,
    warehouse_kind: 'STANDARD',
  };
  rows.queries.push(row);
  const root = draw(15) === 0 ? `${id}-call` : null;
  // What contains it takes nothing by itself.
  if (root !== null)
    rows.queries.push({ ...row, query_id: root, query_type: 'CALL', is_container: true });
  if (run.endsAt - run.startsAt <= SHORT_MS || !hasFigures(run.startsAt)) return;
  let figure = 0n;
  for (let at = Math.floor(run.startsAt / HOUR_MS) * HOUR_MS; at < run.endsAt; at += HOUR_MS) {
    const millis = Math.min(run.endsAt, at + HOUR_MS) - Math.max(run.startsAt, at);
    // As if it had shared its cluster with one other; who had not, Snowflake gave too little.
    const part = (RATES[run.size] * BigInt(millis)) / BigInt(2 * HOUR_MS);
    attributed.set(at, (attributed.get(at) ?? 0n) + part);
    figure += part;
  }
  rows.figures.push({
    query_id: id,
    parent_query_id: root,
    root_query_id: root,
    attributed_credits: decimal(figure),
    acceleration_credits: null,
  });
}

function queryRow(
  draw: Draw,
  id: string,
  warehouseId: string,
  startsAt: number,
  endsAt: number,
): UsageRow {
  return {
    query_id: id,
    warehouse_id: warehouseId,
    snowflake_user: must(['SALES_ANALYST', 'ML_JOB', 'STRANGER'][draw(3)], 'a user'),
    role_name: 'ANALYST',
    query_type: 'SELECT',
    is_container: false,
    executed_at: iso(startsAt),
    ended_at: iso(endsAt),
    shape_hash: `shape${draw(5)}`,
    bytes_scanned: 1000,
    cloud_services_credits: `0.000${draw(999)}`,
    session_id: null,
  };
}

/** An hour of statements that are metered one by one, and what is of none of them: small ones, or a figure too much. */
function tellAdaptive(rows: Rows, at: number): void {
  const { draw } = rows;
  let sum = 0n;
  for (let each = draw(3); each > 0; each -= 1) {
    const id = `a${at / HOUR_MS}-${each}`;
    const from = at + draw(HOUR_MS);
    rows.queries.push({
      ...queryRow(draw, id, ADAPTIVE, from, from + draw(at + HOUR_MS - from)),
      cluster: null,
      warehouse_size: 'ADAPTIVE',
      warehouse_kind: 'ADAPTIVE',
    });
    const credits = BigInt(draw(1_000_000)) * 1_000_000n;
    sum += credits;
    rows.queryHours.push({
      query_id: id,
      starts_at: iso(at),
      warehouse_id: ADAPTIVE,
      root_query_id: null,
      // One that runs still has no figure yet.
      compute_credits: draw(9) === 0 ? null : decimal(credits),
      cloud_services_credits: '0',
    });
  }
  const beside = BigInt(draw(200_000)) * 1_000_000n;
  tellHour(rows, ADAPTIVE, at, draw(9) === 0 && sum > beside ? sum - beside : sum + beside, null);
}

function tellHour(
  rows: Rows,
  warehouseId: string,
  at: number,
  metered: bigint,
  attributed: bigint | null,
): void {
  const services = BigInt(rows.draw(300_000_000)) * 1_000n;
  rows.hours.push({
    warehouse_id: warehouseId,
    warehouse: `WH_${warehouseId}`,
    starts_at: iso(at),
    metered_credits: decimal(metered),
    cloud_services_credits: decimal(services),
    attributed_credits: attributed === null ? null : decimal(attributed),
  });
  rows.serviceHours.push({
    service_type: 'WAREHOUSE_METERING',
    entity_id: warehouseId,
    starts_at: iso(at),
    entity_kind: 'WAREHOUSE',
    entity_name: `WH_${warehouseId}`,
    compute_credits: decimal(metered),
    cloud_services_credits: decimal(services),
    credits: decimal(metered + services),
  });
}

function tellService({ draw, serviceHours }: Rows, at: number): void {
  const credits = `0.${draw(999) + 1}`;
  serviceHours.push({
    service_type: must(['SNOWPIPE', 'BRAND_NEW'][draw(2)], 'a service'),
    entity_id: 'e',
    starts_at: iso(at),
    entity_kind: null,
    entity_name: 'RAW.E',
    compute_credits: credits,
    cloud_services_credits: '0',
    credits,
  });
}

/** Days of the account, with the lesser of a tenth of its compute and its cloud services not billed, and their money. */
function daysOf(hours: readonly UsageRow[]): Pick<WarehouseMonth, 'days' | 'money'> {
  const sums = new Map<string, { compute: bigint; services: bigint }>();
  for (const row of hours) {
    const day = String(row['starts_at']).slice(0, 10);
    const sum = sums.get(day) ?? { compute: 0n, services: 0n };
    sum.compute += parseCredits(String(row['metered_credits']));
    sum.services += parseCredits(String(row['cloud_services_credits']));
    sums.set(day, sum);
  }
  const days: UsageRow[] = [];
  const money: UsageRow[] = [];
  for (const [day, { compute, services }] of sums) {
    const adjustment = services < compute / 10n ? services : compute / 10n;
    days.push({
      service_type: 'WAREHOUSE_METERING',
      day,
      compute_credits: decimal(compute),
      cloud_services_credits: decimal(services),
      adjustment_credits: decimal(-adjustment),
      billed_credits: decimal(compute + services - adjustment),
    });
    money.push(moneyRow(day, 'WAREHOUSE_METERING', false, compute));
    money.push(moneyRow(day, 'CLOUD_SERVICES', false, services));
    money.push(moneyRow(day, 'CLOUD_SERVICES', true, -adjustment));
  }
  return { days, money };
}

/** Usage to three decimals and money to cents, as the currency view has them. */
function moneyRow(day: string, service: string, isAdjustment: boolean, credits: bigint): UsageRow {
  const rounded = (pico: bigint, decimals: number): string => {
    const step = 10n ** BigInt(12 - decimals);
    return decimal(mulDiv(pico, 1n, step, 'half-even') * step);
  };
  return {
    day,
    usage_type: isAdjustment ? 'adj for incl cloud services' : 'compute',
    rating_type: 'COMPUTE',
    service_type: service,
    billing_type: 'CONSUMPTION',
    is_adjustment: isAdjustment,
    balance_source: 'capacity',
    currency: 'USD',
    usage_amount: rounded(credits, 3),
    money: rounded(mulDiv(credits, parseMoney(PRICE), 10n ** 12n, 'half-even'), 2),
  };
}
