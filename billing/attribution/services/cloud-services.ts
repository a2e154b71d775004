/**
 * Cloud services of warehouses and their daily adjustment: only what is above a tenth of the compute of the day is billed,
 * an account and UTC day (Snowflake, "Understanding compute cost"). Services are of the statements that used them; the
 * adjustment is distributed by the same key as the services.
 */
import {
  NO_CREDITS,
  addCredits,
  sumCredits,
  minAmount,
  mulDiv,
  splitByLargestRemainder,
  subtractCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import { WAREHOUSE_SERVICES, serviceLineKey } from './service-day.js';
import type { ServiceDay, ServiceLine, SharedCosts } from './service-day.js';
import { sharedLines } from './shared-cost.js';

/** What of cloud services is not billed, below zero: a tenth of the day's compute at most, and no more than there is. */
export function adjustmentOf(computeCredits: Credits, cloudServicesCredits: Credits): Credits {
  const tenth = mulDiv(computeCredits, 1n, 10n, 'half-even') as Credits;
  return subtractCredits(NO_CREDITS, minAmount(cloudServicesCredits, tenth));
}

const OF_DAY = {
  serviceType: 'WAREHOUSE_METERING',
  entityId: null,
  entityName: null,
  teamId: null,
  sharedBy: null,
  unit: 'credits',
} as const;

/** Lines of cloud services, adjustment and variances of the day's warehouses. */
export function cloudServiceLines(day: ServiceDay, shared: SharedCosts): readonly ServiceLine[] {
  const services = day.warehouses.flatMap((warehouse) => ofWarehouse(day, warehouse, shared));
  const rows = day.billed.filter(({ serviceType }) => WAREHOUSE_SERVICES.has(serviceType));
  const hours = {
    compute: sumCredits(day.warehouses.map(({ computeCredits }) => computeCredits)),
    services: sumCredits(day.warehouses.map((each) => each.cloudServicesCredits)),
  };
  if (rows.length === 0)
    return [...services, ...adjustmentLines(services, adjustmentOf(hours.compute, hours.services))];
  const compute = sumCredits(rows.map(({ computeCredits }) => computeCredits));
  const used = sumCredits(rows.map((row) => row.cloudServicesCredits));
  const told = sumCredits(rows.map(({ adjustmentCredits }) => adjustmentCredits));
  const billed = sumCredits(rows.map(({ billedCredits }) => billedCredits));
  const adjustment = adjustmentOf(compute, used);
  return [
    ...services,
    ...adjustmentLines(services, adjustment),
    ...variance('compute', subtractCredits(compute, hours.compute)),
    ...variance('cloudServices', subtractCredits(used, hours.services)),
    ...variance('adjustment', subtractCredits(told, adjustment)),
    ...variance('billed', subtractCredits(billed, addCredits(compute, used, told))),
  ];
}

/** A difference between two figures of Snowflake's own, by the name of what differs. */
function variance(part: string, amount: Credits): readonly ServiceLine[] {
  return amount === 0n ? [] : [{ ...OF_DAY, kind: 'variance', part, amount }];
}

function ofWarehouse(
  day: ServiceDay,
  { id, name, cloudServicesCredits }: ServiceDay['warehouses'][number],
  shared: SharedCosts,
): readonly ServiceLine[] {
  const whole = { ...OF_DAY, kind: 'cloudServices', entityId: id, entityName: name } as const;
  const own = day.statements
    .filter(({ warehouseId, cloudServicesCredits: used }) => warehouseId === id && used > 0n)
    .map(({ teamId, cloudServicesCredits: amount }) => ({
      ...whole,
      part: 'statements',
      teamId,
      amount,
    }));
  const rest = subtractCredits(cloudServicesCredits, sumCredits(own.map(({ amount }) => amount)));
  if (rest < 0n)
    return [...own, { ...whole, kind: 'variance', part: 'statementsAboveHours', amount: rest }];
  return [
    ...own,
    ...sharedLines(
      { ...whole, part: 'notOfStatements', amount: rest },
      day,
      shared,
      'CLOUD_SERVICES',
    ),
  ];
}

/** @param adjustment zero or below; with no services to follow it is one line of nobody. */
function adjustmentLines(
  services: readonly ServiceLine[],
  adjustment: Credits,
): readonly ServiceLine[] {
  if (adjustment === 0n) return [];
  const bearing = services.filter(({ kind }) => kind === 'cloudServices');
  if (bearing.length === 0)
    return [{ ...OF_DAY, kind: 'adjustment', part: null, amount: adjustment }];
  const amounts = splitByLargestRemainder(
    subtractCredits(NO_CREDITS, adjustment),
    bearing.map(({ amount }) => amount),
    bearing.map(serviceLineKey),
  );
  return bearing
    .map((line, index): ServiceLine => ({
      ...line,
      kind: 'adjustment',
      amount: 0n - (amounts[index] ?? 0n),
    }))
    .filter(({ amount }) => amount !== 0n);
}
