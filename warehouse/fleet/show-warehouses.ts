/** SHOW WAREHOUSES and DESCRIBE WAREHOUSE. Source of the columns: Snowflake, the pages of these commands. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import type { Session } from '../identity/sessions.js';
import { missingObject, rowsOf, syntaxFailure } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import type { Fleet } from './fleet.js';
import { SIZE_LABELS } from './rates.js';
import type { VirtualWarehouse } from './virtual-warehouse.js';

const text = (name: string): RowType => columnType(name, 'text');
const count = (name: string): RowType => columnType(name, 'fixed', { precision: 38, scale: 0 });
const instant = (name: string): RowType => columnType(name, 'timestamp_ltz', { scale: 3 });

const COLUMNS: readonly RowType[] = [
  ...['name', 'state', 'type', 'size'].map(text),
  ...['min_cluster_count', 'max_cluster_count', 'started_clusters', 'running', 'queued'].map(count),
  ...['is_default', 'is_current'].map(text),
  count('auto_suspend'),
  ...['auto_resume', 'available', 'provisioning', 'quiescing', 'other'].map(text),
  ...['created_on', 'resumed_on', 'updated_on'].map(instant),
  ...['owner', 'comment', 'enable_query_acceleration'].map(text),
  count('query_acceleration_max_scale_factor'),
  text('resource_monitor'),
  ...['actives', 'pendings', 'failed', 'suspended'].map(count),
  ...[
    'uuid',
    'scaling_policy',
    'budget',
    'owner_role_type',
    'resource_constraint',
    'generation',
  ].map(text),
  ...[
    'max_concurrency_level',
    'statement_timeout_in_seconds',
    'statement_queued_timeout_in_seconds',
  ].map(count),
];

/**
 * Every warehouse with its settings and its present state. The last three columns are ours: Snowflake shows these
 * parameters with SHOW PARAMETERS only.
 */
export function listWarehouses(
  fleet: Fleet,
  session: Session,
): {
  readonly columns: readonly RowType[];
  readonly rows: readonly (readonly Cell[])[];
  readonly nameAt: number;
} {
  fleet.settle();
  return {
    columns: COLUMNS,
    rows: fleet.list().map((warehouse) => warehouseRow(warehouse, session)),
    nameAt: 0,
  };
}

function warehouseRow(warehouse: VirtualWarehouse, session: Session): readonly Cell[] {
  const { definition, clusters, state } = warehouse;
  const { make } = definition;
  const live = clusters.started + clusters.leaving;
  const share = (part: number): Cell => (live === 0 ? '' : String(Math.round((100 * part) / live)));
  return [
    definition.name,
    state,
    make.kind,
    SIZE_LABELS[definition.size],
    String(definition.clustersMin),
    String(definition.clustersMax),
    String(live),
    String(warehouse.runningCount),
    String(warehouse.queuedCount),
    'N',
    definition.name === session.warehouse ? 'Y' : 'N',
    definition.autoSuspendSeconds === 0 ? null : String(definition.autoSuspendSeconds),
    String(definition.autoResume),
    share(clusters.started),
    live === 0 ? '' : '0',
    share(clusters.leaving),
    live === 0 ? '' : '0',
    seconds(definition.createdAtMs),
    clusters.resumedAt === undefined ? null : seconds(clusters.resumedAt),
    seconds(definition.updatedAtMs),
    'ACCOUNTADMIN',
    definition.comment,
    String(definition.hasQueryAcceleration),
    String(definition.accelerationScaleMax),
    'null',
    '0',
    '0',
    '0',
    '0',
    String(definition.id),
    definition.scalingPolicy,
    null,
    'ROLE',
    make.resourceConstraint ??
      (make.kind === 'STANDARD' ? `STANDARD_GEN_${make.generation}` : null),
    make.kind === 'STANDARD' ? String(make.generation) : null,
    String(definition.maxConcurrency),
    String(definition.statementTimeoutSeconds),
    String(definition.queuedTimeoutSeconds),
  ];
}

function seconds(atMs: number): Cell {
  return (atMs / 1000).toFixed(3);
}

const DESCRIBED: readonly RowType[] = [instant('created_on'), text('name'), text('kind')];

/** `DESC[RIBE] WAREHOUSE <name>`: when it was created; undefined for other kinds of object. */
export function describeWarehouse(fleet: Fleet, tokens: readonly Token[]): Outcome | undefined {
  const reader = new TokenReader(tokens);
  reader.next();
  if (!reader.accept('WAREHOUSE')) return undefined;
  const name = reader.acceptName()?.[0];
  if (name === undefined || !reader.atEnd)
    return syntaxFailure(reader.peek()?.value ?? 'WAREHOUSE');
  const warehouse = fleet.get(name);
  if (warehouse === undefined) return missingObject('Warehouse', name);
  const row = [seconds(warehouse.definition.createdAtMs), name, 'WAREHOUSE'];
  return rowsOf(DESCRIBED, [row], STATEMENT_TYPES.describe);
}
