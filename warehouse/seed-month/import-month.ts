/** Puts a seeded month into the event log, once. */
import { addCredits, formatAmount } from '#base/units.js';
import { tryParseMonth } from '#base/time.js';
import type { Clock } from '#base/time.js';
import type { EventLog } from '../metering/event-log.js';
import type { EventRecord, WarehouseEvent } from '../metering/events.js';
import { meterHours } from '../metering/metering.js';
import { seedMonth } from './seed-month.js';
import type { SeedOptions } from './seed-month.js';

export type SeedOutcome =
  | {
      readonly kind: 'seeded';
      readonly statements: number;
      readonly warehouseEvents: number;
      /** Compute of the month by its events, as a decimal; a minimum charge that reaches beyond it included. */
      readonly computeCredits: string;
    }
  /** Why not, as a sentence without a full stop. */
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Writes the month of `options` into `events`.
 *
 * @returns `refused` for what is no month, for a month that is not over on `clock`, and for one that has events already:
 *   a second call changes nothing.
 * @throws Fault for options that {@link seedMonth} does not know, or when the log cannot be written.
 */
export async function importSeededMonth(
  events: EventLog,
  clock: Clock,
  options: SeedOptions,
): Promise<SeedOutcome> {
  const { month } = options;
  const period = tryParseMonth(month);
  if (period === undefined) return { kind: 'refused', why: `'${month}' is not a month YYYY-MM` };
  if (period.endsAt > clock.now())
    return { kind: 'refused', why: `the month ${month} is not over yet` };
  if (events.hasMonth(month))
    return { kind: 'refused', why: `the month ${month} has events already` };
  let statements = 0;
  const warehouseEvents: WarehouseEvent[] = [];
  const counted = function* (): Generator<EventRecord> {
    for (const record of seedMonth(options)) {
      if (record.type === 'started') statements += 1;
      if (record.type === 'warehouse') warehouseEvents.push(record);
      yield record;
    }
  };
  await events.importMonth(month, period, counted());
  const hours = meterHours(warehouseEvents, period.endsAt);
  return {
    kind: 'seeded',
    statements,
    warehouseEvents: warehouseEvents.length,
    computeCredits: formatAmount(addCredits(...hours.map(({ credits }) => credits))),
  };
}
