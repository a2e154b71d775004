/** How Snowflake's services are named in FOCUS: category, name, meter and kind of resource by what a line is of. */
import type { BillLine, ChargeKind } from '../billed-month.js';

/** FOCUS wants one category for each name; categories and subcategories are of its closed lists. */
export interface FocusService {
  readonly category: string;
  readonly subcategory: string;
  readonly name: string;
  readonly meter: string;
  /** What the line's resource is. */
  readonly resourceType: string;
}

const WAREHOUSES = {
  category: 'Databases',
  subcategory: 'Data Warehouses',
  name: 'Snowflake',
} as const;

const STORAGE: FocusService = {
  category: 'Storage',
  subcategory: 'Other (Storage)',
  name: 'Snowflake Storage',
  meter: 'Storage',
  resourceType: 'Storage',
};

const TRANSFER: FocusService = {
  category: 'Networking',
  subcategory: 'Other (Networking)',
  name: 'Snowflake Data Transfer',
  meter: 'Data Transfer',
  resourceType: 'Route',
};

const ARTIFICIAL: Omit<FocusService, 'meter'> = {
  category: 'AI and Machine Learning',
  subcategory: 'Generative AI',
  name: 'Snowflake AI',
  resourceType: 'Service',
};

/** Kinds that are parts of what clusters of warehouses were metered at. */
const COMPUTE: ReadonlySet<ChargeKind> = new Set([
  'direct',
  'resumeMinute',
  'idle',
  'shortQuery',
  'bypass',
  'unexplained',
]);

/** Corrections and adjustments go by the service that they mend. Total: an unknown service is one of its own. */
export function serviceOf(line: Pick<BillLine, 'kind' | 'serviceType'>): FocusService {
  const { kind, serviceType } = line;
  if (kind === 'storage' || serviceType === 'STORAGE') return STORAGE;
  if (kind === 'transfer' || serviceType === 'DATA_TRANSFER') return TRANSFER;
  if (COMPUTE.has(kind)) return { ...WAREHOUSES, meter: 'Compute', resourceType: WAREHOUSE };
  if (kind === 'cloudServices' || kind === 'cloudServicesAdjustment')
    return { ...WAREHOUSES, meter: 'Cloud Services', resourceType: WAREHOUSE };
  if (kind === 'acceleration')
    return { ...WAREHOUSES, meter: 'Query Acceleration', resourceType: WAREHOUSE };
  const meter = titleOf(serviceType);
  if (/(^|_)(AI|CORTEX)(_|$)/.test(serviceType)) return { ...ARTIFICIAL, meter };
  return {
    ...WAREHOUSES,
    meter,
    resourceType: serviceType.startsWith('WAREHOUSE_METERING') ? WAREHOUSE : 'Service',
  };
}

const WAREHOUSE = 'Virtual Warehouse';

/** `AUTO_CLUSTERING` → `Auto Clustering`. */
function titleOf(serviceType: string): string {
  return serviceType
    .toLowerCase()
    .split('_')
    .map((word) => word.replace(/^./, (first) => first.toUpperCase()))
    .join(' ');
}
