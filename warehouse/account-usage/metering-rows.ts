/** Rows of the views of hours and days: metering, load, prices, money. */
import {
  NO_CREDITS,
  addCredits,
  compareAmounts,
  formatAmount,
  formatAmountTo,
  parseMoney,
  priceCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Cell } from '#base/wire/row-type.js';
import type { Attribution } from '../metering/attribution.js';
import { PRICE_CURRENCY, pricePerCredit } from '../fleet/rates.js';
import { ACCOUNT, REGION } from '../statement/context.js';
import { DAY_MS, isServicesOnly } from './hours.js';
import type { DayUse, HourUse } from './hours.js';
import { HOUR_MS, LOAD_INTERVAL_MS } from './usage-book.js';
import type { Load, SessionSeen } from './usage-book.js';
import { idOf, instant, joined } from './view-cells.js';
import type { ViewRow } from './view-cells.js';

const CONTRACT = 'EMBEDDED';
const SERVICE_LEVEL = 'ENTERPRISE';

function usedOf({ compute, cloudServices }: Pick<HourUse, 'compute' | 'cloudServices'>): Credits {
  return addCredits(compute, cloudServices);
}

/** ACCOUNT_USAGE.WAREHOUSE_METERING_HISTORY. */
export function warehouseMeteringRow(hour: HourUse): ViewRow {
  return joined(
    [instant(hour.startsAt), instant(hour.startsAt + HOUR_MS)],
    [idOf(hour.warehouse, hour.warehouseId), hour.warehouse, formatAmount(usedOf(hour))],
    [formatAmount(hour.compute), formatAmount(hour.cloudServices)],
    [hour.attributed === null ? null : formatAmount(hour.attributed)],
  );
}

/** ORGANIZATION_USAGE.WAREHOUSE_METERING_HISTORY. */
export function organizationMeteringRow(hour: HourUse): ViewRow {
  return joined(
    [ACCOUNT, ACCOUNT, ACCOUNT, REGION, 'WAREHOUSE_METERING'],
    [instant(hour.startsAt), instant(hour.startsAt + HOUR_MS)],
    [idOf(hour.warehouse, hour.warehouseId), hour.warehouse, formatAmount(usedOf(hour))],
    [formatAmount(hour.compute), formatAmount(hour.cloudServices)],
  );
}

/** ACCOUNT_USAGE.METERING_HISTORY: service, entity and hour. */
export function meteringRow(hour: HourUse): ViewRow {
  return joined(
    ['WAREHOUSE_METERING', instant(hour.startsAt), instant(hour.startsAt + HOUR_MS)],
    [
      isServicesOnly(hour) ? null : idOf(hour.warehouse, hour.warehouseId),
      'WAREHOUSE',
      hour.warehouse,
    ],
    [null, null, null, null],
    [formatAmount(hour.compute), formatAmount(hour.cloudServices), formatAmount(usedOf(hour))],
    ['0', '0', '0'],
  );
}

/** METERING_DAILY_HISTORY; that of the organization names the account first. */
export function meteringDailyRow(day: DayUse, of: 'account' | 'organization'): ViewRow {
  const head: ViewRow = of === 'account' ? [] : [ACCOUNT, ACCOUNT, ACCOUNT, REGION];
  const amounts = [day.compute, day.cloudServices, usedOf(day), day.adjustment, day.billed];
  return [...head, 'WAREHOUSE_METERING', String(day.day), ...amounts.map(formatAmount)];
}

/** What of a day has a price: USAGE_TYPE, SERVICE_TYPE, and whether it is the adjustment of cloud services. */
const PRICED = [
  { usageType: 'compute', serviceType: 'WAREHOUSE_METERING', isAdjustment: false },
  { usageType: 'cloud services', serviceType: 'CLOUD_SERVICES', isAdjustment: false },
  { usageType: 'adj for incl cloud services', serviceType: 'CLOUD_SERVICES', isAdjustment: true },
] as const;

/** ORGANIZATION_USAGE.RATE_SHEET_DAILY of one UTC day. */
export function rateSheetRows(day: number): readonly ViewRow[] {
  return PRICED.map(({ usageType, serviceType, isAdjustment }) =>
    joined(
      [String(day), ACCOUNT, CONTRACT, ACCOUNT, ACCOUNT, REGION, SERVICE_LEVEL, usageType],
      [PRICE_CURRENCY, pricePerCredit(day * DAY_MS), serviceType, 'COMPUTE', 'CONSUMPTION'],
      [String(isAdjustment)],
    ),
  );
}

/** ORGANIZATION_USAGE.USAGE_IN_CURRENCY_DAILY of one UTC day: rounded as the view is, which is why sums of it differ from the bill. */
export function currencyRows(day: DayUse): readonly ViewRow[] {
  const amounts = [day.compute, day.cloudServices, day.adjustment];
  return PRICED.flatMap(({ usageType, serviceType, isAdjustment }, index) => {
    const used = amounts[index] ?? NO_CREDITS;
    if (compareAmounts(used, NO_CREDITS) === 0) return [];
    const price = parseMoney(pricePerCredit(day.day * DAY_MS));
    const amount = priceCredits(used, price, 'half-even');
    return [
      joined(
        [ACCOUNT, CONTRACT, ACCOUNT, ACCOUNT, REGION, SERVICE_LEVEL, String(day.day), usageType],
        [formatAmountTo(used, 3), PRICE_CURRENCY, formatAmountTo(amount, 2), 'capacity'],
        ['CONSUMPTION', 'COMPUTE', serviceType, String(isAdjustment)],
      ),
    ];
  });
}

/** ACCOUNT_USAGE.QUERY_ATTRIBUTION_HISTORY. */
export function attributionRow(
  { started, ended, credits }: Attribution,
  hashes: { readonly hash: string; readonly parameterizedHash: string },
): ViewRow {
  const warehouse = ended.warehouse ?? '';
  const parent = started.parentId ?? null;
  return joined(
    [started.id, parent, parent, idOf(warehouse, ended.warehouseId), warehouse],
    [hashes.hash, hashes.parameterizedHash, started.tag, started.user],
    [instant(started.at), instant(ended.at), formatAmount(credits), null],
  );
}

/** ACCOUNT_USAGE.WAREHOUSE_LOAD_HISTORY: statements at once, on average over five minutes. */
export function loadRow(load: Load): ViewRow {
  const average = (millis: number): Cell => (millis / LOAD_INTERVAL_MS).toFixed(9);
  return joined(
    [instant(load.startsAt), instant(load.startsAt + LOAD_INTERVAL_MS)],
    [idOf(load.warehouse), load.warehouse],
    [average(load.runningMs), average(load.queuedMs), average(load.provisioningMs), average(0)],
  );
}

/** ACCOUNT_USAGE.SESSIONS. */
export function sessionRow({ id, user, client, application, firstAt }: SessionSeen): ViewRow {
  // Snowflake has all that the driver told of its machine; of that the log keeps the tool's name.
  const environment = application === null ? {} : { APPLICATION: application };
  return [String(id), instant(firstAt), user, client, JSON.stringify(environment)];
}
