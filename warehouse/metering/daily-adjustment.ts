/** The credit for cloud services that METERING_DAILY_HISTORY shows. Source: Snowflake, "Understanding overall cost". */
import { NO_CREDITS, addCredits, minAmount, mulDiv, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';

/** One UTC day of the account, in credits. */
export interface DailyCredits {
  /** Warehouses and cloud services before the adjustment. */
  readonly used: Credits;
  /** Never positive, and never more than the cloud services of the day. */
  readonly adjustment: Credits;
  readonly billed: Credits;
}

/**
 * Cloud services are charged only above a tenth of the day's warehouse credits, by account and UTC day:
 * `adjustment = −min(cloud services, a tenth of the compute)`. The tenth is rounded half-even to the pico-credit.
 *
 * @param compute of warehouses on the day; serverless compute does not count.
 * @param cloudServices of the same day.
 */
export function adjustDay(compute: Credits, cloudServices: Credits): DailyCredits {
  const tenth = mulDiv(compute, 1n, 10n, 'half-even') as Credits;
  const adjustment = subtractCredits(NO_CREDITS, minAmount(cloudServices, tenth));
  const used = addCredits(compute, cloudServices);
  return { used, adjustment, billed: addCredits(used, adjustment) };
}
