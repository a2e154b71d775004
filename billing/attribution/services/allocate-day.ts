/** All lines of a day: cloud services with their adjustment, acceleration, other services, storage, transfer. */
import { assert } from '#base/assert.js';
import { cloudServiceLines } from './cloud-services.js';
import { WAREHOUSE_SERVICES, serviceLineKey } from './service-day.js';
import type { ServiceDay, ServiceLine, SharedCosts } from './service-day.js';
import { sharedLines } from './shared-cost.js';

const ACCELERATION = 'QUERY_ACCELERATION';
const STORAGE = 'STORAGE';
const TRANSFER = 'DATA_TRANSFER';

/** The lines of the day in an order that does not depend on the input's, each key once. */
export function allocateServiceDay(day: ServiceDay, shared: SharedCosts): readonly ServiceLine[] {
  const lines = [
    ...cloudServiceLines(day, shared),
    ...accelerationLines(day, shared),
    ...day.services
      .filter(({ serviceType }) => serviceType !== ACCELERATION)
      .flatMap(({ serviceType, entityId, entityName, credits: amount }) => {
        const whole = { serviceType, entityId, entityName, unit: 'credits', amount } as const;
        return sharedLines({ ...whole, kind: 'service', part: null }, day, shared);
      }),
  ];
  lines.push(...billedBeyond(day, lines, shared));
  lines.push(...storageLines(day, shared), ...transferLines(day, shared));
  return joined(lines);
}

interface Accelerated {
  readonly whole: Omit<ServiceLine, 'teamId' | 'sharedBy' | 'part'>;
  /** Whether METERING_HISTORY has it. */
  readonly isMetered: boolean;
}

/** Warehouses with acceleration by their id, from hours of the service and from statements, each once. */
function acceleratedWarehouses(day: ServiceDay): ReadonlyMap<string, Accelerated> {
  const byWarehouse = new Map<string, Accelerated>();
  const add = (
    warehouseId: string,
    name: string | null,
    amount: bigint,
    isMetered: boolean,
  ): void => {
    const known = byWarehouse.get(warehouseId);
    byWarehouse.set(warehouseId, {
      whole: {
        serviceType: ACCELERATION,
        kind: 'acceleration',
        entityId: warehouseId,
        entityName: known?.whole.entityName ?? name,
        unit: 'credits',
        amount: (known?.whole.amount ?? 0n) + amount,
      },
      isMetered: isMetered || known?.isMetered === true,
    });
  };
  const byId = new Map(day.warehouses.map((warehouse) => [warehouse.id, warehouse.name]));
  for (const { serviceType, entityId, entityName, credits } of day.services) {
    if (serviceType !== ACCELERATION) continue;
    const [first] = day.warehouses
      .filter(({ name }) => name === entityName)
      .map(({ id }) => id)
      .sort();
    const id = byId.has(entityId) ? entityId : (first ?? entityId);
    add(id, byId.get(id) ?? entityName, credits, true);
  }
  for (const { warehouseId, accelerationCredits } of day.statements)
    if (accelerationCredits > 0n) add(warehouseId, byId.get(warehouseId) ?? null, 0n, false);
  return byWarehouse;
}

/** Statements have their own figures; what the service has above them goes by a shared cost, or stays in sight. */
function accelerationLines(day: ServiceDay, shared: SharedCosts): readonly ServiceLine[] {
  return [...acceleratedWarehouses(day)].flatMap(([id, { whole, isMetered }]) => {
    const own = day.statements
      .filter(
        ({ warehouseId, accelerationCredits }) => warehouseId === id && accelerationCredits > 0n,
      )
      .map(({ teamId, accelerationCredits: amount }): ServiceLine => ({
        ...whole,
        part: 'statements',
        teamId,
        sharedBy: null,
        amount,
      }));
    if (!isMetered) return own;
    const rest = own.reduce((left, { amount }) => left - amount, whole.amount);
    if (rest >= 0n)
      return [
        ...own,
        ...sharedLines({ ...whole, part: 'notOfStatements', amount: rest }, day, shared),
      ];
    const part = 'statementsAboveHours';
    return [
      ...own,
      { ...whole, kind: 'variance', part, teamId: null, sharedBy: null, amount: rest },
    ];
  });
}

/**
 * What the day was billed for a service beyond its lines: the whole of it where no hours are known, else the difference
 * of two of Snowflake's own figures.
 */
function billedBeyond(
  day: ServiceDay,
  lines: readonly ServiceLine[],
  shared: SharedCosts,
): readonly ServiceLine[] {
  return day.billed.flatMap(({ serviceType, billedCredits }): readonly ServiceLine[] => {
    if (WAREHOUSE_SERVICES.has(serviceType)) return [];
    const own = lines.filter((line) => line.serviceType === serviceType);
    const amount = own.reduce((left, line) => left - line.amount, billedCredits as bigint);
    if (amount === 0n) return [];
    const whole = {
      serviceType,
      entityId: null,
      entityName: null,
      unit: 'credits',
      amount,
    } as const;
    return own.length === 0 && amount > 0n
      ? sharedLines({ ...whole, kind: 'service', part: 'withoutHours' }, day, shared)
      : [{ ...whole, kind: 'variance', part: 'hours', teamId: null, sharedBy: null }];
  });
}

/** Databases by their bytes; what the account has beyond them and its stages is kept for clones of dropped tables. */
function storageLines(day: ServiceDay, shared: SharedCosts): readonly ServiceLine[] {
  const whole = { serviceType: STORAGE, kind: 'storage', unit: 'bytes' } as const;
  const parts = day.storage.filter(({ scope }) => scope !== 'account');
  const lines = parts.flatMap(({ scope, entityId, entityName, bytes: amount }) =>
    sharedLines({ ...whole, part: scope, entityId, entityName, amount }, day, shared),
  );
  const accounts = day.storage.filter(({ scope }) => scope === 'account');
  if (accounts.length === 0) return lines;
  const bytesOf = (of: ServiceDay['storage']): bigint =>
    of.reduce((sum, { bytes }) => sum + bytes, 0n);
  const rest = bytesOf(accounts) - bytesOf(parts);
  const clones = { ...whole, part: 'clones', entityId: null, entityName: null, amount: rest };
  return rest < 0n
    ? [
        ...lines,
        {
          ...clones,
          kind: 'variance',
          part: 'databasesAboveAccount',
          teamId: null,
          sharedBy: null,
        },
      ]
    : [...lines, ...sharedLines(clones, day, shared)];
}

function transferLines(day: ServiceDay, shared: SharedCosts): readonly ServiceLine[] {
  return day.transfers.flatMap(({ route, kind: part, bytes: amount }) =>
    sharedLines(
      {
        serviceType: TRANSFER,
        kind: 'transfer',
        part,
        entityId: route,
        entityName: route,
        unit: 'bytes',
        amount,
      },
      day,
      shared,
    ),
  );
}

function joined(lines: readonly ServiceLine[]): readonly ServiceLine[] {
  const byKey = new Map<string, ServiceLine>();
  for (const line of lines) {
    const key = serviceLineKey(line);
    const known = byKey.get(key);
    assert(known === undefined || known.unit === line.unit, 'a key has one unit');
    byKey.set(key, known === undefined ? line : { ...known, amount: known.amount + line.amount });
  }
  return [...byKey.entries()]
    .filter(([, { amount }]) => amount !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, line]) => line);
}
