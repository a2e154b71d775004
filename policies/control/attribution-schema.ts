/** Shape of the parts of the control document about who bears idle time and shared services. */
import { z } from 'zod';
import { IDLE_POLICIES, SHARED_COST_KEYS } from './attribution-documents.js';
import type {
  IdlePolicyDocument,
  SharedCostDocument,
  WarehouseOwnerDocument,
} from './attribution-documents.js';
import { tryParseInstant } from './instant.js';
import { calendarDay, id, instant, list, objectName, whole } from './schema-values.js';

const HOUR_MS = 3_600_000;
const policy = z.enum(IDLE_POLICIES);

export const idlePolicy: z.ZodType<IdlePolicyDocument> = z
  .strictObject({
    id: id.describe('Id of the entry; explanations of costs name it'),
    warehouse: objectName
      .exactOptional()
      .describe('Name of a warehouse; absent: every warehouse without an entry of its own'),
    effectiveFrom: instant
      .refine(
        (text) => (tryParseInstant(text) ?? 0) % HOUR_MS === 0,
        'must be a date or a whole hour, because credits are metered by the hour',
      )
      .describe('From when; a later entry for the same warehouse ends it'),
    policy: policy.describe(
      'causer: who woke it; tailOwner: whose statement was the last before it stood idle; proRata: by what teams ran there; budgetShare: by the limits of budgets; owner: the warehouse’s owner; platform: platformTeam',
    ),
    idle: policy.exactOptional().describe('Another policy for time with nothing on a cluster'),
    resumeMinute: policy.exactOptional().describe('Another policy for the minimum after a start'),
    shortQuery: policy
      .exactOptional()
      .describe('Another policy for what Snowflake attributes to no single statement'),
    platformTeam: id.exactOptional().describe('Id of the team that bears what is the platform’s'),
  })
  .refine(
    (entry) =>
      entry.platformTeam !== undefined ||
      ![entry.policy, entry.idle, entry.resumeMinute, entry.shortQuery].includes('platform'),
    'must name platformTeam where a policy is platform',
  );

export const warehouseOwner: z.ZodType<WarehouseOwnerDocument> = z.strictObject({
  warehouse: objectName.describe('Name of warehouses, with * and ?; case does not matter'),
  team: id.describe('Id of the team that owns them'),
});

const percentOf = z.strictObject({
  team: id.describe('Id of the team'),
  percent: whole(1, 100).describe('Its percent'),
});

export const sharedCost: z.ZodType<SharedCostDocument> = z
  .strictObject({
    id: id.describe('Id of the shared cost; lines of services name it'),
    service: objectName.describe(
      'Service type of METERING_HISTORY, or CLOUD_SERVICES, STORAGE, DATA_TRANSFER; with * and ?',
    ),
    entity: objectName
      .exactOptional()
      .describe('Name of warehouse, pipe, task, table or database, with * and ?; absent: all'),
    effectiveFrom: calendarDay.exactOptional().describe('First UTC day; absent: always'),
    by: z
      .enum(SHARED_COST_KEYS)
      .describe(
        'team: team owns it; percent: by percents; even: alike; direct: by what teams ran that day; central: stays with team',
      ),
    team: id.exactOptional().describe('Id of the team; for team and central'),
    percents: list(percentOf)
      .min(1, 'must name at least one team')
      .exactOptional()
      .describe('Percents of teams, 100 together; for percent'),
    teams: list(id)
      .min(1, 'must name at least one team')
      .exactOptional()
      .describe('Only these; for even and direct'),
  })
  .refine(
    ({ by, team }) => (team !== undefined) === (by === 'team' || by === 'central'),
    'must name team for by: team and central, and only there',
  )
  .refine(
    ({ by, percents }) => (percents !== undefined) === (by === 'percent'),
    'must name percents for by: percent, and only there',
  )
  .refine(
    ({ by, teams }) => teams === undefined || by === 'even' || by === 'direct',
    'may name teams only for by: even and direct',
  )
  .refine(
    ({ percents = [] }) =>
      percents.length === 0 || percents.reduce((sum, { percent }) => sum + percent, 0) === 100,
    'must have percents that are 100 together',
  );
