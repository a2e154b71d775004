/** A month that is metered and allocated, in few rows, and terms to bill it by. */
import { parseMoney } from '../../base/units.js';
import type { BilledTeam, MonthTerms } from '../../billing/bills/month-terms.js';
import type { Database } from '../../base/postgres/pool.js';

export const OCTOBER = '2026-10';
/** Late enough for every view. */
export const NOVEMBER_5: number = Date.UTC(2026, 10, 5);

const BOOKING = {
  legalEntity: 'Acme Ltd',
  costCentre: 'CC-1',
  glAccount: '6420',
  mode: 'chargeback',
} as const;

export function team(id: string, more: Partial<BilledTeam> = {}): BilledTeam {
  return {
    id,
    name: id,
    departmentName: 'All',
    owner: `${id}-lead`,
    booking: BOOKING,
    budgetCredits: null,
    ...more,
  };
}

/** Two dollars a credit, in every service and on every day, unless told otherwise. */
export function terms(more: Partial<MonthTerms> = {}): MonthTerms {
  const currency = more.currency ?? 'USD';
  return {
    organisation: { id: 'acme', name: 'Acme' },
    currency,
    accounts: [{ id: 'demo', cloud: 'AWS', region: 'AWS_EU_WEST_1', edition: 'ENTERPRISE' }],
    teams: [team('marketing'), team('platform'), team('sales')],
    nobodysBooking: { ...BOOKING, mode: 'showback' },
    clearingAccount: '2150',
    roundingTeamId: 'platform',
    currencyOf: () => currency,
    priceAt: () => ({ pricePerCredit: parseMoney('2'), listPricePerCredit: null, currency }),
    now: NOVEMBER_5,
    ...more,
  };
}

export interface MadeLine {
  readonly bucket: string;
  readonly team: string | null;
  readonly credits: string;
}

export interface MadeHour {
  readonly at: string;
  readonly warehouse?: string;
  readonly cloudServices?: string;
  readonly isStale?: boolean;
  readonly lines: readonly MadeLine[];
}

const SETTLE_DAYS =
  'UPDATE service_day SET is_stale = false, method_version = 1, allocated_at = now()';

/** Hours with their lines, and the days they make; the same hour again takes the place of the one before. */
export async function meter(db: Database, hours: readonly MadeHour[]): Promise<void> {
  for (const { at, warehouse = 'BATCH_WH', cloudServices = '0', isStale = false, lines } of hours) {
    const key = ['demo', warehouse, at];
    await db.query(
      'DELETE FROM allocation_line WHERE (account, warehouse_id, starts_at) = ($1, $2, $3)',
      key,
    );
    await db.query(
      `INSERT INTO usage_warehouse_hour (account, warehouse_id, starts_at, warehouse, metered_credits, cloud_services_credits,
         is_stale, method, method_version, allocated_at)
       SELECT $1, $2, $3, $2, coalesce(sum(credits), 0), $4, $5, 'attributed', 2, clock_timestamp()
       FROM jsonb_to_recordset($6::jsonb) AS l (credits numeric)
       ON CONFLICT (account, warehouse_id, starts_at) DO UPDATE SET metered_credits = excluded.metered_credits,
         is_stale = excluded.is_stale, allocated_at = excluded.allocated_at`,
      [...key, cloudServices, isStale, JSON.stringify(lines)],
    );
    await db.query(
      `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, team_id, credits)
       SELECT $1, $2, $3, l.ordinality - 1, l.line ->> 'bucket', l.line ->> 'team', (l.line ->> 'credits')::numeric
       FROM jsonb_array_elements($4::jsonb) WITH ORDINALITY AS l (line, ordinality)`,
      [...key, JSON.stringify(lines)],
    );
  }
  await db.query(
    `INSERT INTO usage_day (account, service_type, day, compute_credits, cloud_services_credits, adjustment_credits,
       billed_credits)
     SELECT account, 'WAREHOUSE_METERING', (starts_at AT TIME ZONE 'UTC')::date, sum(metered_credits), 0, 0,
       sum(metered_credits) FROM usage_warehouse_hour GROUP BY 1, 3
     ON CONFLICT (account, service_type, day) DO UPDATE SET compute_credits = excluded.compute_credits,
       billed_credits = excluded.billed_credits`,
  );
  await db.query(SETTLE_DAYS);
}

export interface MadeService {
  readonly day: string;
  readonly serviceType: string;
  readonly kind: string;
  readonly team: string | null;
  readonly amount: string;
  readonly unit?: 'credits' | 'bytes';
}

/** Lines of services by day. */
export async function serve(db: Database, lines: readonly MadeService[]): Promise<void> {
  for (const [
    ordinal,
    { day, serviceType, kind, team: teamId, amount, unit = 'credits' },
  ] of lines.entries()) {
    await db.query(
      `INSERT INTO service_day (account, day, is_stale, method_version, allocated_at) VALUES ('demo', $1, false, 1, now())
       ON CONFLICT (account, day) DO UPDATE SET is_stale = false, method_version = 1`,
      [day],
    );
    await db.query(
      `INSERT INTO service_line (account, day, ordinal, service_type, kind, team_id, unit, amount)
       VALUES ('demo', $1, $2, $3, $4, $5, $6, $7)`,
      [day, ordinal, serviceType, kind, teamId, unit, amount],
    );
  }
}

/** What Snowflake says of the money of a service's day. */
export async function invoice(
  db: Database,
  rows: readonly {
    readonly day: string;
    readonly serviceType: string;
    readonly money: string;
    readonly usage?: string;
    readonly ratingType?: string;
    readonly billingType?: string;
    readonly currency?: string;
  }[],
): Promise<void> {
  for (const { day, serviceType, money, usage = '0', ...of } of rows)
    await db.query(
      `INSERT INTO usage_money_day (account, day, usage_type, rating_type, service_type, billing_type, is_adjustment,
         balance_source, currency, usage_amount, money)
       VALUES ('demo', $1, 'compute', $2, $3, $4, false, 'capacity', $5, $6, $7)
       ON CONFLICT (account, day, usage_type, rating_type, service_type, billing_type, is_adjustment, balance_source, currency)
       DO UPDATE SET money = excluded.money, usage_amount = excluded.usage_amount`,
      [
        day,
        of.ratingType ?? 'COMPUTE',
        serviceType,
        of.billingType ?? 'CONSUMPTION',
        of.currency ?? 'USD',
        usage,
        money,
      ],
    );
}

/** What the account's own day says, which compute and services are held against. */
export async function day(
  db: Database,
  rows: readonly {
    readonly day: string;
    readonly serviceType?: string;
    readonly credits: string;
  }[],
): Promise<void> {
  for (const { day: of, serviceType = 'WAREHOUSE_METERING', credits } of rows)
    await db.query(
      `INSERT INTO usage_day (account, service_type, day, compute_credits, cloud_services_credits, adjustment_credits,
         billed_credits) VALUES ('demo', $1, $2, $3, 0, 0, $3)
       ON CONFLICT (account, service_type, day) DO UPDATE SET compute_credits = excluded.compute_credits,
         billed_credits = excluded.billed_credits`,
      [serviceType, of, credits],
    );
  await db.query(SETTLE_DAYS);
}
